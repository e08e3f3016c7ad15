"""Decides how an object goes: found, tried, on record, deleted by its uid, gone. Pure; called by `dry_run` and `advance`.

Exactly once, killed at any instruction: which object goes, its uid says, which the dry run found and approvers agreed to.
It is in the run's status before the first DELETE, so that a process that starts again knows an object that this run has
deleted from one that was never there. It is done when no object of that uid is there any more.
"""

from datetime import timedelta

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan, RunResource
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import DryRun, DryRunResult, PlannedDeletion
from pratique.core.execution.adoption import uid_of
from pratique.core.execution.awaiting import Progress, Step
from pratique.core.execution.entitlement import check_rights
from pratique.core.execution.patience import allowed
from pratique.core.execution.targets import check_again, is_target
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.effects import AnyEffect, Delete, Failure, Json, Outcomes, Read, Stored
from pratique.core.kernel.text import clean
from pratique.core.plans.deletions import ref_of_deletion

_AT_ONCE = timedelta()


def try_deletion(
    run: ActionRun, planned: PlannedDeletion, account: str, outcomes: Outcomes, key: str
) -> DryRun | Failure | AnyEffect:
    """Return which object would go, why it may not, or the effect that must come first."""
    ref = ref_of_deletion(planned)
    find = Read(f"{key}/find", ref, account)
    found = find.outcome(outcomes)
    if found is None:
        return find
    if isinstance(found, Failure):
        return found
    asked = check_rights(run, ref, "end", found.object, outcomes, f"{key}/rights")
    if asked is not None:
        return asked
    uid = uid_of(found.object)
    delete = Delete(key, ref, uid, run_as=account, dry_run=True)
    tried = delete.outcome(outcomes)
    if tried is None:
        return delete
    if isinstance(tried, Failure):
        if tried.cause is not Cause.NO_DRY_RUN:
            return tried
        why = "an admission webhook of this cluster takes no dry runs"
        return DryRun(result=DryRunResult.DEFERRED, message=why, target_uid=uid)
    return DryRun(result=DryRunResult.PASSED, target_uid=uid)


def advance_deletion(
    run: ActionRun, plan: RunPlan, planned: PlannedDeletion, known: RunResource | None, outcomes: Outcomes
) -> Progress:
    """Return where a deletion stands, or the effects that must come first."""
    if known is not None and known.ready:
        return Progress(Step.DONE, known)
    read = Read(f"read/{planned.id}", ref_of_deletion(planned), plan.service_account_ref.username)
    seen = read.outcome(outcomes)
    if seen is None:
        return Progress(Step.NEEDS, known, (read,))
    if isinstance(seen, Failure) and seen.reason != "NotFound":
        return _failed(seen, plan, planned, known, "read")
    live = seen.object if isinstance(seen, Stored) else {}
    if known is None:
        return _record(planned, live)
    if uid_of(live) != known.uid:
        return Progress(Step.DONE, amend(known, ready=True, message=""))
    if live["metadata"].get("deletionTimestamp"):
        return _wait(planned, known, live)
    return _delete(run, plan, planned, known, live, outcomes)


def _record(planned: PlannedDeletion, live: Json) -> Progress:
    """Have it written down which object goes, before anything else."""
    ref, approved = ref_of_deletion(planned), planned.dry_run.target_uid if planned.dry_run is not None else None
    uid = approved or uid_of(live)
    if live and uid != uid_of(live):
        text = f"{ref} was deleted and made again: it is left as it is"
        return Progress(Step.FAILED, message=f"It would not do any more what was planned: {text}")
    if not uid:
        return Progress(Step.FAILED, message=f"{ref} is not there: there is nothing to delete")
    known = RunResource(
        id=planned.id, api_version=ref.api_version, kind=ref.kind, namespace=ref.namespace, name=ref.name, uid=uid
    )
    if not live:  # somebody was quicker
        return Progress(Step.DONE, amend(known, ready=True))
    return Progress(Step.WAITS, known, message=f"{ref} is deleted next", pause=_AT_ONCE)


def _delete(
    run: ActionRun, plan: RunPlan, planned: PlannedDeletion, known: RunResource, live: Json, outcomes: Outcomes
) -> Progress:
    """Delete it, if it is a target then in the very version that its conditions were held to; and look again."""
    ref, version = ref_of_deletion(planned), None
    if is_target(plan, planned):
        again = check_again(run, plan, live, outcomes, f"recheck/{planned.id}")
        if again.effects:
            return Progress(Step.NEEDS, known, again.effects)
        if again.held is not None:
            return Progress(Step.RETRIES, known, message=f"What it rests on cannot be judged: {again.held}")
        if again.different is not None:
            text = f"It would not do any more what was planned: {again.different}"
            return Progress(Step.FAILED, known, message=text)
        version = live["metadata"].get("resourceVersion")
    account = plan.service_account_ref.username
    delete = Delete(f"delete/{planned.id}", ref, known.uid, version, run_as=account)
    gone = Read(f"gone/{planned.id}", ref, account)
    deleted = delete.outcome(outcomes)
    if deleted is None:
        return Progress(Step.NEEDS, known, (delete,))
    if isinstance(deleted, Failure) and deleted.reason != "NotFound" and deleted.cause is not Cause.REPLACED:
        return _failed(deleted, plan, planned, known, "deleted")
    there = gone.outcome(outcomes)
    if there is None:
        return Progress(Step.NEEDS, known, (gone,))
    if isinstance(there, Failure) and there.reason != "NotFound":
        return _failed(there, plan, planned, known, "read")
    if isinstance(there, Failure) or uid_of(there.object) != known.uid:
        return Progress(Step.DONE, amend(known, ready=True, message=""))
    return _wait(planned, known, there.object)


def _wait(planned: PlannedDeletion, known: RunResource, live: Json) -> Progress:
    """Say whom it waits for: an object with finalizers goes when their owners let it go."""
    names = ", ".join(str(each) for each in live["metadata"].get("finalizers") or ())
    why = f"it is being deleted; its finalizers have to go first: {names}" if names else "it is being deleted"
    text = f"Waiting for {ref_of_deletion(planned)}: {clean(why, 512)}"
    return Progress(Step.WAITS, amend(known, message=clean(why, 512)), message=text)


def _failed(
    failure: Failure, plan: RunPlan, planned: PlannedDeletion, known: RunResource | None, verb: str
) -> Progress:
    account, ref = plan.service_account_ref, ref_of_deletion(planned)
    text = f"{ref} could not be {verb} (as ServiceAccount {account.namespace}/{account.name}): {failure.message}"
    if failure.transient or failure.cause is Cause.CHANGED:
        return Progress(Step.RETRIES, known, message=f"{text}; it is tried again, as this may pass")
    return Progress(Step.LACKS, known, message=text, patience=allowed([failure], approved=bool(plan.stages)))
