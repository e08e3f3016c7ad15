"""The chart, rendered by Helm itself: it lints, holds exactly what `install()` applies, and the API server takes it."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.cluster import Cluster
from tools.codegen.manifests import install
from tools.codegen.values import Channels, Environments, Image, Impersonation, Limits, Values
from tools.codegen.workload import webhook_workload, workload
from tools.controlplane.binaries import find_or_build
from tools.installation import is_older

from pratique import __version__

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
CHART = Path(__file__).parents[2] / "charts" / "pratique"
IMAGE = Image(tag=__version__)


@pytest.fixture(scope="session")
def helm() -> Path:
    """Helm, built from its Go module where the machine has none."""
    return find_or_build(["helm"])["helm"]


def run(helm: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run Helm."""
    return subprocess.run([str(helm), *args], capture_output=True, text=True, check=False)


VERSIONS = ("1.30.0", "1.35.9", "v1.35.2-gke.1", "1.36.0", "v1.36.3-eks-1", "1.40.0")


def older(version: str) -> bool:
    """Whether this Kubernetes has no MutatingAdmissionPolicy."""
    return int(version.split(".")[1]) < 36


def rendered(helm: Path, namespace: str, *options: str, version: str = "1.36.3") -> list[dict[str, Any]]:
    """Return what a release consists of."""
    args = ("template", "pratique", str(CHART), "--namespace", namespace, "--kube-version", version, *options)
    answer = run(helm, *args)
    assert answer.returncode == 0, answer.stderr
    return [each for each in yaml.safe_load_all(answer.stdout) if each]


def by_identity(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return objects by what they are, in the form that JSON gives them."""
    found = {}
    for each in json.loads(json.dumps(manifests)):
        metadata = each["metadata"]
        if metadata.get("annotations") == {"helm.sh/resource-policy": "keep"}:
            del metadata["annotations"]
        found[f"{each['kind']} {metadata.get('namespace', '')}/{metadata['name']}"] = each
    return found


def expected(values: Values, version: str = "1.36.3") -> dict[str, dict[str, Any]]:
    """Return what `install()` applies, and what runs; the namespace is Helm's to make."""
    applied = [each for each in install(values, older=older(version)) if each["kind"] != "Namespace"]
    return by_identity([*applied, *workload(values), *(webhook_workload(values) if older(version) else [])])


@pytest.mark.parametrize("version", VERSIONS)
def test_it_lints(helm: Path, version: str) -> None:
    answer = run(helm, "lint", "--strict", "--kube-version", version, str(CHART))
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_it_holds_what_install_applies(helm: Path, version: str) -> None:
    assert by_identity(rendered(helm, "pratique-system", version=version)) == expected(Values(image=IMAGE), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_either_policies_stamp_or_the_webhook(helm: Path, version: str) -> None:
    kinds = {each["kind"] for each in rendered(helm, "pratique-system", version=version)}
    assert ("MutatingAdmissionPolicy" in kinds) is not older(version)
    assert ("MutatingWebhookConfiguration" in kinds) is older(version)


@pytest.mark.parametrize("version", ["1.36.3", "1.33.0"])
def test_values_reach_every_place_they_belong_to(helm: Path, version: str) -> None:
    values = Values(
        namespace="elsewhere",
        service_account="clearance",
        image=Image("registry.example.com/pratique", "1.2.3", "Always"),
        impersonate=(Impersonation("team-a", ("one", "two")), Impersonation("team-b", ("three",))),
        limits=Limits("1000000"),
        environments=Environments(("view", "edit"), ("restricted",), ("team", "example.com/cost-centre"), "tmp-"),
        channels=Channels(("10.20.0.0/16", "::/0", "*.chat.example.com", "fd00::1")),
        submitters=("system:serviceaccount:argocd:argocd-application-controller", "https://id.example.com#gitops"),
    )
    values = replace(values, resources=replace(values.resources, cpu="2", memory="1Gi", memory_limit="2Gi"))
    chosen = {
        "image": {"repository": "registry.example.com/pratique", "tag": "1.2.3", "pullPolicy": "Always"},
        "serviceAccount": {"name": "clearance"},
        "impersonate": [{"namespace": each.namespace, "names": list(each.names)} for each in values.impersonate],
        "limits": {"openRunsPerRequester": 1000000},
        "channels": {"allowedEgress": ["10.20.0.0/16", "::/0", "*.chat.example.com", "fd00::1"]},
        "environments": {
            "roles": ["view", "edit"],
            "podSecurity": ["restricted"],
            "labels": ["team", "example.com/cost-centre"],
            "namespacePrefix": "tmp-",
        },
        "submitters": list(values.submitters),
        "resources": {"cpu": "2", "memory": "1Gi", "memoryLimit": "2Gi"},
    }
    options = [f"--set-json={key}={json.dumps(value)}" for key, value in chosen.items()]
    assert by_identity(rendered(helm, "elsewhere", *options, version=version)) == expected(values, version)


@pytest.mark.parametrize(
    "wrong",
    [
        "replicas=2",
        "image.pullPolicy=Sometimes",
        "impersonate[0].namespace=a",
        "serviceAccount.name=A",
        "limits.openRunsPerRequester=0",
        "limits.openRunsPerRequester=many",
        "channels.allowedEgress={10.20}",
        "channels.allowedEgress={https://example.com}",
        "channels.allowedEgress={example.com:25}",
        "channels.allowedEgress={*}",
        "channels.allowedEgress={fd00::}",
        "environments.roles={cluster-admin}",
        "environments.podSecurity={none}",
        "environments.namespacePrefix=Env",
        "submitters=everybody",
        "submitters[0]=",
        "submitters[0]='quoted'",
        'submitters[0]=a"] || true || ["',
    ],
)
def test_values_that_mean_nothing_are_refused(helm: Path, wrong: str) -> None:
    answer = run(helm, "template", "pratique", str(CHART), "--kube-version", "1.36.3", "--set", wrong)
    assert answer.returncode != 0
    assert "values don't meet the specifications of the schema" in answer.stderr


def test_a_cluster_that_is_too_old_is_refused(helm: Path) -> None:
    answer = run(helm, "template", "pratique", str(CHART), "--kube-version", "1.29.9")
    assert "incompatible with Kubernetes" in answer.stderr


def test_the_api_server_takes_all_of_it(helm: Path, cluster: Cluster) -> None:
    before = is_older(cluster.runner, cluster.identities.kubeconfig("admin"))
    release = rendered(helm, "pratique-system", version="1.35.0" if before else "1.36.3")
    args = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    answer = cluster.kubectl("admin", *args, input=yaml.safe_dump_all(release))
    assert len(answer.out.splitlines()) == len(release)


@pytest.mark.parametrize("name", ["pratique", "pratique-webhook"])
def test_the_pods_meet_the_restricted_standard_that_their_namespace_enforces(
    helm: Path, cluster: Cluster, name: str
) -> None:
    release = by_identity(rendered(helm, "pratique-system", version="1.35.0"))
    template = release[f"Deployment pratique-system/{name}"]["spec"]["template"]
    account = template["spec"]["serviceAccountName"]
    cluster.kubectl("admin", "create", "serviceaccount", account, "-n", "pratique-system", check=False)
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"] = {**template["metadata"], "name": "pratique", "namespace": "pratique-system"}
    args = ("create", "--dry-run=server", "-f", "-")
    assert cluster.kubectl("admin", *args, input=json.dumps(pod)).code == 0
    del pod["spec"]["securityContext"]
    answer = cluster.kubectl("admin", *args, input=json.dumps(pod), check=False)
    assert 'violates PodSecurity "restricted' in answer.err
