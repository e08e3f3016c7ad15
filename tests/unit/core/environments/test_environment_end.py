"""How an Environment goes, and which objects it consists of."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.builders.models import ENVIRONMENT_UID, NOW, at, effects, environment, failed, live

from pratique.api.v1alpha1.environment import EnvironmentPhase as Phase
from pratique.api.v1alpha1.notifications import Notification
from pratique.core.environments.objects import access, namespace, rails
from pratique.core.environments.plan import EnvironmentSnapshot, plan_environment
from pratique.core.environments.status import FINALIZER
from pratique.core.kernel.effects import Delete, Delivery, Failure, MergePatch, ObjectRef, Plan, Read, Stored

GOING = {"finalizers": ["other", FINALIZER], "deletion_timestamp": NOW, "resource_version": "5"}
SPACE = ObjectRef("v1", "Namespace", "env-demo")
LIVE = live(namespace(environment()), "n1")
DELETED = live(namespace(environment()), "n1", deletionTimestamp="2026-11-24T12:00:00Z")
LET_GO = MergePatch(
    "let-go",
    ObjectRef("pratique.dev/v1alpha1", "Environment", "demo", "team-a"),
    ENVIRONMENT_UID,
    {"metadata": {"finalizers": ["other"], "resourceVersion": "5"}},
)
SECOND = timedelta(seconds=1)


def look(
    outcomes: dict[str, Any] | None = None,
    now: datetime = NOW,
    deliveries: dict[str, Any] | None = None,
    meta: dict[str, Any] | None = None,
    **status: Any,
) -> Plan[Any]:
    subject = environment(meta=meta or GOING, **{"phase": Phase.ACTIVE, **status})
    return plan_environment(EnvironmentSnapshot(subject, outcomes or {}, deliveries or {}), now)


def test_the_namespace_is_deleted_by_its_uid_and_waited_for() -> None:
    assert look().effects == (Read("find", SPACE),)
    found = {"find": Stored(LIVE)}
    assert look(found).effects == (Delete("delete", SPACE, "n1"),)
    plan = look(found | {"delete": Stored({})})
    assert (plan.status.phase, plan.after, plan.wake_at) == (Phase.DELETING, (), NOW + 2 * SECOND)
    assert plan.status.message == "Namespace env-demo is being deleted, with everything in it"
    assert {each.type: each.status.value for each in plan.status.conditions} == {
        "Ready": "False",
        "Reconciling": "True",
    }


@pytest.mark.parametrize(
    "found",
    [
        failed("NotFound"),
        Stored(live(namespace(environment()), labels={})),
        Stored(live(namespace(environment(meta={"uid": "another"})))),
    ],
)
def test_lets_go_of_what_is_gone_or_not_its_own(found: Failure | Stored) -> None:
    plan = look({"find": found})
    assert (plan.after, plan.wake_at, plan.effects) == ((LET_GO,), NOW + 2 * SECOND, ())


@pytest.mark.parametrize("reason", ["NotFound", "Conflict"])
def test_a_namespace_that_went_meanwhile_is_looked_for_again(reason: str) -> None:
    plan = look({"find": Stored(LIVE), "delete": failed(reason)})
    assert (plan.status.phase, plan.retry, plan.wake_at) == (Phase.DELETING, False, NOW + 2 * SECOND)


@pytest.mark.parametrize(
    ("outcomes", "message"),
    [
        ({"find": failed("Timeout", "slow")}, "Namespace env-demo could not be looked for: slow; it is tried again"),
        (
            {"find": Stored(LIVE), "delete": failed("Forbidden", "no")},
            "Namespace env-demo could not be deleted: no; it is tried again",
        ),
    ],
)
def test_an_obstacle_is_said_and_tried_again(outcomes: dict[str, Any], message: str) -> None:
    plan = look(outcomes)
    assert (plan.status.phase, plan.retry, plan.status.message) == (Phase.DELETING, True, message)


@pytest.mark.parametrize(("minutes", "seconds"), [(0, 2), (2, 12), (60, 30)])
def test_a_namespace_that_hangs_is_asked_more_slowly(minutes: int, seconds: int) -> None:
    plan = look({"find": Stored(DELETED)}, at(minutes))
    assert (plan.effects, plan.wake_at) == ((), at(minutes) + seconds * SECOND)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], ""),
        ([{"type": "NamespaceContentRemaining", "status": "True", "message": "3 pods"}], ""),
        ([{"type": "NamespaceFinalizersRemaining", "status": "False", "message": "none"}], ""),
        ([{"type": "NamespaceFinalizersRemaining", "status": "True", "message": "1 held"}], "; 1 held"),
        ([{"type": "NamespaceDeletionContentFailure", "status": "True"}], "; NamespaceDeletionContentFailure"),
    ],
)
def test_says_why_the_namespace_does_not_go(conditions: list[Any], expected: str) -> None:
    message = look({"find": Stored({**DELETED, "status": {"conditions": conditions}})}).status.message
    assert message == f"Namespace env-demo is being deleted, with everything in it{expected}"


ENTRY = Notification(id="EnvironmentExpired/chat", event="EnvironmentExpired", channel="chat", at=NOW)


@pytest.mark.parametrize(("seconds", "lets_go", "wake"), [(0, False, 2), (59, False, 60), (60, True, 62)])
def test_waits_a_minute_for_its_last_words(seconds: int, lets_go: bool, wake: int) -> None:
    now = NOW + seconds * SECOND
    plan = look({"find": failed("NotFound")}, now, notifications=[ENTRY])
    assert (bool(plan.after), plan.wake_at) == (lets_go, NOW + wake * SECOND)


def test_who_wants_to_know_is_told_when_it_is_really_gone() -> None:
    rules = {"notifications": [{"channels": ["chat"], "events": ["EnvironmentGone"]}]}

    def gone(now: datetime, notifications: list[Notification] | tuple[Any, ...] = ()) -> Plan[Any]:
        subject = environment(meta=GOING, spec=rules, phase=Phase.DELETING, notifications=list(notifications))
        return plan_environment(EnvironmentSnapshot(subject, outcomes={"find": failed("NotFound")}), now)

    plan = gone(at(30))
    (told,) = plan.status.notifications
    assert (told.event, told.message) == (
        "EnvironmentGone",
        "Namespace env-demo is gone, with everything that was in it",
    )
    assert (plan.after, plan.wake_at) == ((), at(30))
    again = gone(at(30), [told])
    assert (again.status.notifications, again.after) == ([told], ())
    assert gone(at(31), [told]).after == (LET_GO,)


def test_marks_are_written_in_a_look_of_their_own() -> None:
    plan = look({"find": failed("NotFound")}, at(5), {ENTRY.id: Delivery(sent=True)}, notifications=[ENTRY])
    assert ([each.state.value for each in plan.status.notifications], plan.after) == (["Sent"], ())
    assert (effects(plan), plan.wake_at) == ([], at(5))


def test_what_was_let_go_is_left_alone() -> None:
    plan = look(meta={"deletion_timestamp": NOW})
    assert (plan.effects, plan.after, plan.wake_at, plan.status.phase) == ((), (), None, Phase.ACTIVE)


FULL = {
    "namespace": {"name": "env-demo", "labels": {"team": "a"}},
    "quota": {"pods": "5"},
    "limits": {"default": {"cpu": "500m"}, "max": {}},
    "isolation": "Isolated",
    "podSecurity": "baseline",
    "access": [{"user": "dev"}, {"group": "devs", "role": "view"}],
}


def test_the_namespace_is_marked_and_secured() -> None:
    assert namespace(environment(target=FULL))["metadata"] == {
        "name": "env-demo",
        "labels": {
            "team": "a",
            "pratique.dev/environment-uid": ENVIRONMENT_UID,
            **{f"pod-security.kubernetes.io/{mode}": "baseline" for mode in ("enforce", "audit", "warn")},
        },
        "annotations": {"pratique.dev/environment": "team-a/demo"},
    }


def test_what_is_in_it() -> None:
    made = [*rails(environment(target=FULL)), *access(environment(target=FULL))]
    kinds = ["ResourceQuota", "LimitRange", "NetworkPolicy", "RoleBinding", "RoleBinding"]
    assert [each["kind"] for each in made] == kinds
    quota, limits, policy, user, group = made
    assert quota["spec"] == {"hard": {"pods": "5"}}
    assert limits["spec"] == {"limits": [{"type": "Container", "default": {"cpu": "500m"}}]}
    assert policy["spec"]["ingress"] == [{"from": [{"podSelector": {}}]}]
    rbac = "rbac.authorization.k8s.io"
    for binding, role, kind, name in ((user, "edit", "User", "dev"), (group, "view", "Group", "devs")):
        assert binding["roleRef"] == {"apiGroup": rbac, "kind": "ClusterRole", "name": role}
        assert binding["subjects"] == [{"kind": kind, "apiGroup": rbac, "name": name}]
    labels = {"pratique.dev/environment-uid": ENVIRONMENT_UID}
    assert all((each["metadata"]["namespace"], each["metadata"]["labels"]) == ("env-demo", labels) for each in made)


def test_an_open_environment_has_no_policy() -> None:
    assert rails(environment(target={"isolation": "Open"})) == []
