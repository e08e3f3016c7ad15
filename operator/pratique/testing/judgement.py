"""Puts a case to an Action, as the operator puts a request to it: the same run, the same sandbox, the same answer."""

from dataclasses import dataclass

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRef, ActionRun, ActionRunSpec, RunPlan
from pratique.api.v1alpha1.meta import ObjectMeta
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.stages import Stage
from pratique.core.kernel.errors import EvaluationError
from pratique.core.telling.wording import stage_phrase
from pratique.sandbox.pool import Sandbox
from pratique.testing.cases import Asked, Case, Outcome, RunName

SOMEONE = Requester(username="someone@example.com")


@dataclass(frozen=True)
class Judgement:
    """What an Action makes of a request. `error` says that it cannot be judged: the operator would leave it Pending."""

    refusals: tuple[str, ...] = ()
    plan: RunPlan | None = None
    skipped: tuple[Stage, ...] = ()
    seen: tuple[tuple[str, bool], ...] = ()
    error: str | None = None

    @property
    def outcome(self) -> Outcome | None:
        """What becomes of it at once; None if it cannot be judged."""
        if self.error is not None:
            return None
        if self.plan is None:
            return Outcome.REFUSED
        return Outcome.HELD if self.plan.stages else Outcome.FREE

    def __str__(self) -> str:
        """Say it in one line."""
        if self.error is not None:
            return f"cannot be judged, so that the operator would hold it: {self.error}"
        if self.plan is None:
            return f"Refused: {'; '.join(self.refusals)}"
        gates = ", then ".join(f"{each.name} ({stage_phrase(each)})" for each in self.plan.stages)
        return f"Held for {gates}" if gates else "Free"


def run_of(action: str, given: Asked, case: Case) -> ActionRun:
    """Return the run of a case: what it does not say is as `given`, inputs one by one."""
    run = case.run or given.run or RunName()
    reason = case.reason if case.reason is not None else given.reason
    return ActionRun(
        metadata=ObjectMeta(name=run.name, namespace=run.namespace, uid=run.uid),
        spec=ActionRunSpec(
            action_ref=ActionRef(name=action),
            inputs={**given.inputs, **case.inputs},
            reason=reason or "",
            requested_by=case.requester or given.requester or SOMEONE,
            on_behalf_of=case.on_behalf_of or given.on_behalf_of,
        ),
    )


async def judge(sandbox: Sandbox, action: Action, run: ActionRun) -> Judgement:
    """Return what the Action makes of a run."""
    try:
        traced = await sandbox.trace_run(action, run)
    except EvaluationError as error:
        return Judgement(error=str(error))
    plan = traced.evaluation.plan
    applying = {each.name for each in plan.stages} if plan is not None else set[str]()
    skipped = tuple(each for each in action.spec.approval.stages if each.name not in applying) if plan else ()
    return Judgement(traced.evaluation.refusals, plan, skipped, traced.seen)
