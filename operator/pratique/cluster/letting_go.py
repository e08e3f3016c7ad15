"""Gives up the fields of an object that a run has changed by force: who applies them owns them alone again."""

from dataclasses import replace

from pratique.cluster.client import JSON_PATCH, Api, ApiError
from pratique.core.kernel.effects import Json, MergePatch, Stored
from pratique.core.plans.owners import OURS

_TRIES = 5
_CHANGED_SINCE = (409, 422)


async def let_go(api: Api, effect: MergePatch, changed: Stored) -> Stored:
    """Take our entries out of managedFields. What is changed is changed: that this fails is no failure of the run.

    A controller that writes its status just then makes another version: that one is read and tried again.
    """
    path, body = await api.path_of(effect.ref), changed.object
    for _ in range(_TRIES):
        patch = _without_ours(body["metadata"])
        if not patch:
            return replace(changed, object=body)
        try:
            return replace(changed, object=await _send(api, effect, path, patch))
        except ApiError as error:
            if error.code not in _CHANGED_SINCE:
                return changed
        try:
            body = await api.request("GET", path, run_as=effect.run_as)
        except ApiError:
            return changed
    return changed


async def _send(api: Api, effect: MergePatch, path: str, patch: list[Json]) -> Json:
    params = {"fieldManager": OURS}
    return await api.request("PATCH", path, patch, params=params, content_type=JSON_PATCH, run_as=effect.run_as)


def _without_ours(metadata: Json) -> list[Json]:
    """Return the JSON patch of this very version, nothing where we own no field."""
    entries = metadata.get("managedFields") or []
    ours = [at for at, each in enumerate(entries) if (each.get("manager"), each.get("operation")) == (OURS, "Update")]
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}
    removed = [{"op": "remove", "path": f"/metadata/managedFields/{at}"} for at in reversed(ours)]
    return [test, *removed] if removed else []
