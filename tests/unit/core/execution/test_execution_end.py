"""How a run ends: its outputs, and the objects it lets go of once its end is on record."""

from datetime import datetime
from typing import Any

from tests.builders.models import (
    MAKER,
    at,
    failed,
    live,
    manifest,
    planned,
    proven,
    run_plan,
    running,
)

from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunResource
from pratique.core.execution.finishing import OUTPUTS
from pratique.core.kernel.effects import EvaluateOutputs, ObjectRef, Plan, Read, Rendered, Stored
from pratique.core.plans.document import document
from pratique.core.runs.plan import plan_action_run

LATER = at(1)
ONE = planned("one")
CHANGED = planned("two", manifest(name="two"), patch=True)
WITH_OUTPUTS = run_plan(ONE, CHANGED, outputs={"name": "${resources.one.metadata.name}"})
LIVE_ONE, LIVE_TWO = live(ONE.manifest, "u1"), live(CHANGED.manifest, "u2")
MADE = {
    "create/one": Stored(LIVE_ONE),
    "before/two/find": Stored(LIVE_TWO),
    "before/two": Stored(LIVE_TWO),
    "change/two": Stored(LIVE_TWO),
}


def look(subject: ActionRun, outcomes: dict[str, Any] | None = None, now: datetime = LATER) -> Plan[Any]:
    return plan_action_run(proven(subject, outcomes), now)


def test_outputs_see_the_live_objects() -> None:
    (asked,) = look(running(WITH_OUTPUTS), MADE).effects
    assert isinstance(asked, EvaluateOutputs)
    assert (asked.plan, asked.resources) == (document(WITH_OUTPUTS).plan, {"one": LIVE_ONE, "two": LIVE_TWO})
    status = look(running(WITH_OUTPUTS), MADE | {OUTPUTS: Rendered({"name": "one"})}).status
    assert (status.phase, status.outputs) == (Phase.SUCCEEDED, {"name": "one"})


def test_outputs_read_what_an_earlier_look_made() -> None:
    """What cannot be read any more is left out: the outputs say whether they can do without."""
    ready = {"api_version": "v1", "kind": "ConfigMap", "namespace": "team-a", "ready": True}
    earlier = [RunResource(id=name, name=name, uid="u", **ready) for name in ("one", "two")]
    subject = running(WITH_OUTPUTS, resources=earlier)
    reads = look(subject).effects
    refs = [ObjectRef("v1", "ConfigMap", name, "team-a") for name in ("one", "two")]
    assert reads == (Read("read/one", refs[0], MAKER), Read("read/two", refs[1], MAKER))
    (asked,) = look(subject, {"read/one": Stored(LIVE_ONE), "read/two": failed("NotFound")}).effects
    assert isinstance(asked, EvaluateOutputs)
    assert asked.resources == {"one": LIVE_ONE}


def test_outputs_that_fail_do_not_hide_that_all_was_made() -> None:
    status = look(running(WITH_OUTPUTS), MADE | {OUTPUTS: failed("EvaluationFailed", "name: no such key")}).status
    assert (status.phase, [each.ready for each in status.resources]) == (Phase.FAILED, [True, True])
    assert status.message == "Everything was made, but spec.execution.outputs failed: name: no such key"


def test_an_output_waits_for_what_its_object_does_not_say_yet() -> None:
    missing = Rendered({}, "name reads resources.one.status.address")
    waits = look(running(WITH_OUTPUTS), MADE | {OUTPUTS: missing})
    why = "Everything was made; spec.execution.outputs.name reads resources.one.status.address, which is not there yet"
    assert (waits.status.phase, waits.status.message, waits.effects) == (Phase.RUNNING, why, ())
    assert waits.wake_at is not None
    assert [each.ready for each in waits.status.resources] == [True, True]
    status = look(running(WITH_OUTPUTS), MADE | {OUTPUTS: missing}, at(10)).status
    assert (status.phase, status.message) == (Phase.FAILED, f"Not ready within 10m: {why}")


def test_outputs_wait_for_objects_that_cannot_be_read_for_now() -> None:
    ready = {"api_version": "v1", "kind": "ConfigMap", "namespace": "team-a", "ready": True}
    subject = running(
        WITH_OUTPUTS, resources=[RunResource(id=name, name=name, uid="u", **ready) for name in ("one", "two")]
    )
    seen = {"read/one": Stored(LIVE_ONE), "read/two": failed("Timeout", "slow", transient=True)}
    plan = look(subject, seen)
    assert (plan.status.phase, plan.retry, plan.effects) == (Phase.RUNNING, True, ())
    assert plan.status.message == "What was made could not be read for the outputs: slow"
