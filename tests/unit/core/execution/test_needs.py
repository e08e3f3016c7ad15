"""Which objects are ready only once later ones of their plan are there, so that these are made first."""

from typing import Any

import pytest
from tests.builders.models import manifest, planned

from pratique.core.execution.needs import awaited_after

POD = {"containers": [{"name": "web", "image": "web"}]}


def thing(kind: str, name: str = "web", **spec: Any) -> dict[str, Any]:
    return manifest(kind, name, "example.com/v1" if kind not in ("Secret", "ConfigMap") else "v1", spec=spec)


def workload(name: str = "web", labels: dict[str, str] | None = None, **pod: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": labels or {"app": name}}, "spec": {**POD, **pod}}
    return manifest("Deployment", name, "apps/v1", spec={"template": template})


def mounts(**volume: Any) -> dict[str, Any]:
    return workload(volumes=[{"name": "v", **volume}])


def reads(**source: Any) -> dict[str, Any]:
    return workload(containers=[{"name": "web", "env": [{"name": "X", "valueFrom": source}]}])


CONFIG, SECRET, ACCOUNT = (manifest(kind, "conf") for kind in ("ConfigMap", "Secret", "ServiceAccount"))
CLAIM = manifest("PersistentVolumeClaim", "disk")
USES = mounts(persistentVolumeClaim={"claimName": "disk"})


@pytest.mark.parametrize(
    ("subject", "later", "waits"),
    [
        (mounts(configMap={"name": "conf"}), CONFIG, True),
        (mounts(configMap={"name": "conf", "optional": True}), CONFIG, False),
        (mounts(configMap={"name": "conf"}), SECRET, False),
        (mounts(configMap={"name": "other"}), CONFIG, False),
        (mounts(secret={"secretName": "conf"}), SECRET, True),
        (mounts(projected={"sources": [{"secret": {"name": "conf"}}]}), SECRET, True),
        (reads(secretKeyRef={"name": "conf", "key": "conf"}), SECRET, True),
        (reads(configMapKeyRef={"name": "conf", "key": "x"}), CONFIG, True),
        (workload(serviceAccountName="conf"), ACCOUNT, True),
        (workload(imagePullSecrets=[{"name": "conf"}]), SECRET, True),
        (USES, CLAIM, True),
        # called alike is no reference: the order of the list holds
        (workload("conf", {"app": "conf", "config": "conf"}), CONFIG, False),
        (manifest("Job", "disk", "batch/v1", spec={"template": {"spec": POD}}), CLAIM, False),
        # of another namespace it is another object
        (mounts(configMap={"name": "conf"}), {**CONFIG, "metadata": {"name": "conf", "namespace": "b"}}, False),
        # other people's kinds
        (thing("Certificate", issuerRef={"name": "ca", "kind": "Issuer"}), thing("Issuer", "ca"), True),
        (thing("Certificate", issuerRef={"name": "ca", "kind": "ClusterIssuer"}), thing("Issuer", "ca"), False),
        (thing("ExternalSecret", secretStoreRef={"name": "vault"}), thing("SecretStore", "vault"), True),
        (thing("Kustomization", sourceRef={"kind": "GitRepository", "name": "x"}), thing("GitRepository", "x"), True),
        (thing("Kustomization", dependsOn=[{"name": "x"}]), thing("Kustomization", "x"), True),
        (thing("Kustomization", dependsOn=[{"name": "x"}]), thing("HelmRelease", "x"), False),
        (thing("HTTPRoute", parentRefs=[{"name": "edge"}]), thing("Gateway", "edge"), True),
        (thing("Application", project="team"), thing("AppProject", "team"), True),
        (thing("Subnet", vpcIdRef={"name": "net"}), thing("VPC", "net"), True),
        (thing("Bucket", providerConfigRef={"name": "aws"}), thing("ProviderConfig", "aws"), True),
        # a balancer may have no address before there is something behind it
        (manifest("Service", "s", spec={"selector": {"app": "web"}}), workload(), True),
        (manifest("Service", "s", spec={"selector": {"app": "x"}}), workload(), False),
        (manifest("Service", "s", spec={}), workload(), False),
        (
            manifest("Service", "s", spec={"selector": {"a": "b"}}),
            {**manifest("Pod", "p"), "metadata": {"name": "p", "labels": {"a": "b"}}},
            True,
        ),
    ],
)
def test_what_needs_a_later_object(subject: dict[str, Any], later: dict[str, Any], waits: bool) -> None:
    plan = [planned("one", subject), planned("two", later), planned("three")]
    assert awaited_after(plan, 0) == (1 if waits else 0)


def test_a_claim_is_awaited_after_its_last_known_user_or_at_the_end() -> None:
    plan = [planned("disk", CLAIM), planned("other"), planned("user", USES), planned("last")]
    assert [awaited_after(plan, position) for position in range(4)] == [2, 1, 2, 3]
    unknown = [planned("disk", CLAIM), planned("other"), planned("last", thing("Workspace", disk="disk"))]
    assert awaited_after(unknown, 0) == 2
    assert awaited_after([planned("disk", CLAIM)], 0) == 0


def test_what_is_needed_may_need_a_later_one_itself() -> None:
    volumes = [{"configMap": {"name": "conf"}}, {"persistentVolumeClaim": {"claimName": "disk"}}]
    plan = [
        planned("disk", CLAIM),
        planned("user", workload(volumes=volumes)),
        planned("conf", CONFIG),
        planned("last"),
    ]
    assert [awaited_after(plan, position) for position in range(4)] == [2, 2, 2, 3]
