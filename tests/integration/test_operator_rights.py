"""The operator's role is minimal: each right in it is used, and nothing is asked for beyond it; the audit log tells.

The stories below make the operator do all that it can do. Who adds a right to `tools/codegen/rbac.py` adds the story that
needs it here.
"""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from tests.builders.manifests import Manifest, changed, decision, delegation, environment, run
from tests.conftest import PEOPLE
from tests.support.cluster import Cluster, wait_for
from tests.support.http import Caller, Callers
from tests.support.own_plane import brief_action, job_action, note_action, own_plane
from tests.support.runs import condition, phase
from tools.codegen.manifests import install
from tools.codegen.rbac import RBAC
from tools.codegen.values import Values
from tools.controlplane.servers import Options
from tools.installation import OperatorProcess, free_port
from tools.receiver import Receiver

from pratique.cluster.client import MERGE_PATCH

pytestmark = pytest.mark.cluster
SPACE = "rights"
RIGHTS = {
    "apiGroups": ["", "batch", "pratique.dev"],
    "resources": ["configmaps", "jobs", "environments"],
    "verbs": ["create", "get", "patch", "delete"],
}
OPERATOR = Values().operator


class Right(NamedTuple):
    """One verb on one resource, in one namespace ("" for everywhere), for one name ("" for all)."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    def covers(self, used: "Right") -> bool:
        """Whether this right is what allowed a request."""
        same = (self.verb, self.group, self.resource) == (used.verb, used.group, used.resource)
        return same and self.namespace in ("", used.namespace) and self.name in ("", used.name)


@dataclass(frozen=True)
class World:
    """A control plane with an audit log, and an operator that may be stopped."""

    cluster: Cluster
    operator: OperatorProcess
    borrowed: Caller
    log: Path
    metrics: int
    """The port where the operator serves /metrics to those who may read it."""
    bound: set[str] = field(default_factory=set)
    """The ClusterRoles that the operator gave to somebody."""

    def requests(self) -> list[dict[str, Any]]:
        """Return what the operator's process asked the API server for; a test that borrows its name says so."""
        entries = map(json.loads, self.log.read_text().splitlines())
        return [
            each
            for each in entries
            if each["user"]["username"] == OPERATOR and each["userAgent"] != "tests" and "objectRef" in each
        ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Everything has happened: each story was told."""
    folder = tmp_path_factory.mktemp("rights")
    with (
        own_plane(SPACE, folder, Options(audit="Metadata"), RIGHTS, people=(PEOPLE,)) as (plane, cluster),
        Callers(plane) as callers,
        Receiver() as receiver,
    ):
        literal = f"--from-literal=url={receiver.url}/slack"
        cluster.kubectl("admin", "create", "secret", "generic", "slack", "-n", "pratique-system", literal)
        metrics = free_port()
        options = ("--metrics-port", str(metrics))
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log", arguments=options)
        operator.start()
        operator.wait_ready()
        assert plane.audit_log is not None
        world = World(cluster, operator, callers["operator"], plane.audit_log, metrics)
        for tell in STORIES:
            tell(world)
        yield world
        operator.stop()


def _channel(world: World) -> None:
    """A channel reads its Secret."""
    spec = {"slack": {"webhookUrlSecretRef": {"name": "slack", "key": "url"}}}
    channel = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel", "metadata": {"name": "chat"}}
    world.cluster.apply("admin", channel | {"spec": spec})
    wait_for("it is ready", lambda: _ready(world.cluster.get("notificationchannel", "chat")))


def _runs(world: World) -> None:
    """Free, granted, and deleted while it waited."""
    cluster = world.cluster
    for action in (note_action(SPACE), job_action(SPACE)):
        cluster.apply("admin", action)
    cluster.apply("developer", run("free", SPACE, "note", inputs={}))
    cluster.apply("developer", run("job", SPACE, "job", inputs={}))
    for name in ("free", "job"):
        phase(cluster, name, SPACE, "Succeeded")
    gate = _held(world, "granted")
    patch = decision("lead-1@example.com", "Approve")
    cluster.kubectl("lead-1", "patch", "approval", gate, "-n", SPACE, "--type=merge", "-p", patch)
    phase(cluster, "granted", SPACE, "Succeeded")
    gate = _held(world, "deleted")
    cluster.kubectl("developer", "delete", "actionrun", "deleted", "-n", SPACE)
    wait_for("its gate ends", lambda: (cluster.get("approval", gate, SPACE) or {})["status"]["state"] == "Withdrawn")
    cluster.apply("developer", changed(run("dry", SPACE, "note", inputs={"gated": True}), {"spec.dryRun": True}))
    phase(cluster, "dry", SPACE, "Succeeded")
    _set(world, "actionrun", "dry", {"finishedAt": "2026-01-01T00:00:00Z"})
    wait_for("an answer that is an hour old is gone", lambda: cluster.get("actionrun", "dry", SPACE) is None)


def _lent(world: World) -> None:
    """Made for some seconds: the run is held until it is gone."""
    world.cluster.apply("admin", brief_action(SPACE))
    world.cluster.apply("developer", run("lent", SPACE, "brief", inputs={}))
    phase(world.cluster, "lent", SPACE, "Succeeded")
    wait_for("it is gone", lambda: world.cluster.get("configmap", "lent", SPACE) is None)


def _again(world: World) -> None:
    """A gate is there already, since its run's status was lost: as after a crash between the two."""
    gate = _held(world, "again")
    _lose(world, "actionrun", "again", {"phase": "Pending", "observedGeneration": 0, "plan": None, "approvals": None})
    phase(world.cluster, "again", SPACE, "WaitingForApproval")
    assert (world.cluster.get("approval", gate, SPACE) or {})["status"]["state"] == "Pending"


def _environment(world: World) -> None:
    """All that an Environment can have; made, lost and found again, extended, ended by the operator."""
    cluster = world.cluster
    brief = changed(environment(SPACE, "brief"), {"spec.ttl": "3s", "spec.warnings": []})
    cluster.apply("admin", brief)
    access = [{"user": f"{role}@example.com", "role": role} for role in ("view", "edit", "admin")]
    target = {"spec.target.access": access, "spec.target.limits": {"max": {"cpu": "4"}}}
    wanted = changed(environment(SPACE, "full"), target)
    cluster.apply("admin", wanted)
    _active(world, "full")
    _lose(world, "environment", "full", {"phase": "Creating", "observedGeneration": 0})
    _active(world, "full")
    world.bound.update(_bindings(cluster))
    cluster.apply("admin", _extension())
    cluster.apply("developer-2", run("extend", SPACE, "extend", inputs={}))
    phase(cluster, "extend", SPACE, "Refused")
    wait_for("it is gone", lambda: cluster.get("environment", "brief", SPACE) is None, 60)
    assert cluster.get("namespace", f"env-{SPACE}-brief") is None


def _extension() -> Manifest:
    """Return an Action that extends somebody's Environment."""
    meta = {"name": "full", "namespace": SPACE}
    template = {"apiVersion": "pratique.dev/v1alpha1", "kind": "Environment", "metadata": meta, "spec": {"ttl": "4d"}}
    resources = [{"id": "it", "template": template, "patch": True}]
    action: Manifest = yaml.safe_load(note_action(SPACE))
    return changed(action, {"metadata.name": "extend", "spec.execution.resources": resources})


def _bindings(cluster: Cluster) -> set[str]:
    found = cluster.kubectl("admin", "get", "rolebindings", "-n", f"env-{SPACE}-full", "-o", "json").json["items"]
    return {each["roleRef"]["name"] for each in found}


def _handover(world: World) -> None:
    """A leader that starts again takes its Lease over."""
    world.operator.stop()
    world.operator.start()
    world.operator.wait_ready()
    world.cluster.apply("developer", run("after", SPACE, "note", inputs={}))
    phase(world.cluster, "after", SPACE, "Succeeded")


def _scraped(world: World) -> None:
    """Prometheus reads the metrics by its token; another account, and nobody, do not."""
    kubectl = world.cluster.kubectl
    for name in ("prometheus", "curious"):
        kubectl("admin", "create", "serviceaccount", name, "-n", SPACE)
    kubectl(
        "admin",
        *("create", "clusterrolebinding", "scraper", "--clusterrole=pratique-metrics-reader"),
        f"--serviceaccount={SPACE}:prometheus",
    )
    tokens = {
        200: kubectl("admin", "create", "token", "prometheus", "-n", SPACE).out.strip(),
        403: kubectl("admin", "create", "token", "curious", "-n", SPACE).out.strip(),
        401: "forged",
    }
    seen = {expected: _scrape(world.metrics, token) for expected, token in tokens.items()}
    assert {expected: code for expected, (code, _) in seen.items()} == {200: 200, 403: 403, 401: 401}
    assert "pratique_leader 1.0" in seen[200][1]
    assert "pratique_" not in seen[403][1] + seen[401][1].replace("pratique-metrics-reader", "")


def _scrape(port: int, token: str) -> tuple[int, str]:
    request = urllib.request.Request(f"https://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {token}"})
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it made its certificate itself
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _away(world: World) -> None:
    """Somebody says who decides while they are away: it is said of it whether it counts."""
    world.cluster.apply("admin", delegation("away"))

    def looked_at() -> bool:
        return bool(condition(world.cluster.get("delegation", "away"), "Ready").get("reason", "Pending") != "Pending")

    wait_for("it to be looked at", looked_at)


STORIES: tuple[Callable[[World], None], ...] = (
    _channel,
    _runs,
    _lent,
    _again,
    _environment,
    _scraped,
    _away,
    _handover,
)


def _held(world: World, name: str) -> str:
    world.cluster.apply("developer", run(name, SPACE, "note", inputs={"gated": True}))
    return str(phase(world.cluster, name, SPACE, "WaitingForApproval")["approvals"][0]["name"])


def _lose(world: World, kind: str, name: str, status: Manifest) -> None:
    """Set a status back while the operator is off, so that it meets what it had made before."""
    world.operator.stop()
    _set(world, kind, name, status)
    world.operator.start()
    world.operator.wait_ready()


def _set(world: World, kind: str, name: str, status: Manifest) -> None:
    """Write a status as the operator's account."""
    path = f"/apis/pratique.dev/v1alpha1/namespaces/{SPACE}/{kind}s/{name}/status"
    reply = world.borrowed.send("PATCH", path, {"status": status}, content_type=MERGE_PATCH)
    assert reply.ok, reply.message


def _active(world: World, name: str) -> None:
    def active() -> bool:
        body = world.cluster.get("environment", name, SPACE) or {}
        return bool(body.get("status", {}).get("phase") == "Active")

    wait_for(f"{name} is active", active)


def _ready(body: Manifest | None) -> bool:
    return condition(body, "Ready").get("status") == "True"


def granted() -> set[Right]:
    """Return every right that the installation gives the operator's account."""
    manifests = install()
    roles = {
        (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]): each for each in manifests
    }
    found = set()
    for binding in (each for each in manifests if each["kind"] in ("RoleBinding", "ClusterRoleBinding")):
        if any(subject["name"] == Values().service_account for subject in binding["subjects"]):
            space, ref = binding["metadata"].get("namespace", ""), binding["roleRef"]
            role = roles[ref["kind"], space if ref["kind"] == "Role" else "", ref["name"]]
            found |= {right for rule in role["rules"] for right in _rights(rule, space)}
    return found


def _rights(rule: Manifest, namespace: str) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames", [""]):
                    yield Right(verb, group, resource, namespace, name)


def _used(request: dict[str, Any]) -> Right:
    what = request["objectRef"]
    resource = "/".join(part for part in (what["resource"], what.get("subresource")) if part)
    return Right(
        request["verb"], what.get("apiGroup", ""), resource, what.get("namespace", ""), str(what.get("name") or "")
    )


def used(world: World) -> set[Right]:
    """Return what the operator did in its own name, and may do."""
    return {_used(each) for each in world.requests() if "impersonatedUser" not in each and _allowed(each)}


def _allowed(request: dict[str, Any]) -> bool:
    """Whether RBAC allowed it; a canary is refused later, by a policy."""
    return bool(request["annotations"].get("authorization.k8s.io/decision") == "allow")


def test_each_right_of_the_operator_is_needed(world: World) -> None:
    done = used(world)
    # nothing is asked of a ClusterRole when it is bound, so the log does not show it: the bindings do
    done |= {Right("bind", RBAC, "clusterroles", name=name) for name in world.bound}
    idle = sorted(right for right in granted() if not any(right.covers(each) for each in done))
    assert not idle, (
        f"No story of this test needs these rights of the operator: {idle}. Take them out of tools/codegen/rbac.py,"
        " or add the story that needs them to STORIES"
    )


def test_the_operator_asks_for_nothing_that_it_may_not(world: World) -> None:
    refused = sorted({_used(each) for each in world.requests() if not _allowed(each)})
    assert not refused, (
        f"RBAC refused these to the operator: {refused}. Give the right in tools/codegen/rbac.py, or do not ask"
    )


def test_the_operator_becomes_the_accounts_of_actions_only(world: World) -> None:
    became = {each["impersonatedUser"]["username"] for each in world.requests() if "impersonatedUser" in each}
    assert became == {f"system:serviceaccount:{SPACE}:writer"}


def test_a_right_that_nobody_uses_would_be_found(world: World) -> None:
    """The comparison itself: a verb, a resource, a namespace and a name that are another's do not count."""
    done = used(world)
    for idle in (
        Right("delete", "pratique.dev", "approvals"),
        Right("get", "", "pods"),
        Right("get", "", "secrets", "kube-system"),
        Right("get", "coordination.k8s.io", "leases", "pratique-system", "another"),
    ):
        assert not any(idle.covers(each) for each in done), idle
    assert any(Right("get", "", "secrets", "pratique-system").covers(each) for each in done)
