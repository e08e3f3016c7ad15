"""What becomes of an Environment: made once, kept, warned of, ended."""

from datetime import timedelta

import pytest
from tests.support.builders import ENVIRONMENT_UID, NOW, at, effects, environment, failed, live

from pratique.api.v1alpha1.common import TimelineEntry
from pratique.api.v1alpha1.environment import EnvironmentPhase as Phase
from pratique.core.effects import Create, Delete, Delivery, MergePatch, ObjectRef, Outcome
from pratique.core.environment import EnvironmentSnapshot, plan_environment
from pratique.core.environment_status import FINALIZER
from pratique.core.namespace_objects import contents, namespace

HELD = {"finalizers": [FINALIZER]}
REF = ObjectRef("pratique.dev/v1alpha1", "Environment", "demo", "team-a")
OURS, OTHERS = {"pratique.dev/environment-uid": ENVIRONMENT_UID}, {"pratique.dev/environment-uid": "another"}
TARGET = {"access": [{"user": "dev", "role": "edit"}]}
POLICY, BINDING = "make/NetworkPolicy/pratique-isolated", "make/RoleBinding/pratique-edit-0"
MADE = {"namespace": Outcome(object=live(namespace(environment()), "n1")), POLICY: Outcome(), BINDING: Outcome()}
UNTIL = "Namespace env-demo is there until 2026-11-24 13:00 UTC"


def look(subject, outcomes=None, now=NOW, deliveries=None):
    return plan_environment(EnvironmentSnapshot(subject, outcomes or {}, deliveries or {}), now)


def fresh(**changes):
    return environment(**{"meta": HELD, "target": TARGET, **changes})


def active(**changes):
    made = look(fresh(**changes), MADE).status
    return fresh(**changes).model_copy(update={"status": made})


def ids(status) -> list[str]:
    return [entry.id for entry in status.notifications]


def condition(status) -> dict[str, tuple[str, str]]:
    return {each.type: (each.status.value, each.reason) for each in status.conditions}


def test_it_is_held_before_anything_is_made():
    plan = look(environment(meta={"finalizers": ["other"], "resource_version": "5"}))
    patch = {"metadata": {"finalizers": ["other", FINALIZER], "resourceVersion": "5"}}
    assert plan.effects == (MergePatch("hold", REF, ENVIRONMENT_UID, patch),)
    assert effects(look(environment(), {"hold": Outcome()})) == ["namespace"]


@pytest.mark.parametrize(
    ("phase", "failure", "expected"),
    [
        (Phase.PENDING, failed("Conflict"), Phase.PENDING),
        (Phase.PENDING, failed("NotFound"), Phase.PENDING),
        (Phase.PENDING, failed("Timeout", "slow", transient=True), Phase.CREATING),
        (Phase.ACTIVE, failed("Timeout", "slow", transient=True), Phase.ACTIVE),
    ],
)
def test_what_cannot_be_held_makes_nothing(phase, failure, expected):
    plan = look(environment(phase=phase), {"hold": failure})
    assert (plan.status.phase, plan.retry, plan.effects) == (expected, True, ())
    if expected is Phase.CREATING:
        assert plan.status.message == "The finalizer could not be set: slow; it is tried again"


def test_the_namespace_comes_first_then_what_is_in_it():
    assert look(fresh()).effects == (Create("namespace", namespace(fresh())),)
    policy, binding = contents(fresh())
    made = {"namespace": MADE["namespace"]}
    assert look(fresh(), made).effects == (Create(POLICY, policy), Create(BINDING, binding))
    assert effects(look(fresh(), made | {POLICY: Outcome()})) == [BINDING]
    plan = look(fresh(), MADE)
    assert (plan.status.phase, plan.status.message, plan.effects) == (Phase.ACTIVE, UNTIL, ())
    assert (plan.status.namespace, plan.status.namespace_uid) == ("env-demo", "n1")
    assert (plan.status.expires_at, plan.wake_at) == (at(60), at(50))
    assert condition(plan.status) == {"Ready": ("True", "Active")}
    assert ids(plan.status) == ["EnvironmentReady/KubernetesEvents"]


def test_made_when_a_warning_is_due_already():
    assert look(fresh(), MADE, at(55)).wake_at == at(55)


@pytest.mark.parametrize("taken", ["namespace", POLICY])
@pytest.mark.parametrize(("labels", "ours"), [(OURS, True), (OTHERS, False), (None, False)])
def test_a_taken_name_is_adopted_only_from_this_environment(taken, labels, ours):
    found = live(namespace(fresh()), "n1", labels=labels)
    status = look(fresh(), MADE | {taken: failed("AlreadyExists", found=found)}).status
    assert status.phase is (Phase.ACTIVE if ours else Phase.FAILED)
    if ours:
        assert status.namespace_uid == "n1"
    else:
        assert "exists and was not made for this Environment: it is left as it is" in status.message
        assert condition(status) == {"Ready": ("False", "NameTaken"), "Stalled": ("True", "NameTaken")}
        assert ids(status) == ["Failed/1/KubernetesEvents"]


GOING = live(namespace(fresh()), deletionTimestamp="2026-11-24T12:00:00Z")


@pytest.mark.parametrize(
    ("outcomes", "phase", "retry", "message"),
    [
        (
            {"namespace": failed("Timeout", "slow", transient=True)},
            Phase.CREATING,
            True,
            "env-demo could not be made: slow; it is tried again",
        ),
        (
            {"namespace": failed("AlreadyExists", found=GOING)},
            Phase.CREATING,
            True,
            "an older one of that name is still being deleted",
        ),
        (
            {"namespace": failed("AlreadyExists", "taken")},
            Phase.CREATING,
            True,
            "could not be made: taken; it is tried again",
        ),
        ({"namespace": failed("Forbidden", "no")}, Phase.FAILED, False, "could not be made: no; put that right"),
        (
            {POLICY: failed("Timeout", transient=True)},
            Phase.CREATING,
            True,
            "NetworkPolicy pratique-isolated could not",
        ),
        (
            {POLICY: failed("Timeout", transient=True), BINDING: failed("Forbidden")},
            Phase.FAILED,
            False,
            "RoleBinding pratique-edit-0 could not be made",
        ),
    ],
)
def test_what_cannot_be_made(outcomes, phase, retry, message):
    plan = look(fresh(), MADE | outcomes)
    assert (plan.status.phase, plan.retry, message in plan.status.message) == (phase, retry, True)
    assert (plan.status.expires_at, plan.wake_at) == (at(60), at(60))
    if phase is Phase.CREATING:
        assert condition(plan.status)["Reconciling"] == ("True", "Retrying")


def test_a_failure_is_final_until_the_spec_changes():
    lost = look(fresh(), {"namespace": failed("Forbidden")}).status
    again = look(fresh().model_copy(update={"status": lost}), now=at(5))
    assert (again.status, again.effects, again.wake_at) == (lost, (), at(60))
    edited = fresh(meta={**HELD, "generation": 2}).model_copy(update={"status": lost})
    assert effects(look(edited, now=at(5))) == ["namespace"]


def test_what_is_there_costs_nothing():
    plan = look(active(), now=at(49))
    assert (plan.status, plan.effects, plan.after, plan.wake_at) == (active().status, (), (), at(50))


def test_warns_once_and_says_when():
    status = look(active(), now=at(50)).status
    assert (status.phase, status.warned, status.message) == (Phase.EXPIRING, ["10m"], UNTIL)
    assert ids(status)[1:] == ["EnvironmentExpiring/10m/2026-11-24T13:00:00Z/KubernetesEvents"]
    text = "Namespace env-demo will be deleted at 2026-11-24 13:00 UTC, with everything in it"
    assert status.notifications[1].message == text
    again = look(active().model_copy(update={"status": status}), now=at(51))
    assert (again.status, again.wake_at) == (status, at(60))


@pytest.mark.parametrize(
    ("ttl", "phase", "ends", "line"),
    [("2h", Phase.ACTIVE, 120, "Extended"), ("58m", Phase.EXPIRING, 58, "Shortened"), ("1h", Phase.EXPIRING, 60, None)],
)
def test_follows_a_ttl_that_was_changed(ttl, phase, ends, line):
    warned = look(active(), now=at(50)).status
    edited = fresh(meta={**HELD, "generation": 2}, spec={"ttl": ttl}).model_copy(update={"status": warned})
    status = look(edited, now=at(51)).status
    assert (status.phase, status.expires_at, status.observed_generation) == (phase, at(ends), 2)
    events = [each.event for each in status.timeline]
    assert (line in events) if line else events == ["Active", "Expiring"]


def test_a_lost_end_is_no_extension():
    lost = active().model_copy(update={"status": active().status.model_copy(update={"expires_at": None})})
    assert look(lost, now=at(5)).status == active().status


@pytest.mark.parametrize("subject", [active(), fresh(), fresh(phase=Phase.FAILED, observed_generation=1)])
def test_its_time_is_up(subject):
    plan = look(subject, now=at(60))
    assert (plan.status.phase, plan.status.expires_at) == (Phase.DELETING, at(60))
    assert plan.status.message == "Its time was up at 2026-11-24 13:00 UTC"
    assert ids(plan.status)[-1] == "EnvironmentExpired/2026-11-24T13:00:00Z/KubernetesEvents"
    assert plan.after == (Delete("end", REF, ENVIRONMENT_UID),)
    assert plan.wake_at == at(60) + timedelta(seconds=2)
    again = look(subject.model_copy(update={"status": plan.status}), now=at(61))
    assert (again.status, again.after) == (plan.status, plan.after)


def test_deliveries_are_marked():
    (entry,) = active().status.notifications
    plan = look(active(), now=at(1), deliveries={entry.id: Delivery(sent=False, error="down")})
    (marked,) = plan.status.notifications
    assert (marked.attempts, marked.error, plan.wake_at) == (1, "down", marked.next_attempt_at)


def test_the_timeline_is_bounded():
    lines = [TimelineEntry(at=NOW, event="Active", message=str(index)) for index in range(32)]
    timeline = look(fresh(timeline=lines), MADE).status.timeline
    assert (len(timeline), timeline[0].message, timeline[-1].message) == (32, "1", UNTIL)
