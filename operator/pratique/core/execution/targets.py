"""Finds the object that a run acts on, and sees at the start whether it is still the one, in the state, that it was. Pure.

It is read as the Action's account; what comes of it is for the eyes of who asked, so it counts only if the API server says
that they may get it themselves. Who may not, reads the same sentence whether it is there or not. Called by `others` and
`advance`.
"""

from dataclasses import dataclass, field

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.people import Requester, ServiceAccountRef
from pratique.api.v1alpha1.planned import Planned, PlannedDeletion, PlannedRequest, PlannedResource
from pratique.api.v1alpha1.target import PlannedTarget
from pratique.core.execution.adoption import ref_of, uid_of
from pratique.core.kernel.effects import (
    AnyEffect,
    EvaluateTarget,
    Failure,
    Json,
    Listed,
    LookAtTarget,
    ObjectRef,
    Outcomes,
)
from pratique.core.kernel.identity import NOT_STAMPED
from pratique.core.plans.deletions import ref_of_deletion

TARGET = "target"
_FIELD = "spec.targetRef"


@dataclass(frozen=True)
class Found:
    """The target is there, and who asked may read it; None where the Action acts on nothing.

    `listed` are the objects that there are to choose from in its form, which they may list.
    """

    live: Json | None = None
    listed: Listed = field(default_factory=dict)


@dataclass(frozen=True)
class Unfit:
    """Why a run cannot act on what it names: one sentence, and the failure it comes from if somebody else may mend it."""

    why: str
    failure: Failure | None = None


def find_target(run: ActionRun, action: Action, outcomes: Outcomes) -> LookAtTarget | Failure | Unfit | Found:
    """Return the target of a request; a Failure is no answer. Whether one has to be named is for the Action's rules."""
    acts_on, ref, requester = action.spec.acts_on, run.spec.target_ref, run.spec.requested_by
    if acts_on is None or ref is None or requester is None:  # who asks nobody knows is judged by nothing else
        return Found()
    named = ObjectRef(acts_on.api_version, acts_on.kind, ref.name, ref.namespace)
    return _find(TARGET, run, requester, action.spec.execution.service_account_ref, named, outcomes)


def find_again(run: ActionRun, plan: RunPlan, outcomes: Outcomes, key: str) -> LookAtTarget | Failure | Unfit | Found:
    """Return the target of a plan as it is now."""
    target, requester = plan.target, run.spec.requested_by
    if target is None:
        return Found()
    if requester is None:
        return Unfit(NOT_STAMPED)
    named = ObjectRef(target.api_version, target.kind, target.name, target.namespace)
    return _find(key, run, requester, plan.service_account_ref, named, outcomes)


def _find(
    key: str,
    run: ActionRun,
    requester: Requester,
    account: ServiceAccountRef,
    named: ObjectRef,
    outcomes: Outcomes,
) -> LookAtTarget | Failure | Unfit | Found:
    look = LookAtTarget(
        key,
        named.api_version,
        named.kind,
        named.name,
        named.namespace,
        run.metadata.namespace or "",
        account.username,
        requester.username,
        tuple(requester.groups),
    )
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
    """What became of the target of a plan: `effects` that must come first, no answer yet, or why it must not start.

    `held` says why it cannot be judged until somebody has changed something: no verdict, and it may take long.
    """

    effects: tuple[AnyEffect, ...] = ()
    unknown: Failure | None = None
    different: str | None = None
    held: str | None = None


def check_again(run: ActionRun, plan: RunPlan, live: Json, outcomes: Outcomes, key: str) -> Again:
    """Return whether this is the target of a plan, in a state for which it was meant."""
    target = plan.target
    if target is None:
        return Again()
    if gone := replaced(target, live):
        return Again(different=gone)
    if target.rechecks is None:
        return Again()
    return evaluate_again(EvaluateTarget(key, plan, run, live), outcomes)


def evaluate_again(ask: EvaluateTarget, outcomes: Outcomes) -> Again:
    """Return whether the conditions of a plan say what they said."""
    changed = ask.outcome(outcomes)
    if changed is None:
        return Again(effects=(ask,))
    if isinstance(changed, Failure):
        return Again(held=changed.message)
    return Again(different=say_changed(ask.plan, changed) if changed else None)


def say_changed(plan: RunPlan, changed: tuple[str, ...]) -> str:
    """Return in one sentence what is not any more as it was planned; what was chosen is named in each part of it."""
    target = plan.target
    if target is None or plan.choices is not None:
        return "; ".join(changed)
    name = ObjectRef(target.api_version, target.kind, target.name, target.namespace)
    return f"{name} has changed: {'; '.join(changed)}"


def replaced(target: PlannedTarget, live: Json) -> str | None:
    """Return that an object is not the one of the plan, but another of its name; None if it is the one."""
    name = ObjectRef(target.api_version, target.kind, target.name, target.namespace)
    return None if uid_of(live) == target.uid else f"{name} was deleted and made again"


def is_target(plan: RunPlan, planned: PlannedResource | PlannedDeletion) -> bool:
    """Whether this object of a plan is its target, not changed by the plan before: what it did itself is no news."""
    target = plan.target
    if target is None:
        return False
    up_to = plan.resources[: plan.resources.index(planned) + 1]
    return [each for each in up_to if _is(target, _ref_of(each))] == [planned]


def _ref_of(planned: Planned) -> ObjectRef | None:
    if isinstance(planned, PlannedRequest):
        return None
    return ref_of_deletion(planned) if isinstance(planned, PlannedDeletion) else ref_of(planned.manifest)


def _is(target: PlannedTarget, ref: ObjectRef | None) -> bool:
    if ref is None:
        return False
    same_group = target.api_version.rpartition("/")[0] == ref.api_version.rpartition("/")[0]
    return same_group and (target.kind, target.namespace, target.name) == (ref.kind, ref.namespace, ref.name)
