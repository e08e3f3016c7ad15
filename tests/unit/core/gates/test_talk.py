"""What people ask and answer in a gate: the thread by time, who is told of what, and that nothing is decided by it."""

from typing import Any

from tests.builders.models import NOW, approval, at, gate, run
from tests.builders.models import vote as voted

from pratique.api.v1alpha1.approval import Approval, ApprovalSpec, ApprovalState
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import KUBERNETES_EVENTS, EventType
from pratique.api.v1alpha1.said import EarlierSaying, Saying
from pratique.core.gates.guarded import VERIFY
from pratique.core.gates.opening import find_mismatch
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.gates.talk import heard, thread
from pratique.core.gates.tally import Tally, count
from pratique.core.kernel.effects import Verified
from pratique.core.telling.messages import compose_approval

LEAD, DEV = "lead-1@example.com", "developer@example.com"


def said(*words: tuple[str, float]) -> Saying:
    *earlier, (text, minute) = words
    past = [EarlierSaying(text=each, at=at(when)) for each, when in earlier]
    return Saying(text=text, at=at(minute), history=past or None)


def talked(lead: Saying, dev: Saying | None = None) -> ApprovalSpec:
    """Return a gate in which the lead asked something, and who asks for it may have answered."""
    return amend(gate(), messages={LEAD: lead} | ({} if dev is None else {DEV: dev}))


ASKED = said(("why ten days?", 1), ("and why now?", 3))


def look(spec: ApprovalSpec, before: Approval | None = None) -> tuple[Approval, list[tuple[str, str]]]:
    """Look at a gate as it is after an earlier look; return it, and what is told by Kubernetes Events."""
    there = approval(spec) if before is None else amend(before, spec=spec)
    plan = plan_approval(ApprovalSnapshot(there, run(), {VERIFY: Verified()}), at(4))
    known = {each.id for each in there.status.notifications}
    told = [each for each in plan.status.notifications if each.channel == KUBERNETES_EVENTS and each.id not in known]
    return amend(there, status=plan.status), [(each.event.value, each.message) for each in told]


def test_a_thread_is_by_time() -> None:
    spec = talked(ASKED, said(("it runs over a weekend", 2)))
    assert [(each.sentence, each.answers) for each in thread(spec)] == [
        (f"{LEAD} asks: why ten days?", False),
        (f"{DEV} answers: it runs over a weekend", True),
        (f"{LEAD} asks: and why now?", False),
    ]
    assert heard(spec) == {DEV: 1, LEAD: 2} and heard(gate()) is None
    assert thread(talked(Saying(text="unstamped"))) == []


def test_each_side_is_told_once_and_nothing_is_decided() -> None:
    first, told = look(talked(ASKED))
    assert told == [("Asked", f"{LEAD} asks: why ten days?"), ("Asked", f"{LEAD} asks: and why now?")]
    assert first.status.state is ApprovalState.PENDING and first.status.heard == {LEAD: 2}
    again, told = look(first.spec, first)
    assert told == [] and again.status == first.status
    answered, told = look(talked(ASKED, said(("a weekend", 4))), again)
    assert told == [("Answered", f"{DEV} answers: a weekend")]
    assert count(answered.spec, NOW).tally is Tally.OPEN
    decided = amend(answered.spec, decisions={LEAD: voted("Approve", 3)})
    assert look(decided, answered)[0].status.state is ApprovalState.APPROVED


def test_who_is_asked_finds_the_line_to_answer_and_who_is_answered_those_to_decide() -> None:
    there, _ = look(talked(ASKED, said(("a weekend", 4))))
    by_event = {each.event: each for each in there.status.notifications}
    how: dict[EventType, Any] = {
        event: dict(compose_approval(there, by_event[event]).how_to_decide) for event in by_event
    }
    (answer,) = how[EventType.ASKED].values()
    assert f'"messages":{{"{DEV}":{{"text":"…"}}}}' in answer
    assert how[EventType.ANSWERED].keys() == {"Approve", "Decline"}
    over = amend(there, status=amend(there.status, state=ApprovalState.DECLINED))
    assert compose_approval(over, by_event[EventType.ASKED]).how_to_decide == ()


def test_words_make_no_other_gate() -> None:
    assert find_mismatch(approval(talked(ASKED)), approval(gate())) is None
