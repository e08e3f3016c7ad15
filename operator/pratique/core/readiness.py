"""Decides whether a live object of any kind is what it was asked to be, from nothing but the object itself.

The rules are those of kstatus (sigs.k8s.io/cli-utils/pkg/kstatus, the library that Flux uses), in its order: first what
holds for every kind (deletionTimestamp, observedGeneration, the abnormal-true conditions `Stalled` and `Reconciling`),
then the kinds that Kubernetes itself brings, then the condition `Ready`, and last: what exists is ready.

It departs from kstatus where a run would end too early:
- a Job is ready when it is complete; kstatus calls a running or suspended one current already;
- a Pod that failed has failed (kstatus: current), and one that cannot be scheduled yet waits: there is no clock here and
  a cluster may grow, so the run's own timeout ends the wait;
- a Service of type LoadBalancer waits for its address (kstatus: for its cluster IP);
- a Namespace is ready when it is Active.

`execution` asks this for every object of a run that has no `readyWhen` of its own. It must not know why anybody asks, and
never raises: a live object may hold anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pratique.core.effects import Json
from pratique.core.text import clean


class State(StrEnum):
    """What an object is seen to be."""

    READY = "Ready"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"


@dataclass(frozen=True)
class Readiness:
    """The verdict, with words that continue the object's name: `Deployment web: 1 of 3 replicas are ready`."""

    state: State
    message: str


def readiness(target: Json) -> Readiness:
    """Say whether `target`, a live object as the API server returned it, is ready, on its way, or has failed."""
    verdict = _generic(target)
    if verdict is not None:
        return verdict
    group = str(target.get("apiVersion", "")).rpartition("/")[0]
    rule = _RULES.get((group, str(target.get("kind", ""))))
    return rule(target) if rule else _ready_condition(target)


def _generic(target: Json) -> Readiness | None:
    """Return what holds for every kind, or None when that settles nothing."""
    metadata = _map(target.get("metadata"))
    if metadata.get("deletionTimestamp"):
        return _waits("it is being deleted")
    observed = _status(target).get("observedGeneration")
    if observed is not None and observed != metadata.get("generation"):
        return _waits("its controller has not seen the latest change")
    conditions = _conditions(target)
    if _holds(conditions, "Stalled"):
        return _failed(_said(conditions["Stalled"], "it is stalled"))
    if _holds(conditions, "Reconciling"):
        return _waits(_said(conditions["Reconciling"], "its controller is at work on it"))
    return None


def _ready_condition(target: Json) -> Readiness:
    """Read the condition `Ready`, which most custom resources have. Without one, what exists is ready."""
    ready = _conditions(target).get("Ready")
    if ready is None:
        return _done("it exists")
    if ready.get("status") == "True":
        return _done(_said(ready, "it is ready"))
    return _waits(_said(ready, "it is not ready"))


def _deployment(target: Json) -> Readiness:
    spec, status, conditions = _map(target.get("spec")), _status(target), _conditions(target)
    progressing = conditions.get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return _failed(_said(progressing, "its progress deadline is exceeded"))
    wanted = _number(spec, "replicas", 1)
    replicas, updated = _number(status, "replicas"), _number(status, "updatedReplicas")
    counts = (
        (replicas, wanted, "exist"),
        (updated, wanted, "are updated"),
        (_number(status, "availableReplicas"), updated, "are available"),
        (_number(status, "readyReplicas"), wanted, "are ready"),
    )
    waits = _too_few(counts, "replicas") or _too_many(replicas, wanted)
    if waits is not None:
        return waits
    # Without a deadline (or with the largest one) the controller sets no condition Progressing.
    bounded = _number(spec, "progressDeadlineSeconds", _NO_DEADLINE) != _NO_DEADLINE
    if bounded and not (_holds(conditions, "Progressing") and progressing.get("reason") == "NewReplicaSetAvailable"):
        return _waits("its new ReplicaSet is not available")
    if not _holds(conditions, "Available"):
        return _waits(_said(conditions.get("Available", {}), "it is not available"))
    return _done("all replicas are available")


def _replica_set(target: Json) -> Readiness:
    spec, status, conditions = _map(target.get("spec")), _status(target), _conditions(target)
    if _holds(conditions, "ReplicaFailure"):
        return _waits(_said(conditions["ReplicaFailure"], "its pods cannot be made"))
    wanted = _number(spec, "replicas", 1)
    counts = (
        (_number(status, "fullyLabeledReplicas"), wanted, "exist"),
        (_number(status, "availableReplicas"), wanted, "are available"),
        (_number(status, "readyReplicas"), wanted, "are ready"),
    )
    waits = _too_few(counts, "replicas") or _too_many(_number(status, "replicas"), wanted)
    return waits or _done("all replicas are available")


def _stateful_set(target: Json) -> Readiness:
    spec, status = _map(target.get("spec")), _status(target)
    strategy = _map(spec.get("updateStrategy"))
    if strategy.get("type") == "OnDelete":
        return _done("its pods are updated by hand")
    wanted, replicas = _number(spec, "replicas", 1), _number(status, "replicas")
    counts: tuple[tuple[int, int, str], ...] = (
        (replicas, wanted, "exist"),
        (_number(status, "readyReplicas"), wanted, "are ready"),
    )
    waits = _too_few(counts, "replicas") or _too_many(replicas, wanted)
    if waits is not None:
        return waits
    partition = _number(_map(strategy.get("rollingUpdate")), "partition")
    if partition:
        rolled = ((_number(status, "updatedReplicas"), wanted - partition, "are updated"),)
        return _too_few(rolled, "replicas") or _done("its partition is rolled out")
    current = _too_few(((_number(status, "currentReplicas"), wanted, "are of the current revision"),), "replicas")
    if current is not None:
        return current
    if status.get("currentRevision") != status.get("updateRevision"):
        return _waits("its update is not rolled out")
    return _done("all replicas are ready")


def _daemon_set(target: Json) -> Readiness:
    status = _status(target)
    # For this kind absent is not zero: its controller always sets these once it has looked.
    if "observedGeneration" not in status or "desiredNumberScheduled" not in status:
        return _waits("its controller has not seen it yet")
    wanted = _number(status, "desiredNumberScheduled")
    counts = (
        (_number(status, "currentNumberScheduled"), wanted, "are scheduled"),
        (_number(status, "updatedNumberScheduled"), wanted, "are updated"),
        (_number(status, "numberAvailable"), wanted, "are available"),
        (_number(status, "numberReady"), wanted, "are ready"),
    )
    return _too_few(counts, "pods") or _done("all pods are ready")


def _job(target: Json) -> Readiness:
    conditions = _conditions(target)
    if _holds(conditions, "Complete"):
        return _done("it is complete")
    if _holds(conditions, "Failed"):
        return _failed(_said(conditions["Failed"], "it failed"))
    if _holds(conditions, "Suspended"):
        return _waits("it is suspended")
    started = _status(target).get("startTime")
    return _waits("it is running" if started else "it has not started")


def _pod(target: Json) -> Readiness:
    status, conditions = _status(target), _conditions(target)
    match status.get("phase"):
        case "Succeeded":
            return _done("it completed")
        case "Failed":
            return _failed(_said(status, "it failed"))
        case "Running" if _holds(conditions, "Ready"):
            return _done("it is ready")
    looping = [str(each.get("name")) for each in _items(status.get("containerStatuses")) if _loops(each)]
    if looping:
        return _failed(f"it restarts again and again: container {', '.join(looping)}")
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return _waits(_said(scheduled, "it is not scheduled"))
    return _waits("it is not ready")


def _loops(container: Json) -> bool:
    return _map(_map(container.get("state")).get("waiting")).get("reason") == "CrashLoopBackOff"


def _claim(target: Json) -> Readiness:
    phase = _status(target).get("phase")
    if phase == "Lost":
        return _failed("its volume is lost")
    return _done("it is bound") if phase == "Bound" else _waits("it is not bound to a volume")


def _service(target: Json) -> Readiness:
    balanced = _map(target.get("spec")).get("type") == "LoadBalancer"
    if balanced and not _items(_map(_status(target).get("loadBalancer")).get("ingress")):
        return _waits("its load balancer has no address")
    return _done("it exists")


def _namespace(target: Json) -> Readiness:
    phase = _status(target).get("phase", "Active")
    return _done("it is active") if phase == "Active" else _waits("it is not active")


def _definition(target: Json) -> Readiness:
    conditions = _conditions(target)
    names, established = conditions.get("NamesAccepted", {}), conditions.get("Established", {})
    if names.get("status") == "False":
        return _failed(_said(names, "its names are taken"))
    if established.get("status") == "True":
        return _done("it is established")
    if established.get("status") == "False" and established.get("reason") != "Installing":
        return _failed(_said(established, "it could not be established"))
    return _waits("it is being installed")


def _exists(_target: Json) -> Readiness:
    return _done("it exists")


_NO_DEADLINE = 2**31 - 1

_RULES: dict[tuple[str, str], Callable[[Json], Readiness]] = {
    ("", "ConfigMap"): _exists,
    ("", "Namespace"): _namespace,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _pod,
    ("", "Secret"): _exists,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "CronJob"): _exists,
    ("batch", "Job"): _job,
    ("policy", "PodDisruptionBudget"): _exists,
}


def _too_few(counts: tuple[tuple[int, int, str], ...], what: str) -> Readiness | None:
    """Return the first count that is short of what is wanted, as a reason to wait."""
    short = next(((have, wanted, how) for have, wanted, how in counts if have < wanted), None)
    return _waits(f"{short[0]} of {short[1]} {what} {short[2]}") if short else None


def _too_many(replicas: int, wanted: int) -> Readiness | None:
    return _waits(f"{replicas - wanted} old replicas still have to end") if replicas > wanted else None


def _done(message: str) -> Readiness:
    return Readiness(State.READY, message)


def _waits(message: str) -> Readiness:
    return Readiness(State.IN_PROGRESS, message)


def _failed(message: str) -> Readiness:
    return Readiness(State.FAILED, message)


def _said(source: Json, otherwise: str) -> str:
    """Return the message that the object's own controller gave, made fit to be shown, or our words."""
    return clean(str(source.get("message") or ""), 512) or otherwise


def _map(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _status(target: Json) -> Json:
    return _map(target.get("status"))


def _number(source: Json, field: str, default: int = 0) -> int:
    value = source.get(field)
    return value if isinstance(value, int) else default


def _conditions(target: Json) -> dict[str, Json]:
    return {str(each.get("type")): each for each in _items(_status(target).get("conditions"))}


def _holds(conditions: dict[str, Json], kind: str) -> bool:
    return conditions.get(kind, {}).get("status") == "True"
