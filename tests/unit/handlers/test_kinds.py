"""What the kinds make of the cache: a request is told once it is known how it is decided."""

from tests.support.builders import NOW
from tests.support.told import entry, held_run, its_gate

from pratique.api.v1alpha1.action_run import Phase, RunApproval
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.common import EventType
from pratique.handlers.kinds import ActionRuns, Approvals, new_stores
from pratique.handlers.memory import Parsed

REQUESTED = entry(EventType.APPROVAL_REQUESTED)


def test_a_request_waits_until_the_cache_has_its_gate() -> None:
    stores = new_stores()
    runs = ActionRuns(stores, Parsed())
    gate = its_gate()
    followed = RunApproval(stage="platform", name=gate.metadata.name, state=ApprovalState.PENDING)
    run = held_run()
    waiting = {"phase": Phase.WAITING_FOR_APPROVAL, "approvals": [followed], "notifications": [REQUESTED]}
    held = run.model_copy(update={"status": run.status.model_copy(update=waiting)})
    body = held.to_wire()
    body["metadata"]["resourceVersion"] = "5"
    assert runs.message(body, REQUESTED) is None
    opened = gate.to_wire()
    opened["metadata"]["resourceVersion"] = "4"
    stores["approvals"].put(opened)
    told = runs.message(body, REQUESTED)
    assert told is not None and len(told.how_to_decide) == 2


def test_what_has_ended_waits_for_no_gate() -> None:
    run = held_run()
    ended = {"phase": Phase.SUPERSEDED, "finished_at": NOW, "notifications": [REQUESTED]}
    body = run.model_copy(update={"status": run.status.model_copy(update=ended)}).to_wire()
    body["metadata"]["resourceVersion"] = "5"
    told = ActionRuns(new_stores(), Parsed()).message(body, REQUESTED)
    assert told is not None and told.how_to_decide == ()


def test_only_an_open_gate_that_this_process_ends_is_vouched_for() -> None:
    gates = Approvals(new_stores(), Parsed())
    opened = its_gate()
    granted = opened.status.model_copy(update={"state": ApprovalState.APPROVED})
    ended = opened.model_copy(update={"status": granted})
    gates.writes(opened, opened.status)
    gates.writes(ended, granted)
    assert ended not in gates.vouched
    gates.writes(opened, granted)
    assert ended in gates.vouched
