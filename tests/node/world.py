"""A cluster with a real node: what the stories on it do to Pods, and what they see of them."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.builders.manifests import decision, run
from tests.conftest import PEOPLE
from tests.support.cluster import Cluster, wait_for
from tests.support.on_record import is_on_record
from tests.support.own_plane import note_action
from tests.support.runs import account, phase
from tools.node.releases import REPOSITORY, SYSTEM, Release, helm, install

SPACE = "team-a"
LENT = [{"namespace": "pratique-actions", "names": ["environment-maker"]}, {"namespace": SPACE, "names": ["writer"]}]
NOTES = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "patch"]}
SLOW = """
apiVersion: pratique.dev/v1alpha1
kind: Action
metadata: {name: slow-note}
spec:
  title: Write a note, which somebody else completes
  inputs: {schema: {type: object}}
  execution:
    serviceAccountRef: {namespace: SPACE, name: writer}
    timeout: 20m
    resources:
    - id: note
      readyWhen: self.data.done == 'yes'
      template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: "${run.name}", namespace: "${run.namespace}"}
        data: {written: "yes"}
"""


class RealNode(Protocol):
    """What the stories need of a node, ours or that of kind."""

    def kubeconfig(self, identity: str) -> Path:
        """Return the kubeconfig of one of the identities."""

    def load(self, archive: Path, name: str, tag: str | None = None) -> None:
        """Put an image into containerd."""

    def containerd(self, *words: str) -> str:
        """Call containerd's own client."""

    def enter(self, *command: str) -> str:
        """Run a program in the node."""


@dataclass
class World:
    """The cluster, its node, and the audit log if there is one."""

    cluster: Cluster
    node: RealNode
    audit_log: Path | None
    egress: str
    """From where receivers of channels listen."""

    def install(self, release: Release, **values: Any) -> None:
        """Install or upgrade to a release, with two replicas that are ready in the end."""
        self.node.load(release.image, REPOSITORY, release.tag)
        given = {"impersonate": LENT, "limits.openRunsPerRequester": 1000, "channels.allowedEgress": [self.egress]}
        install(self.node.kubeconfig("admin"), release, values={**given, **values})
        self.ready()

    def helm(self, *words: str) -> str:
        """Call Helm as the admin."""
        return helm(self.node.kubeconfig("admin"), *words)

    def prepare(self) -> None:
        """Make people, namespaces and Actions; again is no harm."""
        admin = self.cluster.kubectl
        for name in (SYSTEM, "pratique-actions", SPACE):
            admin("admin", "create", "namespace", name, check=False)
        admin("admin", "label", "namespace", SYSTEM, "pod-security.kubernetes.io/enforce=restricted", "--overwrite")

    def offer(self) -> None:
        """Make what runs need, once the kinds are there."""
        self.cluster.kubectl("admin", "apply", "-f", str(PEOPLE))
        self.cluster.apply("admin", account(SPACE, "writer", NOTES))
        for text in (note_action(SPACE), note_action(SPACE, "gated", gated=True), SLOW.replace("SPACE", SPACE)):
            self.cluster.apply("admin", text)

    def pods(self) -> list[dict[str, Any]]:
        """Return the operator's Pods that are not being deleted."""
        labels = "app.kubernetes.io/name=pratique,app.kubernetes.io/component=operator"
        found = self.cluster.kubectl("admin", "get", "pods", "-n", SYSTEM, "-l", labels, "-o", "json").json["items"]
        return [each for each in found if "deletionTimestamp" not in each["metadata"]]

    def ready(self) -> None:
        """Return when two Pods are ready, no other is left, and one leads and has on record what guards."""

        def look() -> bool:
            found = self.pods()
            names = [each["metadata"]["name"] for each in found]
            leads = len(found) == 2 and all(map(_is_ready, found)) and self.leader() in names
            return leads and is_on_record(self.cluster.callers["admin"])

        wait_for("two are ready, and one leads and has on record what guards", look, 120)

    def leader(self) -> str:
        """Return the name of the Pod that holds the Lease; empty if none does."""
        lease = self.cluster.get("lease", "pratique", SYSTEM) or {}
        return str(lease.get("spec", {}).get("holderIdentity") or "").rpartition("_")[0]

    def container(self, pod: str) -> str:
        """Return containerd's name of a Pod's container."""
        found = self.cluster.kubectl("admin", "get", "pod", pod, "-n", SYSTEM, "-o", "json").json
        return str(found["status"]["containerStatuses"][0]["containerID"]).removeprefix("containerd://")

    def signal(self, pod: str, name: str) -> None:
        """Send a signal to the process of a Pod, which does not hear of it from Kubernetes."""
        self.node.containerd("task", "kill", "--signal", name, self.container(pod))

    @contextmanager
    def cut_off(self, pod: str) -> Iterator[None]:
        """Lose all that a Pod sends to the API server."""
        address = self.cluster.kubectl("admin", "get", "pod", pod, "-n", SYSTEM, "-o", "json").json["status"]["podIP"]
        slices = self.cluster.kubectl("admin", "get", "endpointslice", "kubernetes", "-n", "default", "-o", "json").json
        rule = ("-s", address, "-p", "tcp", "--dport", str(slices["ports"][0]["port"]), "-j", "DROP")
        for chain in ("FORWARD", "INPUT"):
            self.node.enter("iptables", "-I", chain, *rule)
        try:
            yield
        finally:
            for chain in ("FORWARD", "INPUT"):
                self.node.enter("iptables", "-D", chain, *rule)

    def ask(self, name: str, action: str = "note") -> None:
        """Ask as the developer, by one request and not by a process."""
        path = f"/apis/pratique.dev/v1alpha1/namespaces/{SPACE}/actionruns"
        answer = self.cluster.callers["developer"].send("POST", path, run(name, SPACE, action, inputs={}))
        assert answer.ok, answer

    def approve(self, name: str) -> None:
        """Grant what a run waits for."""
        status = phase(self.cluster, name, SPACE, "WaitingForApproval")
        words = ("patch", "approval", status["approvals"][0]["name"], "-n", SPACE, "--type", "merge")
        self.cluster.kubectl("lead-1", *words, "-p", decision("lead-1@example.com", "Approve"))

    def succeeded(self, name: str, timeout: float = 40.0) -> float:
        """Wait for a run's success; return how long that took."""
        began = time.monotonic()
        phase(self.cluster, name, SPACE, "Succeeded", timeout=timeout)
        return time.monotonic() - began

    def complete(self, name: str) -> None:
        """Do for a slow note what it waits for."""
        words = (
            "patch",
            "configmap",
            name,
            "-n",
            SPACE,
            "--type",
            "merge",
            "-p",
            json.dumps({"data": {"done": "yes"}}),
        )
        self.cluster.kubectl("admin", *words)

    def made(self) -> Counter[str]:
        """Count what was created in the namespace, by what it is: more than once is twice."""
        assert self.audit_log is not None
        seen: Counter[str] = Counter()
        for line in self.audit_log.read_text().splitlines():
            event = json.loads(line)
            about = event.get("objectRef", {})
            kept = about.get("resource") in ("configmaps", "approvals") and about.get("namespace") == SPACE
            created = event["verb"] == "create" and event["responseStatus"]["code"] == 201
            if kept and created and "dryRun" not in event["requestURI"]:
                seen[f"{about['resource']}/{about.get('name')}"] += 1
        return seen

    def assert_once(self) -> None:
        """Nothing that was made was made twice."""
        assert {name: times for name, times in self.made().items() if times > 1} == {}


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
