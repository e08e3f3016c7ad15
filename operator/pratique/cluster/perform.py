"""Performs the effects that touch the cluster, and turns the API server's answers into outcomes."""

from dataclasses import replace
from typing import assert_never

from pratique.api.v1alpha1 import GROUP
from pratique.cluster.client import MERGE_PATCH, STRATEGIC_MERGE_PATCH, Api, ApiError
from pratique.cluster.deleting import delete_object
from pratique.cluster.ending import end
from pratique.cluster.explaining import explain
from pratique.cluster.failures import as_failure
from pratique.cluster.inspection import inspect
from pratique.cluster.letting_go import let_go
from pratique.cluster.options import list_options
from pratique.cluster.reviews import may, within
from pratique.cluster.sources import look_at_source
from pratique.cluster.targets import look_at_target
from pratique.core.execution.adoption import uid_of
from pratique.core.kernel.answers import Answer, Cause, Standing
from pratique.core.kernel.effects import (
    AskRights,
    Create,
    Delete,
    Failure,
    InspectAction,
    Inspection,
    Json,
    Listing,
    ListOptions,
    LookAtTarget,
    MergePatch,
    ObjectRef,
    Read,
    Stored,
    TargetSeen,
)
from pratique.core.kernel.ending import DeleteAs, FindToEnd, MayDelete
from pratique.core.kernel.explaining import Circumstances, Explain
from pratique.core.kernel.looking import LookAtSource, SourceSeen
from pratique.core.kernel.misfits import name_fields

ClusterEffect = (
    Create
    | Read
    | MergePatch
    | Delete
    | DeleteAs
    | FindToEnd
    | MayDelete
    | AskRights
    | LookAtTarget
    | LookAtSource
    | ListOptions
    | InspectAction
    | Explain
)
Done = Stored | bool | str | TargetSeen | SourceSeen | Listing | Inspection | Circumstances
_FIELD_MANAGER = {"fieldManager": "pratique", "fieldValidation": "Strict"}
_DRY_RUN = {"dryRun": "All"}
_UNSUPPORTED = 415


async def perform(api: Api, effect: ClusterEffect) -> Done | Failure:
    """Perform one effect; an answer that is a refusal is an outcome, not an exception."""
    try:
        match effect:
            case Create():
                return await _create(api, effect)
            case Read():
                path = await api.path_of(effect.ref)
                return _stored(api, await api.request("GET", path, run_as=effect.run_as))
            case MergePatch():
                changed = await _merge(api, effect)
                return await let_go(api, effect, changed) if effect.lets_go else changed
            case Delete():
                how = {"run_as": effect.run_as, "version": effect.version}
                gone = await delete_object(api, effect.ref, effect.uid, **how, dry_run=effect.dry_run)
                return _stored(api, gone)
            case DeleteAs() | FindToEnd() | MayDelete():
                return await end(api, effect)
            case AskRights():
                return await _may(api, effect)
            case LookAtTarget() | LookAtSource() | ListOptions() | Explain():
                return await _look(api, effect)
            case InspectAction():
                return await inspect(api, effect.action)
            case _:
                assert_never(effect)
    except ApiError as error:
        return await _explained(api, effect, error)


async def _look(api: Api, effect: LookAtTarget | LookAtSource | ListOptions | Explain) -> Done:
    match effect:
        case LookAtTarget():
            return await look_at_target(api, effect)
        case LookAtSource():
            return await look_at_source(api, effect)
        case ListOptions():
            return await list_options(api, effect)
        case Explain():
            return await explain(api, effect)


def _stored(api: Api, body: Json, *, whole_lists: bool = True) -> Stored:
    return Stored(body, api.reports(body), whole_lists)


def failure_of(error: ApiError) -> Failure:
    """Return what a plan gets to know of a refusal."""
    return as_failure(error.answer)


async def _explained(api: Api, effect: ClusterEffect, error: ApiError) -> Failure:
    """Return the failure of an effect; what is stored is hidden in what others wrote about it, or they are not quoted."""
    answer = error.answer
    match effect:
        case MergePatch() | Delete() | DeleteAs() if answer.has_words:
            answer = await _without_stored(api, effect, answer)
        case Read() | FindToEnd():
            answer = answer.bare()
        case _:
            pass
    if isinstance(effect, MergePatch):
        answer = replace(answer, pieces=name_fields(answer.pieces, effect.patch))
    if isinstance(effect, MergePatch) and answer.cause is Cause.CHANGED and not _has_version(effect):
        answer = replace(answer, standing=Standing.PASSES)
    return as_failure(answer)


async def _without_stored(api: Api, effect: MergePatch | Delete | DeleteAs, answer: Answer) -> Answer:
    """Read the object as whoever changed it; without the right to do so its values are not known, nor what repeats them."""
    try:
        stored = await api.request("GET", await api.path_of(effect.ref), run_as=effect.run_as)
    except ApiError:
        return answer.bare()
    return answer.without(stored) if uid_of(stored) == effect.uid else answer.bare()


def _has_version(effect: MergePatch) -> bool:
    """Whether the patch is for one version of the object only: a change by somebody else is then for us to look at."""
    return bool(effect.resource_version or (effect.patch.get("metadata") or {}).get("resourceVersion"))


async def _create(api: Api, effect: Create) -> Stored | Failure:
    metadata = effect.manifest["metadata"]
    ref = ObjectRef(effect.manifest["apiVersion"], effect.manifest["kind"], metadata["name"], metadata.get("namespace"))
    collection = await api.path_of(ref, named=False)
    try:
        made = await api.request("POST", collection, effect.manifest, params=_options(effect), run_as=effect.run_as)
        return _stored(api, made)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        taken = failure_of(error)
    try:
        existing = await api.request("GET", f"{collection}/{ref.name}", run_as=effect.run_as)
    except ApiError as error:
        return failure_of(error) if error.transient else taken
    return replace(taken, found=_stored(api, existing))


async def _merge(api: Api, effect: MergePatch) -> Stored:
    """The uid in the patch makes the API server refuse any other object of that name.

    Which kinds can merge lists entry by entry, the API server alone knows: custom ones answer 415, whatever their group.
    """
    patch = dict(effect.patch)
    patch["metadata"] = {**patch.get("metadata", {}), "uid": effect.uid}
    if effect.resource_version is not None:
        patch["metadata"]["resourceVersion"] = effect.resource_version
    for known in ("apiVersion", "kind"):
        patch.pop(known, None)
    path = await api.path_of(effect.ref)
    kind = (effect.ref.api_version, effect.ref.kind)
    if effect.by_entry and kind not in api.merges_whole_lists:
        try:
            return _stored(api, await _patch(api, effect, path, patch, STRATEGIC_MERGE_PATCH), whole_lists=False)
        except ApiError as error:
            if error.code != _UNSUPPORTED:
                raise
            api.merges_whole_lists.add(kind)
    return _stored(api, await _patch(api, effect, path, patch, MERGE_PATCH))


async def _patch(api: Api, effect: MergePatch, path: str, patch: Json, content_type: str) -> Json:
    return await api.request(
        "PATCH", path, patch, params=_options(effect), content_type=content_type, run_as=effect.run_as
    )


def _options(effect: Create | MergePatch) -> dict[str, str]:
    return _FIELD_MANAGER | (_DRY_RUN if effect.dry_run else {})


async def _may(api: Api, effect: AskRights) -> bool:
    asked = {"group": GROUP, "resource": effect.resource, "verb": effect.verb, "name": effect.ref.name}
    return await may(api, effect.username, effect.groups, {**asked, **within(effect.ref)})
