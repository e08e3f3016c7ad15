"""The examples do what they say, applied as their readers apply them; and what is in examples/invalid is refused so."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders.manifests import decision
from tests.doubles.ci_services import TOKEN, GitHub, GitLab, Jenkins, Service, Terraform
from tests.support.cluster import Cluster, wait_for
from tests.support.foreign_kinds import installed, report
from tests.support.runs import condition, document_of, finished_job, phase
from tools.installation import ROOT, OperatorProcess

from pratique.core.execution.vanishing import KEPT_SECONDS

pytestmark = pytest.mark.cluster

EXAMPLES = ROOT / "examples"
SPACE = "team-a"
INVALID = sorted((EXAMPLES / "invalid").glob("*.yaml"))
PARTS = ("executor", "channel", "target", "action")


@pytest.fixture(scope="module")
def team(cluster: Cluster, operator: OperatorProcess) -> Iterator[Cluster]:
    """The namespaces that the examples name, with everything in place but the runs."""
    with installed(cluster):
        for name in (SPACE, "argocd"):
            cluster.kubectl("admin", "create", "namespace", name)
        for folder in folders():
            for part in PARTS:
                if (file := EXAMPLES / folder / f"{part}.yaml").exists():
                    apply(cluster, "admin", file)
        yield cluster
        actions = [name for folder in folders() for name in actions_of(folder) if name != "create-environment"]
        cluster.kubectl("admin", "delete", "actions", *actions)
        cluster.kubectl("admin", "delete", "namespace", SPACE, "argocd", "search", "--wait=false", "--ignore-not-found")


def folders() -> list[str]:
    """Return the examples that have an Action."""
    return sorted(file.parent.name for file in EXAMPLES.glob("*/action.yaml"))


def documents(folder: str, part: str) -> list[dict[str, Any]]:
    """Return the objects of a file."""
    return list(yaml.safe_load_all((EXAMPLES / folder / f"{part}.yaml").read_text()))


def actions_of(folder: str) -> list[str]:
    """Return the names of the Actions of an example."""
    return [each["metadata"]["name"] for each in documents(folder, "action")]


def apply(cluster: Cluster, who: str, file: Path) -> None:
    """Apply a file: into the team's namespace, unless it names its own."""
    fixed = any("namespace" in each["metadata"] for each in yaml.safe_load_all(file.read_text()))
    cluster.kubectl(who, "apply", "-f", str(file), *(() if fixed else ("-n", SPACE)))


def ask(team: Cluster, folder: str, part: str = "run") -> str:
    """Apply an example's run as the developer; return its name."""
    apply(team, "developer", EXAMPLES / folder / f"{part}.yaml")
    return str(documents(folder, part)[0]["metadata"]["name"])


def test_every_example_is_told_here() -> None:
    """A new example needs a test of its own in this file."""
    known = [
        "argo-cd-application",
        "catalogue",
        "certificate",
        "crossplane-claim",
        "database",
        "deployment",
        "environment",
        "extend-environment",
        "flux-kustomization",
        "github-workflow",
        "gitlab-pipeline",
        "hcp-terraform-run",
        "jenkins-job",
        "namespace-owner",
        "one-off-command",
        "protect-environment",
        "replace-pod",
        "scale",
        "secret-rotation",
        "service-owner",
        "team-namespace",
        "tekton-pipeline",
        "temporary-access",
        "volumes",
    ]
    assert folders() == known
    assert len(INVALID) >= 12


def test_every_action_is_ready(team: Cluster) -> None:
    for name in (name for folder in folders() for name in actions_of(folder)):
        ready = wait_for(f"{name} is looked at", partial(looked_at, team, "action", name))
        assert ready["status"] == "True", f"{name}: {ready['message']}"


def looked_at(cluster: Cluster, kind: str, name: str) -> dict[str, Any] | None:
    """Return the condition Ready of an object once the operator has an opinion."""
    ready = condition(cluster.get(kind, name), "Ready")
    return ready if ready.get("status") in ("True", "False") else None


def test_each_channel_says_what_it_lacks(team: Cluster) -> None:
    """Nobody has made their Secrets here."""
    lacks = {
        "mail": "mailer has no key username",
        "phone": "phone has no key url",
        "platform-teams": "teams has no key url",
        "platform-slack-bot": "slack-bot has no key token",
        "audit": "audit-endpoint has no",
    }
    for file in sorted((EXAMPLES / "channels").glob("*.yaml")):
        apply(team, "admin", file)
        name = yaml.safe_load(file.read_text())["metadata"]["name"]
        ready = wait_for(f"{name} is looked at", partial(looked_at, team, "notificationchannel", name))
        assert ready["status"] == "False"
        assert ready["message"].startswith(f"Secret pratique-system/{lacks.pop(name)}")
        team.kubectl("admin", "delete", "notificationchannel", name)
    assert lacks == {}


def test_environment(team: Cluster) -> None:
    free = phase(team, ask(team, "environment", "run-free"), SPACE, "Succeeded")
    assert free["outputs"]["namespace"] == "env-team-a-try-it"
    held = phase(team, ask(team, "environment", "run-held"), SPACE, "WaitingForApproval")
    assert "Ten days is beyond the free limit of five" in held["message"]
    assert team.get("environment", "load-test", SPACE) is None


def test_database(team: Cluster) -> None:
    run = ask(team, "database")
    phase(team, run, SPACE, "Running")
    job = wait_for("the Job is made", lambda: team.get("job", "create-database-orders", SPACE))
    assert ("finalizers" in job["metadata"], job["spec"]["ttlSecondsAfterFinished"]) == (False, KEPT_SECONDS)
    complete(team, "create-database-orders")
    status = phase(team, run, SPACE, "Succeeded")
    assert status["outputs"] == {"connection": "postgres.data.svc:5432/orders"}
    wait_for("the Job gets the TTL that was planned", lambda: ttl(team, "create-database-orders") == 600)


def ran(
    team: Cluster, folder: str, address: str, secret: str, key: str, service: Service, *ends: str
) -> dict[str, Any]:
    """Run an example against a service that answers as its documentation says: the address is another, and the pace."""
    text = (EXAMPLES / folder / "action.yaml").read_text()
    with service:
        team.kubectl("admin", "create", "secret", "generic", secret, "-n", SPACE, f"--from-literal={key}={TOKEN}")
        allow = f"pratique.dev/allowed-hosts={service.lets}"
        team.kubectl("admin", "annotate", "secret", secret, "-n", SPACE, allow)
        team.apply("admin", text.replace(address, service.url).replace("every: 15s", "every: 5s"))
        return phase(team, ask(team, folder), SPACE, *ends)


def test_github_workflow(team: Cluster) -> None:
    github = GitHub("queued", "completed/success")
    status = ran(team, "github-workflow", "https://api.github.com", "github", "token", github, "Succeeded")
    assert status["outputs"] == {"page": "https://github.com/acme/shop/actions/runs/30433642"}
    (asked,) = github.started
    assert asked.path == "/repos/acme/shop/actions/workflows/deploy.yml/dispatches" and github.looks == 2
    assert {each.headers["X-GitHub-Api-Version"] for each in github.asked} == {"2022-11-28"}
    sent = json.loads(asked.body)
    assert sent["inputs"].pop("run") and sent == {
        "ref": "main",
        "return_run_details": True,
        "inputs": {"environment": "staging", "version": "v1.4.0", "requested_by": "developer@example.com"},
    }


def test_gitlab_pipeline(team: Cluster) -> None:
    gitlab = GitLab("running", "success")
    status = ran(team, "gitlab-pipeline", "https://gitlab.com", "gitlab", "token", gitlab, "Succeeded")
    assert status["outputs"] == {"page": "https://gitlab.com/acme/shop/-/pipelines/4711"}
    (asked,) = gitlab.started
    variables = {each["key"]: each["value"] for each in json.loads(asked.body)["variables"]}
    assert variables["VERSION"] == "v1.4.0" and variables["PRATIQUE_RUN"] and gitlab.looks == 2


def test_jenkins_job(team: Cluster) -> None:
    jenkins = Jenkins("waiting", "left", "building", "ABORTED")
    status = ran(team, "jenkins-job", "https://jenkins.example.com", "jenkins", "basic", jenkins, "Failed")
    assert status["message"] == f"GET {jenkins.url}/job/deploy/18/api/json says that it has failed: ABORTED"
    assert len(jenkins.started) == 1 and jenkins.looks == 4
    assert [each.get("answer", {}) for each in status["requests"]] == [{"item": "42"}, {"build": 18}, {}]


def test_hcp_terraform_run(team: Cluster) -> None:
    terraform = Terraform("planning", "applied")
    status = ran(team, "hcp-terraform-run", "https://app.terraform.io", "terraform", "token", terraform, "Succeeded")
    assert status["outputs"] == {"run": "run-CZcmD7eagjhyX0vN", "ended": "applied"}
    (asked,) = terraform.started
    workspace = json.loads(asked.body)["data"]["relationships"]["workspace"]
    assert workspace == {"data": {"type": "workspaces", "id": "ws-LLGHCr4SWy28wyGN"}}


def complete(team: Cluster, job: str) -> None:
    """Say of a Job what the Job controller says when its pods are done: no node here runs pods."""
    live = wait_for("the Job is started", lambda: _started(team.get("job", job, SPACE)))
    patch = json.dumps({"status": finished_job(live["status"]["startTime"])})
    team.kubectl("admin", "patch", "job", job, "-n", SPACE, "--subresource=status", "--type=merge", "-p", patch)


def _started(job: dict[str, Any] | None) -> dict[str, Any] | None:
    return job if job and job.get("status", {}).get("startTime") else None


def ttl(team: Cluster, job: str) -> int | None:
    """Return how many seconds a Job stays once it is done."""
    seconds = (team.get("job", job, SPACE) or {"spec": {}})["spec"].get("ttlSecondsAfterFinished")
    return None if seconds is None else int(seconds)


READY = {"type": "Ready", "status": "True"}
REPORTED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "argo-cd-application": (
        "argocd",
        "shop-staging",
        {
            "health": {"status": "Healthy"},
            "sync": {"status": "Synced", "revision": "4f1c2a"},
            "reconciledAt": "2100-01-01T00:00:00Z",
        },
    ),
    "certificate": (SPACE, "shop.apps.example.com", {"conditions": [READY]}),
    "crossplane-claim": (
        SPACE,
        "orders",
        {"conditions": [READY, {"type": "Synced", "status": "True"}], "address": "10.0.0.7", "port": 5432},
    ),
    "flux-kustomization": (
        SPACE,
        "search",
        {"conditions": [READY], "observedGeneration": 1, "lastAppliedRevision": "main@sha1:4f1c2a"},
    ),
    "tekton-pipeline": (SPACE, "build-4f1c2a7", {"conditions": [{"type": "Succeeded", "status": "True"}]}),
}
"""By example: the object that it makes, and what its controller reports in the end."""


def test_what_other_controllers_bring_about(team: Cluster) -> None:
    """None is done before its controller says so."""
    runs = {folder: ask(team, folder) for folder in REPORTED}
    for run in runs.values():
        says(team, run, "Waiting for ")
    for space in (SPACE, "argocd"):
        report(team, space, {name: status for where, name, status in REPORTED.values() if where == space})
    outputs = {folder: phase(team, run, SPACE, "Succeeded").get("outputs") for folder, run in runs.items()}
    assert outputs == {
        "argo-cd-application": {"revision": "4f1c2a"},
        "certificate": {"secret": "shop.apps.example.com-tls"},
        "crossplane-claim": {"secret": "orders-connection", "host": "10.0.0.7"},
        "flux-kustomization": {"revision": "main@sha1:4f1c2a"},
        "tekton-pipeline": {},
    }
    told = (team.get("configmap", "orders-database", SPACE) or {})["data"]
    assert told == {"host": "10.0.0.7", "url": "postgresql://10.0.0.7:5432/orders"}


def says(team: Cluster, run: str, words: str) -> None:
    """Wait until a run that has not ended says this of itself."""
    seen: dict[str, Any] = {}

    def said() -> bool:
        seen.update((team.get("actionrun", run, SPACE) or {}).get("status", {}))
        assert seen.get("phase") in (None, "Pending", "Running"), seen
        return words in seen.get("message", "")

    try:
        wait_for(f"{run} says {words}", said)
    except AssertionError as error:
        raise AssertionError(f"{run}: {seen.get('message')!r} in place of {words!r}") from error


def test_team_namespace(team: Cluster) -> None:
    """Whoever is of the team may work there afterwards, within the quota."""
    readers = ["lead-1@example.com", "lead-2@example.com"]
    outputs = {"namespace": "search", "readers": readers}
    assert phase(team, ask(team, "team-namespace"), SPACE, "Succeeded")["outputs"] == outputs
    hard = (team.get("resourcequota", "team", "search") or {})["spec"]["hard"]
    assert hard == {"requests.cpu": "4", "requests.memory": "16Gi", "services.loadbalancers": "0"}
    assert {
        team.get(kind, name, "search") is None
        for kind, name in (("limitrange", "defaults"), ("networkpolicy", "same-namespace"))
    } == {False}
    may = ("auth", "can-i", "create", "deployments", "-n", "search")
    answers = [team.kubectl(who, *may, check=False).out.strip() for who in ("developer", "lead-1")]
    assert answers == ["yes", "no"]
    sees = ("auth", "can-i", "list", "deployments", "-n", "search")
    answers = [team.kubectl(who, *sees, check=False).out.strip() for who in ("lead-1", "lead-2", "security")]
    assert answers == ["yes", "yes", "no"]


def test_one_off_command(team: Cluster) -> None:
    run = ask(team, "one-off-command")
    job = wait_for("the Job is made", lambda: team.get("job", run, SPACE))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["args"]) == ("registry.example.com/billing:2.1", ["report", "--dry-run"])
    assert container["env"] == [{"name": "REGION", "value": "eu"}]
    assert container["envFrom"] == [{"configMapRef": {"name": "billing"}}]
    complete(team, run)
    assert phase(team, run, SPACE, "Succeeded")["outputs"] == {"image": "registry.example.com/billing:2.1"}


def test_replace_pod(team: Cluster) -> None:
    """The Pod goes, and its controller makes another of the same name."""
    before = wait_for("the Pod of the queue", lambda: team.get("pod", "queue-0", SPACE))
    status = phase(team, ask(team, "replace-pod"), SPACE, "Succeeded")
    assert status["message"] == f"Done: Pod {SPACE}/queue-0 was deleted"

    def made_anew() -> bool:
        found = team.get("pod", "queue-0", SPACE)
        return found is not None and found["metadata"]["uid"] != before["metadata"]["uid"]

    wait_for("the Pod is made anew", made_anew)


def test_secret_rotation(team: Cluster) -> None:
    run = ask(team, "secret-rotation")
    phase(team, run, SPACE, "Succeeded")
    uid = (team.get("actionrun", run, SPACE) or {})["metadata"]["uid"]
    assert (team.get("configmap", "credentials-rotation", SPACE) or {})["data"] == {
        "service": "checkout",
        "overlap": "1h",
        "requestedBy": "developer@example.com",
        "request": uid,
    }


def test_catalogue(team: Cluster) -> None:
    """Free for who may list its entries, and as the entry says; an entry is written by an Action as well."""
    status = phase(team, ask(team, "catalogue"), SPACE, "Succeeded")
    plan = document_of(team, status, SPACE)
    assert [each["name"] for each in plan["choices"]["fields"][0]["chosen"]] == ["cache-size-small"]
    assert (team.get("configmap", "cache-orders", SPACE) or {})["data"] == {"memory": "512Mi", "memo": ""}


def test_volumes(team: Cluster) -> None:
    """A list of classes for each row, who may list them, and the row that is wrong by its place."""
    status = phase(team, ask(team, "volumes"), SPACE, "Succeeded")
    plan = document_of(team, status, SPACE)
    chosen = plan["choices"]["fields"][0]
    assert (chosen["field"], [each["value"] for each in chosen["chosen"]]) == (
        "volumes[].class",
        ["standard", "scratch"],
    )
    made = [(team.get("persistentvolumeclaim", f"shop-{name}", SPACE) or {}) for name in ("data", "cache")]
    assert [each["spec"]["resources"]["requests"]["storage"] for each in made] == ["200Gi", "10Gi"]
    run = documents("volumes", "run")[0]
    for name, row in (
        ("dear", {"class": "fast"}),
        ("large", {"class": "fast", "size": 101}),
        ("none", {"class": "fats"}),
    ):
        run["metadata"] = {"name": f"volumes-{name}", "namespace": SPACE}
        run["spec"]["inputs"]["volumes"] = [{"name": "a", "class": "standard"}, {"name": "b", **row}]
        team.apply("developer", run)
    held = phase(team, "volumes-dear", SPACE, "WaitingForApproval")
    shown = (team.get("approval", held["approvals"][0]["name"], SPACE) or {})["spec"]["inputs"]
    assert "Fast disks (fast)" in shown[1]["value"]
    assert "not offered to you; did you mean fast?" in phase(team, "volumes-none", SPACE, "Refused")["message"]
    team.kubectl("admin", "label", "storageclass", "fast", "example.com/offered-")
    yes = decision("lead-1@example.com", "Approve", "go ahead")
    gate = held["approvals"][0]["name"]
    team.kubectl("lead-1", "patch", "approval", gate, "-n", SPACE, "--type=merge", "-p", yes)
    ended = phase(team, "volumes-dear", SPACE, "Superseded")
    assert 'spec.inputs.volumes[].class: "fast" is not offered any more, as fast offered it' in ended["message"]
    large = phase(team, "volumes-large", SPACE, "Refused")["message"]
    assert "spec.inputs.volumes[1].size: 101 is more than 100, which is its maximum here (Fast disks are small" in large


def test_service_owner(team: Cluster) -> None:
    """An entry of a list in one ConfigMap, and a person who has a role."""
    phase(team, ask(team, "service-owner"), SPACE, "Succeeded")
    assert (team.get("configmap", "owner-cart", SPACE) or {})["data"] == {
        "owner": "developer@example.com",
        "before": "ann@example.com",
        "team": "",
    }
    run = documents("service-owner", "run")[0]

    def asked(name: str, **inputs: str) -> str:
        run["metadata"], run["spec"]["inputs"] = {"name": name, "namespace": SPACE}, inputs
        team.apply("developer", run)
        return name

    to = {"owner": "developer@example.com"}
    assert (
        '"eve@example.com" is not offered to you'
        in phase(team, asked("to-eve", service="cart", owner="eve@example.com"), SPACE, "Refused")["message"]
    )
    held = phase(team, asked("hand-over-payment", service="payment", **to), SPACE, "WaitingForApproval")
    gate = held["approvals"][0]["name"]
    shown = {each["name"]: each["value"] for each in (team.get("approval", gate, SPACE) or {})["spec"]["inputs"]}
    assert shown == {"service": "payment, of ann@example.com (payment)", **to}
    services = "- {name: payment, owner: eve@example.com, tier: 2}"
    patch = json.dumps({"data": {"services.yaml": services}})
    team.kubectl("admin", "patch", "configmap", "services", "-n", SPACE, "--type=merge", "-p", patch)
    yes = decision("lead-1@example.com", "Approve", "go ahead")
    team.kubectl("lead-1", "patch", "approval", gate, "-n", SPACE, "--type=merge", "-p", yes)
    phase(team, "hand-over-payment", SPACE, "Succeeded")
    assert (team.get("configmap", "owner-payment", SPACE) or {})["data"]["before"] == "ann@example.com", "as approved"


def test_scale(team: Cluster) -> None:
    status = phase(team, ask(team, "scale"), SPACE, "Succeeded")
    assert status["outputs"] == {"replicas": 3}
    assert (team.get("deployment", "web", SPACE) or {})["spec"]["replicas"] == 3


def test_a_deployment_is_deployed_rolled_back_restarted_and_resized(team: Cluster) -> None:
    """Each is free, and done once it is rolled out; no node runs pods here, so that is said of them."""
    for part, image in (("run", "1.30"), ("run-roll-back", "1.29"), ("run-restart", "1.29")):
        run = ask(team, "deployment", part)
        wait_for(f"the pods of {run} are there", partial(rolled_out, team, run))
        phase(team, run, SPACE, "Succeeded")
        assert [each["image"].rpartition(":")[2] for each in pods_of(team)["spec"]["containers"]] == [image, "3.2"]
    created = (team.get("actionrun", "shop-again", SPACE) or {})["metadata"]["creationTimestamp"]
    assert pods_of(team)["metadata"]["annotations"] == {"kubectl.kubernetes.io/restartedAt": created}
    assert phase(team, ask(team, "deployment", "run-resize"), SPACE, "Succeeded")["outputs"] == {"replicas": 3}
    team.kubectl("developer-2", "apply", "-n", SPACE, "-f", "-", input=json.dumps(again("deployment", "shop-2")))
    assert (
        "there is no Deployment team-a/shop, or you may not read it"
        in phase(team, "shop-2", SPACE, "Refused")["message"]
    )


def again(folder: str, name: str, **spec: Any) -> dict[str, Any]:
    """Return an example's run under another name."""
    (found,) = documents(folder, "run")
    return {**found, "metadata": {"name": name}, "spec": {**found["spec"], **spec}}


def pods_of(team: Cluster) -> dict[str, Any]:
    return dict((team.get("deployment", "shop", SPACE) or {})["spec"]["template"])


def rolled_out(team: Cluster, run: str) -> bool:
    """Say of all pods there are that they run; return whether the run has seen enough of them."""
    now = "2026-11-30T12:00:00Z"
    ready = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in ("Ready", "ContainersReady")]
    status = json.dumps({"status": {"phase": "Running", "conditions": ready}})
    listed = team.kubectl("admin", "get", "pods", "-n", SPACE, "-l", "app=shop", "-o", "name").out.split()
    for pod in listed:
        team.kubectl(
            "admin", "patch", pod, "-n", SPACE, "--subresource=status", "--type=merge", "-p", status, check=False
        )
    return (team.get("actionrun", run, SPACE) or {})["status"].get("phase") not in (None, "Pending", "Running")


def test_an_environment_is_extended_by_whom_it_is_for(team: Cluster) -> None:
    """Five days in total are free; it takes a lead from then on, and nobody else may ask."""
    phase(team, ask(team, "environment", "run-free"), SPACE, "Succeeded")
    phase(team, ask(team, "extend-environment"), SPACE, "Succeeded")
    assert (team.get("environment", "try-it", SPACE) or {})["spec"]["ttl"] == "120h"
    more = {"inputs": {"by": "1d"}, "reason": "The test is not over"}
    for who, name in (("developer", "try-it-more"), ("developer-2", "try-it-theirs")):
        team.kubectl(who, "apply", "-n", SPACE, "-f", "-", input=json.dumps(again("extend-environment", name, **more)))
    assert "More than five days in total" in phase(team, "try-it-more", SPACE, "WaitingForApproval")["message"]
    refused = phase(team, "try-it-theirs", SPACE, "Refused")["message"]
    assert refused == "spec.targetRef: Only an environment of your own can be extended"


def test_an_environment_is_protected_by_whom_it_is_for(team: Cluster) -> None:
    """A lead agrees; then nobody deletes it, until who asked gives it back, which takes nobody."""
    phase(team, ask(team, "environment", "run-free"), SPACE, "Succeeded")
    run = ask(team, "protect-environment")
    gate = phase(team, run, SPACE, "WaitingForApproval")["approvals"][0]["name"]
    yes = decision("lead-1@example.com", "Approve", "until Monday")
    team.kubectl("lead-1", "patch", "approval", gate, "-n", SPACE, "--type=merge", "-p", yes)
    phase(team, run, SPACE, "Succeeded")
    end = ("delete", "environment", "try-it", "-n", SPACE, "--dry-run=server")
    assert "Environment try-it is protected (spec.protected)" in team.kubectl("developer", *end, check=False).err
    back = json.dumps(again("protect-environment", "try-it-back", inputs={"protected": False}))
    team.kubectl("developer", "apply", "-n", SPACE, "-f", "-", input=back)
    phase(team, "try-it-back", SPACE, "Succeeded")
    assert team.kubectl("developer", *end).code == 0
    assert "it needs the RBAC verb end on environments" in team.kubectl("developer-2", *end, check=False).err


def test_temporary_access(team: Cluster) -> None:
    run = ask(team, "temporary-access")
    gate = phase(team, run, SPACE, "WaitingForApproval")["approvals"][0]["name"]
    assert team.get("rolebinding", f"view-{run}", SPACE) is None
    yes = decision("lead-1@example.com", "Approve", "go ahead")
    team.kubectl("lead-1", "patch", "approval", gate, "-n", SPACE, "--type=merge", "-p", yes)
    summary = (team.get("approval", gate, SPACE) or {})["spec"]["plan"]["summary"]
    assert summary == [f"RoleBinding {SPACE}/view-{run}; ends 4h after it is made"]
    phase(team, run, SPACE, "Succeeded")
    may = ("auth", "can-i", "list", "events", "-n", SPACE, "--as=developer@example.com")
    assert team.kubectl("admin", *may).out.strip() == "yes"
    team.kubectl("developer", "delete", "actionrun", run, "-n", SPACE, "--wait=false")
    wait_for("it is over at once", lambda: team.kubectl("admin", *may, check=False).out.strip() == "no")


def test_namespace_owner(team: Cluster) -> None:
    owner = "lead-2@example.com"
    team.kubectl("admin", "annotate", "namespace", SPACE, f"example.com/owner={owner}")
    run = ask(team, "namespace-owner")
    status = phase(team, run, SPACE, "WaitingForApproval")
    assert f"Waiting for 1 of {owner} (Namespace {SPACE} names {owner}) until" in status["message"]
    args = ("patch", "approval", status["approvals"][0]["name"], "-n", SPACE, "--type=merge", "-p")
    other = team.kubectl("lead-1", *args, decision("lead-1@example.com", "Approve", "mine"), check=False)
    assert "lead-1@example.com is not an approver of" in other.err
    team.kubectl("lead-2", *args, decision(owner, "Approve", "welcome"))
    phase(team, run, SPACE, "Succeeded")
    assert team.get("rolebinding", f"edit-{run}", SPACE) is not None


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_what_is_invalid_is_refused_as_its_first_line_says(team: Cluster, file: Path) -> None:
    text = file.read_text()
    sentence = text.splitlines()[0].removeprefix("# ")
    manifest = yaml.safe_load(text)
    who = "developer" if manifest["kind"] == "ActionRun" else "admin"
    answer = team.kubectl(who, "apply", "-n", SPACE, "-f", str(file), check=False)
    said = answer.err if answer.code else refused(team, manifest["kind"], manifest["metadata"]["name"])
    assert sentence in said


def refused(team: Cluster, kind: str, name: str) -> str:
    """Return why an object that the API server took is refused by the operator."""
    if kind == "ActionRun":
        return str(phase(team, name, SPACE, "Refused")["message"])
    ready = wait_for(f"{name} is looked at", lambda: looked_at(team, "action", name))
    team.kubectl("admin", "delete", "action", name)
    assert ready["status"] == "False", f"{kind} {name} was accepted"
    return str(ready["message"])
