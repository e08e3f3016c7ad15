"""Deletes what a run made for a time, as the account that made it, and asks beforehand whether that may."""

from dataclasses import replace

from pratique.cluster.client import Api, ApiError
from pratique.cluster.deleting import delete_object
from pratique.cluster.reviews import may, within
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import Failure, Json, ObjectRef, Stored
from pratique.core.kernel.ending import DeleteAs, FindToEnd, MayDelete

_NOT_FOUND = 404
_VERBS = ("delete", "get")
"""`get` is for what was made just before a crash, and for what is proven after a gap of the guard."""


async def end(api: Api, effect: DeleteAs | FindToEnd | MayDelete) -> Stored | str | Failure:
    """Perform one of them; raises ApiError."""
    match effect:
        case DeleteAs():
            return await _delete(api, effect)
        case FindToEnd():
            return await _find(api, effect)
        case MayDelete():
            return await _may_delete(api, effect)


async def _delete(api: Api, effect: DeleteAs) -> Stored | Failure:
    """Delete an object. What is still there afterwards goes by itself, or is held by finalizers."""
    try:
        left = await delete_object(api, effect.ref, effect.uid, run_as=effect.run_as)
    except ApiError as error:
        if error.answer.cause is Cause.REPLACED:
            return _gone()
        if error.code != _NOT_FOUND:
            raise
        other = await _served_as(api, effect.ref)
        return _gone() if other is None else await _delete(api, replace(effect, ref=other))
    metadata = left.get("metadata") or {}
    return Stored(left) if metadata.get("uid") == effect.uid and metadata.get("deletionTimestamp") else _gone()


async def _find(api: Api, effect: FindToEnd) -> Stored | Failure:
    try:
        return Stored(await api.request("GET", await api.path_of(effect.ref), run_as=effect.run_as))
    except ApiError as error:
        other = await _served_as(api, effect.ref) if error.code == _NOT_FOUND else None
        if other is None:
            raise
    await api.request("GET", await api.path_of(other), run_as=effect.run_as)
    why = f"{effect.ref.api_version} is not served any more, only {other.api_version}: what was planned cannot be compared"
    return Failure("OtherVersion", why)


async def _served_as(api: Api, ref: ObjectRef) -> ObjectRef | None:
    """Return the object under another version of its kind, if its own is not served any more; raises ApiError.

    The API server is asked anew: what is known of its kinds may be older, and a path that is not there is answered as an
    object that is not.
    """
    group, _, version = ref.api_version.rpartition("/")
    served = (await _discover(api, f"/apis/{group}")).get("versions", []) if group else []
    names = [each["version"] for each in served]
    for name in sorted(names, key=lambda each: each != version):  # its own first, then in the API server's order
        kinds = (await _discover(api, f"/apis/{group}/{name}")).get("resources", [])
        if any(each["kind"] == ref.kind and "/" not in each["name"] for each in kinds):
            return None if name == version else replace(ref, api_version=f"{group}/{name}")
    return None


async def _discover(api: Api, path: str) -> Json:
    try:
        return await api.request("GET", path)
    except ApiError as error:
        if error.code != _NOT_FOUND:
            raise
        return {}


def _gone() -> Failure:
    return Failure("NotFound", "it is gone", cause=Cause.MISSING)


async def _may_delete(api: Api, effect: MayDelete) -> str:
    """Return what an account lacks to delete an object, and to find it before that; or nothing."""
    ref, account = effect.ref, effect.account
    plural, _ = await api.resource_of(ref.api_version, ref.kind)
    group = ref.api_version.rpartition("/")[0]
    asked = {"group": group, "resource": plural, "name": ref.name, **within(ref)}
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{account.namespace}", "system:authenticated")
    lacking = [verb for verb in _VERBS if not await may(api, account.username, groups, {**asked, "verb": verb})]
    if not lacking:
        return ""
    where = f" in namespace {ref.namespace}" if ref.namespace else ""
    return f"the right to {' and '.join(lacking)} {plural}{f'.{group}' if group else ''}{where}"
