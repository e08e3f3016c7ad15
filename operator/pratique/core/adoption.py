"""Whether a live object is one that this very run made: after a crash its own objects are found under their names. Pure.

The uid alone is not enough: it can be read, and somebody could plant another object under it while the run waits. So all
that was planned must be in it. Called by `execution` and `dry_run`.
"""

from pratique.api.v1alpha1.action_run import ActionRun, PlannedResource
from pratique.core.effects import Json, ObjectRef
from pratique.core.objects import RUN_UID_LABEL
from pratique.core.sameness import contains
from pratique.core.vanishing import as_sent


def is_made_by(run: ActionRun, planned: PlannedResource, live: Json | None) -> bool:
    """Return whether this run made this object, as it was planned."""
    if live is None:
        return False
    labels = live.get("metadata", {}).get("labels") or {}
    return labels.get(RUN_UID_LABEL) == run.metadata.uid and contains(live, as_sent(planned))


def ref_of(manifest: Json) -> ObjectRef:
    """Return the reference of a rendered object; rendering has checked that the parts are there."""
    metadata = manifest["metadata"]
    return ObjectRef(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace"))


def uid_of(live: Json) -> str:
    """Return the uid of a live object; empty if there is none."""
    return str(live.get("metadata", {}).get("uid", ""))
