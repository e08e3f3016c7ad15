"""Decides how an object that exists is changed, and what a dry run of that says. Pure.

The API server merges lists entry by entry for the kinds that it knows itself (strategic merge patch), and replaces them
as a whole for all others. So what would be lost is seen in the dry run, whatever the kind: a change that would take
entries out of a list, or fields out of an entry, is refused unless the template asks for it. Called by `dry_run` and
`execution`.
"""

from dataclasses import dataclass, replace

from pratique.api.v1alpha1.action import Conflict, Lists
from pratique.api.v1alpha1.planned import DryRun, DryRunResult, FieldChange, Listing, PlannedResource
from pratique.core.execution.adoption import ref_of, uid_of
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import Failure, MergePatch, Outcomes, Read
from pratique.core.plans.changes import changes_of_patched
from pratique.core.plans.first_changes import first_changes
from pratique.core.plans.listing import list_changes, loss_of
from pratique.core.plans.objects import without_secrets
from pratique.core.plans.owners import list_forced, owned_changes
from pratique.core.plans.summary import settings

LOSES = "LosesEntries"
OWNED = "Owned"
_TOLD = 3


@dataclass(frozen=True)
class Seen:
    """What the dry run of a change showed, and of which version of the object."""

    dry_run: DryRun
    resource_version: str


def look_for(planned: PlannedResource, account: str, key: str) -> Read:
    """Return the read of the object that is to be changed."""
    return Read(f"{key}/find", ref_of(planned.manifest), account)


def try_change(
    planned: PlannedResource, account: str, outcomes: Outcomes, key: str
) -> Seen | Failure | Read | MergePatch:
    """Return what a change would do now, why it is refused, or the effect that must come first."""
    find = look_for(planned, account, key)
    found = find.outcome(outcomes)
    if found is None:
        return find
    if isinstance(found, Failure):
        return found
    live = found.object
    patch = _patch(planned, account, key, uid_of(live), dry_run=True)
    tried = patch.outcome(outcomes)
    if tried is None:
        return patch
    if isinstance(tried, Failure):
        return _explained(tried)
    before, after = without_secrets(live), without_secrets(tried.object)
    template = settings(planned.manifest)
    try:
        found_changes = changes_of_patched(template, before, after, replaced=tried.whole_lists)
    except RecursionError:
        return Failure(LOSES, "what is there is nested too deeply to say what would become of it")
    owned, forces = owned_changes(live, tried.object), planned.conflict is Conflict.FORCE
    if owned and not forces:
        return Failure(
            OWNED, f"{_listed([str(each) for each in owned])}; or set conflict: Force beside patch in the Action"
        )
    lost = [loss_of(each) for each in found_changes if each.lost]
    if lost and planned.lists is not Lists.REPLACE:
        return Failure(LOSES, _refusal(lost))
    old = is_listed_as_first(planned)
    shown = first_changes(template, before, after) if old else list_changes(found_changes)
    passed = show_passed(shown, old=old, uid=uid_of(live), forced=list_forced(owned) if forces else None)
    return Seen(passed, str(live.get("metadata", {}).get("resourceVersion", "")))


def show_passed(
    changes: list[FieldChange], *, old: bool = False, uid: str | None = None, forced: list[str] | None = None
) -> DryRun:
    """Return what a dry run showed. How it is listed is said where something is: nothing is nothing in any version."""
    listing = Listing.BY_ENTRY if changes and not old else None
    return DryRun(result=DryRunResult.PASSED, target_uid=uid, changes=changes, listing=listing, forced=forced)


def change(planned: PlannedResource, seen: Seen, account: str, key: str) -> MergePatch:
    """Return the change of the very version of the object that the dry run saw."""
    uid = seen.dry_run.target_uid or ""
    return _patch(planned, account, key, uid, resource_version=seen.resource_version)


def is_listed_as_first(planned: PlannedResource) -> bool:
    """Whether what was approved is listed as version 0.1.0 did, and was to be merged as it did: lists as a whole."""
    before = planned.dry_run
    return before is not None and bool(before.changes) and before.listing is None


def _patch(
    planned: PlannedResource,
    account: str,
    key: str,
    uid: str,
    *,
    dry_run: bool = False,
    resource_version: str | None = None,
) -> MergePatch:
    by_entry = planned.lists is not Lists.REPLACE and not is_listed_as_first(planned)
    ref = ref_of(planned.manifest)
    lets_go = planned.conflict is Conflict.FORCE and not dry_run
    return MergePatch(key, ref, uid, planned.manifest, account, dry_run, by_entry, resource_version or None, lets_go)


def _explained(failure: Failure) -> Failure:
    if failure.cause is not Cause.UNMERGEABLE:
        return failure
    return replace(
        failure,
        message=f"{failure.message}: each entry of a list in the template must have the field that names it, such as name",
    )


def _listed(found: list[str]) -> str:
    more = f", and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return f"{', '.join(found[:_TOLD])}{more}"


def _refusal(lost: list[str]) -> str:
    return (
        f"{_listed(lost)}: write out in the template what must stay,"
        " or set lists: Replace beside patch in the Action if it should go"
    )
