"""What becomes of an Environment: made once, kept, warned of, ended."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.builders.models import ENVIRONMENT_UID, NOW, at, effects, environment, failed, live

from pratique.api.v1alpha1.environment import Environment, EnvironmentStatus
from pratique.api.v1alpha1.environment import EnvironmentPhase as Phase
from pratique.api.v1alpha1.status import TimelineEntry
from pratique.core.environments.git_marks import git_mark
from pratique.core.environments.objects import access, namespace, rails
from pratique.core.environments.plan import EnvironmentSnapshot, plan_environment
from pratique.core.environments.status import FINALIZER
from pratique.core.kernel.effects import Create, Delete, Delivery, Failure, MergePatch, ObjectRef, Plan, Read, Stored

HELD = {"finalizers": [FINALIZER]}
REF = ObjectRef("pratique.dev/v1alpha1", "Environment", "demo", "team-a")
OURS, OTHERS = {"pratique.dev/environment-uid": ENVIRONMENT_UID}, {"pratique.dev/environment-uid": "another"}
TARGET = {"access": [{"user": "dev", "role": "edit"}]}
POLICY, BINDING = "make/NetworkPolicy/pratique-isolated", "make/RoleBinding/pratique-edit-0"
MADE = {"namespace": Stored(live(namespace(environment()), "n1")), POLICY: Stored({}), BINDING: Stored({})}
UNTIL = "Namespace env-demo is there until 2026-11-24 13:00 UTC"


def look(
    subject: Environment,
    outcomes: dict[str, Any] | None = None,
    now: datetime = NOW,
    deliveries: dict[str, Any] | None = None,
    missing: bool = False,
) -> Plan[Any]:
    return plan_environment(EnvironmentSnapshot(subject, outcomes or {}, deliveries or {}, missing=missing), now)


def fresh(**changes: Any) -> Environment:
    return environment(**{"meta": HELD, "target": TARGET, **changes})


def active(**changes: Any) -> Environment:
    made = look(fresh(**changes), MADE).status
    return fresh(**changes).model_copy(update={"status": made})


def ids(status: EnvironmentStatus) -> list[str]:
    return [entry.id for entry in status.notifications]


def condition(status: EnvironmentStatus) -> dict[str, tuple[str, str]]:
    return {each.type: (each.status.value, each.reason) for each in status.conditions}


def test_it_is_held_before_anything_is_made() -> None:
    plan = look(environment(meta={"finalizers": ["other"], "resource_version": "5"}))
    patch = {"metadata": {"finalizers": ["other", FINALIZER], "resourceVersion": "5"}}
    assert plan.effects == (MergePatch("hold", REF, ENVIRONMENT_UID, patch),)
    assert effects(look(environment(), {"hold": Stored({})})) == ["namespace"]


@pytest.mark.parametrize(
    ("phase", "failure", "expected"),
    [
        (Phase.PENDING, failed("Conflict"), Phase.PENDING),
        (Phase.PENDING, failed("NotFound"), Phase.PENDING),
        (Phase.PENDING, failed("Timeout", "slow", transient=True), Phase.CREATING),
        (Phase.ACTIVE, failed("Timeout", "slow", transient=True), Phase.ACTIVE),
    ],
)
def test_what_cannot_be_held_makes_nothing(phase: Phase, failure: Failure, expected: Phase) -> None:
    plan = look(environment(phase=phase), {"hold": failure})
    assert (plan.status.phase, plan.retry, plan.effects) == (expected, True, ())
    if expected is Phase.CREATING:
        assert plan.status.message == "The finalizer could not be set: slow; it is tried again"


def test_the_namespace_comes_first_then_what_guards_it_then_who_gets_in() -> None:
    assert look(fresh()).effects == (Create("namespace", namespace(fresh())),)
    (policy,), (binding,) = rails(fresh()), access(fresh())
    made = {"namespace": MADE["namespace"]}
    assert look(fresh(), made).effects == (Create(POLICY, policy),)
    assert look(fresh(), made | {POLICY: Stored({})}).effects == (Create(BINDING, binding),)
    plan = look(fresh(), MADE)
    assert (plan.status.phase, plan.status.message, plan.effects) == (Phase.ACTIVE, UNTIL, ())
    assert (plan.status.namespace, plan.status.namespace_uid) == ("env-demo", "n1")
    assert (plan.status.expires_at, plan.wake_at) == (at(60), at(50))
    assert condition(plan.status) == {"Ready": ("True", "Active")}
    assert ids(plan.status) == ["EnvironmentReady/KubernetesEvents"]


def test_made_when_a_warning_is_due_already() -> None:
    assert look(fresh(), MADE, at(55)).wake_at == at(55)


@pytest.mark.parametrize("taken", ["namespace", POLICY])
@pytest.mark.parametrize(("labels", "ours"), [(OURS, True), (OTHERS, False), (None, False)])
def test_a_taken_name_is_adopted_only_from_this_environment(
    taken: str, labels: dict[str, Any] | None, ours: bool
) -> None:
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
        ({BINDING: failed("Forbidden")}, Phase.FAILED, False, "RoleBinding pratique-edit-0 could not be made"),
    ],
)
def test_what_cannot_be_made(outcomes: dict[str, Any], phase: Phase, retry: bool, message: str) -> None:
    plan = look(fresh(), MADE | outcomes)
    assert (plan.status.phase, plan.retry, message in plan.status.message) == (phase, retry, True)
    assert (plan.status.expires_at, plan.wake_at) == (at(60), at(60))
    if phase is Phase.CREATING:
        assert condition(plan.status)["Reconciling"] == ("True", "Retrying")


GUARDED = {**TARGET, "quota": {"pods": "5"}, "limits": {"max": {"cpu": "1"}}}
RAILS = ("make/ResourceQuota/pratique", "make/LimitRange/pratique", POLICY)


@pytest.mark.parametrize("refused", RAILS)
@pytest.mark.parametrize("failure", [failed("Invalid", "no"), failed("Timeout", "slow", transient=True)])
def test_nobody_gets_in_while_a_rail_is_missing(refused: str, failure: Failure) -> None:
    outcomes = {"namespace": MADE["namespace"], **dict.fromkeys(RAILS, Stored({})), refused: failure}
    plan = look(fresh(target=GUARDED), outcomes)
    assert plan.effects == ()
    assert plan.status.phase is (Phase.CREATING if failure.transient else Phase.FAILED)
    assert f"{refused.split('/')[1]} pratique" in plan.status.message


def test_of_several_rails_the_one_that_can_never_be_made_is_told() -> None:
    outcomes = {
        "namespace": MADE["namespace"],
        RAILS[0]: failed("Timeout", transient=True),
        RAILS[1]: failed("Invalid"),
    }
    plan = look(fresh(target=GUARDED), {**outcomes, POLICY: Stored({})})
    assert (plan.status.phase, plan.status.message[:23]) == (Phase.FAILED, "LimitRange pratique cou")


@pytest.mark.parametrize(
    ("quota", "message"),
    [
        (Stored({}), "The quota of Namespace env-demo is not in force yet: nobody gets in before"),
        (Stored({"status": {}}), "The quota of Namespace env-demo is not in force yet: nobody gets in before"),
        (failed("NotFound", "gone"), "ResourceQuota pratique could not be made: gone; it is tried again"),
        (Stored({"status": {"hard": {"pods": "5"}}}), None),
    ],
)
def test_nobody_gets_in_before_the_quota_is_in_force(quota: Failure | Stored, message: str | None) -> None:
    outcomes = {"namespace": MADE["namespace"], **dict.fromkeys(RAILS, Stored({}))}
    assert effects(look(fresh(target=GUARDED), outcomes)) == ["quota"]
    plan = look(fresh(target=GUARDED), {**outcomes, "quota": quota})
    if message is None:
        assert effects(plan) == [BINDING]
    else:
        assert (plan.effects, plan.status.phase, plan.status.message) == ((), Phase.CREATING, message)
        assert plan.wake_at is not None


@pytest.mark.parametrize(("age", "pause"), [(0, 0.5), (1, 6), (10, 30)])
def test_a_quota_that_nobody_counts_for_is_asked_more_slowly(age: int, pause: float) -> None:
    outcomes = {"namespace": MADE["namespace"], **dict.fromkeys(RAILS, Stored({})), "quota": Stored({})}
    assert look(fresh(target=GUARDED), outcomes, at(age)).wake_at == at(age) + timedelta(seconds=pause)


def test_a_failure_is_final_until_the_spec_changes() -> None:
    lost = look(fresh(), {"namespace": failed("Forbidden")}).status
    again = look(fresh().model_copy(update={"status": lost}), now=at(5))
    assert (again.status, again.effects, again.wake_at) == (lost, (), at(60))
    edited = fresh(meta={**HELD, "generation": 2}).model_copy(update={"status": lost})
    assert effects(look(edited, now=at(5))) == ["namespace"]


def test_what_is_there_costs_nothing() -> None:
    plan = look(active(), now=at(49))
    assert (plan.status, plan.effects, plan.after, plan.wake_at) == (active().status, (), (), at(50))


def test_warns_once_and_says_when() -> None:
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
def test_follows_a_ttl_that_was_changed(ttl: str, phase: Phase, ends: int, line: str | None) -> None:
    warned = look(active(), now=at(50)).status
    edited = fresh(meta={**HELD, "generation": 2}, spec={"ttl": ttl}).model_copy(update={"status": warned})
    status = look(edited, now=at(51)).status
    assert (status.phase, status.expires_at, status.observed_generation) == (phase, at(ends), 2)
    events = [each.event for each in status.timeline]
    assert (line in events) if line else events == ["Active", "Expiring"]


def test_a_lost_end_is_no_extension() -> None:
    lost = active().model_copy(update={"status": active().status.model_copy(update={"expires_at": None})})
    assert look(lost, now=at(5)).status == active().status


@pytest.mark.parametrize("subject", [active(), fresh(), fresh(phase=Phase.FAILED, observed_generation=1)])
def test_its_time_is_up(subject: Environment) -> None:
    plan = look(subject, now=at(60))
    assert (plan.status.phase, plan.status.expires_at) == (Phase.DELETING, at(60))
    assert plan.status.message == "Its time was up at 2026-11-24 13:00 UTC"
    assert ids(plan.status)[-1] == "EnvironmentExpired/2026-11-24T13:00:00Z/KubernetesEvents"
    assert (plan.after, plan.wake_at) == ((), at(60))
    seen = subject.metadata.model_copy(update={"resource_version": "7"})
    again = look(subject.model_copy(update={"status": plan.status, "metadata": seen}), now=at(61))
    assert (again.status, again.after) == (plan.status, (Delete("end", REF, ENVIRONMENT_UID, "7"),))
    assert again.wake_at == at(61) + timedelta(seconds=2)


def test_its_end_waits_for_marks_to_be_written() -> None:
    ending = look(active(), now=at(60)).status
    entry = ending.notifications[-1]
    subject = active().model_copy(update={"status": ending})
    plan = look(subject, now=at(61), deliveries={entry.id: Delivery(sent=True)})
    assert (plan.after, plan.wake_at, plan.status.notifications[-1].state) == ((), at(61), "Sent")


def test_one_that_was_extended_at_the_last_moment_goes_on() -> None:
    ending = look(active(), now=at(60)).status
    extended = fresh(meta={**HELD, "generation": 2}, spec={"ttl": "2h"}).model_copy(update={"status": ending})
    assert effects(look(extended, now=at(61))) == ["namespace"]
    assert look(extended, MADE, now=at(61)).status.phase is Phase.ACTIVE


def test_one_that_was_shortened_says_so_even_without_warnings() -> None:
    spec = {"ttl": "40m", "warnings": []}
    edited = fresh(meta={**HELD, "generation": 2}, spec=spec).model_copy(update={"status": active().status})
    status = look(edited, now=at(20)).status
    told = status.notifications[-1]
    assert (told.id, status.phase) == (
        "EnvironmentExpiring/shortened/2026-11-24T12:40:00Z/KubernetesEvents",
        Phase.ACTIVE,
    )
    assert told.message == (
        "Namespace env-demo will be deleted at 2026-11-24 12:40 UTC, with everything in it; that was to be at"
        " 2026-11-24 13:00 UTC"
    )


NAMESPACE_GONE = (
    "Namespace env-demo was deleted by somebody else, with everything in it: delete this Environment, create another"
)
THEIRS = live(namespace(fresh()), "n2")
SPACE = ObjectRef("v1", "Namespace", "env-demo")


@pytest.mark.parametrize("found", [failed("NotFound"), Stored(GOING), Stored(THEIRS), Stored({"metadata": {}})])
def test_a_namespace_that_somebody_deleted_is_noticed(found: Failure | Stored) -> None:
    asked = look(active(), missing=True)
    assert (asked.effects, asked.status) == ((Read("look", SPACE),), active().status)
    plan = look(active(), {"look": found}, missing=True)
    assert (plan.status.phase, plan.status.message, plan.wake_at) == (Phase.FAILED, NAMESPACE_GONE, at(60))
    assert condition(plan.status) == {"Ready": ("False", "NamespaceGone"), "Stalled": ("True", "NamespaceGone")}
    assert ids(plan.status)[-1] == "Failed/gone/KubernetesEvents"
    edited = fresh(meta={**HELD, "generation": 2}, spec={"ttl": "2h"}).model_copy(update={"status": plan.status})
    again = look(edited, now=at(5), missing=True)
    assert (again.effects, again.status.phase, again.status.message) == ((), Phase.FAILED, NAMESPACE_GONE)
    assert (again.status.expires_at, again.status.observed_generation) == (at(120), 2)


def test_a_cache_that_is_behind_says_nothing() -> None:
    assert look(active(), {"look": MADE["namespace"]}, missing=True).status == active().status
    plan = look(active(), {"look": failed("Timeout", transient=True)}, missing=True)
    assert (plan.status, plan.retry) == (active().status, True)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"quota": {"requests.cpu": "2", "limits.memory": "2Gi"}}, "requests.cpu and limits.memory"),
        ({"quota": {"memory": "2Gi"}}, "requests.memory"),
        ({"quota": {"cpu": "2", "limits.cpu": "2"}, "limits": {"defaultRequest": {"cpu": "1"}}}, "limits.cpu"),
        ({"quota": {"requests.cpu": "2"}, "limits": {"defaultRequest": {"cpu": "1"}}}, None),
        ({"quota": {"requests.cpu": "2", "limits.cpu": "2"}, "limits": {"max": {"cpu": "1"}}}, None),
        ({"quota": {"pods": "2", "requests.storage": "2Gi"}}, None),
    ],
)
def test_a_quota_that_asks_pods_for_more_than_is_set_by_default_is_said(
    target: dict[str, Any], words: str | None
) -> None:
    counted = Stored({"status": {"hard": {"pods": "1"}}})
    made = dict.fromkeys([f"make/{each['kind']}/{each['metadata']['name']}" for each in rails(fresh(target=target))])
    outcomes = {"namespace": MADE["namespace"], "quota": counted, **dict.fromkeys(made, Stored({}))}
    message = look(fresh(target=target), outcomes).status.message
    refused = f"; its quota refuses pods that do not set {words}, since limits set none by default"
    assert message == (UNTIL + refused if words else UNTIL)


MARKED = {**HELD, "labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}


def test_one_that_git_holds_stays_when_its_namespace_is_gone() -> None:
    rules = {"notifications": [{"channels": ["chat"], "events": ["EnvironmentGone"]}]}
    held = fresh(meta=MARKED, spec=rules)
    there = held.model_copy(update={"status": active().status})
    ending = held.model_copy(update={"status": look(there, now=at(60)).status})
    assert effects(look(ending, now=at(60))) == ["find"]
    found = {"find": MADE["namespace"]}
    assert look(ending, found, now=at(60)).effects == (Delete("delete", SPACE, "n1"),)
    going = look(ending, found | {"delete": Stored({})}, now=at(60))
    assert (going.status.phase, going.wake_at) == (Phase.DELETING, at(60) + timedelta(seconds=2))
    plan = look(ending, {"find": failed("NotFound")}, now=at(61))
    assert (plan.status.phase, plan.after, plan.wake_at) == (Phase.EXPIRED, (), None)
    assert plan.status.message == (
        "Its time was up at 2026-11-24 13:00 UTC, and namespace env-demo is gone. It stays, since Git holds it"
        " (kustomize.toolkit.fluxcd.io/name: apps) and would make it again: remove it there"
    )
    assert condition(plan.status) == {"Ready": ("False", "Expired"), "Stalled": ("True", "Expired")}
    assert ids(plan.status)[-1] == "EnvironmentGone/chat"
    stays = held.model_copy(update={"status": plan.status})
    assert look(stays, {"find": failed("NotFound")}, now=at(90)).status == plan.status
    dropped = fresh(meta={**MARKED, "deletion_timestamp": at(90)}, spec=rules).model_copy(
        update={"status": plan.status}
    )
    assert ids(look(dropped, {"find": failed("NotFound")}, now=at(90)).status) == ids(plan.status)


@pytest.mark.parametrize(
    ("labels", "annotations", "mark"),
    [
        ({}, {}, None),
        ({"app.kubernetes.io/instance": "apps"}, {}, "app.kubernetes.io/instance: apps"),
        ({}, {"argocd.argoproj.io/tracking-id": "x"}, "argocd.argoproj.io/tracking-id: x"),
        ({"app.kubernetes.io/instance": "apps", "pratique.dev/run-uid": "r"}, {}, None),
    ],
)
def test_the_marks_of_git(labels: dict[str, Any], annotations: dict[str, Any], mark: str | None) -> None:
    assert git_mark(labels, annotations) == mark


def test_deliveries_are_marked() -> None:
    (entry,) = active().status.notifications
    plan = look(active(), now=at(1), deliveries={entry.id: Delivery(sent=False, error="down")})
    (marked,) = plan.status.notifications
    assert (marked.attempts, marked.error, plan.wake_at) == (1, "down", marked.next_attempt_at)


def test_the_timeline_is_bounded() -> None:
    lines = [TimelineEntry(at=NOW, event="Active", message=str(index)) for index in range(32)]
    timeline = look(fresh(timeline=lines), MADE).status.timeline
    assert (len(timeline), timeline[0].message, timeline[-1].message) == (32, "1", UNTIL)
