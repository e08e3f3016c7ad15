"""Decides whether a live object of any kind is what it was asked to be, from nothing but the object itself.

Its rules are those of kstatus (sigs.k8s.io/cli-utils/pkg/kstatus, the library that Flux uses), in its order: first what
holds for every kind (deletionTimestamp, observedGeneration, the abnormal-true conditions `Stalled` and `Reconciling`),
then the kind's own: here those that Kubernetes brings, in `custom_kinds` all others.

It departs from kstatus where a run would end too early:
- a kind whose controller reports (it has a status subresource) is not ready before anything was reported;
- a Job is ready when it is complete; kstatus calls a running or suspended one current already;
- a Pod that failed has failed (kstatus: current), and one that cannot be scheduled yet waits: there is no clock here and
  a cluster may grow, so the run's own timeout ends the wait;
- a Service of type LoadBalancer waits for its address (kstatus: for its cluster IP);
- a Namespace is ready when it is Active.

`awaiting` asks this for the objects of a run. It must not know why anybody asks, and never raises: a live object may hold
anything.
"""

from collections.abc import Callable

from pratique.core.execution.custom_kinds import custom_readiness, is_custom
from pratique.core.execution.live import (
    Readiness,
    conditions_of,
    done,
    failed,
    group_of,
    holds,
    is_behind,
    items,
    mapping,
    number,
    said,
    status_of,
    waits,
)
from pratique.core.kernel.effects import Json


def readiness(target: Json, *, reports: bool | None = None) -> Readiness:
    """Say whether `target`, a live object as the API server returned it, is ready, on its way, or has failed.

    `reports` says whether its kind has a status subresource, for a controller to report in; None if that is not known.
    """
    verdict = find_unsettled(target, reports=reports) or find_stall(target)
    if verdict is not None:
        return verdict
    conditions = conditions_of(target)
    if holds(conditions, "Reconciling"):
        return waits(said(conditions["Reconciling"], "its controller is at work on it"))
    rule = _RULES.get((group_of(target), str(target.get("kind", ""))))
    if rule is not None:
        return rule(target)
    return custom_readiness(target, reports=reports)


def find_unsettled(target: Json, expression: str = "", *, reports: bool | None = None) -> Readiness | None:
    """Return why nothing that it says counts now, whoever reads it: it is going, or what it says is about older wishes.

    `expression` is the Action's own rule: a condition whose type stands in it must be about the newest wishes, too.
    """
    if mapping(target.get("metadata")).get("deletionTimestamp"):
        return waits("it is being deleted")
    if reports is False and is_custom(target):
        return None  # each write of its status makes a new generation: its controller never catches up
    read = [
        each for kind, each in conditions_of(target).items() if f"'{kind}'" in expression or f'"{kind}"' in expression
    ]
    if any(is_behind(target, each) for each in (status_of(target), *read)):
        return waits("its controller has not seen the latest change")
    return None


def find_stall(target: Json) -> Readiness | None:
    """Return what its controller says where it has given up, whoever reads it."""
    conditions = conditions_of(target)
    return failed(said(conditions["Stalled"], "it is stalled")) if holds(conditions, "Stalled") else None


def _deployment(target: Json) -> Readiness:
    spec, status, conditions = mapping(target.get("spec")), status_of(target), conditions_of(target)
    progressing = conditions.get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return failed(said(progressing, "its progress deadline is exceeded"))
    wanted = number(spec, "replicas", 1)
    replicas, updated = number(status, "replicas"), number(status, "updatedReplicas")
    counts = (
        (replicas, wanted, "exist"),
        (updated, wanted, "are updated"),
        (number(status, "availableReplicas"), updated, "are available"),
        (number(status, "readyReplicas"), wanted, "are ready"),
    )
    short = _too_few(counts, "replicas") or _too_many(replicas, wanted)
    if short is not None:
        return short
    # Without a deadline (or with the largest one) the controller sets no condition Progressing.
    bounded = number(spec, "progressDeadlineSeconds", _NO_DEADLINE) != _NO_DEADLINE
    if bounded and not (holds(conditions, "Progressing") and progressing.get("reason") == "NewReplicaSetAvailable"):
        return waits("its new ReplicaSet is not available")
    if not holds(conditions, "Available"):
        return waits(said(conditions.get("Available", {}), "it is not available"))
    return done("all replicas are available")


def _replica_set(target: Json) -> Readiness:
    spec, status, conditions = mapping(target.get("spec")), status_of(target), conditions_of(target)
    if holds(conditions, "ReplicaFailure"):
        return waits(said(conditions["ReplicaFailure"], "its pods cannot be made"))
    wanted = number(spec, "replicas", 1)
    counts = (
        (number(status, "fullyLabeledReplicas"), wanted, "exist"),
        (number(status, "availableReplicas"), wanted, "are available"),
        (number(status, "readyReplicas"), wanted, "are ready"),
    )
    short = _too_few(counts, "replicas") or _too_many(number(status, "replicas"), wanted)
    return short or done("all replicas are available")


def _stateful_set(target: Json) -> Readiness:
    spec, status = mapping(target.get("spec")), status_of(target)
    strategy = mapping(spec.get("updateStrategy"))
    if strategy.get("type") == "OnDelete":
        return done("its pods are updated by hand")
    wanted, replicas = number(spec, "replicas", 1), number(status, "replicas")
    counts: tuple[tuple[int, int, str], ...] = (
        (replicas, wanted, "exist"),
        (number(status, "readyReplicas"), wanted, "are ready"),
    )
    short = _too_few(counts, "replicas") or _too_many(replicas, wanted)
    if short is not None:
        return short
    partition = number(mapping(strategy.get("rollingUpdate")), "partition")
    if partition:
        rolled = ((number(status, "updatedReplicas"), wanted - partition, "are updated"),)
        return _too_few(rolled, "replicas") or done("its partition is rolled out")
    current = _too_few(((number(status, "currentReplicas"), wanted, "are of the current revision"),), "replicas")
    if current is not None:
        return current
    if status.get("currentRevision") != status.get("updateRevision"):
        return waits("its update is not rolled out")
    return done("all replicas are ready")


def _daemon_set(target: Json) -> Readiness:
    status = status_of(target)
    # For this kind absent is not zero: its controller always sets these once it has looked.
    if "observedGeneration" not in status or "desiredNumberScheduled" not in status:
        return waits("its controller has not seen it yet")
    wanted = number(status, "desiredNumberScheduled")
    counts = (
        (number(status, "currentNumberScheduled"), wanted, "are scheduled"),
        (number(status, "updatedNumberScheduled"), wanted, "are updated"),
        (number(status, "numberAvailable"), wanted, "are available"),
        (number(status, "numberReady"), wanted, "are ready"),
    )
    return _too_few(counts, "pods") or done("all pods are ready")


def _job(target: Json) -> Readiness:
    conditions = conditions_of(target)
    if holds(conditions, "Complete"):
        return done("it is complete")
    if holds(conditions, "Failed"):
        return failed(said(conditions["Failed"], "it failed"))
    if holds(conditions, "Suspended"):
        return waits("it is suspended")
    started = status_of(target).get("startTime")
    return waits("it is running" if started else "it has not started")


def _pod(target: Json) -> Readiness:
    status, conditions = status_of(target), conditions_of(target)
    match status.get("phase"):
        case "Succeeded":
            return done("it completed")
        case "Failed":
            return failed(said(status, "it failed"))
        case "Running" if holds(conditions, "Ready"):
            return done("it is ready")
    looping = [str(each.get("name")) for each in items(status.get("containerStatuses")) if _loops(each)]
    if looping:
        return failed(f"it restarts again and again: container {', '.join(looping)}")
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return waits(said(scheduled, "it is not scheduled"))
    return waits("it is not ready")


def _loops(container: Json) -> bool:
    return mapping(mapping(container.get("state")).get("waiting")).get("reason") == "CrashLoopBackOff"


def _claim(target: Json) -> Readiness:
    phase = status_of(target).get("phase")
    if phase == "Lost":
        return failed("its volume is lost")
    return done("it is bound") if phase == "Bound" else waits("it is not bound to a volume")


def _service(target: Json) -> Readiness:
    balanced = mapping(target.get("spec")).get("type") == "LoadBalancer"
    if balanced and not items(mapping(status_of(target).get("loadBalancer")).get("ingress")):
        return waits("its load balancer has no address")
    return done("it exists")


def _namespace(target: Json) -> Readiness:
    phase = status_of(target).get("phase", "Active")
    return done("it is active") if phase == "Active" else waits("it is not active")


def _definition(target: Json) -> Readiness:
    conditions = conditions_of(target)
    names, established = conditions.get("NamesAccepted", {}), conditions.get("Established", {})
    if names.get("status") == "False":
        return failed(said(names, "its names are taken"))
    if established.get("status") == "True":
        return done("it is established")
    if established.get("status") == "False" and established.get("reason") != "Installing":
        return failed(said(established, "it could not be established"))
    return waits("it is being installed")


def _exists(_target: Json) -> Readiness:
    return done("it exists")


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
    return waits(f"{short[0]} of {short[1]} {what} {short[2]}") if short else None


def _too_many(replicas: int, wanted: int) -> Readiness | None:
    return waits(f"{replicas - wanted} old replicas still have to end") if replicas > wanted else None
