"""Why an object failed: said once, at the end of its run, by its pods and Events, as far as the account may read them.

The controllers of Jobs and Deployments are real. No kubelet runs: the test writes what one would.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.builders.manifests import Manifest
from tests.doubles.kubelet import kubelet
from tests.support.attempts import Attempts
from tests.support.cluster import Cluster, wait_for
from tests.support.planted import Search, planted
from tests.support.runs import account
from tools.installation import OperatorProcess

from pratique.cluster.client import MERGE_PATCH

pytestmark = pytest.mark.cluster
Json = dict[str, Any]
META = {"name": "${run.name}", "namespace": "${run.namespace}"}
MAKES = {"apiGroups": ["", "apps", "batch"], "resources": ["*"], "verbs": ["create", "get", "patch"]}
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
SETS = {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list"]}
EVENTS = {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]}
FATAL = 'FATAL: role "orders" already exists'
BACK_OFF = 'Back-off pulling image "none.example/web:1"'


def pod_spec(**container: Any) -> Json:
    return {
        "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "none.example/web:1", **container}]}
    }


def job(**container: Any) -> Manifest:
    spec = {"backoffLimit": 0, "template": pod_spec(**container)}
    return {"template": {"apiVersion": "batch/v1", "kind": "Job", "metadata": META, "spec": spec}}


def deployment() -> Manifest:
    labels = {"app": "${run.name}"}
    pods = pod_spec()
    pods["spec"]["restartPolicy"] = "Always"
    template = {"metadata": {"labels": labels}, **pods}
    spec = {"replicas": 1, "progressDeadlineSeconds": 600, "selector": {"matchLabels": labels}, "template": template}
    return {"template": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": META, "spec": spec}}


@pytest.fixture
def world(cluster: Cluster, operator: OperatorProcess, namespace: str) -> Iterator[Attempts]:
    """A namespace with accounts that may read different things."""
    rights = {"mine": (MAKES, PODS, SETS, EVENTS), "blind": (MAKES,), "no-sets": (MAKES, PODS, EVENTS)}
    rights |= {"no-events": (MAKES, PODS, SETS)}
    cluster.apply("admin", [each for name, rules in rights.items() for each in account(namespace, name, *rules)])
    attempts = Attempts(cluster, namespace)
    yield attempts
    attempts.drop()


def begin(
    world: Attempts, name: str, *templates: Manifest, by: str = "mine", timeout: str = "10m", **more: Any
) -> None:
    """Offer an Action and ask for it."""
    act_as = {"namespace": world.namespace, "name": by}
    world.offer(
        [world.action(name, *templates, execution={"serviceAccountRef": act_as, "timeout": timeout, **more})], "admin"
    )
    world.ask({name: {}})


def pods_of(world: Attempts, name: str) -> list[Json]:
    found = world.cluster.kubectl("admin", "get", "pods", "-n", world.namespace, "-o", "json").json["items"]
    return [each for each in found if each["metadata"]["name"].startswith(f"{name}-")]


def write(world: Attempts, name: str, status: Json) -> None:
    """Write the status of the first pod below an object, as a kubelet would."""
    (pod,) = wait_for(f"{name} has a pod", lambda: pods_of(world, name))[:1]
    patch = json.dumps({"status": status})
    names = (pod["metadata"]["name"], "-n", world.namespace)
    world.cluster.kubectl("admin", "patch", "pod", *names, "--subresource=status", "--type=merge", "-p", patch)


def ended(code: int, message: str) -> Json:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    state = {"terminated": {"exitCode": code, "reason": "Error", "message": message, "finishedAt": at, "startedAt": at}}
    return {"phase": "Failed", "containerStatuses": [{**_container(), "state": state}]}


def waits(reason: str, message: str) -> Json:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"phase": "Pending", "containerStatuses": [{**_container(), "state": state}]}


def _container() -> Json:
    return {"name": "c", "ready": False, "restartCount": 0, "image": "none.example/web:1", "imageID": ""}


def said(world: Attempts, name: str) -> str:
    status = world.settled([name])[name]
    assert status["phase"] == "Failed", status
    return str(status["message"])


def test_a_job_that_failed_says_how_its_container_ended(world: Attempts) -> None:
    begin(world, "job1", job())
    write(world, "job1", ended(3, FATAL))
    limit = f"Job {world.namespace}/job1 failed: Job has reached the specified backoff limit"
    assert said(world, "job1") == f"{limit}: container c ended with 3: {FATAL}"


def test_an_image_that_cannot_be_pulled_is_named_when_the_time_is_up(world: Attempts) -> None:
    begin(world, "web", deployment(), timeout="8s")
    write(world, "web", waits("ImagePullBackOff", BACK_OFF))
    message = said(world, "web")
    assert message.startswith("Not ready within 8s: Waiting for Deployment")
    assert message.endswith(f": container c: ImagePullBackOff: {BACK_OFF}")


def test_who_may_not_read_pods_is_told_the_words_of_before_and_what_to_give(world: Attempts) -> None:
    begin(world, "blind", job(), by="blind")
    write(world, "blind", ended(3, FATAL))
    limit = f"Job {world.namespace}/blind failed: Job has reached the specified backoff limit"
    rights = "list on pods and list on events"
    assert said(world, "blind") == f"{limit}; give ServiceAccount {world.namespace}/blind {rights} to see why"


def test_without_replica_sets_a_pod_is_not_known_to_be_the_deployments_own(world: Attempts) -> None:
    begin(world, "sets", deployment(), by="no-sets", timeout="8s")
    write(world, "sets", waits("ImagePullBackOff", BACK_OFF))
    message = said(world, "sets")
    assert "ImagePullBackOff" not in message
    assert message.endswith(f"; give ServiceAccount {world.namespace}/no-sets list on replicasets to see why")


def test_events_are_not_needed_where_a_pod_says_it(world: Attempts) -> None:
    begin(world, "quiet", job(), by="no-events")
    write(world, "quiet", ended(3, FATAL))
    assert said(world, "quiet").endswith(f": container c ended with 3: {FATAL}")


def test_a_pod_that_says_nothing_is_explained_by_its_events(world: Attempts) -> None:
    begin(world, "mount", deployment(), timeout="8s")
    write(world, "mount", waits("ContainerCreating", ""))
    (pod,) = pods_of(world, "mount")
    message = 'MountVolume.SetUp failed for volume "x": secret "absent" not found'
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "mount-event", "namespace": world.namespace},
        "involvedObject": {"kind": "Pod", **{key: pod["metadata"][key] for key in ("name", "namespace", "uid")}},
        "type": "Warning",
        "reason": "FailedMount",
        "message": message,
        "count": 4,
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    world.cluster.apply("admin", [event])
    assert said(world, "mount").endswith(f": FailedMount (4 times): {message}")


def test_a_claim_that_waits_is_explained_by_its_events(world: Attempts) -> None:
    """An object without pods."""
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "absent",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": META, "spec": spec}
    begin(world, "disk", {"template": claim}, timeout="8s")
    assert "it is not bound to a volume: ProvisioningFailed" in said(world, "disk")
    begin(world, "dark", {"template": claim}, by="blind", timeout="8s")
    assert said(world, "dark").endswith(f"; give ServiceAccount {world.namespace}/blind list on events to see why")


def test_a_stranger_with_the_same_labels_says_nothing(world: Attempts) -> None:
    begin(world, "own", deployment(), timeout="8s")
    stranger = {
        "metadata": {"name": "own-stranger", "namespace": world.namespace, "labels": {"app": "own"}},
        **pod_spec(),
    }
    write(world, "own", waits("ContainerCreating", ""))
    world.cluster.apply("admin", [{"apiVersion": "v1", "kind": "Pod", **stranger}])
    lie = json.dumps({"status": ended(1, "ask mallory@example.com for help")})
    where = ("own-stranger", "-n", world.namespace, "--subresource=status", "--type=merge", "-p", lie)
    world.cluster.kubectl("admin", "patch", "pod", *where)
    assert "mallory" not in said(world, "own")


def test_no_value_of_a_secret_comes_out(world: Attempts) -> None:
    """Whatever the pod repeats of a Secret that it uses and that the account may read, in any form."""
    value = planted("explain")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "admin", "namespace": world.namespace}}
    world.cluster.apply("admin", [{**secret, "stringData": {"p": value}}])
    begin(world, "leak", job(envFrom=[{"secretRef": {"name": "admin"}}]))
    write(world, "leak", ended(3, f"cannot log in with {value} nor {value[:-2]}\u200b{value[-2:].upper()}"))
    assert "container c ended with 3: cannot log in with (hidden)" in said(world, "leak")
    every = ("get", "actionruns,events.events.k8s.io", "-n", world.namespace, "-o", "json")

    def told() -> str:
        found = world.cluster.kubectl("admin", *every).json["items"]
        return json.dumps([each.get("status") or each.get("note") for each in found])

    wait_for("an Event says it, too", lambda: told().count("(hidden)") > 1)
    assert Search(["explain"]).found(told()) == set()


def bind(world: Attempts, name: str, node: str, port: int) -> None:
    """Put the pod of an object on a node whose kubelet is at this port."""
    callers = world.cluster.callers["admin"]
    made = callers.send("POST", "/api/v1/nodes", {"metadata": {"name": node}})
    assert made.ok, made.message
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    patched = callers.send("PATCH", f"/api/v1/nodes/{node}/status", {"status": status}, content_type=MERGE_PATCH)
    assert patched.ok, patched.message
    (pod,) = wait_for(f"{name} has a pod", lambda: pods_of(world, name))
    path = f"/api/v1/namespaces/{world.namespace}/pods/{pod['metadata']['name']}/binding"
    target = {"metadata": {"name": pod["metadata"]["name"]}, "target": {"kind": "Node", "name": node}}
    bound = callers.send("POST", path, {"apiVersion": "v1", "kind": "Binding", **target})
    assert bound.ok, bound.message


def test_a_log_is_read_where_the_action_asks_for_it(world: Attempts, tmp_path: Path) -> None:
    value = planted("explain")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "admin", "namespace": world.namespace}}
    world.cluster.apply("admin", [{**secret, "stringData": {"p": value}}])
    node = f"node-{world.namespace}"
    with kubelet(tmp_path, f"it begins\nlogs in with {value}\nand ends\n".encode()) as (port, asked):
        begin(world, "log", job(envFrom=[{"secretRef": {"name": "admin"}}]), explain={"logs": 3})
        bind(world, "log", node, port)
        write(world, "log", ended(3, ""))
        message = said(world, "log")
    world.cluster.callers["admin"].send("DELETE", f"/api/v1/nodes/{node}")
    end = ": container c ended with 3; its log ends: it begins | logs in with (hidden) | and ends"
    assert message.endswith(end), message
    (only,) = asked
    assert only.startswith(f"/containerLogs/{world.namespace}/log-") and only.endswith("/c?tailLines=3")
