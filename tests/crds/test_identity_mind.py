"""Change of mind on the real API server, with no operator: stories of who says what in which order, and what stands then.

`tests/unit/core/gates/test_changes.py` holds the same rule beside the operator's count; the attacks of each rule are in
`tests/attacks/changing.py`.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.attacks.model import path_of
from tests.builders import manifests as make
from tests.builders.manifests import changed
from tests.support.cluster import Cluster, wait_for
from tests.support.http import Callers, Reply
from tools.controlplane.identities import known

from pratique.api.v1alpha1.approval import ApprovalSpec
from pratique.core.gates.tally import Tally, count

pytestmark = pytest.mark.cluster
MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"
A, D, U = "Approve", "Decline", "Undecided"
LEAD, LEAD_2 = known("lead-1").username, known("lead-2").username
AGAIN = "you have changed your mind three times: what you said last stays"
STAMPED = "time, groups and history of your decision are set by the API server: send verdict and comment alone"
ONLY_GROWS = "the history of decisions only grows: take yours back with the verdict Undecided"


@pytest.fixture(scope="module")
def callers(cluster: Cluster) -> Iterator[Callers]:
    with Callers(cluster.identities) as callers:
        yield callers


def gate(callers: Callers, space: str, name: str, *, deadline: timedelta = timedelta(hours=1), **policy: Any) -> str:
    """Open a gate as the operator does; return its path."""
    root = path_of("approvals").replace("/namespaces/harbour", f"/namespaces/{space}")
    changes = {f"spec.policy.{key}": value for key, value in policy.items()}
    manifest = changed(make.approval(space, name, deadline=deadline), changes)
    reply = callers["operator"].send("POST", root, manifest)
    assert reply.ok, reply.message
    return f"{root}/{name}"


def say(callers: Callers, who: str, path: str, verdict: str | None, comment: str | None = "so", **more: Any) -> Reply:
    """Say something under one's own name by merge patch; None takes the field away, or leaves the verdict out."""
    entry = ({"verdict": verdict} if verdict else {}) | {"comment": comment} | more
    body = {"spec": {"decisions": {known(who).username: entry}}}
    return callers[who].send("PATCH", path, body, content_type=MERGE)


def entry(callers: Callers, path: str, who: str = "lead-1") -> dict[str, Any]:
    return dict(callers["admin"].send("GET", path).body["spec"]["decisions"][known(who).username])


def stands(callers: Callers, path: str) -> Tally:
    """Return what the operator would count now."""
    return count(ApprovalSpec.model_validate(callers["admin"].send("GET", path).body["spec"]), datetime.now(UTC)).tally


OPEN, YES, NO = Tally.OPEN, Tally.APPROVED, Tally.DECLINED
Story = tuple[dict[str, Any], list[tuple[str, str, Tally | str]]]
STORIES: dict[str, Story] = {
    "taken back, the other's approval is one": (
        {"required": 2},
        [("lead-1", A, OPEN), ("lead-1", U, OPEN), ("lead-2", A, OPEN), ("lead-1", A, YES)],
    ),
    "a yes becomes a no": ({"required": 2}, [("lead-1", A, OPEN), ("lead-1", D, NO)]),
    "a no becomes the missing yes": (
        {"required": 2, "declineThreshold": 2},
        [
            ("lead-1", D, OPEN),
            ("lead-2", A, OPEN),
            ("lead-1", A, YES),
            ("lead-1", D, "this Approval is decided: approved"),
        ],
    ),
    "who is looking counts for nothing": (
        {"required": 1, "declineThreshold": 1},
        [
            ("lead-1", U, OPEN),
            ("lead-2", U, OPEN),
            ("lead-2", D, NO),
            ("lead-1", A, "this Approval is decided: declined"),
        ],
    ),
    "what grants stays": (
        {"required": 1},
        [("lead-1", A, YES), ("lead-1", U, "is decided: approved by lead-1@example.com")],
    ),
    "what declines stays": (
        {"required": 2},
        [("lead-1", D, NO), ("lead-1", U, "is decided: declined by lead-1@example.com")],
    ),
    "three times, and not a fourth": (
        {"required": 2},
        [
            *(("lead-1", verdict, OPEN) for verdict in (A, U, A, U)),
            ("lead-1", A, AGAIN),
            ("lead-2", A, OPEN),
            ("lead-1-upper", A, "under your name in other letter case"),
        ],
    ),
    "the same again is no change": (
        {"required": 2},
        [*[("lead-1", A, OPEN)] * 6, ("lead-1", U, OPEN), *[("lead-1", U, OPEN)] * 5, ("lead-1", A, OPEN)],
    ),
    "who left the group cannot change, and counts": (
        {"required": 2},
        [
            ("lead-1", A, OPEN),
            ("lead-1-moved", U, "lead-1@example.com is not an approver of"),
            ("lead-1-moved", A, OPEN),  # the same again
            ("lead-2", A, YES),
        ],
    ),
    "one person, two accounts: only the one that decided changes": (
        {"required": 2},
        [
            ("lead-1", U, OPEN),
            ("lead-1-upper", A, "under your name in other letter case"),
            ("lead-1", A, OPEN),
        ],
    ),
    "cluster-admin and the operator change nobody's": (
        {"required": 2},
        [
            ("lead-1", A, OPEN),
            ("admin", U, "admin is not an approver of"),
            ("operator", U, "may not"),
            ("lead-1", U, OPEN),
        ],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_stories(namespace: str, callers: Callers, story: str) -> None:
    rule, said = STORIES[story]
    path = gate(callers, namespace, "story", **rule)
    for step, (who, verdict, expected) in enumerate(said):
        before = callers["admin"].send("GET", path).body["spec"].get("decisions")
        reply = say(callers, who, path, verdict)
        if isinstance(expected, str):
            assert not reply.ok and (expected in reply.message or who == "operator"), f"{step}: {reply.message}"
            assert callers["admin"].send("GET", path).body["spec"].get("decisions") == before
        else:
            assert reply.ok, f"{step}: {reply.message}"
            assert stands(callers, path) is expected, f"after step {step}"


def test_the_api_server_keeps_what_was_said_with_its_time_and_groups(namespace: str, callers: Callers) -> None:
    path = gate(callers, namespace, "kept", required=2)
    forged = [{"verdict": D, "comment": "never said"}]
    first = say(callers, "lead-1", path, A, "fine by me", history=forged, decidedAt="2020-01-01T00:00:00Z")
    assert first.ok, first.message
    one = entry(callers, path)
    assert set(one) == {"verdict", "comment", "decidedAt", "groups"}, "who decides for the first time has no history"

    def later() -> bool:
        other = gate(callers, namespace, f"clock-{datetime.now(UTC).timestamp()}".replace(".", "-"))
        return bool(callers["admin"].send("GET", other).body["metadata"]["creationTimestamp"] > one["decidedAt"])

    wait_for("another second", later)
    back = say(callers, "lead-1", path, U, None, history=forged, groups=["directors"], decidedAt="2020-01-01T00:00:00Z")
    assert back.ok, back.message
    two = entry(callers, path)
    assert two["history"] == [one] and two["groups"] == ["platform-leads"] and "comment" not in two
    assert two["decidedAt"] > one["decidedAt"], "the time of the change, by the same tool"
    assert say(callers, "lead-1", path, None, "first I was sure").ok
    three = entry(callers, path)
    assert three["history"] == [one, {key: two[key] for key in two if key != "history"}]
    assert (three["verdict"], three["comment"]) == (U, "first I was sure")
    # what does not change is not rewritten either
    forgeries = {"history": ([], None), "decidedAt": ("2020-01-01T00:00:00Z",), "groups": (["directors"], [])}
    for field, forged_value in ((field, value) for field, values in forgeries.items() for value in values):
        reply = say(callers, "lead-1", path, U, "first I was sure", **{field: forged_value})
        assert not reply.ok and (STAMPED in reply.message or ONLY_GROWS in reply.message), reply.message
    removed = say(callers, "lead-1", path, None, None)
    assert "a comment is replaced, not removed: send another one in its place" in removed.message
    assert "a comment is replaced, not removed" in say(callers, "lead-1", path, None, "").message
    assert entry(callers, path) == three
    assert say(callers, "lead-1", path, A, "sure after all").ok
    assert [each["verdict"] for each in entry(callers, path)["history"]] == [A, U, U]
    assert AGAIN in say(callers, "lead-1", path, A, "another word").message


def test_nothing_is_removed_by_anybody(namespace: str, callers: Callers) -> None:
    path = gate(callers, namespace, "stays", required=2)
    assert say(callers, "lead-1", path, A).ok and say(callers, "lead-1", path, U).ok
    for who in ("lead-1", "lead-2", "admin"):
        for body in ({"decisions": {LEAD: None}}, {"decisions": None}, {"decisions": {LEAD: {"history": None}}}):
            reply = callers[who].send("PATCH", path, {"spec": body}, content_type=MERGE)
            assert not reply.ok and (ONLY_GROWS in reply.message), f"{who} {body}: {reply.message}"
    for who in ("lead-2", "admin"):
        reply = callers[who].send("PATCH", path, {"spec": {"decisions": {LEAD: {"verdict": A}}}}, content_type=MERGE)
        assert "what somebody else decided cannot be changed or removed" in reply.message


def test_too_late_is_too_late_for_a_change_as_well(namespace: str, callers: Callers) -> None:
    path = gate(callers, namespace, "late", deadline=timedelta(seconds=3), required=2)
    assert say(callers, "lead-1", path, A).ok

    def refused() -> bool:
        return (
            "has passed"
            in callers["lead-1"]
            .send(
                "PATCH",
                path,
                {"spec": {"decisions": {LEAD: {"verdict": U}}}},
                content_type=MERGE,
                params={"dryRun": "All"},
            )
            .message
        )

    wait_for("the deadline", refused)
    assert "has passed" in say(callers, "lead-1", path, U).message
    ended = gate(callers, namespace, "ended", required=2)
    assert say(callers, "lead-1", ended, A).ok
    state = {"status": {"state": "Withdrawn"}}
    assert callers["operator"].send("PATCH", f"{ended}/status", state, content_type=MERGE).ok
    assert "this Approval has ended: Withdrawn" in say(callers, "lead-1", ended, U).message


def by_apply(callers: Callers, who: str, path: str, verdict: str, manager: str, **more: str) -> Reply:
    space, name = path.split("/")[5], path.rsplit("/", maxsplit=1)[-1]
    body = {
        "apiVersion": make.API_VERSION,
        "kind": "Approval",
        "metadata": {"name": name, "namespace": space},
        "spec": {"decisions": {known(who).username: {"verdict": verdict}}},
    }
    return callers[who].send("PATCH", path, body, content_type=APPLY, params={"fieldManager": manager, **more})


def test_by_server_side_apply_and_two_tools(namespace: str, callers: Callers) -> None:
    path = gate(callers, namespace, "applied", required=2)
    assert by_apply(callers, "lead-1", path, A, "lead-1").ok
    assert by_apply(callers, "lead-1", path, A, "lead-1").ok, "the same again"
    assert say(callers, "lead-1", path, U, "by another tool").ok
    conflict = by_apply(callers, "lead-1", path, A, "lead-1")
    assert conflict.code == 409, conflict.message
    forced = by_apply(callers, "lead-1", path, A, "lead-1", force="true")
    assert forced.ok, forced.message
    assert [each["verdict"] for each in entry(callers, path)["history"]] == [A, U]
    assert by_apply(callers, "lead-2", path, A, "lead-1").code != 200, "another's manager would remove the entry"


def _claim(manager: str, time: str, leaf: str = "f:verdict", **more: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:spec": {"f:decisions": {f"f:{LEAD}": {leaf: {}}}}}
    return {
        "apiVersion": make.API_VERSION,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        "manager": manager,
        "operation": "Update",
        "time": time,
        **more,
    }


GHOSTS = {
    "another manager, long ago": _claim("ghost", "2020-01-01T00:00:00Z"),
    "another manager, in times to come": _claim("ghost", "2099-01-01T00:00:00Z"),
    "the own manager's name": _claim("tests", "2020-01-01T00:00:00Z"),
    "by apply": _claim("ghost", "2020-01-01T00:00:00Z", operation="Apply"),
    "of the status": _claim("ghost", "2020-01-01T00:00:00Z", subresource="status"),
    "of the comment": _claim("ghost", "2020-01-01T00:00:00Z", "f:comment"),
    "of the time": _claim("ghost", "2020-01-01T00:00:00Z", "f:decidedAt"),
}


def test_ghosts_in_managed_fields_move_no_clock_and_stop_nobody(namespace: str, callers: Callers) -> None:
    """By somebody who may also replace: whoever changes a value takes its leaf from all others."""
    rbac = "rbac.authorization.k8s.io"
    right = {"apiVersion": f"{rbac}/v1", "metadata": {"name": "replaces", "namespace": namespace}}
    rules = [{"apiGroups": ["pratique.dev"], "resources": ["approvals"], "verbs": ["get", "update"]}]
    bound = {"apiGroup": rbac, "kind": "Role", "name": "replaces"}
    people = [{"apiGroup": rbac, "kind": "User", "name": each} for each in (LEAD, LEAD_2)]
    base = f"/apis/{rbac}/v1/namespaces/{namespace}"
    assert callers["admin"].send("POST", f"{base}/roles", {**right, "kind": "Role", "rules": rules}).ok
    binding = {**right, "kind": "RoleBinding", "roleRef": bound, "subjects": people}
    assert callers["admin"].send("POST", f"{base}/rolebindings", binding).ok
    for number, (what, ghost) in enumerate(GHOSTS.items()):
        path = gate(callers, namespace, f"ghost-{number}", required=3)
        assert say(callers, "lead-1", path, A).ok

        def replaced(who: str, path: str = path, ghost: dict[str, Any] = ghost, verdict: str = A) -> Reply:
            live = callers["admin"].send("GET", path).body
            live["spec"]["decisions"].setdefault(known(who).username, {})["verdict"] = verdict
            live["metadata"]["managedFields"].append(ghost)
            return callers[who].send("PUT", path, live)

        def has_the_right(path: str = path, replaced: Any = replaced) -> bool:
            return "cannot update" not in replaced("lead-2", path).message

        wait_for("the right", has_the_right)
        before = entry(callers, path)
        assert entry(callers, path, "lead-2")["decidedAt"] > "2026", "a colleague plants an owner of my leaf"
        for reply in (replaced("lead-1", verdict=U), say(callers, "lead-1", path, D, "no")):
            assert reply.ok, f"{what}: {reply.message}"
        now = entry(callers, path)
        times = [*(each["decidedAt"] for each in now["history"]), now["decidedAt"]]
        assert times == sorted(times) and times[0] == before["decidedAt"] and times[-1] < "2099", what


def test_the_second_approval_races_the_first_ones_way_back(namespace: str, callers: Callers) -> None:
    """Whichever comes first stands: never a gate that is granted and is not."""
    seen = set[tuple[bool, bool]]()
    with ThreadPoolExecutor(2) as pool:
        for turn in range(24):
            path = gate(callers, namespace, f"race-{turn}", required=2)
            assert say(callers, "lead-1", path, A).ok
            asked = [("lead-1", U), ("lead-2", A)][:: 1 if turn % 2 else -1]
            replies = dict(
                zip(
                    (who for who, _ in asked),
                    pool.map(lambda each, path=path: say(callers, each[0], path, each[1]), asked),
                    strict=True,
                )
            )
            back, second = replies["lead-1"].ok, replies["lead-2"].ok
            assert second, replies["lead-2"].message
            verdicts = entry(callers, path)["verdict"], entry(callers, path, "lead-2")["verdict"]
            assert verdicts == (U if back else A, A)
            assert stands(callers, path) is (OPEN if back else YES)
            assert back or "this Approval is decided: approved by" in replies["lead-1"].message
            seen.add((back, second))
    assert seen == {(True, True), (False, True)}, "the race has one side only"
