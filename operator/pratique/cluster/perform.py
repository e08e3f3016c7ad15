"""Performs the effects that touch the cluster, and turns the API server's answers into outcomes."""

from typing import assert_never

from pratique.cluster.client import MERGE_PATCH, Api, ApiError
from pratique.core.effects import Create, Delete, Failure, Json, MergePatch, ObjectRef, Outcome, Read

ClusterEffect = Create | Read | MergePatch | Delete
_FIELD_MANAGER = {"fieldManager": "pratique", "fieldValidation": "Strict"}
_DRY_RUN = {"dryRun": "All"}


async def perform(api: Api, effect: ClusterEffect) -> Outcome:
    """Perform one effect; an answer that is a refusal is an outcome, not an exception."""
    try:
        match effect:
            case Create():
                return await _create(api, effect)
            case Read():
                path = await api.path_of(effect.ref)
                return Outcome(await api.request("GET", path, run_as=effect.run_as))
            case MergePatch():
                return Outcome(await _merge(api, effect))
            case Delete():
                return Outcome(await _delete(api, effect))
            case _:
                assert_never(effect)
    except ApiError as error:
        return Outcome(failure=failure_of(error))


def failure_of(error: ApiError) -> Failure:
    """Return what a plan gets to know of a refusal."""
    return Failure(error.reason, error.message, error.transient)


async def _create(api: Api, effect: Create) -> Outcome:
    metadata = effect.manifest["metadata"]
    ref = ObjectRef(effect.manifest["apiVersion"], effect.manifest["kind"], metadata["name"], metadata.get("namespace"))
    collection = await api.path_of(ref, named=False)
    try:
        return Outcome(
            await api.request("POST", collection, effect.manifest, params=_options(effect), run_as=effect.run_as)
        )
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        taken = failure_of(error)
    try:
        existing = await api.request("GET", f"{collection}/{ref.name}", run_as=effect.run_as)
    except ApiError as error:
        if error.transient:
            return Outcome(failure=failure_of(error))
        return Outcome(failure=taken)
    return Outcome(existing, failure=taken)


async def _merge(api: Api, effect: MergePatch) -> Json:
    """The uid in the patch makes the API server refuse any other object of that name."""
    patch = dict(effect.patch)
    patch["metadata"] = {**patch.get("metadata", {}), "uid": effect.uid}
    for known in ("apiVersion", "kind"):
        patch.pop(known, None)
    path = await api.path_of(effect.ref)
    return await api.request(
        "PATCH", path, patch, params=_options(effect), content_type=MERGE_PATCH, run_as=effect.run_as
    )


def _options(effect: Create | MergePatch) -> dict[str, str]:
    return _FIELD_MANAGER | (_DRY_RUN if effect.dry_run else {})


async def _delete(api: Api, effect: Delete) -> Json:
    path = await api.path_of(effect.ref)
    return await api.request("DELETE", path, {"preconditions": {"uid": effect.uid}, "propagationPolicy": "Background"})
