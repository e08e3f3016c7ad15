"""The CRDs are deleted while Environments exist: what is left is worked off, nothing is decided, and all can come back."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from tests.builders.manifests import decision, run
from tests.support.certain import certain
from tests.support.cluster import Cluster, wait_for
from tests.support.own_plane import note_action, own_plane
from tests.support.runs import phase
from tools.codegen.manifests import install
from tools.controlplane.plane import ControlPlane
from tools.controlplane.processes import alive
from tools.installation import OperatorProcess, install_pratique

from pratique.core.telling.credentials import ALLOWED_HOSTS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(480)]
SPACE = "leaving"
ALL = ("actions", "actionruns", "approvals", "delegations", "environments", "notificationchannels")
World = tuple[ControlPlane, Cluster, OperatorProcess]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("uninstall")
    with own_plane(SPACE, folder) as (plane, cluster):
        arguments = ("--guard-every", "0.5", "--guard-settle", "0.3")
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log", arguments=arguments)
        operator.start()
        operator.wait_ready()
        yield plane, cluster, operator
        operator.stop()


def environment(cluster: Cluster, name: str, *, tells: bool = True) -> str:
    """Make one that lasts; return its namespace's name, once that is there. What it cannot tell holds it for a minute."""
    space = asked(cluster, name, tells=tells)
    active(cluster, name)
    return space


def asked(cluster: Cluster, name: str, *, tells: bool = True) -> str:
    """Ask for an Environment; return the name of the namespace that it is to have."""
    space = f"env-{SPACE}-{name}"
    rules = [{"channels": ["hook"], "events": ["EnvironmentGone"]}] if tells else []
    cluster.apply(
        "admin",
        {
            "apiVersion": "pratique.dev/v1alpha1",
            "kind": "Environment",
            "metadata": {"name": name, "namespace": SPACE},
            "spec": {"ttl": "1d", "target": {"namespace": {"name": space}}, "notifications": rules},
        },
    )
    return space


def active(cluster: Cluster, name: str) -> None:
    wait_for(f"{name} is active", lambda: status(cluster, name).get("phase") == "Active")


def status(cluster: Cluster, name: str) -> dict[str, Any]:
    return dict((cluster.get("environment", name, SPACE) or {}).get("status", {}))


def delete(cluster: Cluster, *plurals: str) -> None:
    names = [f"crd/{plural}.pratique.dev" for plural in plurals]
    cluster.kubectl("admin", "delete", "--wait=false", *names)


def gone(cluster: Cluster, *plurals: str) -> None:
    names = [f"{plural}.pratique.dev" for plural in plurals]
    wait_for(f"{names} are gone", lambda: not any(cluster.get("crd", name) for name in names), 60)


def says(operator: OperatorProcess, text: str) -> None:
    wait_for(f"it says {text}", lambda: text in operator.readyz(), 30)


def back(plane: ControlPlane, cluster: Cluster, operator: OperatorProcess) -> None:
    """Install again; every kind is watched again, by the process that there was, and a run is done."""
    process = operator.process
    install_pratique(cluster.runner, plane.kubeconfig("admin"))
    operator.wait_ready()
    cluster.apply("admin", note_action(SPACE, gated=True))
    wait_for("the Action is ready", lambda: ready(cluster))
    name = f"again-{time.monotonic_ns()}"
    cluster.apply("developer", run(name, SPACE, "note", inputs={"gated": False}))
    phase(cluster, name, SPACE, "Succeeded")
    assert process is not None and operator.process is process and alive(process)


def ready(cluster: Cluster) -> bool:
    found = (cluster.get("action", "note") or {}).get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in found)


def held(cluster: Cluster, name: str) -> str:
    """Ask for what needs an approval; return the gate's name."""
    cluster.apply("developer", run(name, SPACE, "note", inputs={"gated": True}))
    return str(phase(cluster, name, SPACE, "WaitingForApproval")["approvals"][0]["name"])


def approve(cluster: Cluster, gate: str) -> None:
    patch = ("patch", "approval", gate, "-n", SPACE, "--type", "merge", "-p", decision("lead-1@example.com", "Approve"))
    cluster.kubectl("lead-1", *patch)


def other_gate(cluster: Cluster, name: str, gate: str) -> str:
    """Return the gate that holds the run, if it is another one: what was decided in the gap does not count."""
    approvals = phase(cluster, name, SPACE, "WaitingForApproval").get("approvals", [])
    return next((each["name"] for each in approvals if each["name"] != gate), "")


def hook(cluster: Cluster, server: HTTPServer) -> None:
    """Make a channel that tells a receiver here."""
    url = f"http://{server.host}:{server.port}/hook"
    server.expect_request("/hook").respond_with_data("ok")
    lets = {ALLOWED_HOSTS: f"{server.host}:{server.port}"}
    metadata = {"name": "hook", "namespace": "pratique-system", "annotations": lets}
    cluster.apply("admin", {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"url": url}})
    channel = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel", "metadata": {"name": "hook"}}
    cluster.apply("admin", channel | {"spec": {"webhook": {"urlSecretRef": {"name": "hook", "key": "url"}}}})


def told_of(server: HTTPServer, space: str) -> bool:
    """Whether the receiver was told that a namespace is gone."""
    return any(f"Namespace {space} is gone".encode() in request.get_data() for request, _ in server.log)


def test_environments_go_with_their_definition_nothing_is_decided_meanwhile_and_all_comes_back(
    world: World, httpserver: HTTPServer
) -> None:
    plane, cluster, operator = world
    hook(cluster, httpserver)
    cluster.apply("admin", note_action(SPACE, gated=True))
    gate = held(cluster, "held")
    spaces = [environment(cluster, name) for name in ("one", "two")]
    kept = ("patch", "namespace", spaces[1], "--type", "merge", "-p")
    cluster.kubectl("admin", *kept, '{"metadata": {"finalizers": ["example.com/kept"]}}')

    delete(cluster, "environments")
    wait_for("the first is gone", lambda: cluster.get("environment", "one", SPACE) is None, 60)
    says(
        operator, "CustomResourceDefinition environments.pratique.dev is being deleted: what is being deleted is worked"
    )
    assert cluster.get("namespace", spaces[0]) is None and told_of(httpserver, spaces[0])
    assert cluster.get("environment", "two", SPACE), "its namespace is still there"
    approve(cluster, gate)
    cluster.kubectl("admin", *kept, '{"metadata": {"finalizers": []}}')
    gone(cluster, "environments")
    assert cluster.get("namespace", spaces[1]) is None
    assert cluster.get("configmap", "held", SPACE) is None, "that was worked off after the approval, and this was not"
    assert phase(cluster, "held", SPACE, "WaitingForApproval")["approvals"][0]["name"] == gate

    back(plane, cluster, operator)
    again = wait_for("it is asked again", lambda: other_gate(cluster, "held", gate), 60)
    approve(cluster, again)
    phase(cluster, "held", SPACE, "Succeeded")
    assert environment(cluster, "three", tells=False)


@pytest.mark.parametrize("plural", [each for each in ALL if each != "environments"])
def test_each_other_definition_goes_with_its_objects_environments_can_go_meanwhile_and_all_comes_back(
    world: World, httpserver: HTTPServer, plural: str
) -> None:
    plane, cluster, operator = world
    hook(cluster, httpserver)
    cluster.apply("admin", note_action(SPACE, gated=True))
    held(cluster, f"held-{plural}")
    tells = plural != "notificationchannels"
    space = environment(cluster, f"with-{plural}", tells=tells)
    delete(cluster, plural)
    gone(cluster, plural)
    says(operator, f"CustomResourceDefinition {plural}.pratique.dev is gone: what is being deleted is worked off")
    another = asked(cluster, f"after-{plural}", tells=tells)
    cluster.kubectl("admin", "delete", "environment", f"with-{plural}", "-n", SPACE, "--timeout=60s")
    assert cluster.get("namespace", space) is None
    assert cluster.get("namespace", another) is None, "what is new is not made meanwhile"
    assert told_of(httpserver, space) == tells
    back(plane, cluster, operator)
    active(cluster, f"after-{plural}")
    cluster.kubectl("admin", "delete", "environment", f"after-{plural}", "-n", SPACE, "--timeout=50s")


def test_all_definitions_go_at_once(world: World) -> None:
    plane, cluster, operator = world
    spaces = [environment(cluster, name, tells=False) for name in ("four", "five")]
    held(cluster, "held-by-all")
    delete(cluster, *ALL)
    gone(cluster, *ALL)
    assert not any(cluster.get("namespace", space) for space in spaces)
    back(plane, cluster, operator)
    assert environment(cluster, "six", tells=False)


@pytest.mark.parametrize("others", [(), ("actions", "actionruns", "approvals", "notificationchannels")])
def test_environments_go_also_if_the_operator_starts_only_when_definitions_go(
    world: World, httpserver: HTTPServer, others: tuple[str, ...]
) -> None:
    plane, cluster, operator = world
    hook(cluster, httpserver)
    names = [f"{name}-{len(others)}" for name in ("seven", "eight")]
    spaces = [environment(cluster, name, tells=not others) for name in names]
    operator.stop()
    delete(cluster, "environments", *others)
    gone(cluster, *others)
    assert cluster.get("environment", names[0], SPACE) is not None
    operator.start()
    first = (*others, "environments")[0]
    says(operator, f"waiting for the guard: CustomResourceDefinition {first}.pratique.dev is ")
    gone(cluster, "environments")
    assert not any(cluster.get("namespace", space) for space in spaces)
    assert all(told_of(httpserver, space) != bool(others) for space in spaces)
    back(plane, cluster, operator)
    assert environment(cluster, f"nine-{len(others)}", tells=False)


def test_without_a_policy_nothing_is_worked_off(world: World) -> None:
    """Two bindings take turns to be missing, so that it is seen when the operator has looked at everything again."""
    _, cluster, operator = world
    space = environment(cluster, "ten", tells=False)
    one, other = "pratique-environment", "pratique-requester"
    remove(cluster, one)
    says(operator, f"ValidatingAdmissionPolicyBinding {one} is missing")
    delete(cluster, "environments")
    for missing, there in ((other, one), (one, other), (other, one)):
        remove(cluster, missing)
        restore(cluster, there)
        says(operator, f"ValidatingAdmissionPolicyBinding {missing} is missing")
    assert "deletionTimestamp" not in certain(cluster.get("namespace", space))["metadata"]
    restore(cluster, other)
    gone(cluster, "environments")
    assert cluster.get("namespace", space) is None


def remove(cluster: Cluster, binding: str) -> None:
    cluster.kubectl("admin", "delete", "validatingadmissionpolicybinding", binding)


def restore(cluster: Cluster, binding: str) -> None:
    bindings = (each for each in install() if each["kind"] == "ValidatingAdmissionPolicyBinding")
    cluster.apply("admin", next(each for each in bindings if each["metadata"]["name"] == binding))
