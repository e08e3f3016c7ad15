"""What is known of kinds that people often make, where their convention is not the usual one. Pure data and small readers.

A key names a group and a kind; a group that begins with `*` stands for all that end so, and the kind `*` for all of them.
`custom_kinds` asks here first. A reader returns None where it has nothing to say, and the usual convention holds.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from pratique.core.execution.live import (
    Readiness,
    conditions_of,
    denies,
    done,
    explain,
    failed,
    group_of,
    holds,
    is_behind,
    items,
    mapping,
    said,
    status_of,
    waits,
)
from pratique.core.kernel.effects import Json
from pratique.core.kernel.text import clean
from pratique.core.plans.sameness import contains

Found = TypeVar("Found")
Reader = Callable[[Json], Readiness | None]
NOT_SEEN = "its controller has not reported yet"


def look_up(table: Mapping[tuple[str, str], Found], target: Json) -> Found | None:
    """Return what a table knows of the kind of an object."""
    group, kind = group_of(target), str(target.get("kind", ""))
    for (suffix, name), found in table.items():
        if name in (kind, "*") and (group.endswith(suffix[1:]) if suffix.startswith("*") else group == suffix):
            return found
    return None


def says_nothing(target: Json) -> bool:
    """Whether it is usual for this kind that nobody ever writes its status: what exists is ready."""
    return look_up(_SAYS_NOTHING, target) is not None


def _application(target: Json) -> Readiness | None:
    """Argo CD: what runs is what Git says, and is well. It tries again by itself, but not after a sync that failed."""
    status = status_of(target)
    health, sync = str(mapping(status.get("health")).get("status") or ""), mapping(status.get("sync"))
    synced = str(sync.get("status") or "")
    if not health and not synced and not status.get("conditions"):
        return waits(NOT_SEEN)
    spec, compared = mapping(target.get("spec")), mapping(sync.get("comparedTo"))
    if any(field in compared and not contains(compared[field], spec.get(field)) for field in ("source", "sources")):
        return waits("Argo CD has not compared its latest change")
    operation, pending = mapping(status.get("operationState")), bool(mapping(target.get("operation")))
    phase = str(operation.get("phase") or "")
    errors = {str(each.get("type")): each for each in items(status.get("conditions")) if _is_error(each)}
    broken = errors.get("SyncError") or next(iter(errors.values()), None)
    short = f"health {clean(health, 40) or 'unknown'}, sync {clean(synced, 40) or 'unknown'}"
    words = said(broken or (operation if phase in ("Failed", "Error") else mapping(status.get("health"))), "")
    shown = f"{short}: {words}" if words else short
    under_way = pending or phase in ("Running", "Terminating")
    if not under_way and ("SyncError" in errors or phase in ("Failed", "Error")):
        return failed(shown)
    if not under_way and health in ("Degraded", "Missing") and synced == "Synced":
        return failed(shown)
    if under_way or (health, synced) != ("Healthy", "Synced"):
        return waits(shown)
    return done(short)


def _is_error(condition: Json) -> bool:
    return str(condition.get("type")).endswith("Error")


def _rollout(target: Json) -> Readiness | None:
    """Argo Rollouts: its phase, as it computes it itself since 1.1; older versions have conditions only."""
    status, conditions = status_of(target), conditions_of(target)
    if holds(conditions, "InvalidSpec"):
        return failed(said(conditions["InvalidSpec"], "its spec is not valid"))
    match status.get("phase"):
        case "Healthy":
            return done("it is healthy")
        case "Degraded":
            return failed(said(status, "it is degraded"))
        case None:
            return None if status.keys() - {"observedGeneration"} else waits(NOT_SEEN)
        case phase:
            return waits(said(status, f"its phase is {clean(str(phase), 80)}"))


def _application_set(target: Json) -> Readiness | None:
    conditions = conditions_of(target)
    if holds(conditions, "ErrorOccurred"):
        return waits(explain(conditions["ErrorOccurred"], "an error occurred"))
    if not holds(conditions, "ResourcesUpToDate"):
        return waits(explain(conditions.get("ResourcesUpToDate", {}), "its Applications are not up to date"))
    return done("its Applications are up to date")


def _by_phase(*path: str, ready: tuple[str, ...], ended: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> Reader:
    """Return a reader of one word in the status: it is ready with some, has failed with others, and else waits."""

    def read(target: Json) -> Readiness | None:
        holder = status_of(target)
        for step in path[:-1]:
            holder = mapping(holder.get(step))
        word = str(holder.get(path[-1]) or "")
        words = next((text for field in ("message", *more) if (text := said({"message": holder.get(field)}, ""))), "")
        shown = f"its {path[-1]} is {clean(word, 80)}" + (f": {words}" if words else "")
        if not word:
            return waits(NOT_SEEN)
        if word in ready:
            return done(shown)
        return failed(shown) if word in ended else waits(shown)

    return read


def _all_of(*kinds: str) -> Reader:
    """Return a reader for what is ready when each of some conditions is true."""

    def read(target: Json) -> Readiness | None:
        conditions = conditions_of(target)
        for kind in kinds:
            found = conditions.get(kind, {})
            if found.get("status") != "True" or is_behind(target, found):
                return waits(explain(found, f"its condition {kind} is not true yet"))
        return done("all its conditions are true")

    return read


def _route(target: Json) -> Readiness | None:
    """Gateway API: each Gateway that a route names says for itself whether it takes the route."""
    parents = items(status_of(target).get("parents"))
    if not parents:
        return waits("no Gateway has answered yet")
    for parent in parents:
        conditions = {str(each.get("type")): each for each in items(parent.get("conditions"))}
        name = clean(str(mapping(parent.get("parentRef")).get("name") or "its Gateway"), 80)
        if any(is_behind(target, each) for each in conditions.values()):
            return waits(f"{name} has not seen the latest change")
        for kind in ("Accepted", "ResolvedRefs"):
            if not holds(conditions, kind):
                return waits(f"{name}: " + explain(conditions.get(kind, {}), f"its condition {kind} is not true yet"))
    return done("its Gateways take it")


def _ack(target: Json) -> Readiness | None:
    """AWS Controllers for Kubernetes: `ACK.Terminal` is the end; newer ones write `Ready`, too."""
    conditions = conditions_of(target)
    if holds(conditions, "ACK.Terminal"):
        return failed(said(conditions["ACK.Terminal"], "AWS refuses it"))
    if "Ready" in conditions:
        return None
    if holds(conditions, "ACK.ResourceSynced"):
        return done("it is synced")
    held = conditions.get("ACK.Recoverable") or conditions.get("ACK.ResourceSynced") or {}
    return waits(explain(held, "it is not synced"))


def _azure(target: Json) -> Readiness | None:
    """Azure Service Operator: Ready is false with a severity; an Error is not tried again."""
    ready = conditions_of(target).get("Ready", {})
    if ready.get("status") == "False" and ready.get("severity") == "Error" and not is_behind(target, ready):
        return failed(explain(ready, "Azure refuses it"))
    return None


def _machine(target: Json) -> Readiness | None:
    """KubeVirt: a machine that is to be off is ready when it is off."""
    spec, status = mapping(target.get("spec")), status_of(target)
    if spec.get("running") is False or spec.get("runStrategy") in ("Halted", "Manual"):
        return waits("it is still running") if status.get("ready") is True else done("it is off, as asked for")
    return None


def _sealed(target: Json) -> Readiness | None:
    conditions = conditions_of(target)
    synced = conditions.get("Synced", {})
    if holds(conditions, "Synced"):
        return done("its Secret is there")
    return waits(explain(synced, "it is not decrypted") if denies(conditions, "Synced") else NOT_SEEN)


_DATABASE = _by_phase("PostgresClusterStatus", ready=("Running",), ended=("Invalid",))
_RESTORE = ("Failed", "FailedValidation", "PartiallyFailed")

PROFILES: Mapping[tuple[str, str], Reader] = {
    ("argoproj.io", "Application"): _application,
    ("argoproj.io", "ApplicationSet"): _application_set,
    ("argoproj.io", "Rollout"): _rollout,
    ("argoproj.io", "Workflow"): _by_phase("phase", ready=("Succeeded",), ended=("Failed", "Error")),
    ("argoproj.io", "AnalysisRun"): _by_phase(
        "phase", ready=("Successful",), ended=("Failed", "Error", "Inconclusive")
    ),
    ("acid.zalan.do", "postgresql"): _DATABASE,
    ("bitnami.com", "SealedSecret"): _sealed,
    ("gateway.networking.k8s.io", "Gateway"): _all_of("Accepted", "Programmed"),
    **{
        ("gateway.networking.k8s.io", kind): _route
        for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
    },
    ("kubevirt.io", "VirtualMachine"): _machine,
    ("*.k8s.elastic.co", "*"): _by_phase("health", ready=("green", "yellow"), more=("phase",)),
    ("pkg.crossplane.io", "*"): _all_of("Installed", "Healthy"),
    ("rabbitmq.com", "RabbitmqCluster"): _all_of("AllReplicasReady", "ClusterAvailable", "ReconcileSuccess"),
    ("sparkoperator.k8s.io", "SparkApplication"): _by_phase(
        "applicationState", "state", ready=("COMPLETED",), ended=("FAILED",), more=("errorMessage",)
    ),
    ("velero.io", "Backup"): _by_phase("phase", ready=("Completed",), ended=_RESTORE, more=("failureReason",)),
    ("velero.io", "Restore"): _by_phase("phase", ready=("Completed",), ended=_RESTORE, more=("failureReason",)),
    ("*.azure.com", "*"): _azure,
    ("*.services.k8s.aws", "*"): _ack,
}

EXPECTED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("tekton.dev", "PipelineRun"): ("Succeeded",),
    ("tekton.dev", "TaskRun"): ("Succeeded",),
    ("tekton.dev", "CustomRun"): ("Succeeded",),
    ("jobset.x-k8s.io", "JobSet"): ("Completed",),
    **{("kubeflow.org", f"{name}Job"): ("Succeeded",) for name in ("MPI", "MX", "Paddle", "PyTorch", "TF", "XGBoost")},
    ("cert-manager.io", "*"): ("Ready",),
    ("cluster.x-k8s.io", "Cluster"): ("Ready", "Available"),
    ("external-secrets.io", "*"): ("Ready",),
    ("kafka.strimzi.io", "Kafka"): ("Ready",),
    ("kafka.strimzi.io", "KafkaConnect"): ("Ready",),
    ("kafka.strimzi.io", "KafkaTopic"): ("Ready",),
    ("kafka.strimzi.io", "KafkaUser"): ("Ready",),
    ("keda.sh", "ScaledObject"): ("Ready",),
    ("keda.sh", "ScaledJob"): ("Ready",),
    ("postgresql.cnpg.io", "Cluster"): ("Ready",),
    ("serving.knative.dev", "*"): ("Ready",),
    ("*.cnrm.cloud.google.com", "*"): ("Ready",),
    ("*.toolkit.fluxcd.io", "*"): ("Ready",),
}
"""Conditions that the controller of a kind always writes: before one is there, nothing is known."""

_SAYS_NOTHING: Mapping[tuple[str, str], bool] = {
    (group, kind): True
    for group, kinds in (
        ("argoproj.io", "AppProject WorkflowTemplate ClusterWorkflowTemplate CronWorkflow AnalysisTemplate"),
        ("autoscaling.k8s.io", "VerticalPodAutoscaler"),
        ("cilium.io", "CiliumNetworkPolicy CiliumClusterwideNetworkPolicy"),
        ("gateway.networking.k8s.io", "ReferenceGrant"),
        ("keda.sh", "TriggerAuthentication ClusterTriggerAuthentication"),
        ("monitoring.coreos.com", "ServiceMonitor PodMonitor Probe PrometheusRule ScrapeConfig AlertmanagerConfig"),
        ("secrets-store.csi.x-k8s.io", "SecretProviderClass"),
        ("tekton.dev", "Task ClusterTask Pipeline StepAction"),
        ("triggers.tekton.dev", "Trigger TriggerTemplate TriggerBinding ClusterTriggerBinding"),
        ("*.istio.io", "*"),
        ("elbv2.k8s.aws", "*"),
        ("metallb.io", "*"),
        ("*projectcalico.org", "*"),
        ("traefik.io", "*"),
        ("*", "ProviderConfig ClusterProviderConfig Composition EnvironmentConfig"),
    )
    for kind in kinds.split()
}
"""Kinds with a status that their controllers leave empty, or write only for some of the objects."""
