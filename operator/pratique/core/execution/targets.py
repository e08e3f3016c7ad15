"""Finds the object that a run acts on, and sees at the start whether it is still the one, in the state, that it was. Pure.

It is read as the Action's account; what comes of it is for the eyes of who asked, so it counts only if the API server says
that they may get it themselves. Who may not, reads the same sentence whether it is there or not. Called by `runs` and
`advance`.
"""

from dataclasses import dataclass

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, PlannedResource, RunPlan
from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.api.v1alpha1.target import PlannedTarget
from pratique.core.execution.adoption import ref_of, uid_of
from pratique.core.kernel.effects import AnyEffect, EvaluateTarget, Failure, Json, LookAtTarget, ObjectRef, Outcomes

TARGET = "target"
_FIELD = "spec.targetRef"


@dataclass(frozen=True)
class Found:
    """The target is there, and who asked may read it; None where the Action acts on nothing."""

    live: Json | None = None


@dataclass(frozen=True)
class Unfit:
    """Why a run cannot act on what it names: one sentence, and the failure it comes from if somebody else may mend it."""

    why: str
    failure: Failure | None = None


def find_target(run: ActionRun, action: Action, outcomes: Outcomes) -> LookAtTarget | Failure | Unfit | Found:
    """Return the target of a request; a Failure is no answer. Whether one has to be named is for the Action's rules."""
    acts_on, ref = action.spec.acts_on, run.spec.target_ref
    if acts_on is None or ref is None:
        return Found()
    account = action.spec.execution.service_account_ref
    look = _look(run, account, acts_on.api_version, acts_on.kind, ref.name, ref.namespace)
    return _read(look, account, outcomes)


def find_again(run: ActionRun, plan: RunPlan, outcomes: Outcomes) -> LookAtTarget | Failure | Unfit | Found:
    """Return the target of a plan as it is now."""
    target = plan.target
    if target is None:
        return Found()
    account = plan.service_account_ref
    look = _look(run, account, target.api_version, target.kind, target.name, target.namespace)
    return _read(look, account, outcomes)


def _look(
    run: ActionRun, account: ServiceAccountRef, api_version: str, kind: str, name: str, namespace: str | None
) -> LookAtTarget:
    asked, where = run.spec.requested_by, run.metadata.namespace or ""
    who, groups = (asked.username, tuple(asked.groups)) if asked is not None else ("", ())
    return LookAtTarget(TARGET, api_version, kind, name, namespace, where, account.username, who, groups)


def _read(look: LookAtTarget, account: ServiceAccountRef, outcomes: Outcomes) -> LookAtTarget | Failure | Unfit | Found:
    seen = look.outcome(outcomes)
    if seen is None:
        return look
    if isinstance(seen, Failure):
        return Unfit(f"{_FIELD}: {seen.message}", seen) if seen.reason in ("UnknownKind", "BadRequest") else seen
    found = seen.found
    if not seen.may_get or (isinstance(found, Failure) and found.reason == "NotFound"):
        return Unfit(f"{_FIELD}: there is no {seen.ref}, or you may not read it: it takes the RBAC verb get")
    if isinstance(found, Failure):
        who = f"as ServiceAccount {account.namespace}/{account.name}"
        return found if found.transient else Unfit(f"{seen.ref} could not be read ({who}): {found.message}", found)
    return Found(found.object)


@dataclass(frozen=True)
class Again:
    """What became of the target of a plan: `effects` that must come first, no answer yet, or why it must not start."""

    effects: tuple[AnyEffect, ...] = ()
    unknown: Failure | None = None
    different: str | None = None


def look_again(run: ActionRun, plan: RunPlan, outcomes: Outcomes) -> Again:
    """Return whether what was granted may still be done to its target: it is the same object, and the conditions hold."""
    found = find_again(run, plan, outcomes)
    match found:
        case LookAtTarget():
            return Again(effects=(found,))
        case Failure():
            return Again(unknown=found)
        case Unfit():
            return Again(different=found.why)
        case _:
            return check_again(run, plan, found.live or {}, outcomes, "recheck")


def check_again(run: ActionRun, plan: RunPlan, live: Json, outcomes: Outcomes, key: str) -> Again:
    """Return whether this is the target of a plan, in a state for which it was meant."""
    target = plan.target
    if target is None:
        return Again()
    name = ObjectRef(target.api_version, target.kind, target.name, target.namespace)
    if uid_of(live) != target.uid:
        return Again(different=f"{name} was deleted and made again")
    if target.rechecks is None:
        return Again()
    ask = EvaluateTarget(key, plan, run, live)
    changed = ask.outcome(outcomes)
    if changed is None:
        return Again(effects=(ask,))
    if isinstance(changed, Failure):
        return Again(unknown=changed)
    return Again(different=f"{name} has changed: {'; '.join(changed)}" if changed else None)


def is_target(plan: RunPlan, planned: PlannedResource) -> bool:
    """Whether this object of a plan is its target, not changed by the plan before: what it did itself is no news."""
    target = plan.target
    if target is None:
        return False
    up_to = plan.objects[: plan.objects.index(planned) + 1]
    return [each for each in up_to if _is(target, ref_of(each.manifest))] == [planned]


def _is(target: PlannedTarget, ref: ObjectRef) -> bool:
    same_group = target.api_version.rpartition("/")[0] == ref.api_version.rpartition("/")[0]
    return same_group and (target.kind, target.namespace, target.name) == (ref.kind, ref.namespace, ref.name)
