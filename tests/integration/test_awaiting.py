"""When a run goes on: kinds that imitate Argo CD, Flux, Tekton, Crossplane and others, on a real API server.

Nobody runs their controllers here: the test writes what they would.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders.manifests import Manifest
from tests.support.attempts import Attempts
from tests.support.cluster import Cluster, wait_for
from tests.support.foreign_kinds import KINDS, installed, report
from tests.support.runs import account, phase
from tools.installation import OperatorProcess

Json = dict[str, Any]
CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "first-consumer"},
    "provisioner": "disks.example.com",
    "volumeBindingMode": "WaitForFirstConsumer",
}
UNSEEN = "its controller has not reported yet"


@pytest.fixture
def world(cluster: Cluster, operator: OperatorProcess, namespace: str) -> Iterator[Attempts]:
    """A namespace whose account may make all these kinds."""
    with installed(cluster):
        cluster.apply("admin", CLASS)
        everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
        cluster.apply("admin", account(namespace, "mine", everything))
        attempts = Attempts(cluster, namespace)
        yield attempts
        attempts.drop()
        cluster.kubectl("admin", "delete", "storageclass", "first-consumer")


def thing(kind: str, **rules: Any) -> Json:
    template = {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": META, "spec": {"size": "small"}}
    return {**rules, "template": template}


META = {"name": "${run.name}", "namespace": "${run.namespace}"}
NOTE: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": META}


def write(world: Attempts, statuses: dict[str, Json]) -> None:
    """Write the status of each object, by its name, as its controller would."""
    report(world.cluster, world.namespace, statuses)


def waits(world: Attempts, words: dict[str, str]) -> None:
    """Wait until each run says what it waits for, and see that nothing was made after that."""

    def said() -> bool:
        found = world.cluster.kubectl("admin", "get", "actionruns", "-n", world.namespace, "-o", "json").json["items"]
        status = {each["metadata"]["name"]: each.get("status", {}) for each in found}
        assert all(status[name].get("phase") in (None, "Pending", "Running") for name in words), status
        missing.clear()
        missing.update({name: status[name].get("message") for name in words if not _says(status[name], words[name])})
        return not missing

    missing: dict[str, str | None] = {}
    try:
        wait_for("each waits", said)
    except AssertionError as error:
        raise AssertionError(f"{missing} instead of {words}") from error
    assert not made(world) & set(words)


def _says(status: Json, words: str) -> bool:
    return words in status.get("message", "")


def made(world: Attempts) -> set[str]:
    """Return the names of the ConfigMaps."""
    found = world.cluster.kubectl("admin", "get", "configmaps", "-n", world.namespace, "-o", "json").json["items"]
    return {each["metadata"]["name"] for each in found}


def condition(kind: str, value: str, message: str = "", **more: Any) -> Json:
    found = {"type": kind, "status": value, "message": message, "reason": "Told", **more}
    return {"conditions": [found]}


HEALTHY = {"health": {"status": "Healthy"}, "sync": {"status": "Synced"}}
BROKEN: Json = {"health": {"status": "Degraded"}, "sync": {"status": "OutOfSync"}}
BROKEN |= {"conditions": [{"type": "SyncError", "message": "no such image"}]}

# name: kind, its own rules, what it waits for unseen, a status that is not the end with its words, and the last status
STORIES: dict[str, tuple[str, Json, str, Json, str, Json]] = {
    "argo": ("Application", {}, UNSEEN, {"health": {"status": "Progressing"}}, "health Progressing", HEALTHY),
    "flux": (
        "Kustomization",
        {},
        "its condition Ready is not there yet",
        {"observedGeneration": 1, **condition("Ready", "False", "health check failed")},
        "health check failed",
        {"observedGeneration": 1, **condition("Ready", "True")},
    ),
    "tekton": (
        "PipelineRun",
        {},
        "its condition Succeeded is not there yet",
        condition("Succeeded", "Unknown", "Tasks Completed: 1"),
        "Tasks Completed: 1",
        condition("Succeeded", "True"),
    ),
    "crossplane": (
        "Claim",
        {},
        UNSEEN,
        condition("Synced", "False", "storage too small"),
        "storage too small",
        {"conditions": [*condition("Synced", "True")["conditions"], *condition("Ready", "True")["conditions"]]},
    ),
    "ruled": (
        "Claim",
        {"readyWhen": "self.status.endpoint.port > 0", "failedWhen": "self.status.phase == 'Broken'"},
        "its readyWhen reads status, which is not there yet",
        condition("Synced", "False", "storage too small"),
        "its readyWhen reads status.endpoint, which is not there yet: storage too small",
        {"endpoint": {"port": 1}},
    ),
    "certificate": (
        "Certificate",
        {},
        "its condition Ready is not there yet",
        condition("Issuing", "True", "creating a key"),
        "creating a key",
        condition("Ready", "True", observedGeneration=1),
    ),
    "rollout": (
        "Rollout",
        {},
        UNSEEN,
        {"observedGeneration": "1", "phase": "Progressing", "message": "more replicas"},
        "more replicas",
        {"observedGeneration": "1", "phase": "Healthy"},
    ),
}
ENDS: dict[str, tuple[str, Json, Json, str]] = {
    "sync-error": ("Application", {}, BROKEN, "health Degraded, sync OutOfSync: no such image"),
    "sync-error-ruled": (
        "Application",
        {"readyWhen": "self.status.health.status == 'Healthy'"},
        BROKEN,
        "health Degraded, sync OutOfSync: no such image",
    ),
    "tasks-failed": ("PipelineRun", {}, condition("Succeeded", "False", "Tasks Failed: 1"), "failed: Tasks Failed: 1"),
    "stalled": ("Kustomization", {}, condition("Stalled", "True", "path not found"), "failed: path not found"),
    "failed-when": (
        "Claim",
        {"failedWhen": "self.status.phase == 'Broken'"},
        {"phase": "Broken", "message": "out of paper"},
        "its failedWhen is true: out of paper",
    ),
}


@pytest.mark.timeout(400)
def test_a_run_goes_on_when_the_controllers_say_so(world: Attempts) -> None:
    late = {"outputs": {"endpoint": "${resources.r0.status.endpoint}"}, "timeout": "5m"}
    all_of_them = {**{name: story[:2] for name, story in STORIES.items()}, **{n: end[:2] for n, end in ENDS.items()}}
    actions = [
        world.action(name, thing(kind, **rules), NOTE, execution={"timeout": "5m"})
        for name, (kind, rules) in all_of_them.items()
    ]
    actions += [
        world.action("late", thing("Claim"), NOTE, execution=late),
        world.action("quiet", thing("Quiet"), NOTE),
        world.action("unheard", thing("Claim"), NOTE, execution={"timeout": "1s"}),
    ]
    world.offer(actions, "admin")
    world.ask({name: {} for name in (*all_of_them, "late", "quiet", "unheard")})
    phase(world.cluster, "quiet", world.namespace, "Succeeded")
    unheard = phase(world.cluster, "unheard", world.namespace, "Failed")["message"]
    assert f'{UNSEEN}; if it never writes a status, set readyWhen: "true"' in unheard
    waits(world, {name: story[2] for name, story in STORIES.items()} | {"late": UNSEEN})
    write(world, {name: story[3] for name, story in STORIES.items()} | {"late": condition("Ready", "True")})
    waits(world, {name: story[4] for name, story in STORIES.items()})
    last = {name: story[5] for name, story in STORIES.items()} | {name: end[2] for name, end in ENDS.items()}
    write(world, last)
    ended = world.settled(last, timeout=120)
    assert {name: ended[name]["phase"] for name in STORIES} == dict.fromkeys(STORIES, "Succeeded")
    for name, (_, _, _, words) in ENDS.items():
        assert (ended[name]["phase"], words in ended[name]["message"]) == ("Failed", True), ended[name]["message"]
    assert made(world) & set(last) == set(STORIES)

    owed = "spec.execution.outputs.endpoint reads resources.r0.status.endpoint, which is not there yet"
    wait_for("the output is owed", lambda: owed in phase(world.cluster, "late", world.namespace, "Running")["message"])
    write(world, {"late": {"endpoint": "db.example.com", **condition("Ready", "True")}})
    status = phase(world.cluster, "late", world.namespace, "Succeeded")
    assert status["outputs"] == {"endpoint": "db.example.com"}


def test_what_only_a_later_object_makes_ready_does_not_hold_it_up(world: Attempts) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": META,
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "first-consumer",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    volumes = [
        {"name": "disk", "persistentVolumeClaim": {"claimName": "${run.name}"}},
        {"name": "conf", "configMap": {"name": "${run.name}"}},
    ]
    pod = {"containers": [{"name": "ide", "image": "none"}], "volumes": volumes}
    labels = {"app": "${run.name}"}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    workspace = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": META, "spec": spec}
    last = {**NOTE, "metadata": {**META, "name": "${run.name}-last"}}
    world.offer([world.action("disk", claim, workspace, NOTE, last, execution={"timeout": "6s"})], "admin")
    world.ask({"disk": {}})
    status = phase(world.cluster, "disk", world.namespace, "Failed")
    for kind in ("persistentvolumeclaim", "deployment", "configmap"):
        assert world.cluster.get(kind, "disk", world.namespace) is not None, kind
    assert world.cluster.get("configmap", "disk-last", world.namespace) is None
    assert "PersistentVolumeClaim" in status["message"] and "it is not bound to a volume" in status["message"]
    assert f"Deployment {world.namespace}/disk" in status["message"]


def test_what_is_being_deleted_is_never_ready(world: Attempts) -> None:
    """Somebody deletes the object, and a finalizer keeps it for a while: its readyWhen would be true."""
    cluster, space = world.cluster, world.namespace
    world.offer(
        [world.action("going", thing("Claim", readyWhen="self.status.ok"), NOTE, execution={"timeout": "5m"})], "admin"
    )
    world.ask({"going": {}})
    waits(world, {"going": "its readyWhen reads status"})
    held = '{"metadata":{"finalizers":["example.com/hold"]}}'
    named = ("claims.platform.example.com", "going", "-n", space)
    cluster.kubectl("admin", "patch", *named, "--type=merge", "-p", held)
    cluster.kubectl("admin", "delete", *named, "--wait=false")
    write(world, {"going": {"ok": True}})
    waits(world, {"going": "it is being deleted"})
    cluster.kubectl("admin", "patch", *named, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    ended = phase(cluster, "going", space, "Failed")["message"]
    assert "was deleted before it was ready" in ended
