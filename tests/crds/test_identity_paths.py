"""Every way to a field that says who somebody is: each verb, patch, subresource and null, by requester, approver and admin.

What is looked at is the object and not the answer: after each try the fields that tell who asked, for whom, and who decided
are what they were; a new object says who really sent it.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import API_VERSION, changed, decision
from tests.support.cluster import Cluster, wait_for
from tests.support.http import Caller, Callers
from tools.controlplane.identities import known

pytestmark = pytest.mark.cluster
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
GATE, RUN = "load-test-platform-0c6d5a8e6f", "held"
LEAD, LEAD_2 = "lead-1@example.com", "lead-2@example.com"
CHANGED = {LEAD: {"verdict": "Decline", "comment": "no"}}
"""What lead-1 may say instead of what is there, and nobody else for them."""
VALUES: dict[str, tuple[Any, ...]] = {
    "requestedBy": (
        None,
        {},
        {"username": LEAD},
        {"username": LEAD, "groups": ["platform-leads"]},
        {"groups": ["platform-leads"]},
        {"username": None},
        {"groups": None},
        {"groups": []},
        LEAD,
        [LEAD],
    ),
    "onBehalfOf": (None, {}, {"username": LEAD}, {"username": None}, {"username": ""}, LEAD),
    "decisions": (
        None,
        {},
        {LEAD: None},
        {LEAD_2: {"verdict": "Approve"}},
        {LEAD: {"groups": ["directors"]}},
        {LEAD: {"decidedAt": "2020-01-01T00:00:00Z"}},
        CHANGED,
    ),
}
OBJECTS = {"actionruns": (RUN, "requestedBy", "onBehalfOf"), "approvals": (GATE, *VALUES)}
WHO = ("developer", "lead-1", "replacing", "admin")


@pytest.fixture(scope="module")
def callers(cluster: Cluster) -> Iterator[Callers]:
    """A connection per identity."""
    with Callers(cluster.identities) as found:
        yield found


@pytest.fixture(scope="module")
def placed(cluster: Cluster) -> Iterator[str]:
    """A waiting run, and a gate with one decision that is on behalf of a person; somebody may replace both.

    One for all, since no test may change them.
    """
    namespace = "t-identity-paths"
    cluster.kubectl("admin", "create", "namespace", namespace)
    cluster.apply("developer", make.run(RUN, namespace))
    gate = changed(make.approval(namespace), {"spec.onBehalfOf": {"username": "developer@example.com"}})
    gate["spec"]["requestedBy"] = {"username": "argo", "groups": ["machines"]}
    gate["spec"]["policy"]["required"] = 2
    cluster.kubectl("operator", "create", "-f", "-", input=json.dumps(gate))
    body = decision(LEAD, "Approve", "fine by me")
    cluster.kubectl("lead-1", "patch", "approval", GATE, "-n", namespace, "--type=merge", "-p", body)
    role = ("create", "role", "replaces", "--verb=get,update,patch,create", "-n", namespace)
    cluster.kubectl("admin", *role, "--resource=actionruns.pratique.dev,approvals.pratique.dev")
    user = known("security").username
    cluster.kubectl("admin", "create", "rolebinding", "replaces", "--role=replaces", f"--user={user}", "-n", namespace)
    update = ("auth", "can-i", "update", "approvals", "-n", namespace)
    wait_for("the right", lambda: cluster.kubectl("security", *update, check=False).out.strip() == "yes")
    yield namespace
    cluster.kubectl("admin", "delete", "namespace", namespace, "--wait=false")


def caller(callers: Callers, who: str) -> Caller:
    return callers["security" if who == "replacing" else who]


def path(namespace: str, plural: str, name: str = "", part: str = "") -> str:
    """Return where an object, a part of it, or all of a kind are served."""
    tail = "/".join(each for each in (plural, name, part) if each)
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{tail}"


def identity(body: dict[str, Any]) -> dict[str, Any]:
    """Return what an object says of who is who."""
    return {field: body["spec"].get(field) for field in VALUES}


def tries(live: dict[str, Any], field: str, value: Any) -> Iterator[tuple[str, str, Any, dict[str, str]]]:
    """Return method, content type, body and parameters of every way to set a field."""
    name, kind = live["metadata"]["name"], live["kind"]
    head = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}}
    yield "PATCH", MERGE, {"spec": {field: value}}, {}
    yield "PATCH", JSON_PATCH, [{"op": "replace", "path": f"/spec/{field}", "value": value}], {}
    yield "PATCH", JSON_PATCH, [{"op": "add", "path": f"/spec/{field}", "value": value}], {}
    yield "PATCH", JSON_PATCH, [{"op": "remove", "path": f"/spec/{field}"}], {}
    yield "PATCH", APPLY, head | {"spec": {field: value}}, {"fieldManager": "me", "force": "true"}
    put = copy.deepcopy(live)
    put["spec"][field] = value
    yield "PUT", "application/json", put, {}
    yield "PUT", "application/json", put, {"fieldValidation": "Ignore"}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("plural", OBJECTS)
def test_no_way_leads_to_a_field_that_says_who(callers: Callers, placed: str, plural: str, who: str) -> None:
    name, *fields = OBJECTS[plural]
    where = path(placed, plural, name)
    before = callers["admin"].send("GET", where).body
    sent = 0
    for field in fields:
        for value in _forbidden(field, who):
            for method, kind, body, params in tries(before, field, value):
                for part, dry in PARTS:
                    reply = caller(callers, who).send(
                        method, where + part, body, content_type=kind, params=params | dry
                    )
                    sent += 1
                    if reply.ok:
                        assert identity(reply.body) == identity(before), f"{method} {where}{part} {body}"
                        before = _unchanged(callers, where, before)
    _unchanged(callers, where, before)
    assert sent == sum(len(_forbidden(field, who)) for field in fields) * 7 * len(PARTS)


def _forbidden(field: str, who: str) -> list[Any]:
    return [each for each in VALUES[field] if (who, each) != ("lead-1", CHANGED)]


PARTS: tuple[tuple[str, dict[str, str]], ...] = (("", {"dryRun": "All"}), ("", {}), ("/status", {}))


def _unchanged(callers: Callers, where: str, before: dict[str, Any]) -> dict[str, Any]:
    now = callers["admin"].send("GET", where).body
    assert identity(now) == identity(before)
    return dict(now)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("body", [{"spec": None}, {"spec": {}}, {"spec": []}, {"spec": "x"}, {}, {"status": None}])
def test_nothing_is_lost_with_the_level_above(callers: Callers, placed: str, who: str, body: dict[str, Any]) -> None:
    for plural, (name, *_) in OBJECTS.items():
        where = path(placed, plural, name)
        before = callers["admin"].send("GET", where).body
        put = {**before, **body} if body else {key: before[key] for key in ("apiVersion", "kind", "metadata")}
        for method, kind, sent in (("PATCH", MERGE, body), ("PUT", "application/json", put)):
            caller(callers, who).send(method, where, sent, content_type=kind)
            _unchanged(callers, where, before)


FORGED: tuple[Any, ...] = (
    None,
    {},
    {"username": LEAD, "groups": ["platform-leads", "system:authenticated"]},
    {"username": LEAD},
    {"groups": ["platform-leads"]},
    {"username": ""},
    {"username": None, "groups": None},
    LEAD,
)


def creations(namespace: str, forged: Any) -> Iterator[tuple[str, tuple[str, str, Any, str, dict[str, str]]]]:
    """Return each way to create a run that says that somebody else asks."""
    run = changed(make.run("new", namespace), {"spec.requestedBy": forged})
    generated = changed(run, {"metadata": {"generateName": "new-", "namespace": namespace}})
    yield "POST", ("POST", path(namespace, "actionruns"), run, "application/json", {})
    yield "generateName", ("POST", path(namespace, "actionruns"), generated, "application/json", {})
    yield (
        "no validation",
        ("POST", path(namespace, "actionruns"), run, "application/json", {"fieldValidation": "Ignore"}),
    )
    yield "apply", ("PATCH", path(namespace, "actionruns", "new"), run, APPLY, {"fieldManager": "me", "force": "true"})
    yield "PUT", ("PUT", path(namespace, "actionruns", "new"), run, "application/json", {})
    yield "PATCH", ("PATCH", path(namespace, "actionruns", "new"), run, MERGE, {})
    yield "status", ("PUT", path(namespace, "actionruns", "new", "status"), run, "application/json", {})


@pytest.mark.parametrize("who", ["developer", "replacing", "admin"])
@pytest.mark.parametrize("forged", FORGED, ids=lambda each: json.dumps(each))
def test_a_new_run_says_who_sent_it(callers: Callers, placed: str, who: str, forged: Any) -> None:
    name = "security" if who == "replacing" else who
    made = 0
    for way, (method, where, body, kind, params) in creations(placed, forged):
        reply = callers[name].send(method, where, body, content_type=kind, params=params | {"dryRun": "All"})
        if reply.ok:
            made += 1
            assert reply.body["spec"]["requestedBy"]["username"] == known(name).username, way
            assert set(known(name).groups) <= set(reply.body["spec"]["requestedBy"]["groups"]), way
            assert "platform-leads" not in reply.body["spec"]["requestedBy"]["groups"], way
    # null is as if it were left out, but for server-side apply, which takes no null
    assert made == (3 if forged is None and name != "security" else 0)


def test_a_new_run_on_behalf_of_somebody_is_denied_each_way(callers: Callers, placed: str) -> None:
    """This installation names no submitter."""
    for who in ("developer", "admin", "argocd"):
        for way, (method, where, body, kind, params) in creations(placed, None):
            asked = changed(body, {"spec.onBehalfOf": {"username": LEAD}})
            reply = callers[who].send(method, where, asked, content_type=kind, params=params | {"dryRun": "All"})
            assert not reply.ok, f"{who} by {way}: {reply.body}"


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha2", "v1alpha1/", "__internal"])
def test_no_other_version_is_served(callers: Callers, placed: str, version: str) -> None:
    for plural, (name, *_) in OBJECTS.items():
        where = path(placed, plural, name).replace("/v1alpha1/", f"/{version}/")
        reply = callers["admin"].send("PATCH", where, {"spec": {"requestedBy": None}}, content_type=MERGE)
        assert not reply.ok


def test_a_collection_is_deleted_by_those_who_may_delete_each(callers: Callers, placed: str) -> None:
    for plural in OBJECTS:
        reply = callers["developer"].send("DELETE", path(placed, plural))
        assert not reply.ok, reply.body
    assert callers["admin"].send("GET", path(placed, "actionruns", RUN)).ok
    assert not callers["admin"].send("DELETE", path(placed, "approvals")).ok, "a pending gate stays, for admins too"
