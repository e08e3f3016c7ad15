"""What the kinds make of the cache: a request is told once it is known how it is decided."""

from datetime import timedelta

import pytest
from tests.builders.messages import entry, held_run, its_gate
from tests.builders.models import NOW, planned, run_plan, running

from pratique.api.v1alpha1.action_run import Phase, RunApproval, RunResource
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.notifications import EventType
from pratique.core.kernel.errors import UnreadableError
from pratique.handlers.kinds import ActionRuns, Approvals, Channels, new_stores
from pratique.handlers.kinds.approvals import waiting
from pratique.handlers.memory import Parsed
from pratique.handlers.routing_cache import RoutingCache

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


def test_what_waits_is_counted_by_stage_and_age() -> None:
    store = new_stores()["approvals"]
    opened = its_gate().to_wire()
    opened["metadata"] |= {"resourceVersion": "4", "creationTimestamp": "2026-11-24T11:00:00Z"}
    store.put(opened)
    assert waiting(store) == {(opened["spec"]["stage"], NOW - timedelta(hours=1)): 1}
    store.put({**opened, "status": {"state": "Approved"}, "metadata": {**opened["metadata"], "resourceVersion": "5"}})
    assert waiting(store) == {}


@pytest.mark.parametrize(("text", "field"), [('"Bananas"', "resources.0.lists"), ("{", "of another shape")])
def test_a_plan_that_a_later_version_wrote_leaves_its_run_alone(text: str, field: str) -> None:
    body = running(run_plan(planned("made", lists="Replace"))).to_wire()
    body["metadata"]["resourceVersion"] = "5"
    body["status"]["document"] = body["status"]["document"].replace('"Replace"', text)
    with pytest.raises(UnreadableError, match=field):
        ActionRuns(new_stores(), Parsed()).look(body, {}, {}, NOW)


@pytest.mark.parametrize("held", [True, False])
def test_an_ended_run_looks_for_its_gate_only_while_it_keeps_something(held: bool) -> None:
    """What it keeps gets its own time to live from the plan, which a gated run has in its Approval."""
    run = held_run()
    kept = RunResource(id="it", api_version="v1", kind="Pod", name="it", uid="u", held=held)
    ended = {"phase": Phase.SUCCEEDED, "finished_at": NOW, "resources": [kept]}
    body = run.model_copy(update={"status": run.status.model_copy(update=ended)}).to_wire()
    body["metadata"]["resourceVersion"] = "5"
    stores, opened = new_stores(), its_gate().to_wire()
    opened["spec"]["plan"]["document"] = "{"
    body["status"].pop("document")
    opened["metadata"]["resourceVersion"] = "4"
    stores["approvals"].put(opened)
    if held:
        with pytest.raises(UnreadableError):
            ActionRuns(stores, Parsed()).look(body, {}, {}, NOW)
    else:
        assert ActionRuns(stores, Parsed()).look(body, {}, {}, NOW)[1].effects == ()


def test_a_run_that_we_hold_is_kept_though_it_says_that_it_is_settled() -> None:
    """Else nobody would look when it is deleted, and it would never go."""
    runs = ActionRuns(new_stores(), Parsed())
    ended = {"phase": Phase.SUCCEEDED, "settled": True}
    run = held_run()
    body = run.model_copy(update={"status": run.status.model_copy(update=ended)}).to_wire()
    assert not runs.keeps(body)
    body["metadata"]["finalizers"] = ["pratique.dev/ends-objects"]
    assert runs.keeps(body)


def test_a_channel_that_another_shard_looks_at_is_tried_again_once_it_is_mended() -> None:
    tried: list[str] = []
    channels = Channels(new_stores(), Parsed(), routes=RoutingCache(retry=tried.append))

    def told(version: int, reason: str) -> None:
        ready = {"type": "Ready", "status": "False", "reason": reason, "message": "", "lastTransitionTime": NOW}
        channels.overlook(
            {
                "apiVersion": "pratique.dev/v1alpha1",
                "kind": "NotificationChannel",
                "metadata": {"name": "c", "uid": "u", "resourceVersion": str(version)},
                "spec": {"slack": {"webhookUrlSecretRef": {"name": "s", "key": "k"}}},
                "status": {"observedGeneration": 1, "conditions": [ready]},
            }
        )

    told(1, "SecretNotFound")
    told(2, "SecretNotFound")
    assert tried == []
    told(3, "Configured")
    assert tried == ["c"]
