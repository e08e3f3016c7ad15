"""docs/guides/rbac.md does what it says: each YAML on the page is applied, and real people try what it gives."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.builders.manifests import decision, run
from tests.support.cluster import Answer, Cluster, wait_for
from tests.support.own_plane import note_action, own_plane
from tests.support.runs import phase
from tools.codegen.values import Values
from tools.installation import ROOT, OperatorProcess, guard_arguments

pytestmark = pytest.mark.cluster
SPACE = "team-a"
ARGO = "system:serviceaccount:argocd:argocd-application-controller"
PAGE = (ROOT / "docs" / "guides" / "rbac.md").read_text()
BLOCKS = {
    section.splitlines()[0]: list(re.findall(r"```yaml\n(.*?)```", section, re.DOTALL))
    for section in PAGE.split("\n## ")[1:]
}
RUNS = ("run", "actions.pratique.dev/create-database", "-n", SPACE)


def documents(section: str) -> list[dict[str, Any]]:
    """Return the Kubernetes objects of a section."""
    found = [each for text in BLOCKS[section] for each in yaml.safe_load_all(text)]
    return [each for each in found if "kind" in each]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An installation with the page's values, roles and bindings, and two Actions that security approves."""
    folder = tmp_path_factory.mktemp("rbac")
    (values,) = [yaml.safe_load(text) for text in BLOCKS[GITOPS] if "kind" not in yaml.safe_load(text)]
    chosen = Values(submitters=tuple(values["submitters"]))
    with own_plane(SPACE, folder, values=chosen, people=()) as (plane, cluster):
        arguments = guard_arguments(chosen)
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log", arguments=arguments)
        operator.start()
        operator.wait_ready()
        for name in ("create-database", "note"):
            gated = note_action(SPACE, name, gated=True).replace("[platform-leads]", "[platform-leads, security]")
            cluster.apply("admin", gated)
        for each in (each for section in BLOCKS for each in documents(section) if each["kind"] != "ActionRun"):
            cluster.apply("admin", json.dumps(each))
        wait_for("the controller manager adds to the role", lambda: may(cluster, "developer", "get", "configmaps"))
        yield cluster
        operator.stop()


GITOPS = "A GitOps controller that asks for people"


def may(cluster: Cluster, who: str, *question: str, space: str = SPACE) -> bool:
    """Whether RBAC gives it."""
    return cluster.kubectl(who, "auth", "can-i", *question, "-n", space, check=False).out.strip() == "yes"


def decide(cluster: Cluster, who: str, gate: str) -> Answer:
    """Approve."""
    patch = decision(f"{who}@example.com", "Approve")
    return cluster.kubectl(who, "patch", "approval", gate, "-n", SPACE, "--type=merge", "-p", patch, check=False)


def held(cluster: Cluster, who: str, name: str, action: str) -> str:
    """Ask for an Action; return the name of its gate."""
    cluster.apply(who, run(name, SPACE, action, inputs={}))
    return str(phase(cluster, name, SPACE, "WaitingForApproval")["approvals"][0]["name"])


def test_every_section_with_objects_is_tried_here() -> None:
    assert [section for section in BLOCKS if documents(section)] == [
        "A team that may request everything in its namespace",
        "Approvers of one Action only",
        "A pipeline",
        GITOPS,
        "Extending a role",
    ]


def test_a_team_requests_everything_in_its_namespace(world: Cluster) -> None:
    held(world, "developer", "asked", "note")
    for question in (RUNS, ("create", "actionruns"), ("list", "approvals"), ("get", "actions"), ("list", "events")):
        assert may(world, "developer", *question[:2]), question
    assert may(world, "mallory", "get", "actions"), "everybody sees the catalogue"
    for who, space in (("mallory", SPACE), ("developer", "default")):
        assert not may(world, who, "create", "actionruns", space=space)
        assert not may(world, who, "list", "actionruns", space=space)
        answer = world.apply(who, run("elsewhere", space, "note", inputs={}), check=False)
        assert "forbidden" in answer.err
    for verb, resource in (
        ("update", "approvals"),
        ("create", "approvals"),
        ("approve", "actions.pratique.dev/note"),
        ("withdraw", "actions.pratique.dev/note"),
        ("create", "environments"),
        ("create", "actions"),
    ):
        assert not may(world, "developer", verb, resource), (verb, resource)


def test_approvers_of_one_action_only(world: Cluster) -> None:
    """They are listed by both Actions, and hold the verb for one."""
    other = decide(world, "security", held(world, "developer", "another-note", "note"))
    assert "security@example.com may not approve Action note in namespace team-a" in other.err
    gate = held(world, "developer", "a-database", "create-database")
    assert "forbidden" in decide(world, "lead-1", gate).err, "listed, but without any right"
    assert decide(world, "security", gate).code == 0
    phase(world, "a-database", SPACE, "Succeeded")
    assert not may(world, "security", *RUNS[:2])
    assert not may(world, "security", "update", "approvals")


def test_a_pipeline(world: Cluster) -> None:
    world.apply("robot", run("by-robot", SPACE, "restart-worker", inputs={}))
    phase(world, "by-robot", SPACE, "Succeeded")
    answer = world.apply("robot", run("by-robot-2", SPACE, "note", inputs={}), check=False)
    assert "may not run Action note in namespace team-a" in answer.err
    world.kubectl("admin", "patch", "action", "restart-worker", "--type=merge", "-p", PEOPLE_ONLY)
    world.apply("robot", run("by-robot-3", SPACE, "restart-worker", inputs={}))
    message = phase(world, "by-robot-3", SPACE, "Refused")["message"]
    assert message.startswith(
        "This Action is for people, and a ServiceAccount asked: let a person ask, or set spec.allow"
    )
    world.apply("developer", run("by-developer", SPACE, "restart-worker", inputs={}))
    phase(world, "by-developer", SPACE, "Succeeded")


PEOPLE_ONLY = '{"spec": {"allowServiceAccounts": false}}'


def test_a_gitops_controller(world: Cluster) -> None:
    (asked,) = [each for each in documents(GITOPS) if each["kind"] == "ActionRun"]
    name = asked["metadata"]["name"]
    world.apply("argocd", asked)
    gate = phase(world, name, SPACE, "WaitingForApproval")["approvals"][0]["name"]
    assert (world.get("approval", gate, SPACE) or {})["spec"]["onBehalfOf"] == asked["spec"]["onBehalfOf"]
    world.apply("argocd", run("in-its-own-name", SPACE, "note", inputs={}))
    phase(world, "in-its-own-name", SPACE, "Refused")
    assert decide(world, "security", gate).code == 0
    phase(world, name, SPACE, "Succeeded")


def test_requests_are_seen_by_all_who_may_view_once_somebody_says_so(world: Cluster) -> None:
    world.kubectl("admin", "create", "rolebinding", "views", "--clusterrole=view", "--group=sre-oncall", "-n", SPACE)
    assert not may(world, "oncall", "list", "actionruns")
    (line,) = re.findall(r"`kubectl (label clusterrole [^`]+)`", PAGE)
    world.kubectl("admin", *line.split())
    wait_for("the controller manager adds to view", lambda: may(world, "oncall", "list", "actionruns"))
    assert not may(world, "oncall", "create", "actionruns")


def test_the_table_names_every_role(world: Cluster) -> None:
    roles = world.kubectl("admin", "get", "clusterroles", "-o", "name").out.split()
    ours = {role.removeprefix("clusterrole.rbac.authorization.k8s.io/") for role in roles if "/pratique-" in role}
    bound = {role for role in ours if not role.endswith("-rules") and role != "pratique-operator"}
    assert bound == set(re.findall(r"^\| `(pratique-[\w-]+)` \|", PAGE, re.MULTILINE))
