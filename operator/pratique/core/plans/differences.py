"""Says what a dry run shows now and did not show before. Pure; called by `start` and `execution`."""

from pratique.api.v1alpha1.planned import DryRun, DryRunResult, FieldChange, Planned, PlannedResource
from pratique.core.plans.listing import key_of_change, sentence_of


def differences(planned: Planned, what: str, after: DryRun | None) -> list[str]:
    """Return what is another now than when the plan was made. What could not be tried then, is not news."""
    before = planned.dry_run
    if before is None or after is None or before.result is DryRunResult.DEFERRED:
        return []
    if after.result is DryRunResult.DEFERRED:
        return [f"{what}: could be tried then, and cannot now: {after.message}"]
    if before.target_uid != after.target_uid:
        return [f"{what}: was deleted and made again"]
    if not isinstance(planned, PlannedResource):
        return []  # what is sent, or which object goes, is in the plan, and nothing else was tried
    if planned.patch and not after.changes:
        return []
    return [*_other_values(what, before, after), *_other_owners(what, before, after)]


def _other_owners(what: str, before: DryRun, after: DryRun) -> list[str]:
    """Return what would be taken by force from somebody else than was approved. Of plans from before it is not known."""
    if before.forced is None:
        return []
    return [f"{what}: by force: {each}" for each in after.forced or () if each not in before.forced]


def _other_values(what: str, before: DryRun, after: DryRun) -> list[str]:
    then = {key_of_change(each): each for each in before.changes}
    now = {key_of_change(each): each for each in after.changes}
    found = []
    for key in sorted(then.keys() | now.keys()):
        old, new = then.get(key), now.get(key)
        if old == new:
            continue
        if old is not None and new is not None:
            found.append(f"{what}: {old.path} was {old.before} → {old.after}, is {new.before} → {new.after}")
        else:
            found += [f"{what}: {_would(each, 'would change')}" for each in (new,) if each is not None]
            found += [f"{what}: {_would(each, 'would not change any more')}" for each in (old,) if each is not None]
    return found


def _would(change: FieldChange, verb: str) -> str:
    return f"{change.path} {verb}: {sentence_of(change).removeprefix(change.path).removeprefix(':').strip()}"
