"""Every kind in every state that the planners write, as it is stored, and its health as Argo CD calls it."""

from typing import Any

from pratique.api.v1alpha1 import KINDS, ActionRun, Approval
from pratique.api.v1alpha1.action_run import Phase, RunApproval
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.break_glass import BreakGlass
from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.counter_offer import CounterOffer, OfferedValues
from pratique.api.v1alpha1.environment import EnvironmentPhase
from pratique.api.v1alpha1.meta import KubeObject
from pratique.core.actions.plan import CHECK as CHECK_ACTION
from pratique.core.actions.plan import INSPECT, ActionSnapshot, plan_action
from pratique.core.channels.plan import CHECK, ChannelSnapshot, plan_channel
from pratique.core.environments.status import write
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.gates.port import Opened, Warrant
from pratique.core.kernel.effects import Checked, Inspection, Plan, Unready, Verified
from pratique.core.runs import transitions
from tests.builders.models import (
    NOW,
    action,
    approval,
    at,
    channel,
    environment,
    gate,
    planned,
    run,
    run_plan,
    stage,
    vote,
)

Json = dict[str, Any]
GLASS = BreakGlass(groups=["sre-oncall"], requester="Forbid")
GATED = run_plan(planned("one"), gate=stage())


def of(obj: KubeObject, plan: Plan[Any] | Any, **meta: Any) -> Json:
    """Return an object as it is stored, with what was decided as its status."""
    status = plan.status if isinstance(plan, Plan) else plan
    body = obj.model_copy(update={"status": status}).to_wire()
    return {**body, "metadata": {**body["metadata"], **meta}}


def held() -> Json:
    opened = RunApproval(stage="platform", name="gate", state=ApprovalState.PENDING)
    return of(run(), transitions.wait(run(), Opened(opened, GATED, "Waiting for leads"), NOW))


def ended(phase: Phase) -> Json:
    return of(run(), transitions.end(run(), phase, f"It is {phase.value}", NOW))


def gated(minute: float = 1, verdict: str = "", subject: ActionRun | None = None, tainted: str | None = None) -> Json:
    spec = gate({"lead-1": vote(verdict, 1, comment="so")} if verdict else {})
    found = approval(spec)
    known = ApprovalSnapshot(found, subject or run(), {VERIFY: Verified()}, tainted=tainted)
    return of(found, plan_approval(known, at(minute)))


def broken() -> Json:
    spec = gate({"oncall": vote("BreakGlass", 1, ["sre-oncall"], "down")}, break_glass=GLASS)
    return of(approval(spec), plan_approval(ApprovalSnapshot(approval(spec), run(), {VERIFY: Verified()}), at(2)))


def countered() -> Json:
    takes = CounterOffer(inputs={"ttl": OfferedValues(values=["3d"])})
    said = vote("Offer").model_copy(update={"proposal": {"ttl": "3d"}})
    found = approval(gate({"lead-1": said}, counter_offer=takes))
    return of(found, plan_approval(ApprovalSnapshot(found, run(), {VERIFY: Verified()}), at(2)))


def env(phase: EnvironmentPhase) -> Json:
    made = environment()
    return of(made, write(made, phase, Reason(phase.value), f"It is {phase.value}", NOW))


def offered(*problems: str, **spec: Any) -> Json:
    found = action(**spec)
    outcomes = {INSPECT: Inspection(), CHECK_ACTION: problems}
    return of(found, plan_action(ActionSnapshot(found, outcomes=outcomes), NOW))


def reached(problem: str = "") -> Json:
    found = channel()
    outcome = Checked(Unready(problem)) if problem else Checked()
    return of(found, plan_channel(ChannelSnapshot(found, {CHECK: outcome}), NOW))


def stored(kind: type[KubeObject], **changes: Any) -> Json:
    """Return one that nobody has looked at, as the API server makes it: its status is the default of the CRD."""
    meta = {"name": "new", "generation": 1, "uid": "u-1"}
    return {"kind": kind.__name__, "metadata": meta, "spec": {}, "status": kind.default_status, **changes}


RUNS = {
    **{f"a run that is {each.value}": (ended(each), "Degraded") for each in Phase if each.is_end},
    "a run that is Succeeded": (ended(Phase.SUCCEEDED), "Healthy"),
    "a run that waits for people": (held(), "Suspended"),
    "a run that is under way": (of(run(), transitions.start(run(), Warrant(GATED, "Approved"), NOW)), "Progressing"),
    "a run that is tried again": (of(run(), transitions.hold(run(), Reason.RETRYING, "no answer", NOW)), "Progressing"),
    "a run whose Action may come": (
        of(run(), transitions.hold(run(), Reason.ACTION_NOT_FOUND, "none yet", NOW, stalled=False)),
        "Progressing",
    ),
    "a run that cannot be judged": (
        of(run(), transitions.hold(run(), Reason.EVALUATION_FAILED, "no", NOW)),
        "Degraded",
    ),
    "a run in a freeze": (
        of(run(), transitions.hold(run(), Reason.FROZEN, "year end", NOW, stalled=False)),
        "Progressing",
    ),
    "a dry run that was answered": (of(run(), transitions.answer(run(), Phase.SUCCEEDED, "so", NOW, GATED)), "Healthy"),
    "a run that was edited since": (
        of(run(), transitions.end(run(), Phase.SUCCEEDED, "", NOW), generation=7),
        "Progressing",
    ),
    "a run that is being deleted": (
        {**held(), "metadata": {**held()["metadata"], "deletionTimestamp": "now"}},
        "Progressing",
    ),
}
GATES = {
    "an open gate": (gated(), "Suspended"),
    "an open gate into which somebody wrote": (
        {**gated(), "metadata": {**gated()["metadata"], "generation": 9}},
        "Suspended",
    ),
    "a granted gate": (gated(2, "Approve"), "Healthy"),
    "a broken gate": (broken(), "Healthy"),
    "a gate in which something else was offered": (countered(), "Degraded"),
    "a declined gate": (gated(2, "Decline"), "Degraded"),
    "a gate that nobody decided": (gated(9999), "Degraded"),
    "a gate that was taken back": (gated(subject=run(spec={"withdrawn": True})), "Degraded"),
    "a gate that was not guarded": (gated(2, "Approve", tainted="a policy was gone"), "Degraded"),
}
OTHERS = {
    **{
        f"an Environment that is {phase.value}": (env(phase), health)
        for phase, health in (
            (EnvironmentPhase.CREATING, "Progressing"),
            (EnvironmentPhase.ACTIVE, "Healthy"),
            (EnvironmentPhase.EXPIRING, "Healthy"),
            (EnvironmentPhase.DELETING, "Progressing"),
            (EnvironmentPhase.FAILED, "Degraded"),
            (EnvironmentPhase.EXPIRED, "Degraded"),
        )
    },
    "a sound Action": (offered(), "Healthy"),
    "an Action with a mistake": (offered("spec.title: no"), "Degraded"),
    "an Action that takes no runs": (offered(suspend=True), "Suspended"),
    "a channel that works": (reached(), "Healthy"),
    "a channel without its Secret": (reached("no Secret slack"), "Degraded"),
    **{f"a new {each.__name__}": (stored(each), "Progressing") for each in KINDS if each is not Approval},
    "an object without a status": ({"kind": "ActionRun", "metadata": {"generation": 1}}, "Progressing"),
}
STATES: dict[str, tuple[Json, str]] = {**RUNS, **GATES, **OTHERS}
