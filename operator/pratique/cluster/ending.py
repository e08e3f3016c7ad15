"""Deletes what a run made for a time, as the account that made it, and asks beforehand whether that may."""

from pratique.cluster.client import Api, ApiError
from pratique.cluster.targets import may, within
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import Failure, Stored
from pratique.core.kernel.ending import DeleteAs, MayDelete


async def end(api: Api, effect: DeleteAs | MayDelete) -> Stored | str | Failure:
    """Perform one of the two; raises ApiError."""
    return await _delete(api, effect) if isinstance(effect, DeleteAs) else await _may_delete(api, effect)


async def _delete(api: Api, effect: DeleteAs) -> Stored | Failure:
    """Delete an object. What is still there afterwards goes by itself, or is held by finalizers."""
    path = await api.path_of(effect.ref)
    body = {"preconditions": {"uid": effect.uid}, "propagationPolicy": "Background"}
    try:
        left = await api.request("DELETE", path, body, run_as=effect.run_as)
    except ApiError as error:
        if error.answer.cause is not Cause.REPLACED:
            raise
        return _gone()
    metadata = left.get("metadata") or {}
    return Stored(left) if metadata.get("uid") == effect.uid and metadata.get("deletionTimestamp") else _gone()


def _gone() -> Failure:
    return Failure("NotFound", "it is gone", cause=Cause.MISSING)


async def _may_delete(api: Api, effect: MayDelete) -> str:
    """Return what an account lacks to delete an object, or nothing."""
    ref, account = effect.ref, effect.account
    plural, _ = await api.resource_of(ref.api_version, ref.kind)
    group = ref.api_version.rpartition("/")[0]
    asked = {"group": group, "resource": plural, "verb": "delete", "name": ref.name, **within(ref)}
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{account.namespace}", "system:authenticated")
    if await may(api, account.username, groups, asked):
        return ""
    where = f" in namespace {ref.namespace}" if ref.namespace else ""
    return f"the right to delete {plural}{f'.{group}' if group else ''}{where}"
