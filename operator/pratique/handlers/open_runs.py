"""Files runs under the person for whom they are, and gathers what `core/runs/open_runs` decides from. No decisions."""

from collections.abc import Sequence
from typing import Any

from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.cluster.store import Store, name_of, version_of
from pratique.core.kernel.identity import fold, person_of
from pratique.core.runs.open_runs import OpenRuns, come_first

Json = dict[str, Any]
_ASKERS = ("onBehalfOf", "requestedBy")
"""For whom a run is, the first that it names."""
_ENDS = frozenset(each.value for each in Phase if each.is_end)


def let_in(body: Json) -> list[str]:
    """File a run that is open and was looked at under its person."""
    return _person(body) if is_open(body) and _is_seen(body) else []


def new(body: Json) -> list[str]:
    """File a run that nobody has looked at yet under its person."""
    return _person(body) if is_open(body) and not _is_seen(body) else []


def store_elsewhere() -> Store:
    """Return an empty cache of the open runs that other shards see to."""
    return Store(let_in=let_in, new=new)


def counted_of(body: Json) -> Json:
    """Return what of a run decides whether another one is let in."""
    metadata = {key: body["metadata"].get(key) for key in ("namespace", "name", "uid", "resourceVersion")}
    spec = {key: {"username": each.get("username", "")} for key in _ASKERS if (each := body["spec"].get(key))}
    status = body.get("status") or {}
    return {
        "metadata": metadata,
        "spec": spec,
        "status": {key: status[key] for key in ("phase", "observedGeneration") if key in status},
    }


def others_of(stores: Sequence[Store], run: ActionRun, body: Json, limit: int) -> OpenRuns:
    """Return what else is open for the person of this new run, in all of these caches."""
    person = fold(person_of(run.spec))
    count = sum(runs.count("let_in", person) for runs in stores)
    if count + sum(runs.count("new", person) for runs in stores) <= limit:  # it is one of them itself
        return OpenRuns(limit=limit)
    known = [(runs.version(name), name) for runs in stores for name in runs.by("new", person)]
    fresh = [each for each in known if each[1] != name_of(body)] if count < limit else []
    first = come_first(version_of(body), count, fresh, limit)
    let = [name for runs in stores for name in runs.by("let_in", person)]
    names = [name for space, name in (*let, *first) if space == run.metadata.namespace]
    return OpenRuns(count + len(first), tuple(sorted(names)), limit)


def _person(body: Json) -> list[str]:
    spec = body["spec"]
    asker: Json = next((each for key in _ASKERS if (each := spec.get(key))), {})
    return [fold(asker.get("username", ""))]


def is_open(body: Json) -> bool:
    """Whether a run has not ended."""
    return body.get("status", {}).get("phase", Phase.PENDING) not in _ENDS  # a phase that nobody here knows is no end


def _is_seen(body: Json) -> bool:
    return bool(body.get("status", {}).get("observedGeneration"))
