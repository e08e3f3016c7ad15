"""Looks at the object that a run acts on: reads it as the Action's account, and asks whether who asked may get it.

Both are always done, so that the time of an answer says no more than its words.
"""

import asyncio

from pratique.cluster.client import Api, ApiError
from pratique.cluster.failures import as_failure
from pratique.cluster.reviews import may, within
from pratique.core.kernel.effects import Failure, LookAtTarget, ObjectRef, Stored, TargetSeen


async def look_at_target(api: Api, effect: LookAtTarget) -> TargetSeen:
    """Return the target, and whether who asked may get it; raises ApiError if there can be no such object."""
    plural, namespaced = await api.resource_of(effect.api_version, effect.kind)
    if effect.namespace and not namespaced:
        text = f"{effect.kind} is not in a namespace: leave spec.targetRef.namespace out"
        raise ApiError(400, "BadRequest", text)
    namespace = effect.namespace or (effect.run_namespace if namespaced else None)
    ref = ObjectRef(effect.api_version, effect.kind, effect.name, namespace)
    path = await api.path_of(ref)
    may_get, found = await asyncio.gather(_may_get(api, effect, ref, plural), _read(api, path, effect.run_as))
    return TargetSeen(ref, may_get, found)


async def _read(api: Api, path: str, run_as: str) -> Stored | Failure:
    try:
        live = await api.request("GET", path, run_as=run_as)
    except ApiError as error:
        return as_failure(error.answer.bare())
    return Stored(live)


async def _may_get(api: Api, effect: LookAtTarget, ref: ObjectRef, plural: str) -> bool:
    """Ask whether who asked may get the target."""
    group, _, version = ref.api_version.rpartition("/")
    asked = {"group": group, "version": version, "resource": plural, "verb": "get", "name": ref.name, **within(ref)}
    return await may(api, effect.username, effect.groups, asked)
