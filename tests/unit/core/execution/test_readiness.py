"""What a live object is seen to be, kind by kind: the rules of kstatus, and where we leave them."""

from typing import Any

import pytest

from pratique.core.execution.live import Readiness, State
from pratique.core.execution.readiness import readiness

READY, WAITS, FAILED = State.READY, State.IN_PROGRESS, State.FAILED


def live(kind: str, status: Any = None, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    """Return a live object; `kind` is `group/Kind`, or `Kind` of the core group."""
    group, _, name = kind.rpartition("/")
    body = {"apiVersion": f"{group}/v1" if group else "v1", "kind": name, "metadata": {"generation": 2, **metadata}}
    return {
        **body,
        **({"spec": spec} if spec is not None else {}),
        **({"status": status} if status is not None else {}),
    }


def condition(kind: str, status: str = "True", reason: str = "", message: str = "") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "reason": reason, "message": message}]}


def conditions(*each: dict[str, Any]) -> dict[str, Any]:
    return {"conditions": [inner for outer in each for inner in outer["conditions"]]}


GENERIC = [
    (live("example.com/Thing"), READY, "it exists"),
    (live("example.com/Thing", {}), READY, "it exists"),
    (live("example.com/Thing", deletionTimestamp="2026-11-24T14:00:00Z"), WAITS, "it is being deleted"),
    (live("ConfigMap", deletionTimestamp="2026-11-24T14:00:00Z"), WAITS, "it is being deleted"),
    (live("example.com/Thing", {"observedGeneration": 1}), WAITS, "its controller has not seen the latest change"),
    (live("example.com/Thing", {"observedGeneration": 2}), READY, "it exists"),
    (live("example.com/Thing", condition("Ready")), READY, "it is ready"),
    (live("example.com/Thing", condition("Ready", message="Fine")), READY, "Fine"),
    (live("example.com/Thing", condition("Ready", "False", message="Not yet")), WAITS, "Not yet"),
    (live("example.com/Thing", condition("Ready", "Unknown")), WAITS, "it is not ready"),
    (live("example.com/Thing", condition("Stalled", message="No such chart")), FAILED, "No such chart"),
    (live("example.com/Thing", condition("Stalled", "False")), READY, "it exists"),
    (live("example.com/Thing", condition("Reconciling")), WAITS, "its controller is at work on it"),
    (live("example.com/Thing", conditions(condition("Reconciling"), condition("Stalled"))), FAILED, "it is stalled"),
    (live("example.com/Thing", conditions(condition("Ready"), condition("Reconciling"))), WAITS, None),
    # a live object may hold anything
    ({}, READY, "it exists"),
    (live("example.com/Thing", "fine"), READY, "it exists"),
    (live("example.com/Thing", {"conditions": "none"}), READY, "it exists"),
    (live("example.com/Thing", {"conditions": ["Ready", {}]}), READY, "it exists"),
    (live("apps/Deployment", {"replicas": "many"}, ["no spec"]), WAITS, "0 of 1 replicas exist"),
    (live("example.com/Thing", condition("Ready", "False", message="a\u202eb\nc")), WAITS, "ab c"),
    # the same kind of another group is another kind
    (live("example.com/Deployment", {}), READY, "it exists"),
]

AVAILABLE = condition("Available")
ROLLED_OUT = condition("Progressing", reason="NewReplicaSetAvailable")
THREE = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "readyReplicas": 3}
BOUNDED = {"replicas": 3, "progressDeadlineSeconds": 600}

DEPLOYMENT = [
    (live("apps/Deployment"), WAITS, "0 of 1 replicas exist"),
    (live("apps/Deployment", {**THREE, **AVAILABLE}, {"replicas": 3}), READY, "all replicas are available"),
    (live("apps/Deployment", {**AVAILABLE}, {"replicas": 0}), READY, "all replicas are available"),
    (live("apps/Deployment", {**THREE, "replicas": 2}, {"replicas": 3}), WAITS, "2 of 3 replicas exist"),
    (live("apps/Deployment", {**THREE, "updatedReplicas": 1}, {"replicas": 3}), WAITS, "1 of 3 replicas are updated"),
    (live("apps/Deployment", {**THREE, "replicas": 4}, {"replicas": 3}), WAITS, "1 old replicas still have to end"),
    (
        live("apps/Deployment", {**THREE, "availableReplicas": 1}, {"replicas": 3}),
        WAITS,
        "1 of 3 replicas are available",
    ),
    (live("apps/Deployment", {**THREE, "readyReplicas": 2}, {"replicas": 3}), WAITS, "2 of 3 replicas are ready"),
    (live("apps/Deployment", THREE, {"replicas": 3}), WAITS, "it is not available"),
    (
        live(
            "apps/Deployment",
            {**THREE, **condition("Available", "False", message="Too few")},
            BOUNDED | {"progressDeadlineSeconds": 2**31 - 1},
        ),
        WAITS,
        "Too few",
    ),
    (live("apps/Deployment", {**THREE, **AVAILABLE}, BOUNDED), WAITS, "its new ReplicaSet is not available"),
    (
        live(
            "apps/Deployment",
            {**THREE, **conditions(AVAILABLE, condition("Progressing", reason="ReplicaSetUpdated"))},
            BOUNDED,
        ),
        WAITS,
        "its new ReplicaSet is not available",
    ),
    (
        live("apps/Deployment", {**THREE, **conditions(AVAILABLE, ROLLED_OUT)}, BOUNDED),
        READY,
        "all replicas are available",
    ),
    (
        live("apps/Deployment", condition("Progressing", "False", "ProgressDeadlineExceeded", "Took too long")),
        FAILED,
        "Took too long",
    ),
]

LABELLED = {"replicas": 2, "fullyLabeledReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}
REPLICA_SET = [
    (live("apps/ReplicaSet", LABELLED, {"replicas": 2}), READY, "all replicas are available"),
    (live("apps/ReplicaSet", {}, {"replicas": 2}), WAITS, "0 of 2 replicas exist"),
    (
        live("apps/ReplicaSet", {**LABELLED, "availableReplicas": 1}, {"replicas": 2}),
        WAITS,
        "1 of 2 replicas are available",
    ),
    (live("apps/ReplicaSet", {**LABELLED, "readyReplicas": 1}, {"replicas": 2}), WAITS, "1 of 2 replicas are ready"),
    (live("apps/ReplicaSet", {**LABELLED, "replicas": 3}, {"replicas": 2}), WAITS, "1 old replicas still have to end"),
    (live("apps/ReplicaSet", condition("ReplicaFailure", message="exceeded quota")), WAITS, "exceeded quota"),
]

SET = {"replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "currentRevision": "a", "updateRevision": "a"}
STATEFUL_SET = [
    (live("apps/StatefulSet", SET, {"replicas": 2}), READY, "all replicas are ready"),
    (live("apps/StatefulSet", {}, {"replicas": 2}), WAITS, "0 of 2 replicas exist"),
    (live("apps/StatefulSet", {**SET, "readyReplicas": 1}, {"replicas": 2}), WAITS, "1 of 2 replicas are ready"),
    (live("apps/StatefulSet", {**SET, "replicas": 3}, {"replicas": 2}), WAITS, "1 old replicas still have to end"),
    (
        live("apps/StatefulSet", {**SET, "currentReplicas": 1}, {"replicas": 2}),
        WAITS,
        "1 of 2 replicas are of the current revision",
    ),
    (live("apps/StatefulSet", {**SET, "updateRevision": "b"}, {"replicas": 2}), WAITS, "its update is not rolled out"),
    (live("apps/StatefulSet", {}, {"updateStrategy": {"type": "OnDelete"}}), READY, "its pods are updated by hand"),
    (
        live("apps/StatefulSet", SET, {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}}),
        WAITS,
        "0 of 1 replicas are updated",
    ),
    (
        live(
            "apps/StatefulSet",
            {**SET, "updatedReplicas": 1},
            {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
        ),
        READY,
        "its partition is rolled out",
    ),
]

PODS = {
    "observedGeneration": 2,
    "desiredNumberScheduled": 2,
    "currentNumberScheduled": 2,
    "updatedNumberScheduled": 2,
    "numberAvailable": 2,
    "numberReady": 2,
}
DAEMON_SET = [
    (live("apps/DaemonSet", PODS), READY, "all pods are ready"),
    (live("apps/DaemonSet", {}), WAITS, "its controller has not seen it yet"),
    (live("apps/DaemonSet", {"observedGeneration": 2}), WAITS, "its controller has not seen it yet"),
    (live("apps/DaemonSet", {**PODS, "currentNumberScheduled": 1}), WAITS, "1 of 2 pods are scheduled"),
    (live("apps/DaemonSet", {**PODS, "updatedNumberScheduled": 0}), WAITS, "0 of 2 pods are updated"),
    (live("apps/DaemonSet", {**PODS, "numberAvailable": 1}), WAITS, "1 of 2 pods are available"),
    (live("apps/DaemonSet", {**PODS, "numberReady": 1}), WAITS, "1 of 2 pods are ready"),
]

JOB = [
    (live("batch/Job"), WAITS, "it has not started"),
    (live("batch/Job", {"startTime": "2026-11-24T14:00:00Z", "active": 1}), WAITS, "it is running"),
    (live("batch/Job", condition("Suspended")), WAITS, "it is suspended"),
    (live("batch/Job", condition("SuccessCriteriaMet")), WAITS, "it has not started"),
    (live("batch/Job", condition("Complete")), READY, "it is complete"),
    (live("batch/Job", condition("Failed", message="BackoffLimitExceeded")), FAILED, "BackoffLimitExceeded"),
    (live("batch/CronJob"), READY, "it exists"),
]

LOOPING = [
    {"name": "ok", "state": {"running": {}}},
    {"name": "web", "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
]
POD = [
    (live("Pod"), WAITS, "it is not ready"),
    (live("Pod", {"phase": "Succeeded"}), READY, "it completed"),
    (live("Pod", {"phase": "Failed", "message": "Evicted"}), FAILED, "Evicted"),
    (live("Pod", {"phase": "Running"}), WAITS, "it is not ready"),
    (live("Pod", {"phase": "Running", **condition("Ready")}), READY, "it is ready"),
    (
        live("Pod", {"phase": "Running", "containerStatuses": LOOPING}),
        FAILED,
        "it restarts again and again: container web",
    ),
    (
        live("Pod", {"phase": "Pending", **condition("PodScheduled", "False", "Unschedulable", "0/3 nodes")}),
        WAITS,
        "0/3 nodes",
    ),
    (live("Pod", {"phase": "Pending", **condition("PodScheduled")}), WAITS, "it is not ready"),
]

ADDRESS = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
OTHERS = [
    (live("PersistentVolumeClaim", {"phase": "Bound"}), READY, "it is bound"),
    (live("PersistentVolumeClaim", {"phase": "Pending"}), WAITS, "it is not bound to a volume"),
    (live("PersistentVolumeClaim", {"phase": "Lost"}), FAILED, "its volume is lost"),
    (live("Service"), READY, "it exists"),
    (live("Service", {"loadBalancer": {}}, {"type": "LoadBalancer"}), WAITS, "its load balancer has no address"),
    (live("Service", ADDRESS, {"type": "LoadBalancer"}), READY, "it exists"),
    (live("Namespace"), READY, "it is active"),
    (live("Namespace", {"phase": "Active"}), READY, "it is active"),
    (live("Namespace", {"phase": "Terminating"}), WAITS, "it is not active"),
    (live("ConfigMap"), READY, "it exists"),
    (live("Secret"), READY, "it exists"),
    (live("policy/PodDisruptionBudget", {"observedGeneration": 1}), WAITS, None),
    (live("policy/PodDisruptionBudget", {"observedGeneration": 2}), READY, "it exists"),
]

CRD = "apiextensions.k8s.io/CustomResourceDefinition"
DEFINITION = [
    (live(CRD), WAITS, "it is being installed"),
    (live(CRD, condition("Established")), READY, "it is established"),
    (live(CRD, condition("Established", "False", "Installing")), WAITS, "it is being installed"),
    (live(CRD, condition("Established", "False", "NotAccepted", "No")), FAILED, "No"),
    (
        live(CRD, conditions(condition("NamesAccepted", "False"), condition("Established"))),
        FAILED,
        "its names are taken",
    ),
]

TABLES: list[list[Any]] = [GENERIC, DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, JOB, POD, OTHERS, DEFINITION]


@pytest.mark.parametrize(("target", "state", "message"), [row for table in TABLES for row in table])
def test_readiness(target: dict[str, Any], state: State, message: str | None) -> None:
    verdict = readiness(target)
    assert verdict.state is state
    assert message is None or verdict == Readiness(state, message)
