"""The chart from the built image on a real node: ready, tested, and the main job with Pods in what it made."""

from typing import Any

import pytest
from tests.node.world import World
from tests.support.cluster import wait_for
from tools import demo
from tools.inbox import Inbox
from tools.installation import ROOT
from tools.mailbox import Mailbox
from tools.node.releases import SYSTEM
from tools.node.settings import PAUSE
from tools.receiver import Receiver

pytestmark = pytest.mark.timeout(900)
SPACE = "env-team-a-load-test"


def test_it_is_ready_and_restricted_and_says_so(installed: World, capsys: pytest.CaptureFixture[str]) -> None:
    told = installed.helm("test", "pratique", "--logs")
    for sentence in ("is ready", "sees that the API server guards", "leads", "is version 0.1.0"):
        assert f"ok      a replica {sentence}" in told
    shown = installed.cluster.kubectl("admin", "get", "pods,pdb,lease", "-n", SYSTEM).out
    with capsys.disabled():
        print(f"\n{shown}\n{told}")
    for pod in installed.pods():
        status = pod["status"]["containerStatuses"][0]
        assert status["restartCount"] == 0
        pid = installed.cluster.kubectl(
            "admin", "exec", "-n", SYSTEM, pod["metadata"]["name"], "--", "python3", "-c", PROBE
        ).json
        assert pid == {
            "uid": 65532,
            "writes": False,
            "capabilities": 0,
            "seccomp": 2,
            "new_privileges": False,
            "found": True,
        }


PROBE = """
import json, os, socket
status = dict(line.split(':', 1) for line in open('/proc/1/status').read().splitlines())
try:
    open('/usr/x', 'w'); writes = True
except OSError:
    writes = False
print(json.dumps({
    'uid': os.getuid(), 'writes': writes, 'capabilities': int(status['CapEff'], 16), 'seccomp': int(status['Seccomp']),
    'new_privileges': status['NoNewPrivs'].strip() != '1',
    'found': bool(socket.gethostbyname('kubernetes.default.svc.cluster.local')),
}))
"""


def test_the_doctor_looks_from_a_pod(installed: World) -> None:
    """It has the operator's rights there: what it may not read is said to be unknown, and nothing is said to be wrong."""
    words = ("exec", "-n", SYSTEM, "deployment/pratique", "--", "pratique", "doctor", "-o", "json")
    said = {each["about"]: each["level"] for each in installed.cluster.kubectl("admin", *words).json}
    assert {"API server", "leader", "guard", "rights", "actions"} <= {
        about for about, level in said.items() if level == "ok"
    }
    assert {about for about, level in said.items() if level == "unknown"} == {"deployment", "others"}


def test_the_demo_is_told_by_pods(installed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = installed
    monkeypatch.chdir(ROOT)
    with Receiver(host=world.egress) as receiver, Mailbox(host=world.egress) as mails:
        example = ROOT / "examples"
        files = ("environment/executor", "environment/channel", "channels/msteams")
        for name in files:
            world.cluster.kubectl("admin", "apply", "-f", str(example / f"{name}.yaml"))
        for name in ("slack", "teams"):
            world.cluster.kubectl("admin", "delete", "secret", name, "-n", SYSTEM, "--ignore-not-found")
            url = f"--from-literal=url={receiver.url}/{name}"
            world.cluster.kubectl("admin", "create", "secret", "generic", name, "-n", SYSTEM, url)
        demo.tell(demo.Stage(world.cluster.identities, world.cluster.runner, Inbox(receiver, mails)))
    pods_run_within_the_quota(world)


def pods_run_within_the_quota(world: World) -> None:
    """The developer runs three Pods; of five that ask for 3Gi each, two fit into 8Gi, and both run."""
    apply = world.cluster.apply
    apply("developer", workload("web", 3), "-n", SPACE)
    wait_for("three run", lambda: running(world, "web") == 3, 60)
    apply("developer", workload("large", 5, requests={"cpu": "10m", "memory": "3Gi"}), "-n", SPACE)
    wait_for("two run", lambda: running(world, "large") == 2, 60)
    refused = wait_for("the third is refused", lambda: failure(world, "large"), 30)
    assert "exceeded quota" in refused and "requests.memory=3Gi" in refused
    assert running(world, "large") == 2
    mighty = workload("mighty", 1)
    mighty["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    apply("developer", mighty, "-n", SPACE)
    assert "violates PodSecurity" in wait_for("it is refused", lambda: failure(world, "mighty"), 30)
    given = world.cluster.kubectl("developer", "get", "pods", "-l", "app=web", "-n", SPACE, "-o", "json").json["items"][
        0
    ]
    assert given["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "500m", "memory": "512Mi"}


def workload(name: str, replicas: int, **resources: Any) -> dict[str, Any]:
    """Return a Deployment of Pods that do nothing."""
    labels = {"app": name}
    safe = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "main", "image": PAUSE, "securityContext": safe}
    if resources:
        limits = {**resources["requests"], "cpu": "500m"}
        container["resources"] = {**resources, "limits": limits}
    pod = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "automountServiceAccountToken": False,
        "containers": [container],
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {**spec, "template": template},
    }


def running(world: World, name: str) -> int:
    found = world.cluster.kubectl("developer", "get", "pods", "-l", f"app={name}", "-n", SPACE, "-o", "json").json[
        "items"
    ]
    return sum(each["status"]["phase"] == "Running" for each in found)


def failure(world: World, name: str) -> str:
    status = (world.cluster.get("deployment", name, SPACE) or {}).get("status", {})
    return next((c["message"] for c in status.get("conditions", []) if c["type"] == "ReplicaFailure"), "")
