"""A ground for starting: people granted it, in the gate that holds the run. Proven by their decisions. Pure.

The Approval alone decides, and it is durable before anything is created. Its `status` is never believed: the decisions are
counted again, and a document is worth what the digest in the frozen spec says.
"""

from datetime import datetime

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action_run import Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.api.v1alpha1.notifications import EventType
from pratique.core.gates.entries import name_of_gate, round_of
from pratique.core.gates.guarded import verify_guard
from pratique.core.gates.opening import find_difference, find_mismatch, open_gate
from pratique.core.gates.plan import as_decided, state_holds
from pratique.core.gates.port import (
    Answer,
    Ended,
    Fresh,
    Granted,
    Ground,
    Open,
    Opened,
    Question,
    Unsure,
    Void,
    Warrant,
    not_proven,
)
from pratique.core.gates.tally import Tally, count
from pratique.core.kernel.effects import Create, Failure, ObjectRef, Read
from pratique.core.plans.document import Document
from pratique.core.telling.wording import say_ended, say_held

OPEN_GATE = "open-gate"
READ_GATE = "read-gate"
MAX_ROUNDS = 16
_DECIDED = (ApprovalState.APPROVED, ApprovalState.DECLINED)
_ENDS = {
    ApprovalState.DECLINED: Phase.DECLINED,
    ApprovalState.EXPIRED: Phase.EXPIRED,
    ApprovalState.WITHDRAWN: Phase.WITHDRAWN,
}


def _enter(question: Question, fresh: Fresh, now: datetime) -> Answer | None:
    """Open the gate, and wait once it is there."""
    if not fresh.plan.stages:
        return None
    run, stage = question.run, fresh.plan.stages[0]
    wanted = open_gate(run, fresh.plan, stage, now, fresh.round, question.action)
    create = Create(OPEN_GATE, wanted)
    opened = create.outcome(question.outcomes)
    if opened is None:
        return Unsure(effects=(create,))
    there = opened.found if isinstance(opened, Failure) else opened  # just made, or made before a crash
    if there is None:
        reason = opened.message if isinstance(opened, Failure) else ""
        return Unsure(retry=True, why=f"The Approval could not be created: {reason}")
    approval = Approval.model_validate(there.object)
    mismatch = find_mismatch(approval, Approval.model_validate(wanted))
    if mismatch is not None:
        return Ended(*mismatch)
    gate = RunApproval(stage=stage.name, name=approval.metadata.name, state=ApprovalState.PENDING, round=fresh.round)
    text = say_held(stage, approval.spec.policy.deadline)
    return Opened(gate, fresh.plan, text, fresh.why, holds_plan=approval.spec.plan.document is not None)


def _follow(question: Question, now: datetime) -> Answer | None:
    """Say what the gate says, once it is sure."""
    run, document = question.run, question.document
    name = name_of_gate(run, question.approvals)
    if name is None:
        return None
    approval = next((each for each in question.approvals if each.metadata.name == name), None)
    if approval is None:
        return _look_for(question, name)
    if document is None:
        return None
    state = approval.status.state
    if state is ApprovalState.SUPERSEDED:
        return _ask_again(question, document.plan, approval)
    if state is ApprovalState.PENDING or not state_holds(approval, run, now):
        return Open(_so_far(approval))
    # what ended it may have been forged together with the decisions, unless it was this process
    if state in _DECIDED and not question.vouched and (unsure := verify_guard(question.outcomes)) is not None:
        return unsure
    gate = RunApproval(stage=approval.spec.stage, name=name, state=state, round=round_of(run))
    if state in _ENDS:
        return Ended(_ENDS[state], say_ended(as_decided(approval, now)), gate)
    different = find_difference(document, approval)
    if different is not None:
        return Ended(Phase.SUPERSEDED, different, gate)
    return Granted(_warrant(document.plan, approval, now), gate)


def _prove(question: Question, now: datetime) -> Answer | None:
    """Show that what is under way was granted: by the decisions, made under guard, about this very document."""
    run, document = question.run, question.document
    approval = question.approvals[-1] if question.approvals else None
    if document is None:  # it is with the Approval, which may be late in the cache
        name = name_of_gate(run)
        return _look_for(question, name) if name is not None and approval is None else None
    if not document.plan.stages:
        return None
    unsure = verify_guard(question.outcomes)
    if unsure is not None:
        return unsure
    if approval is None:
        return not_proven(f"the Approval of {run.metadata.name} is gone")
    problem = _not_granted(run.metadata.name, document, approval, now)
    return not_proven(problem) if problem is not None else Granted(_warrant(document.plan, approval, now))


GROUND = Ground(_enter, _follow, _prove)


def _look_for(question: Question, name: str) -> Answer:
    """The cache has no gate of this run: it is not there yet, or was deleted while the API server did not guard."""
    run = question.run
    read = Read(READ_GATE, ObjectRef(API_VERSION, "Approval", name, run.metadata.namespace))
    found = read.outcome(question.outcomes)
    if found is None:
        return Unsure(effects=(read,))
    if not isinstance(found, Failure) or found.reason != "NotFound":
        return Unsure(retry=isinstance(found, Failure))
    if run.status.phase is Phase.RUNNING:
        text = f"Its Approval {name} was deleted, so it is not known any more what may run; what was made stays"
        return Ended(Phase.FAILED, text)
    return Ended(Phase.SUPERSEDED, f"Its Approval {name} was deleted: apply the request again under another name")


def _ask_again(question: Question, plan: RunPlan, approval: Approval) -> Answer:
    """Have a fresh look at the request decide what is asked next: a stored plan may have been forged with its gate."""
    next_round = round_of(question.run) + 1
    if question.action is None or question.action.metadata.uid != plan.action.uid:
        return Ended(Phase.SUPERSEDED, f"The Action {plan.action.name} was deleted while the request waited")
    if next_round > MAX_ROUNDS:
        text = f"Its gate was superseded {MAX_ROUNDS} times: apply the request again under another name"
        return Ended(Phase.SUPERSEDED, text)
    return Void(next_round, approval.status.message)


def _so_far(approval: Approval) -> str:
    """Return a partial tally, and why the run is held; nothing is said before somebody decided."""
    if not approval.status.decisions:
        return ""
    why = f": {approval.spec.message}" if approval.spec.message else ""
    return f"{approval.status.message}{why}"


def _not_granted(run: str, document: Document, approval: Approval, now: datetime) -> str | None:
    """Return why nobody has granted what is under way, or None, whatever the status says."""
    if approval.status.state is ApprovalState.SUPERSEDED:
        return f"the Approval of {run} was superseded"
    granted = count(approval.spec, now).tally is Tally.APPROVED
    return find_difference(document, approval) or (None if granted else "nobody has approved it")


def _warrant(plan: RunPlan, approval: Approval, now: datetime) -> Warrant:
    decisive = count(approval.spec, now).decisive
    granted_at = decisive.decided_at if decisive is not None else now
    return Warrant(plan, say_ended(as_decided(approval, now)), granted_at, (EventType.APPROVED, EventType.HANDLED))
