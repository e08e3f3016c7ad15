"""A submitter asks on behalf of a person: who may, who decides, who takes it back, and what is read of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders.manifests import changed, decision, run
from tests.support.cluster import Answer, Cluster, wait_for
from tests.support.own_plane import note_action, own_plane
from tests.support.runs import phase
from tools.codegen.values import Values
from tools.installation import OperatorProcess, guard_arguments

pytestmark = pytest.mark.cluster
SPACE = "behalf"
ARGO = "system:serviceaccount:argocd:argocd-application-controller"
DEVELOPER, LEAD = "developer@example.com", "lead-1@example.com"
VALUES = Values(submitters=("gitops@example.com", ARGO))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An installation that names two submitters, its operator, and an Action that is always held."""
    folder = tmp_path_factory.mktemp("behalf")
    with own_plane(SPACE, folder, values=VALUES) as (plane, cluster):
        arguments = guard_arguments(VALUES)
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log", arguments=arguments)
        operator.start()
        operator.wait_ready()
        cluster.apply("admin", note_action(SPACE, gated=True))
        yield cluster
        operator.stop()


def wanted(name: str, person: str = DEVELOPER) -> dict[str, Any]:
    """Return a run on somebody's behalf, as a repository holds it."""
    return changed(run(name, SPACE, "note", inputs={}), {"spec.onBehalfOf": {"username": person}})


def denied(answer: Answer, sentence: str) -> None:
    """Expect this sentence."""
    assert answer.code != 0, f"accepted: {answer.out}"
    assert sentence in answer.err


def held(cluster: Cluster, name: str, person: str = DEVELOPER) -> str:
    """Let Argo CD ask on behalf of somebody; return the name of the gate."""
    cluster.apply("argocd", wanted(name, person))
    return str(phase(cluster, name, SPACE, "WaitingForApproval")["approvals"][0]["name"])


def decide(cluster: Cluster, who: str, gate: str, user: str) -> Answer:
    """Approve."""
    args = ("patch", "approval", gate, "-n", SPACE, "--type", "merge", "-p", decision(user, "Approve"))
    return cluster.kubectl(who, *args, check=False)


def withdraw(cluster: Cluster, who: str, name: str) -> Answer:
    """Take a run back."""
    args = ("patch", "actionrun", name, "-n", SPACE, "--type", "merge", "-p", '{"spec": {"withdrawn": true}}')
    return cluster.kubectl(who, *args, check=False)


@pytest.mark.parametrize(
    ("who", "user"),
    [("mallory", "mallory@example.com"), ("admin", "admin"), ("namespace-admin", "namespace-admin@example.com")],
)
def test_who_is_no_submitter_asks_for_themselves_only(world: Cluster, who: str, user: str) -> None:
    """Not even those whose role holds every verb there is: that is why it is a list."""
    args = ("create", "rolebinding", f"all-{who}", "--clusterrole=cluster-admin", f"--user={user}", "-n", SPACE)
    world.kubectl("admin", *args)
    sentence = f"{user} may not ask on behalf of others: spec.onBehalfOf is for the submitters"
    denied(world.apply(who, wanted("forged", LEAD), check=False), sentence)
    denied(world.apply(who, wanted("forged", user), check=False), sentence)
    world.kubectl(who, "create", "--dry-run=server", "-f", "-", input=json.dumps(run("own", SPACE, "note", inputs={})))


def test_whom_a_submitter_may_name(world: Cluster) -> None:
    for person in ("system:masters", ARGO, "system:admin"):
        denied(world.apply("argocd", wanted("nobody", person), check=False), "onBehalfOf names a person")
    denied(world.apply("argocd", wanted("nobody", ""), check=False), "spec.onBehalfOf.username")
    denied(world.apply("argocd", wanted("nobody", "x" * 254), check=False), "spec.onBehalfOf.username")


def test_the_caller_stays_on_record_and_both_are_named(world: Cluster) -> None:
    gate = held(world, "recorded")
    for kind, name in (("actionrun", "recorded"), ("approval", gate)):
        spec = (world.get(kind, name, SPACE) or {})["spec"]
        assert (spec["requestedBy"]["username"], spec["onBehalfOf"]) == (ARGO, {"username": DEVELOPER})
        wide = world.kubectl("admin", "get", kind, name, "-n", SPACE, "-o", "wide").out
        assert "ON BEHALF OF" in wide and DEVELOPER in wide and ARGO in wide
    before = world.get("actionrun", "recorded", SPACE)
    for way in ((), ("--server-side", "--force-conflicts", "--field-manager=argocd-controller")):
        world.kubectl("argocd", "apply", *way, "-f", "-", input=json.dumps(wanted("recorded")))
        assert (world.get("actionrun", "recorded", SPACE) or {})["spec"] == (before or {})["spec"]


@pytest.mark.parametrize("change", [{"username": LEAD}, {"username": None}, None], ids=["other", "none", "gone"])
@pytest.mark.parametrize("who", ["argocd", "developer", "admin"])
def test_for_whom_it_is_cannot_be_changed(world: Cluster, who: str, change: Any) -> None:
    name = "fixed"
    if world.get("actionrun", name, SPACE) is None:
        held(world, name)
    args = (
        "patch",
        "actionrun",
        name,
        "-n",
        SPACE,
        "--type",
        "merge",
        "-p",
        json.dumps({"spec": {"onBehalfOf": change}}),
    )
    answer = world.kubectl(who, *args, check=False)
    assert answer.code != 0
    assert (world.get("actionrun", name, SPACE) or {})["spec"]["onBehalfOf"] == {"username": DEVELOPER}


@pytest.mark.parametrize(("name", "person"), [("as-it-is", LEAD), ("other-case", "Lead-1@Example.COM")])
def test_the_person_does_not_decide_and_a_colleague_does(world: Cluster, name: str, person: str) -> None:
    gate = held(world, name, person)
    denied(decide(world, "lead-1", gate, LEAD), "you cannot decide a request that was made on your behalf")
    assert decide(world, "lead-2", gate, "lead-2@example.com").code == 0
    status = phase(world, name, SPACE, "Succeeded")
    assert status["message"].startswith("Done: ")


def test_the_submitter_does_not_decide_either(world: Cluster) -> None:
    """Even listed by its exact name and with the verb."""
    action = note_action(SPACE, "machine-decides", gated=True).replace(
        "{groups: [platform-leads]}", f"{{users: ['{ARGO}', {LEAD}]}}"
    )
    world.apply("admin", action)
    args = ("create", "rolebinding", "argo-approves", "--clusterrole=pratique-approver")
    world.kubectl("admin", *args, "--serviceaccount=argocd:argocd-application-controller", "-n", SPACE)
    name = "by-a-machine"
    world.apply("argocd", changed(wanted(name), {"spec.actionRef.name": "machine-decides"}))
    gate = phase(world, name, SPACE, "WaitingForApproval")["approvals"][0]["name"]
    denied(decide(world, "argocd", gate, ARGO), "you cannot decide your own request")
    assert decide(world, "lead-1", gate, LEAD).code == 0


def test_what_only_the_person_could_approve_is_refused_at_once(world: Cluster) -> None:
    action = note_action(SPACE, "one-lead", gated=True).replace("{groups: [platform-leads]}", f"{{users: [{LEAD}]}}")
    world.apply("admin", action)
    world.apply("argocd", changed(wanted("alone", "LEAD-1@example.com"), {"spec.actionRef.name": "one-lead"}))
    message = phase(world, "alone", SPACE, "Refused")["message"]
    assert message == f"This could never be approved: it needs 1 of {LEAD}, and a requester cannot decide"


@pytest.mark.parametrize("who", ["argocd", "developer", "admin"])
def test_who_takes_it_back(world: Cluster, who: str) -> None:
    """The submitter, the person, and who holds the verb; a colleague does not."""
    name = f"back-{who}"
    held(world, name)
    sentence = f"only the requester, {DEVELOPER}, or {ARGO}, may withdraw this run"
    denied(withdraw(world, "developer-2", name), sentence)
    assert withdraw(world, who, name).code == 0
    phase(world, name, SPACE, "Withdrawn")


@pytest.mark.parametrize("who", ["argocd", "developer", "admin"])
def test_who_deletes_it_while_it_waits(world: Cluster, who: str) -> None:
    name = f"gone-{who}"
    gate = held(world, name)
    one = ("delete", "actionrun", name, "-n", SPACE)
    sentence = f"only the requester, {DEVELOPER}, or {ARGO}, may delete this run while it is WaitingForApproval"
    denied(world.kubectl("developer-2", *one, check=False), sentence)
    assert world.kubectl(who, *one).code == 0
    wait_for("the gate ends", lambda: (world.get("approval", gate, SPACE) or {})["status"]["state"] == "Withdrawn")
