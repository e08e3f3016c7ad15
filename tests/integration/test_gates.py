"""Gates of pipelines: each example does what its tool would do, against a real API server and the operator.

Of each tool the test plays what it runs: the shell lines of a job or a step, with that tool's variables; of Argo Workflows'
resource step, the creation and the two conditions.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builders.manifests import decision
from tests.support.cluster import Cluster, wait_for
from tools.controlplane.identities import known
from tools.installation import ROOT, OperatorProcess

EXAMPLES = ROOT / "examples" / "gates"
AUTHOR = "developer@example.com"


KUBECTL = """#!/bin/sh
[ "$1" != "${{SILENT:-}}" ] || {{ {real} "$@" > /dev/null; exec sleep 60; }}
exec {real} "$@"
"""
"""The kubectl of a pipeline; the command that SILENT names does what it is asked, and its answer does not arrive."""


@dataclass
class Pipeline:
    """A machine on which a pipeline runs: its kubectl acts as its ServiceAccount, in its namespace."""

    cluster: Cluster
    namespace: str
    folder: Path

    silent: str = ""

    def run(self, script: str, environment: Mapping[str, str] | None = None) -> "Running":
        """Start these lines of shell in a checkout of the repository."""
        own = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "SILENT": self.silent}
        there = {**own, **(environment or {})}
        process = subprocess.Popen(
            ["sh", "-c", script],
            cwd=self.folder,
            env=there,
            text=True,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return Running(self, process)

    def gate(self) -> str:
        """Return the name of the gate that is open, once there is one."""

        def look() -> str | None:
            found = self.cluster.kubectl("admin", "get", "approvals", "-n", self.namespace, "-o", "json").json["items"]
            waiting = [
                each for each in found if "/" in each["status"]["tally"] and each["status"]["state"] == "Pending"
            ]
            return waiting[0]["metadata"]["name"] if waiting else None

        return wait_for("a gate to wait", look)

    def decide(self, verdict: str, who: str = "lead-1") -> str:
        """Decide the gate that is open; return its name."""
        name = self.gate()
        patch = decision(known(who).username, verdict, "so be it")
        self.cluster.kubectl(who, "patch", "approval", name, "-n", self.namespace, "--type=merge", "-p", patch)
        return name

    def state(self, name: str) -> str:
        found = self.cluster.get("approval", name, self.namespace)
        assert found is not None
        return str(found["status"]["state"])


@dataclass
class Running:
    """Lines that run."""

    pipeline: Pipeline
    process: subprocess.Popen[str]

    def end(self) -> tuple[int, str]:
        """Wait for their end; return the exit code and what they said."""
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, out


@pytest.fixture
def pipeline(cluster: Cluster, operator: OperatorProcess, namespace: str, tmp_path: Path) -> Iterator[Pipeline]:
    rights = (
        (EXAMPLES / "rights.yaml")
        .read_text()
        .replace("namespace: team-a}\nroleRef", f"namespace: {namespace}}}\nroleRef")
    )
    cluster.apply("admin", rights)
    folder = tmp_path / "examples" / "gates"
    folder.mkdir(parents=True)
    for path in EXAMPLES.iterdir():
        text = path.read_text().replace("namespace: team-a", f"namespace: {namespace}")
        (folder / path.name).write_text(text)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "kubectl"
    config, real = cluster.identities.kubeconfig("robot"), shutil.which("kubectl", path=None) or "kubectl"
    program.write_text(KUBECTL.format(real=f"{real} --kubeconfig {config} --namespace {namespace}"))
    program.chmod(0o755)
    yield Pipeline(cluster, namespace, tmp_path)


def example(pipeline: Pipeline, name: str) -> Any:
    return yaml.safe_load((pipeline.folder / "examples" / "gates" / name).read_text())


def shell(pipeline: Pipeline) -> Running:
    return pipeline.run("sh examples/gates/wait.sh examples/gates/approval.yaml")


def github(pipeline: Pipeline) -> Running:
    step = example(pipeline, "github-workflow.yaml")["jobs"]["gate"]["steps"][1]
    filled = {
        "TITLE": "Deploy shop/orders v1.4.2 to production",
        "URL": "https://git.example.com/runs/1",
        "AUTHOR": AUTHOR,
    }
    assert step["env"].keys() == filled.keys()
    return pipeline.run(f"set -e\n{step['run']}", filled)


def gitlab(pipeline: Pipeline) -> Running:
    script = "\n".join(example(pipeline, "gitlab-ci.yaml")["gate"]["script"])
    filled = {
        "CI_PROJECT_PATH": "shop/orders",
        "CI_COMMIT_TAG": "v1.4.2",
        "CI_PIPELINE_URL": "https://git.example.com/1",
    }
    return pipeline.run(f"set -e\n{script}", {**filled, "GITLAB_USER_EMAIL": AUTHOR})


def mounted(script: str) -> str:
    """Return the lines of a container, with the file that it mounts and its /tmp where the test has them."""
    return script.replace("/gate/wait.sh", "examples/gates/wait.sh").replace("/tmp/", "")


def tekton(pipeline: Pipeline) -> Running:
    step = example(pipeline, "tekton-task.yaml")["spec"]["steps"][0]
    filled = {
        "title": "Deploy orders",
        "url": "https://tekton.example.com",
        "group": "platform-leads",
        "timeout": "24h",
    }
    named = {each["name"]: filled[each["value"].removeprefix("$(params.").removesuffix(")")] for each in step["env"]}
    return pipeline.run(mounted(step["script"]), named)


def argocd(pipeline: Pipeline) -> Running:
    container = example(pipeline, "argocd-hook.yaml")["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["sh", "-c"]
    return pipeline.run(mounted(container["args"][0]))


@pytest.mark.parametrize("tool", [shell, github, gitlab, tekton, argocd])
def test_a_pipeline_goes_on_once_people_have_approved(pipeline: Pipeline, tool: Callable[[Pipeline], Running]) -> None:
    running = tool(pipeline)
    name = pipeline.decide("Approve")
    code, said = running.end()
    assert code == 0 and "Approved by lead-1@example.com" in said, said
    assert pipeline.state(name) == "Approved"
    gate = pipeline.cluster.get("approval", name, pipeline.namespace)
    assert gate is not None
    assert gate["spec"]["requestedBy"]["username"] == known("robot").username
    if tool in (github, gitlab):
        assert gate["spec"]["excluded"] == [AUTHOR], "who wrote the change is named"


@pytest.mark.parametrize("tool", [shell, tekton, argocd])
def test_a_pipeline_ends_if_they_decline(pipeline: Pipeline, tool: Callable[[Pipeline], Running]) -> None:
    running = tool(pipeline)
    pipeline.decide("Decline")
    code, said = running.end()
    assert code == 1 and "Declined by lead-1@example.com" in said, said


@pytest.mark.parametrize("silent", ["", "create"], ids=["while it waits", "before it knows that the gate is there"])
@pytest.mark.parametrize("tool", [shell, tekton, argocd])
def test_a_pipeline_that_is_stopped_takes_its_gate_back(
    pipeline: Pipeline, tool: Callable[[Pipeline], Running], silent: str
) -> None:
    pipeline.silent = silent
    running = tool(pipeline)
    name = pipeline.gate()
    os.killpg(running.process.pid, signal.SIGTERM)  # as a runner stops a job: all of its processes
    code, said = running.end()
    assert code != 0, said
    wait_for("the gate to be withdrawn", lambda: pipeline.state(name) == "Withdrawn")


def met(condition: str, state: str) -> bool:
    """Whether a condition of a resource step holds, as Argo Workflows reads it: a selector over fields of the object."""
    value = condition.removeprefix("status.state ")
    if value.startswith("== "):
        return state == value.removeprefix("== ")
    return state in value.removeprefix("in (").removesuffix(")").split(", ")


@pytest.mark.parametrize("verdict", ["Approve", "Decline"])
def test_a_resource_step_of_argo_workflows(pipeline: Pipeline, verdict: str) -> None:
    step = next(each for each in example(pipeline, "argo-workflow.yaml")["spec"]["templates"] if each["name"] == "gate")
    resource = step["resource"]
    assert resource["action"] == "create"
    made = pipeline.cluster.kubectl("robot", "create", "-o", "json", "-f", "-", input=resource["manifest"])
    name = made.json["metadata"]["name"]
    assert not met(resource["successCondition"], "Pending") and not met(resource["failureCondition"], "Pending")
    assert pipeline.decide(verdict) == name
    wait_for("the gate to end", lambda: pipeline.state(name) != "Pending")
    state = pipeline.state(name)
    assert met(resource["successCondition"], state) is (verdict == "Approve")
    assert met(resource["failureCondition"], state) is (verdict == "Decline")


def test_time_ends_what_nobody_decides(pipeline: Pipeline) -> None:
    manifest = example(pipeline, "approval.yaml")
    manifest["spec"]["policy"]["timeout"] = "2s"
    made = pipeline.cluster.kubectl("robot", "create", "-o", "json", "-f", "-", input=json.dumps(manifest))
    name = made.json["metadata"]["name"]
    wait_for("the gate to expire", lambda: pipeline.state(name) == "Expired")
    late = decision(known("lead-1").username, "Approve", "late")
    patch = ("patch", "approval", name, "-n", pipeline.namespace, "--type=merge", "-p", late)
    assert "this Approval has ended: Expired" in pipeline.cluster.kubectl("lead-1", *patch, check=False).err
    waited = pipeline.run(f"kubectl wait approval {name} --for=condition=Decided --timeout=5s")
    assert waited.end()[0] == 0
    passed = pipeline.run(f"kubectl wait approval {name} --for=condition=Approved --timeout=1s")
    assert passed.end()[0] == 1
