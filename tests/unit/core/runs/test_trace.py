"""A run's trace: its parts follow one another, its ids follow from the uid, and nothing that people wrote is in it."""

from tests.builders.models import NOW, at, run

from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunApproval
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.status import TimelineEntry
from pratique.core.runs.trace import spans_of, trace_id

UID = "7d9f3a60-0000-4000-8000-000000000001"
WORDS = "hunter2 and what people wrote"


def ended(*lines: tuple[float, str], phase: Phase = Phase.SUCCEEDED, uid: str = UID) -> ActionRun:
    timeline = [TimelineEntry(at=at(minutes), event=event, message=WORDS) for minutes, event in lines]
    gate = RunApproval(stage="lead", name="gate", state=ApprovalState.APPROVED)
    return run(
        meta={"uid": uid, "creation_timestamp": NOW},
        spec={"reason": WORDS, "inputs": {"text": WORDS}},
        phase=phase,
        message=WORDS,
        timeline=timeline,
        finished_at=at(lines[-1][0]) if lines else NOW,
        approvals=[gate],
    )


def test_request_gate_and_work_follow_one_another() -> None:
    whole, *parts = spans_of(ended((1, "WaitingForApproval"), (30, "Running"), (32, "Succeeded")))
    assert (whole.begins, whole.ends, whole.parent, whole.failed) == (NOW, at(32), "", False)
    assert [(each.name, each.begins, each.ends, each.attributes["pratique.outcome"]) for each in parts] == [
        ("judged", NOW, at(1), "WaitingForApproval"),
        ("held", at(1), at(30), "Running"),
        ("made", at(30), at(32), "Succeeded"),
    ]
    assert {each.parent for each in parts} == {whole.span_id}
    assert {each.trace_id for each in (whole, *parts)} == {UID.replace("-", "")}
    assert whole.events == ((at(1), "WaitingForApproval"), (at(30), "Running"), (at(32), "Succeeded"))
    assert whole.attributes["pratique.phase"] == "Succeeded" and whole.attributes["pratique.gates"] == 1


def test_several_stages_and_a_freeze_are_told_apart() -> None:
    lines = [(1, "WaitingForApproval"), (2, "StageApproved"), (2, "WaitingForApproval"), (5, "Frozen"), (9, "Running")]
    parts = spans_of(ended(*lines, (10, "RollingBack"), (11, "Failed"), phase=Phase.FAILED))[1:]
    assert [each.name for each in parts] == ["judged", "held", "judged", "held", "frozen", "made", "rolled back"]


def test_it_is_the_same_whenever_it_is_made_and_no_two_spans_are_one() -> None:
    subject = ended((1, "WaitingForApproval"), (3, "Declined"), phase=Phase.DECLINED)
    assert spans_of(subject) == spans_of(subject)
    spans = spans_of(subject)
    assert len({each.span_id for each in spans}) == len(spans)
    assert all(len(each.span_id) == 16 and len(each.trace_id) == 32 for each in spans)


def test_what_failed_says_so_and_clocks_that_disagree_give_no_negative_time() -> None:
    whole, *parts = spans_of(ended((-5, "Running"), (-6, "Failed"), phase=Phase.FAILED))
    assert whole.failed and whole.ends == NOW
    assert all(each.begins <= each.ends for each in parts)
    (alone,) = spans_of(ended())
    assert alone.begins == alone.ends == NOW


def test_a_uid_that_is_none_has_a_trace_too() -> None:
    for uid in ("run-1", "00000000-0000-0000-0000-000000000000"):
        found = trace_id(uid)
        assert len(found) == 32 and found.strip("0") and found == trace_id(uid)


def test_nothing_that_people_wrote_is_in_it() -> None:
    spans = spans_of(ended((1, "WaitingForApproval"), (2, "Running"), (3, "Succeeded")))
    assert "hunter2" not in str(spans) and "example.com" not in str(spans)
