"""Whether a live object is one that this very run made: after a crash its own objects are found under their names. Pure.

The uid alone is not enough: it can be read, and somebody could plant another object under it while the run waits. So all
that was planned must be in it, or be what admission made of it when it was tried; of lists only those of pods may hold
more, since admission adds volumes and sidecars there. What is made for a time must also be as young as the run, since it is
deleted again: who may label an older object must not have it deleted so. Called by `execution` and `dry_run`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.planned import PlannedResource, PlannedTemporary
from pratique.core.execution.vanishing import as_sent
from pratique.core.kernel.effects import Json, ObjectRef
from pratique.core.plans.changes import changes_of_new
from pratique.core.plans.late_values import fill
from pratique.core.plans.listing import list_changes
from pratique.core.plans.objects import RUN_UID_LABEL
from pratique.core.plans.sameness import contains
from pratique.core.plans.summary import settings

_SKEW, DRIFT = timedelta(seconds=10), timedelta(minutes=1)
"""By how much clocks may differ: those of several API servers, and ours from theirs."""


def is_made_by(run: ActionRun, planned: PlannedResource, live: Json | None) -> bool:
    """Return whether this run made this object, as it was planned."""
    if live is None:
        return False
    labels = live.get("metadata", {}).get("labels") or {}
    filled = fill(planned, run.status.late)
    if filled is None:  # what it reads is on record before it is made
        return False
    sent = as_sent(filled)
    if labels.get(RUN_UID_LABEL) != run.metadata.uid or (isinstance(planned, PlannedTemporary) and is_older(run, live)):
        return False
    return contains(live, sent) or _is_admitted(planned, sent, live)


def is_older(run: ActionRun, live: Json) -> bool:
    """Whether an object was there before a run made anything for a time: its start is on record before that."""
    made, started = live.get("metadata", {}).get("creationTimestamp"), run.status.started_at
    if not isinstance(made, str):
        return True
    earliest = run.metadata.creation_timestamp - _SKEW
    if started is not None:
        earliest = max(earliest, started - DRIFT)
    return datetime.fromisoformat(made) < earliest


def _is_admitted(planned: PlannedResource, sent: Json, live: Json) -> bool:
    """Whether an object is what admission makes of the one that was planned."""
    shown = planned.dry_run.changes if planned.dry_run is not None else []
    if any(each not in shown for each in list_changes(changes_of_new(settings(sent), live))):
        return False
    return all(sent["kind"] == "Pod" or ".template.spec." in path for path in _longer(sent, live, ""))


def _longer(planned: Any, live: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield the lists that hold more than was planned."""
    if isinstance(planned, Mapping) and isinstance(live, Mapping):
        for key, value in planned.items():
            yield from _longer(value, live.get(key), f"{path}.{key}")
    elif isinstance(planned, list) and isinstance(live, list) and len(live) > len(planned):
        yield path
    elif isinstance(planned, list) and isinstance(live, list):
        for one, other in zip(planned, live, strict=False):
            yield from _longer(one, other, path)


def ref_of(manifest: Json) -> ObjectRef:
    """Return the reference of a rendered object; rendering has checked that the parts are there."""
    metadata = manifest["metadata"]
    return ObjectRef(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace"))


def uid_of(live: Json) -> str:
    """Return the uid of a live object; empty if there is none."""
    return str(live.get("metadata", {}).get("uid", ""))
