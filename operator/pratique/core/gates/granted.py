"""A ground for starting: people granted it, in the gates that hold the run, one a stage. Proven by their decisions. Pure.

The stages come in turn: the gate of the next opens when the one before it was granted, and not before, so that nobody can
decide it early. The Approvals alone decide, and they are durable before anything is created. Their `status` is never
believed: the decisions are counted again, and a document is worth what the digest in the frozen spec says.

Who breaks the glass grants a stage as well, and those after it whose rules name them too; the review is there before.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.api.v1alpha1.counter_offer import ConsentRule, Offered
from pratique.api.v1alpha1.decisions import RecordedDecision
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.stages import Stage
from pratique.core.gates.away import lend
from pratique.core.gates.broken import is_opened, who_broke
from pratique.core.gates.entries import approval_name, has_passed, is_listed, name_of_gate, round_of
from pratique.core.gates.guarded import verify_guard
from pratique.core.gates.offers import find_offer
from pratique.core.gates.opening import (
    NO_RULE,
    deciders_before,
    excluded_from,
    find_difference,
    find_mismatch,
    find_shared,
    open_gate,
    open_next_gate,
)
from pratique.core.gates.plan import as_decided, state_holds
from pratique.core.gates.port import (
    Answer,
    Ended,
    Fresh,
    Granted,
    Ground,
    Open,
    Opened,
    Passed,
    Question,
    Unsure,
    Void,
    Warrant,
    not_proven,
)
from pratique.core.gates.review import can_be_signed, find_review, is_review_of, open_review, review_name
from pratique.core.gates.tally import Tally, count
from pratique.core.kernel.effects import Create, Failure, Json, ObjectRef, Read
from pratique.core.kernel.identity import askers
from pratique.core.plans.document import Document
from pratique.core.plans.people import has_enough
from pratique.core.telling.wording import say_ended, say_held, say_place, stage_phrase

OPEN_GATE = "open-gate"
READ_GATE = "read-gate"
OPEN_REVIEW = "open-review"
MAX_ROUNDS = 16
_DECIDED = (ApprovalState.APPROVED, ApprovalState.BROKEN, ApprovalState.OFFERED, ApprovalState.DECLINED)
_ENDS = {
    ApprovalState.DECLINED: Phase.DECLINED,
    ApprovalState.EXPIRED: Phase.EXPIRED,
    ApprovalState.WITHDRAWN: Phase.WITHDRAWN,
}


def _enter(question: Question, fresh: Fresh, now: datetime) -> Answer | None:
    """Open the first gate, and wait once it is there."""
    plan, stages = fresh.plan, fresh.plan.stages
    if not stages:
        return None
    wanted = open_gate(question.run, plan, stages[0], now, fresh.round, question.action, fresh.offered)
    answer = _open(question, wanted, stages, 0, fresh.round, now)
    if isinstance(answer, Opened) and answer.plan is not None:
        plan = amend(answer.plan, summary=plan.summary)
    tells = fresh.is_news or (fresh.offered is not None and fresh.offered.consent is not None)  # who asks has to accept
    return replace(answer, plan=plan, again=fresh.why, offered=tells) if isinstance(answer, Opened) else answer


def _open(
    question: Question, manifest: Json, stages: Sequence[Stage], index: int, round_: int, now: datetime
) -> Answer:
    """Have a gate created, with the stand-ins of who is away, and say that it waits once it is there."""
    wanted = lend(manifest, question.away, question.outcomes, now)
    if isinstance(wanted, Unsure):
        return wanted
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
    stage, name = stages[index], approval.metadata.name
    text = say_held(stage, approval.spec.policy.until, say_place(stages, index), approval.spec.found or ())
    gate = RunApproval(stage=stage.name, name=name, state=ApprovalState.PENDING, round=round_)
    return Opened(gate, _held_by(approval, wanted), text, holds_plan=approval.spec.planned.document is not None)


def _held_by(approval: Approval, wanted: Json) -> RunPlan | None:
    """Return the plan that a gate holds, where another look opened it: it says the same, in other letters."""
    held = approval.spec.planned
    if held.document is None or held.digest == wanted["spec"]["plan"]["digest"]:
        return None
    return Document(held.document).plan


def _follow(question: Question, now: datetime) -> Answer | None:
    """Follow the gates in turn: say what the first says that is not granted, or open the next one."""
    run, document = question.run, question.document
    if document is None:
        name = name_of_gate(run, question.approvals)
        return _look_for(question, name) if name is not None and _gate_named(question, name) is None else None
    stages, passed = document.plan.stages, list[Approval]()
    for index, stage in enumerate(stages):
        name = approval_name(run, stage.name, round_of(run))
        approval = _gate_named(question, name)
        if approval is None:
            if is_opened(stage, passed, now):
                continue
            if passed and not is_listed(run, stage.name):
                return _open_next(question, document.plan, index, passed, now)
            return _look_for(question, name)
        answer = _follow_one(question, document, approval, now)
        if answer is not None:
            return answer
        passed.append(approval)
        broke = who_broke(approval, now)
        if broke and (unsure := _have_reviewed(question, document.plan, approval, broke, now)) is not None:
            return unsure
        if (broke or index + 1 < len(stages)) and not has_passed(run, stage.name):
            why = ": ".join(filter(None, (say_place(stages, index), say_ended(as_decided(approval, now)))))
            return Passed(_entry(run, approval), why, broke is not None)
    if not passed:
        return Ended(Phase.SUPERSEDED, NO_RULE) if question.approvals else None
    shared = find_shared(document.plan, passed, now)
    if shared is not None:
        return Ended(Phase.SUPERSEDED, shared, _entry(run, passed[-1]))
    return Granted(_warrant(document.plan, passed, now), _entry(run, passed[-1]))


def _follow_one(question: Question, document: Document, approval: Approval, now: datetime) -> Answer | None:
    """Say what one gate says, once it is sure; nothing, if it was granted."""
    run, state = question.run, approval.status.state
    if state is ApprovalState.SUPERSEDED:
        return _ask_again(question, document.plan, approval)
    if state is ApprovalState.PENDING or not state_holds(approval, run, now):
        return Open(_so_far(approval))
    # what ended it may have been forged together with the decisions, unless it was this process
    if state in _DECIDED and not question.vouched and (unsure := verify_guard(question.outcomes)) is not None:
        return unsure
    if state in _ENDS:
        return Ended(_ENDS[state], say_ended(as_decided(approval, now)), _entry(run, approval))
    different = find_difference(document, approval)
    if state is ApprovalState.OFFERED and run.spec.withdrawn:
        return Ended(Phase.WITHDRAWN, "The requester took it back", _entry(run, approval))
    if state is ApprovalState.OFFERED and different is None:
        return _ask_again(question, document.plan, approval, *find_offer(approval, now))
    return Ended(Phase.SUPERSEDED, different, _entry(run, approval)) if different is not None else None


def _have_reviewed(
    question: Question, plan: RunPlan, gate: Approval, broke: RecordedDecision, now: datetime
) -> Answer | None:
    """Have the review of a break-glass opened, or return what has to come first: nothing starts without it."""
    manifest = open_review(question.run, plan, gate, broke, now)
    create = Create(f"{OPEN_REVIEW}-{gate.spec.stage}", manifest)
    found = find_review(gate.metadata.name, question.reviews)
    if found is None and not can_be_signed(Approval.model_validate(manifest).spec):
        text = f"{broke.by} broke the glass of stage {gate.spec.stage}, and nobody is left who could review that"
        return Ended(Phase.REFUSED, f"{text}: name another approver in the Action, or in breakGlass, and ask again")
    if found is None:
        opened = create.outcome(question.outcomes)
        if opened is None:
            return Unsure(effects=(create,))
        there = opened.found if isinstance(opened, Failure) else opened
        if there is None:
            reason = opened.message if isinstance(opened, Failure) else ""
            return Unsure(retry=True, why=f"The glass was broken, and its review could not be opened: {reason}")
        found = Approval.model_validate(there.object)
    if is_review_of(found, question.run, plan, gate, now):
        return None
    text = f"The name {found.metadata.name} is taken by an Approval that this run did not open"
    return Ended(Phase.REFUSED, f"{text}: choose another name")


def _open_next(question: Question, plan: RunPlan, index: int, passed: Sequence[Approval], now: datetime) -> Answer:
    """Open the gate of a stage that follows those that were granted, if anybody could grant it."""
    run, stage = question.run, plan.stages[index]
    if run.spec.withdrawn:
        return Ended(Phase.WITHDRAWN, "The requester took it back")
    if not has_enough(stage, (*askers(run.spec), *excluded_from(plan, stage, passed, now))):
        before = ", ".join(deciders_before(plan, passed, now))
        needs = f"it needs {stage_phrase(stage)}, and who asks or decided before ({before}) cannot"
        text = (
            f"{say_place(plan.stages, index)}, could never be approved: {needs}. Let others decide the earlier stages"
        )
        return Ended(Phase.REFUSED, text)
    return _open(question, open_next_gate(run, plan, stage, passed, now), plan.stages, index, round_of(run), now)


def _prove(question: Question, now: datetime) -> Answer | None:
    """Show that what is under way was granted: by the decisions, made under guard, about this very document.

    Where the glass was broken its review has to be there as well, or a status that was forged would spare it.
    """
    run, document = question.run, question.document
    if document is None:  # it is with the Approval, which may be late in the cache
        name = name_of_gate(run)
        return _look_for(question, name) if name is not None and not question.approvals else None
    if not document.plan.stages:
        return None
    unsure = verify_guard(question.outcomes)
    if unsure is not None:
        return unsure
    passed = list[Approval]()
    for stage in document.plan.stages:
        name = approval_name(run, stage.name, round_of(run))
        approval = _gate_named(question, name)
        if approval is None and is_opened(stage, passed, now):
            continue
        if approval is None:
            gone = not_proven(f"the Approval of {run.metadata.name} is gone")
            return _look_for(question, name) if question.approvals else gone
        problem = _not_granted(run.metadata.name, document, approval, now)
        if problem is not None:
            return not_proven(problem)
        passed.append(approval)
        broke = who_broke(approval, now)
        if broke and (missing := _have_reviewed(question, document.plan, approval, broke, now)) is not None:
            return not_proven(missing.why) if isinstance(missing, Ended) else missing
    shared = find_shared(document.plan, passed, now)
    return not_proven(shared) if shared is not None else Granted(_warrant(document.plan, passed, now))


GROUND = Ground(_enter, _follow, _prove)


def _gate_named(question: Question, name: str) -> Approval | None:
    return next((each for each in question.approvals if each.metadata.name == name), None)


def _entry(run: ActionRun, approval: Approval) -> RunApproval:
    """Return what a run's status says of one of its gates."""
    name, state = approval.metadata.name, approval.status.state
    review = review_name(name) if state is ApprovalState.BROKEN else None
    return RunApproval(stage=approval.spec.stage, name=name, state=state, round=round_of(run), review=review)


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


def _ask_again(
    question: Question, plan: RunPlan, approval: Approval, offer: Offered | None = None, why: str = ""
) -> Answer:
    """Have a fresh look at the request decide what is asked next: a stored plan may have been forged with its gate.

    What was offered before is asked for again, and is accepted anew: nobody knows who offered it, after a gap.
    """
    next_round = round_of(question.run) + 1
    if question.action is None or question.action.metadata.uid != plan.action.uid:
        return Ended(Phase.SUPERSEDED, f"The Action {plan.action.name} was deleted while the request waited")
    if next_round > MAX_ROUNDS:
        text = f"It was asked for {MAX_ROUNDS} times, as its gate was superseded or something else offered: ask anew"
        return Ended(Phase.SUPERSEDED, text)
    before = approval.spec.offered
    doubted = amend(before, consent=ConsentRule.REQUIRED) if before is not None else None
    return Void(next_round, why or approval.status.message, offer or doubted, offer is not None)


def _so_far(approval: Approval) -> str:
    """Return a partial tally, and why the run is held; nothing is said before somebody decided.

    Who took it back has decided: what was said of it before is said anew.
    """
    if not (approval.status.decisions or approval.status.timeline):
        return ""
    why = f": {approval.spec.message}" if approval.spec.message else ""
    return f"{approval.status.message}{why}"


def _not_granted(run: str, document: Document, approval: Approval, now: datetime) -> str | None:
    """Return why nobody has granted what is under way, or None, whatever the status says."""
    if approval.status.state is ApprovalState.SUPERSEDED:
        return f"the Approval of {run} was superseded"
    granted = count(approval.spec, now).tally in (Tally.APPROVED, Tally.BROKEN)
    return find_difference(document, approval) or (None if granted else "nobody has approved it")


def _warrant(plan: RunPlan, passed: Sequence[Approval], now: datetime) -> Warrant:
    how = {each.spec.stage: say_ended(as_decided(each, now)) for each in passed}
    said = [(each.name, how.get(each.name, "opened by the same break-glass")) for each in plan.stages]
    why = said[0][1] if len(said) == 1 else "; ".join(f"{stage}: {text}" for stage, text in said)
    broken = [who_broke(each, now) is not None for each in passed]
    # who was skipped has been told when it was put on record
    told = () if broken[-1] else (EventType.APPROVED, EventType.HANDLED)
    return Warrant(plan, why, _granted_at(passed[-1], now), told, any(broken))


def _granted_at(gate: Approval, now: datetime) -> datetime:
    """Return when the last gate was granted: by its last decision, or by who asked, who accepted before its deadline."""
    decisive = count(gate.spec, now).decisive
    decided_at = decisive.decided_at if decisive is not None else now
    if gate.spec.policy.consent is None:
        return decided_at
    return max(decided_at, min(gate.status.decided_at or now, gate.spec.policy.until))
