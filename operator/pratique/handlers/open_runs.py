"""Files runs under the person for whom they are, and gathers what `core/runs/open_runs` decides from. No decisions."""

from typing import Any

from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.cluster.store import Store, name_of, version_of
from pratique.core.kernel.identity import fold, person_of
from pratique.core.runs.open_runs import OpenRuns, come_first

Json = dict[str, Any]
_ENDS = frozenset(each.value for each in Phase if each.is_end)


def let_in(body: Json) -> list[str]:
    """File a run that is open and was looked at under its person."""
    return _person(body) if is_open(body) and _is_seen(body) else []


def new(body: Json) -> list[str]:
    """File a run that nobody has looked at yet under its person."""
    return _person(body) if is_open(body) and not _is_seen(body) else []


def others_of(runs: Store, run: ActionRun, body: Json, limit: int) -> OpenRuns:
    """Return what else is open for the person of this new run."""
    person = fold(person_of(run.spec))
    count = runs.count("let_in", person)
    if count + runs.count("new", person) <= limit:  # it is one of them itself
        return OpenRuns(limit=limit)
    fresh = [name for name in runs.by("new", person) if name != name_of(body)] if count < limit else []
    first = come_first(version_of(body), count, ((runs.version(name), name) for name in fresh), limit)
    names = [name for space, name in (*runs.by("let_in", person), *first) if space == run.metadata.namespace]
    return OpenRuns(count + len(first), tuple(sorted(names)), limit)


def _person(body: Json) -> list[str]:
    spec = body["spec"]
    asker = spec.get("onBehalfOf") or spec.get("requestedBy") or {}
    return [fold(asker.get("username", ""))]


def is_open(body: Json) -> bool:
    """Whether a run has not ended."""
    return body.get("status", {}).get("phase", Phase.PENDING) not in _ENDS  # a phase that nobody here knows is no end


def _is_seen(body: Json) -> bool:
    return bool(body.get("status", {}).get("observedGeneration"))
