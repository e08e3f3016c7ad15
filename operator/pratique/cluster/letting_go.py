"""Gives up the fields of an object that a run has changed by force: who applies them owns them alone again."""

from dataclasses import replace

from pratique.cluster.client import JSON_PATCH, Api, ApiError
from pratique.core.kernel.effects import MergePatch, Stored
from pratique.core.plans.owners import OURS


async def let_go(api: Api, effect: MergePatch, changed: Stored) -> Stored:
    """Take our entries out of managedFields. What is changed is changed: that this fails is no failure of the run."""
    metadata = changed.object["metadata"]
    entries = metadata.get("managedFields") or []
    ours = [at for at, each in enumerate(entries) if (each.get("manager"), each.get("operation")) == (OURS, "Update")]
    if not ours:
        return changed
    patch = [{"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}]
    patch += [{"op": "remove", "path": f"/metadata/managedFields/{at}"} for at in reversed(ours)]
    params = {"fieldManager": OURS}
    path = await api.path_of(effect.ref)
    try:
        body = await api.request("PATCH", path, patch, params=params, content_type=JSON_PATCH, run_as=effect.run_as)
    except ApiError:
        return changed
    return replace(changed, object=body)
