"""What objects of other people's kinds are seen to be: by the usual convention, and by those of kinds that are known."""

from typing import Any

import pytest

from pratique.core.execution.live import Readiness, State
from pratique.core.execution.readiness import find_unsettled, readiness

READY, WAITS, FAILED = State.READY, State.IN_PROGRESS, State.FAILED
SILENT = "its controller has not reported yet"
BEHIND = "its controller has not seen the latest change"


def live(kind: str, status: Any = None, spec: Any = None, generation: int = 1, **more: Any) -> dict[str, Any]:
    """Return a live object of `group/Kind`."""
    group, _, name = kind.rpartition("/")
    body = {"apiVersion": f"{group}/v1", "kind": name, "metadata": {"generation": generation}, "spec": spec or {}}
    return {**body, **({} if status is None else {"status": status}), **more}


def said(*conditions: str | tuple[Any, ...], **status: Any) -> dict[str, Any]:
    """Return a status with conditions, each as `Type=True`, or as (that, message, reason, more fields)."""
    found = []
    for each in conditions:
        shown, message, reason, more = (*([each] if isinstance(each, str) else each), "", "", {})[:4]
        kind, _, value = shown.partition("=")
        found.append({"type": kind, "status": value, "message": message, "reason": reason, **(more or {})})
    return {**status, "conditions": found}


THING, CLAIM = "example.com/Thing", "platform.example.com/Claim"
USUAL = [
    (live(THING), WAITS, SILENT),
    (live(THING, {}), WAITS, SILENT),
    (live(THING, {"observedGeneration": 1}), WAITS, SILENT),
    (live(THING, {"conditions": [], "phase": "", "nodes": [{}]}), WAITS, SILENT),
    (live(THING, {"observedGeneration": 0}), WAITS, BEHIND),
    (live(THING, {"observedGeneration": "0"}), WAITS, BEHIND),
    (live(THING, said("Ready=True", observedGeneration="1")), READY, "it is ready"),
    (live(THING, said("Ready=True", observedGeneration="65bc4c")), READY, "it is ready"),
    (live(THING, said("Ready=True", observedGeneration=True)), READY, "it is ready"),
    (live(THING, said("Ready=True"), metadata={"deletionTimestamp": "2026-11-24T14:00:00Z"}), WAITS, None),
    (live(THING, said(("Ready=True", "", "", {"observedGeneration": 1})), generation=2), WAITS, BEHIND),
    (live(THING, said(("Ready=True", "", "", {"observedGeneration": 0}))), READY, "it is ready"),
    (live(THING, said(("Ready=False", "no disk"))), WAITS, "no disk"),
    (live(THING, said(("Ready=False", "", "Creating"))), WAITS, "it is not ready (Creating)"),
    (live(THING, said("Ready=Unknown")), WAITS, "it is not ready"),
    (live(THING, said("Ready=True", ("Stalled=True", "no such chart"))), FAILED, "no such chart"),
    (live(THING, said("Ready=True", ("Reconciling=True", "at work"))), WAITS, "at work"),
    (live(THING, said("Succeeded=Unknown")), WAITS, "it is not succeeded"),
    (live(THING, said("Succeeded=True")), READY, "it is succeeded"),
    (live(THING, said(("Succeeded=False", "exit 1"))), FAILED, "exit 1"),
    (live(THING, said(("Failed=True", "", "Broken"))), FAILED, "it failed (Broken)"),
    (live(THING, said(("Failed=True", "", "", {"observedGeneration": 1}), "Ready=True"), generation=2), READY, None),
    (live(THING, said("Available=False", "Progressing=True")), WAITS, "it is not available"),
    (live(THING, said("Available=True", "Progressing=True")), READY, "it is available"),
    (live(THING, said(("Progressing=True", "step 1 of 3"))), WAITS, "step 1 of 3"),
    (live(THING, said("Issuing=True")), WAITS, "its condition Issuing is true"),
    (live(THING, said(("NotReady=True", "bad config"))), WAITS, "bad config"),
    (live(THING, said("Complete=True")), READY, None),
    (live(THING, said("Healthy=False")), WAITS, None),
    (live(THING, said("ProxyReady=True", ("StoreReady=False", "no bucket"))), WAITS, "no bucket"),
    (live(THING, said("ProxyReady=True", "StoreReady=True")), READY, "it is proxyready"),
    (live(THING, said("Whatever=False")), READY, "it exists"),
    (live(THING, {"ready": False}), WAITS, "it is not ready"),
    (live(THING, {"ready": True, "phase": "Broken"}), READY, "it is ready"),
    (live(THING, {"phase": "Provisioning"}), WAITS, "its phase is Provisioning"),
    (live(THING, {"phase": "CreateFailed", "message": "no room"}), WAITS, "no room"),
    (live(THING, {"state": "in progress"}), WAITS, "its state is in progress"),
    (live(THING, {"status": "Ok"}), READY, "it is ready"),
    (live(THING, {"phase": "Running"}), READY, "it is ready"),
    (live(THING, {"phase": "Setting up primary"}), WAITS, "its phase is Setting up primary"),
    (live(THING, {"replicas": 2, "readyReplicas": 1}, {"replicas": 2}), WAITS, "1 of 2 replicas are ready"),
    (live(THING, {"replicas": 2, "readyReplicas": 2}, {"replicas": 2}), READY, "it exists"),
    # without a status subresource the generation counts writes of the status, too, and nobody need ever write one
]

CROSSPLANE = [
    (live(CLAIM, said(("Synced=False", "storage too small", "ReconcileError"))), WAITS, "storage too small"),
    (live(CLAIM, said(("Synced=False", "storage too small"), "Ready=True")), WAITS, "storage too small"),
    (live(CLAIM, said("Synced=True")), WAITS, "it is synced, and not ready yet"),
    (live(CLAIM, said("Synced=True", ("Ready=False", "", "Creating"))), WAITS, "it is not ready (Creating)"),
    (live(CLAIM, said("Synced=True", "Ready=True")), READY, None),
    (live("pkg.crossplane.io/Provider", said("Installed=True")), WAITS, "its condition Healthy is not true yet"),
    (live("pkg.crossplane.io/Provider", said("Installed=True", "Healthy=True")), READY, None),
    (live("aws.upbound.io/ProviderConfig"), READY, "it exists"),
]

SOURCE = {"repoURL": "https://example.com/r.git", "targetRevision": "v2", "helm": {}}
APP = "argoproj.io/Application"


def app(health: str, sync: str, *conditions: tuple[str, str], operation: Any = None, **more: Any) -> dict[str, Any]:
    status: dict[str, Any] = {"health": {"status": health}, "sync": {"status": sync, **more}}
    if operation:
        status["operationState"] = operation
    status["conditions"] = [{"type": kind, "message": message} for kind, message in conditions]
    return live(APP, status, {"source": SOURCE})


ARGO = [
    (live(APP), WAITS, SILENT),
    (live(APP, {"reconciledAt": "now"}), WAITS, SILENT),
    (app("Healthy", "Synced"), READY, "health Healthy, sync Synced"),
    (app("Healthy", "Synced", comparedTo={"source": SOURCE}), READY, None),
    (app("Healthy", "Synced", comparedTo={"source": {**SOURCE, "targetRevision": "v1"}}), WAITS, None),
    (app("Healthy", "OutOfSync"), WAITS, "health Healthy, sync OutOfSync"),
    (app("Missing", "OutOfSync"), WAITS, None),
    (app("Progressing", "Synced"), WAITS, "health Progressing, sync Synced"),
    (app("Suspended", "Synced"), WAITS, None),
    (app("Healthy", "Synced", operation={"phase": "Running"}), WAITS, None),
    ({**app("Healthy", "Synced"), "operation": {"sync": {}}}, WAITS, None),
    (app("Degraded", "Synced"), FAILED, "health Degraded, sync Synced"),
    (app("Missing", "Synced"), FAILED, "health Missing, sync Synced"),
    (app("Degraded", "Synced", operation={"phase": "Running"}), WAITS, None),
    (app("Degraded", "OutOfSync"), WAITS, None),
    (
        app("Degraded", "OutOfSync", ("SyncError", "Failed sync attempt to 1a2b: no such image")),
        FAILED,
        "health Degraded, sync OutOfSync: Failed sync attempt to 1a2b: no such image",
    ),
    (
        app("Healthy", "OutOfSync", operation={"phase": "Failed", "message": "one object is invalid"}),
        FAILED,
        "health Healthy, sync OutOfSync: one object is invalid",
    ),
    (
        app("Unknown", "Unknown", ("OrphanedResourceWarning", "two"), ("ComparisonError", "no such repository")),
        WAITS,
        "health Unknown, sync Unknown: no such repository",
    ),
    (app("", "", ("InvalidSpecError", "no such project")), WAITS, "health unknown, sync unknown: no such project"),
]

ROLLOUT, SET = "argoproj.io/Rollout", "argoproj.io/ApplicationSet"
ARGO_OTHERS = [
    (live(ROLLOUT), WAITS, SILENT),
    (live(ROLLOUT, {"observedGeneration": "1", "phase": "Healthy"}, generation=2), WAITS, BEHIND),
    (live(ROLLOUT, {"observedGeneration": "2", "phase": "Healthy"}, generation=2), READY, "it is healthy"),
    (live(ROLLOUT, {"observedGeneration": "1"}), WAITS, SILENT),
    (live(ROLLOUT, {"replicas": 1, "readyReplicas": 0}, {"replicas": 1}), WAITS, "0 of 1 replicas are ready"),
    (live(ROLLOUT, {"replicas": 1, "readyReplicas": 1}, {"replicas": 1}), READY, None),
    (live(ROLLOUT, {"phase": "Progressing", "message": "more replicas"}), WAITS, "more replicas"),
    (live(ROLLOUT, {"phase": "Paused"}), WAITS, "its phase is Paused"),
    (live(ROLLOUT, {"phase": "Degraded", "message": "ProgressDeadlineExceeded"}), FAILED, "ProgressDeadlineExceeded"),
    (live(ROLLOUT, said(("InvalidSpec=True", "no selector"))), FAILED, "no selector"),
    (live(ROLLOUT, said("Available=True", observedGeneration="1")), READY, None),
    (live(SET), WAITS, "its Applications are not up to date"),
    (live(SET, said(("ErrorOccurred=True", "no such repository"))), WAITS, "no such repository"),
    (live(SET, said("ErrorOccurred=False", "ResourcesUpToDate=True")), READY, None),
    (live("argoproj.io/Workflow"), WAITS, SILENT),
    (live("argoproj.io/Workflow", {"phase": "Running"}), WAITS, "its phase is Running"),
    (live("argoproj.io/Workflow", {"phase": "Error", "message": "no pod"}), FAILED, "its phase is Error: no pod"),
    (live("argoproj.io/AppProject", {}), READY, "it exists"),
]

FLUX, TEKTON = "kustomize.toolkit.fluxcd.io/Kustomization", "tekton.dev/PipelineRun"
CD = [
    (live(FLUX, {"observedGeneration": -1}), WAITS, BEHIND),
    (live(FLUX, {"observedGeneration": 1}), WAITS, "its condition Ready is not there yet"),
    (live(FLUX, said("Reconciling=True", ("Ready=Unknown", "building"), observedGeneration=1)), WAITS, None),
    (live(FLUX, said(("Ready=False", "health check failed"), observedGeneration=1)), WAITS, "health check failed"),
    (live(FLUX, said("Ready=False", ("Stalled=True", "path not found"))), FAILED, "path not found"),
    (live(FLUX, said(("Ready=True", "Applied revision 1"), observedGeneration=1)), READY, "Applied revision 1"),
    (live(TEKTON), WAITS, "its condition Succeeded is not there yet"),
    (live(TEKTON, {"startTime": "now"}), WAITS, "its condition Succeeded is not there yet"),
    (live(TEKTON, said(("Succeeded=Unknown", "Tasks Completed: 1"))), WAITS, "Tasks Completed: 1"),
    (live(TEKTON, said(("Succeeded=False", "Tasks Failed: 1"))), FAILED, "Tasks Failed: 1"),
    (live(TEKTON, said("Succeeded=True")), READY, None),
    (live("tekton.dev/Task"), READY, "it exists"),
    (live("kubeflow.org/PyTorchJob", said("Created=True", "Running=True")), WAITS, None),
]

ROUTE, GATEWAY = "gateway.networking.k8s.io/HTTPRoute", "gateway.networking.k8s.io/Gateway"


def parent(*conditions: Any) -> dict[str, Any]:
    return {"parentRef": {"name": "edge"}, **said(*conditions)}


NETWORK = [
    (live(ROUTE), WAITS, "no Gateway has answered yet"),
    (live(ROUTE, {"parents": [parent("Accepted=True", "ResolvedRefs=True")]}), READY, None),
    (
        live(ROUTE, {"parents": [parent("Accepted=True", ("ResolvedRefs=False", "no Service web"))]}),
        WAITS,
        "edge: no Service web",
    ),
    (live(ROUTE, {"parents": [parent("Accepted=True")]}), WAITS, "edge: its condition ResolvedRefs is not true yet"),
    (
        live(ROUTE, {"parents": [parent(("Accepted=True", "", "", {"observedGeneration": 1}))]}, generation=2),
        WAITS,
        "edge has not seen the latest change",
    ),
    (live(GATEWAY, said("Accepted=True", ("Programmed=False", "no address"))), WAITS, "no address"),
    (live(GATEWAY, said("Accepted=True", "Programmed=True")), READY, None),
    (live("networking.istio.io/VirtualService", {}), READY, "it exists"),
]

RABBIT, POSTGRES = "rabbitmq.com/RabbitmqCluster", "acid.zalan.do/postgresql"
MACHINE, CNPG = "kubevirt.io/VirtualMachine", "postgresql.cnpg.io/Cluster"
BUCKET, SEALED = "s3.services.k8s.aws/Bucket", "bitnami.com/SealedSecret"
CLOUD = [
    (live(RABBIT, said("AllReplicasReady=True", "ClusterAvailable=Unknown")), WAITS, None),
    (live(RABBIT, said("AllReplicasReady=True", "ClusterAvailable=True", "ReconcileSuccess=True")), READY, None),
    (live(POSTGRES, {"PostgresClusterStatus": "Creating"}), WAITS, "its PostgresClusterStatus is Creating"),
    (live(POSTGRES, {"PostgresClusterStatus": "CreateFailed"}), WAITS, None),
    (live(POSTGRES, {"PostgresClusterStatus": "Running"}), READY, None),
    (live(CNPG, {"phase": "Cluster in healthy state"}), WAITS, "its condition Ready is not there yet"),
    (live(CNPG, {"phase": "Setting up primary"}), WAITS, "its phase is Setting up primary"),
    (live("cert-manager.io/Certificate", said("Issuing=True")), WAITS, None),
    (live("cluster.x-k8s.io/Cluster", {"observedGeneration": 1}), WAITS, None),
    (live("elasticsearch.k8s.elastic.co/Elasticsearch", {"health": "red", "phase": "ApplyingChanges"}), WAITS, None),
    (live("velero.io/Backup", {"phase": "Failed", "failureReason": "no bucket"}), FAILED, None),
    (live("sparkoperator.k8s.io/SparkApplication", {"applicationState": {"state": "COMPLETED"}}), READY, None),
    (live(BUCKET, said(("ACK.Terminal=True", "name is taken"))), FAILED, "name is taken"),
    (live(BUCKET, said(("ACK.Recoverable=True", "throttled"))), WAITS, "throttled"),
    (live(BUCKET, said("ACK.ResourceSynced=True")), READY, None),
    (live(BUCKET, said("Ready=False", "ACK.ResourceSynced=True")), WAITS, None),
    (live("sql.azure.com/Server", said(("Ready=False", "taken", "", {"severity": "Error"}))), FAILED, "taken"),
    (live("sql.azure.com/Server", said(("Ready=False", "busy", "", {"severity": "Warning"}))), WAITS, "busy"),
    (live(MACHINE, {"ready": True}, {"running": False}), WAITS, "it is still running"),
    (live(MACHINE, None, {"runStrategy": "Halted"}), READY, None),
    (live(MACHINE, said("Ready=False"), {"running": True}), WAITS, None),
    (live(SEALED), WAITS, SILENT),
    (live(SEALED, said(("Synced=False", "no key"))), WAITS, "no key"),
    (live(SEALED, said("Synced=True")), READY, None),
]

TABLES = [USUAL, CROSSPLANE, ARGO, ARGO_OTHERS, CD, NETWORK, CLOUD]


@pytest.mark.parametrize(("target", "state", "message"), [row for table in TABLES for row in table])
def test_kinds_whose_controller_reports(target: dict[str, Any], state: State, message: str | None) -> None:
    verdict = readiness(target, reports=True)
    assert (verdict.state, verdict.message if message else None) == (state, message), verdict


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        (live(THING), Readiness(READY, "it exists")),
        (live(THING, {"observedGeneration": 3}, generation=4), Readiness(READY, "it exists")),
        (live(FLUX), Readiness(READY, "it exists")),
        (live(APP), Readiness(WAITS, SILENT)),
        (live("apps/Deployment", {"observedGeneration": 1}, generation=2), Readiness(WAITS, BEHIND)),
    ],
)
def test_kinds_without_a_status_subresource(target: dict[str, Any], verdict: Readiness) -> None:
    """Nobody need ever write a status, and a controller that does makes a new generation by it: it never catches up."""
    assert readiness(target, reports=False) == verdict


@pytest.mark.parametrize("kind", ["networking.k8s.io/Ingress", "autoscaling/HorizontalPodAutoscaler"])
def test_kinds_of_kubernetes_without_a_rule_exist(kind: str) -> None:
    assert readiness(live(kind, {"loadBalancer": {}}), reports=True) == Readiness(READY, "it exists")
    conditions = said("AbleToScale=True", "ScalingActive=True", "ScalingLimited=False")
    assert readiness(live(kind, conditions), reports=True).state is READY


def test_what_waits_for_a_first_status_says_what_helps() -> None:
    assert readiness(live(THING), reports=True).remedy == 'if it never writes a status, set readyWhen: "true"'


@pytest.mark.parametrize(
    ("rule", "waits"),
    [
        ("self.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')", True),
        ('self.status.conditions.exists(c, c.type == "Ready")', True),
        ("self.status.phase == 'Done'", False),
    ],
)
def test_a_rule_of_the_action_reads_no_old_condition(rule: str, waits: bool) -> None:
    target = live(THING, said(("Ready=True", "", "", {"observedGeneration": 1})), generation=2)
    assert (find_unsettled(target, rule, reports=True) is not None) is waits
