"""The chart, rendered by Helm itself: it lints, holds what `install()` applies, and every value of it does something."""

import json
import subprocess
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.cluster import Cluster
from tests.support.gitops import Compare, apply_as, argo_manifest, argo_server_side, drifted, flux, marked
from tools.codegen import plain
from tools.codegen.manifests import install
from tools.codegen.values import Environments, Impersonation, Values
from tools.controlplane.binaries import find_or_build
from tools.installation import is_older

from pratique import __version__

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
CHART = Path(__file__).parents[2] / "charts" / "pratique"
REPOSITORY = "registry.example.com/pratique"
NAMED = {"image": {"repository": REPOSITORY}}
FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""A release is five thousand lines."""
Manifest = dict[str, Any]
Release = dict[str, Manifest]


@cache
def helm() -> Path:
    """Return Helm, built from its Go module where the machine has none."""
    return find_or_build(["helm"])["helm"]


def run(*args: str) -> subprocess.CompletedProcess[str]:
    """Run Helm."""
    return subprocess.run([str(helm()), *args], capture_output=True, text=True, check=False)


VERSIONS = ("1.30.0", "1.35.9", "v1.35.2-gke.1", "1.36.0", "v1.36.3-eks-1", "1.40.0")
KINDS = ("v1/Pod", "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy")
MUTATING = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"


def older(version: str) -> bool:
    """Whether this Kubernetes has no MutatingAdmissionPolicy."""
    return int(version.split(".")[1]) < 36


def templated(
    values: Manifest | None = None,
    *options: str,
    namespace: str = "pratique-system",
    version: str = "1.36.3",
    kinds: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Let Helm render a release with these values beside the image's name."""
    chosen = merged(NAMED, values or {})
    args = ["template", "pratique", str(CHART), "--namespace", namespace, "--kube-version", version, *options]
    args += [f"--set-json={key}={json.dumps(value)}" for key, value in chosen.items()]
    return run(*args, *(f"--api-versions={each}" for each in kinds))


def rendered(values: Manifest | None = None, **where: Any) -> Release:
    """Return what a release consists of, by what it is."""
    answer = templated(values, **where)
    assert answer.returncode == 0, answer.stderr
    return by_identity([each for each in yaml.load_all(answer.stdout, Loader=FAST) if each])


def merged(one: Manifest, other: Manifest) -> Manifest:
    """Return both, the other where they differ."""
    found = deepcopy(one)
    for key, value in other.items():
        inner = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = merged(found[key], value) if inner else value
    return found


def by_identity(manifests: list[Manifest]) -> Release:
    """Return objects by what they are, in the form that JSON gives them."""
    found = {}
    for each in json.loads(json.dumps(manifests)):
        metadata = each["metadata"]
        found[f"{each['kind']} {metadata.get('namespace', '')}/{metadata['name']}".replace(" /", " ")] = each
    return found


STANDARD = {
    "app.kubernetes.io/instance": "pratique",
    "app.kubernetes.io/version": __version__,
    "app.kubernetes.io/managed-by": "Helm",
    "helm.sh/chart": f"pratique-{__version__}",
}


def of_the_code(release: Release, namespace: str, version: str) -> Release:
    """Return what of a release `install()` applies too, without what Helm's users expect beside it."""
    by_hand = {f"{kind} {namespace}/pratique" for kind in ("Deployment", "PodDisruptionBudget")}
    by_hand |= {f"Service {namespace}/pratique-metrics", f"Pod {namespace}/pratique-test"}
    by_hand |= {f"ServiceAccount {namespace}/pratique-test", "ClusterRoleBinding pratique-test"}
    if older(version):
        kinds = ("Deployment", "PodDisruptionBudget", "Service")
        by_hand |= {f"{kind} {namespace}/pratique-webhook" for kind in kinds}
    found = deepcopy(release)
    for key, each in found.items():
        labels, metadata = each["metadata"]["labels"], each["metadata"]
        assert {name: labels.pop(name, None) for name in STANDARD} == STANDARD, key
        if each["kind"] == "CustomResourceDefinition":
            assert metadata.pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert by_hand <= set(found)
    return {key: each for key, each in found.items() if key not in by_hand}


def expected(values: Values, version: str = "1.36.3") -> Release:
    """Return what `install()` applies; the namespace is Helm's to make."""
    return by_identity([each for each in install(values, older=older(version)) if each["kind"] != "Namespace"])


@pytest.mark.parametrize("version", ["1.30.0", "1.36.3"])
def test_it_lints(version: str) -> None:
    answer = run("lint", "--strict", "--kube-version", version, str(CHART))
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("version", ["1.30.0", "v1.36.3-eks-1"])
def test_it_holds_what_install_applies(version: str) -> None:
    release = of_the_code(rendered(version=version), "pratique-system", version)
    assert release == expected(Values(), version)


def stamped_by(release: Release) -> str:
    """Return who stamps in a release; never both."""
    kinds = {each["kind"] for each in release.values()}
    (found,) = kinds & {"MutatingAdmissionPolicy", "MutatingWebhookConfiguration"}
    assert ("Deployment pratique-system/pratique-webhook" in release) is (found == "MutatingWebhookConfiguration")
    return "policies" if found == "MutatingAdmissionPolicy" else "webhook"


@pytest.mark.parametrize(
    ("version", "kinds", "by", "stamps"),
    [
        *((version, (), "Auto", "webhook" if older(version) else "policies") for version in VERSIONS),
        ("1.36.3", KINDS, "Auto", "webhook"),  # as an API server that emulates 1.33 answers: it says 1.36
        ("1.36.3", (*KINDS, MUTATING), "Auto", "policies"),
        ("1.35.0", (*KINDS, MUTATING), "Auto", "policies"),
        ("1.36.3", (), "Webhook", "webhook"),
        ("1.36.3", (*KINDS, MUTATING), "Policies", "policies"),
    ],
)
def test_either_policies_stamp_or_the_webhook(version: str, kinds: tuple[str, ...], by: str, stamps: str) -> None:
    release = rendered({"stamps": {"by": by}}, version=version, kinds=kinds)
    assert stamped_by(release) == stamps


@pytest.mark.parametrize("version", ["1.36.3", "1.33.0"])
def test_values_reach_policies_and_rights(version: str) -> None:
    values = Values(
        namespace="elsewhere",
        service_account="clearance",
        impersonate=(Impersonation("team-a", ("one", "two")), Impersonation("team-b", ("three",))),
        environments=Environments(("view", "edit"), ("restricted",), ("team", "example.com/cost-centre"), "tmp-"),
        submitters=("system:serviceaccount:argocd:argocd-application-controller", "https://id.example.com#gitops"),
    )
    chosen = {
        "serviceAccount": {"name": "clearance"},
        "impersonate": [{"namespace": each.namespace, "names": list(each.names)} for each in values.impersonate],
        "environments": {
            "roles": ["view", "edit"],
            "podSecurity": ["restricted"],
            "labels": ["team", "example.com/cost-centre"],
            "namespacePrefix": "tmp-",
        },
        "submitters": list(values.submitters),
    }
    release = rendered(chosen, namespace="elsewhere", version=version)
    assert of_the_code(release, "elsewhere", version) == expected(values, version)
    args = container(release, namespace="elsewhere")["args"]
    (guard,) = [each.partition("=")[2] for each in args if each.startswith("--guard-values=")]
    assert json.loads(guard) == json.loads(json.dumps(values.guard.to_wire()))


def container(release: Release, name: str = "pratique", namespace: str = "pratique-system") -> Manifest:
    """Return the one container of a Deployment."""
    (found,) = pod(release, name, namespace)["containers"]
    return dict(found)


def pod(release: Release, name: str = "pratique", namespace: str = "pratique-system") -> Manifest:
    """Return the Pods' spec of a Deployment."""
    return dict(release[f"Deployment {namespace}/{name}"]["spec"]["template"]["spec"])


def test_the_pods_have_no_power_over_their_node_and_tell_their_health() -> None:
    release = rendered(version="1.35.0")
    for name, service in (("pratique", "operator"), ("pratique-webhook", "webhook")):
        spec, one = pod(release, name), container(release, name)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert one["securityContext"]["readOnlyRootFilesystem"] is True
        assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert (
            one["livenessProbe"]["httpGet"] == one["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
        )
        assert one["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert one["name"] == service and one["args"][0] == service
        (spread,) = spec["topologySpreadConstraints"]
        assert spread["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == service


SOME = [{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]
NODES = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": SOME}}}
PEER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
EVERYTHING: Manifest = {
    "image": {"pullPolicy": "Always"},
    "metrics": {
        "podMonitor": {"enabled": True, "authorization": {"credentials": {"name": "scraper", "key": "token"}}},
        "prometheusRule": {"enabled": True},
        "grafanaDashboard": {"enabled": True},
    },
    "networkPolicy": {"enabled": True},
}
DIGEST = f"sha256:{'ab' * 32}"
OTHER: Manifest = {
    "replicaCount": 3,
    "sharding.shards": 3,
    "image.repository": "elsewhere.example.com/pratique",
    "image.tag": "1.2.3",
    "image.digest": DIGEST,
    "image.pullPolicy": "Never",
    "imagePullSecrets": [{"name": "registry"}],
    "serviceAccount.create": False,
    "serviceAccount.name": "clearance",
    "serviceAccount.annotations": {"example.com/role": "r"},
    "commonLabels": {"team": "platform"},
    "podLabels": {"team": "platform"},
    "podAnnotations": {"example.com/inject": "false"},
    "resources": {"requests": {"memory": "1.5Gi"}},
    "nodeSelector": {"pool": "system"},
    "tolerations": [{"key": "system", "operator": "Exists"}],
    "affinity": NODES,
    "topologySpreadConstraints": [],
    "priorityClassName": "system-cluster-critical",
    "podSecurityContext": {"runAsUser": 1000660000},
    "securityContext": {"privileged": False},
    "startupProbe": {"failureThreshold": 100},
    "livenessProbe": {"periodSeconds": 30},
    "readinessProbe": {"timeoutSeconds": 9},
    "podDisruptionBudget.enabled": False,
    "podDisruptionBudget.maxUnavailable": "50%",
    "log.level": "debug",
    "log.format": "text",
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "extraArgs": ["--workers=32"],
    "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ca"}],
    "crds.enabled": False,
    "crds.keep": False,
    "stamps.by": "Webhook",
    "webhook.replicaCount": 3,
    "webhook.resources": {"limits": {"memory": "1Gi"}},
    "webhook.extraArgs": ["--drain=9"],
    "impersonate": [{"namespace": "a", "names": ["b"]}],
    "submitters": ["gitops"],
    "limits.openRunsPerRequester": 1000000,
    "environments.roles": ["view"],
    "environments.podSecurity": ["restricted"],
    "environments.labels": ["team"],
    "environments.namespacePrefix": "tmp-",
    "gateChannels": {"*": ["leads"], "team-a": ["team-a-slack", "leads"]},
    "channels.allowedEgress": ["10.20.0.0/16", "::/0", "*.chat.example.com", "fd00::1"],
    "requests.allowedEgress": ["jenkins.internal.example.com"],
    "metrics.access": "Anybody",
    "metrics.readers": [{"namespace": "monitoring", "name": "prometheus"}],
    "metrics.certificateSecret": "pratique-metrics",
    "metrics.service.enabled": False,
    "metrics.service.annotations": {"example.com/a": "b"},
    "metrics.podMonitor.enabled": False,
    "metrics.podMonitor.interval": "15s",
    "metrics.podMonitor.labels": {"release": "prometheus"},
    "metrics.podMonitor.authorization": {"type": "Bearer"},
    "metrics.podMonitor.tlsConfig": {"serverName": "pratique"},
    "metrics.serviceMonitor.enabled": True,
    "metrics.serviceMonitor.interval": "15s",
    "metrics.serviceMonitor.labels": {"release": "prometheus"},
    "metrics.serviceMonitor.tlsConfig": {"serverName": "pratique"},
    "metrics.prometheusRule.enabled": False,
    "metrics.prometheusRule.labels": {"release": "prometheus"},
    "metrics.prometheusRule.runbook": "https://docs.example.com/alerts",
    "metrics.grafanaDashboard.enabled": False,
    "metrics.grafanaDashboard.namespace": "monitoring",
    "metrics.grafanaDashboard.labels": {"grafana_dashboard": "ours"},
    "metrics.grafanaDashboard.annotations": {"grafana_folder": "Platform"},
    "traces.endpoint": "http://collector.monitoring:4318",
    "traces.headersSecret": "traces",
    "networkPolicy.enabled": False,
    "networkPolicy.metricsFrom": [PEER],
    "networkPolicy.egress": [{"ports": [{"port": 443}]}],
}
"""Another value than the default for each value that there is."""
_SCRAPED = {"metrics": {"podMonitor": {"enabled": False}, "serviceMonitor": {"enabled": True}}}
TAKES: Manifest = {
    "metrics.serviceMonitor.enabled": {"metrics": {"podMonitor": {"enabled": False}}},
    "metrics.serviceMonitor.interval": _SCRAPED,
    "metrics.serviceMonitor.labels": _SCRAPED,
    "metrics.serviceMonitor.tlsConfig": _SCRAPED,
    "traces.headersSecret": {"traces": {"endpoint": "http://collector.monitoring:4318"}},
}
"""What else it takes for a value to matter."""


def leaves(values: Manifest, schema: Manifest, prefix: str = "") -> list[str]:
    """Return the paths of all values that are no mere groups of others."""
    found = []
    for name, value in values.items():
        inner = schema["properties"][name]
        found += leaves(value, inner, f"{prefix}{name}.") if "properties" in inner else [f"{prefix}{name}"]
    return found


def nested(path: str, value: Any) -> Manifest:
    """Return the values in which this is at that path."""
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


def test_every_value_there_is_has_another_one_here() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert leaves(yaml.safe_load((CHART / "values.yaml").read_text()), schema) == list(OTHER)


@cache
def whole(version: str, takes: str) -> Release:
    """Return a release with everything that can be turned on."""
    return rendered(merged(EVERYTHING, json.loads(takes)), version=version)


@pytest.mark.parametrize("path", OTHER)
def test_every_value_does_something(path: str) -> None:
    """On an older cluster, where all of the chart is there; who stamps can be chosen on a newer one alone."""
    version = "1.36.3" if path == "stamps.by" else "1.33.0"
    takes = TAKES.get(path, {})
    chosen = merged(merged(EVERYTHING, takes), nested(path, OTHER[path]))
    before, after = whole(version, json.dumps(takes)), rendered(chosen, version=version)
    assert before != after
    # and nothing but what it is about: an object that Helm writes anew for no reason restarts Pods
    changed = {each["kind"] for key, each in {**before, **after}.items() if before.get(key) != after.get(key)}
    of_pods = path in ("metrics.access", "metrics.certificateSecret")
    if path.startswith(("metrics.", "networkPolicy.", "crds.", "podDisruptionBudget.")) and not of_pods:
        assert not changed & {"Deployment", "ClusterRole", "ValidatingAdmissionPolicy"}


def test_scheduling_and_what_goes_with_it_reaches_both_deployments() -> None:
    chosen: Manifest = {}
    for path in ("imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName", "image.digest"):
        chosen = merged(chosen, nested(path, OTHER[path]))
    chosen |= {"podAnnotations": OTHER["podAnnotations"], "podLabels": {"team": "b"}, "commonLabels": {"team": "a"}}
    release = rendered(chosen, version="1.33.0")
    for name in ("pratique", "pratique-webhook"):
        spec = pod(release, name)
        for field in ("imagePullSecrets", "tolerations", "affinity", "priorityClassName"):
            assert spec[field] == OTHER[field]
        assert spec["nodeSelector"] == {"kubernetes.io/os": "linux", "pool": "system"}
        assert container(release, name)["image"] == f"{REPOSITORY}@{DIGEST}"
        metadata = release[f"Deployment pratique-system/{name}"]["spec"]["template"]["metadata"]
        assert metadata["annotations"] == OTHER["podAnnotations"] and metadata["labels"]["team"] == "b"
    assert {each["metadata"]["labels"]["team"] for each in release.values()} == {"a"}


def test_the_selectors_of_deployments_stay_for_ever() -> None:
    """A Deployment refuses another selector, so an upgrade from any earlier chart would fail."""
    for key, each in rendered({"commonLabels": {"team": "a"}}, version="1.33.0").items():
        if each["kind"] == "Deployment":
            part = "webhook" if key.endswith("-webhook") else "operator"
            wanted = {"app.kubernetes.io/name": "pratique", "app.kubernetes.io/component": part}
            assert each["spec"]["selector"]["matchLabels"] == wanted


def test_what_is_added_to_the_operator_comes_after_its_own() -> None:
    chosen = {each: OTHER[each] for each in ("extraEnv", "extraArgs", "extraVolumes", "extraVolumeMounts")}
    one = container(rendered(chosen))
    assert one["args"][-1] == "--workers=32" and [each["name"] for each in one["env"]] == ["POD_NAME", "HTTPS_PROXY"]
    assert [each["mountPath"] for each in one["volumeMounts"]] == ["/tmp", "/etc/ca"]


def test_an_account_that_is_there_already_is_bound_and_not_made() -> None:
    release = rendered({"serviceAccount": {"create": False, "name": "clearance"}})
    assert [key for key in release if key.startswith("ServiceAccount ")] == [
        "ServiceAccount pratique-system/pratique-test"
    ]
    (subject,) = release["ClusterRoleBinding pratique-operator"]["subjects"]
    assert subject["name"] == pod(release)["serviceAccountName"] == "clearance"


def test_nobody_but_who_is_named_reaches_the_pods() -> None:
    release = rendered({"networkPolicy": {"enabled": True, "metricsFrom": [PEER]}}, version="1.33.0")
    spec = release["NetworkPolicy pratique-system/pratique"]["spec"]
    test = {"app.kubernetes.io/name": "pratique", "app.kubernetes.io/component": "test"}
    ports = [{"port": "health"}, {"port": "metrics"}]
    assert spec["ingress"] == [{"from": [{"podSelector": {"matchLabels": test}}, PEER], "ports": ports}]
    assert spec["policyTypes"] == ["Ingress"]
    assert test.items() <= release["Pod pratique-system/pratique-test"]["metadata"]["labels"].items()
    asked, scraped = release["NetworkPolicy pratique-system/pratique-webhook"]["spec"]["ingress"]
    assert asked == {"ports": [{"port": "webhook"}]} and scraped["from"] == [PEER]


@pytest.mark.parametrize(
    ("access", "port", "scheme"), [("Authorized", "metrics", "https"), ("Anybody", "health", None)]
)
def test_who_scrapes_finds_the_port_that_the_process_opens(access: str, port: str, scheme: str | None) -> None:
    """Metrics are for those who may read them, unless a value says otherwise."""
    for monitor, field in (("podMonitor", "podMetricsEndpoints"), ("serviceMonitor", "endpoints")):
        enabled: Manifest = {"enabled": True}
        if monitor == "podMonitor":
            enabled |= {"authorization": {"credentials": {"name": "scraper", "key": "token"}}}
        values = {"metrics": {"access": access, monitor: enabled, "certificateSecret": "served"}}
        release = rendered(values, version="1.33.0")
        kind = f"{monitor[0].upper()}{monitor[1:]}"
        (end,) = release[f"{kind} pratique-system/pratique"]["spec"][field]
        assert end.get("scheme") == scheme and end["port"] == ("metrics" if field == "endpoints" else port)
        for name in ("pratique", "pratique-webhook"):
            one, service = container(release, name), "pratique-metrics" if name == "pratique" else name
            (led,) = [
                each
                for each in release[f"Service pratique-system/{service}"]["spec"]["ports"]
                if each["name"] == "metrics"
            ]
            assert led["targetPort"] == port and port in {each["name"] for each in one["ports"]}
            secured = [each for each in one["args"] if each.startswith("--metrics-")]
            assert secured == (["--metrics-port=9443", "--metrics-cert=/etc/pratique/metrics"] if scheme else [])
            mounted = "/etc/pratique/metrics" in {each["mountPath"] for each in one["volumeMounts"]}
            assert mounted is (scheme is not None)


def test_alerts_are_those_of_the_file_and_say_where_to_read_on() -> None:
    rule = {"enabled": True, "runbook": "https://docs.example.com/alerts"}
    release = rendered({"metrics": {"prometheusRule": rule}})
    text = (CHART / "files" / "alerts.yaml").read_text()
    told = yaml.safe_load(text.replace("docs/guides/alerts.md", "https://docs.example.com/alerts"))
    assert release["PrometheusRule pratique-system/pratique"]["spec"] == told


@pytest.mark.parametrize(
    "wrong",
    [
        "replicas=2",
        "replicaCount=0",
        "sharding.shards=0",
        "sharding.shards=33",
        "nodeselector.a=b",
        "image.pullPolicy=Sometimes",
        "image.digest=latest",
        "resources.memory=1Gi",
        "resources.limits.memory=much",
        "livenessProbe.httpGet.path=/",
        "podDisruptionBudget.maxUnavailable=half",
        "log.level=loud",
        "extraEnv[0].name=POD_NAME",
        "extraVolumes[0].name=tmp",
        r"commonLabels.app\.kubernetes\.io/name=other",
        r"podLabels.app\.kubernetes\.io/component=other",
        r"commonLabels.rbac\.pratique\.dev/aggregate-to-viewer=true",
        r"commonLabels.rbac\.authorization\.k8s\.io/aggregate-to-view=true",
        "stamps.by=Nobody",
        "impersonate[0].namespace=a",
        "serviceAccount.name=A",
        "serviceAccount.name=pratique-webhook",
        "limits.openRunsPerRequester=0",
        "limits.openRunsPerRequester=many",
        "gateChannels.Team={leads}",
        "gateChannels.team-a=leads",
        "gateChannels.team-a={Not a name}",
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
        "metrics.podMonitor.interval=often",
        "metrics.prometheusRule.for=5m",
    ],
)
def test_values_that_mean_nothing_are_refused(wrong: str) -> None:
    answer = templated({}, "--set", wrong)
    assert answer.returncode != 0
    assert "values don't meet the specifications of the schema" in answer.stderr


@pytest.mark.parametrize(
    ("values", "where", "sentence"),
    [
        ({}, {"version": "1.29.9"}, "this cluster is too old: Pratique needs ValidatingAdmissionPolicy"),
        ({}, {"kinds": ("v1/Pod",)}, "this cluster is too old: Pratique needs ValidatingAdmissionPolicy"),
        (
            {"stamps": {"by": "Policies"}},
            {"kinds": KINDS},
            "stamps.by is Policies, but this cluster serves no MutatingAdmissionPolicy",
        ),
        ({"stamps": {"by": "Policies"}}, {"version": "1.35.0"}, "serves no MutatingAdmissionPolicy"),
        ({"image": {"repository": ""}}, {}, "image.repository is not set: no image of Pratique is published"),
        (
            {"metrics": {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}},
            {},
            "metrics.podMonitor and metrics.serviceMonitor are both enabled",
        ),
        (
            {"metrics": {"podMonitor": {"enabled": True}}},
            {},
            "metrics.podMonitor is enabled, but has no token to read with",
        ),
        (
            {"metrics": {"service": {"enabled": False}, "serviceMonitor": {"enabled": True}}},
            {},
            "metrics.serviceMonitor is enabled, but the Service that it scrapes is not",
        ),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(values: Manifest, where: Manifest, sentence: str) -> None:
    answer = templated(values, **where)
    assert answer.returncode != 0
    assert f": {sentence}" in answer.stderr or f" {sentence}" in answer.stderr


def test_a_second_release_is_refused_by_name(cluster: Cluster) -> None:
    """Against the API server, since only it knows; nothing is installed."""
    admin = cluster.identities.kubeconfig("admin")

    def tried(name: str) -> str:
        where = ("--namespace", "pratique-system", "--kubeconfig", str(admin))
        picked = ("--set", f"image.repository={REPOSITORY}", "--take-ownership", "--dry-run=server")
        return run("install", name, str(CHART), *where, *picked).stderr

    def marked(value: str) -> None:
        marks = [f"meta.helm.sh/release-{each}{value}" for each in ("name", "namespace")]
        cluster.kubectl("admin", "annotate", "--overwrite", "clusterrole", "pratique-operator", *marks)

    try:
        marked("=pratique-system")
        assert "already, as release pratique-system in namespace pratique-system, and policies" in tried("second")
        assert "already" not in tried("pratique-system")
    finally:
        marked("-")
    assert "already" not in tried("second")


def test_who_does_not_use_helm_gets_the_same_objects() -> None:
    made = plain.rendered(helm())
    assert plain.FILE.read_text() == plain.text(made), "deploy/install.yaml is stale: make generate, and commit it"
    program = find_or_build(["kubectl"])["kubectl"]
    args = [str(program), "kustomize", str(plain.FILE.parent)]
    built = subprocess.run(args, capture_output=True, text=True, check=True).stdout
    release = by_identity([each for each in yaml.load_all(built, Loader=FAST) if each])
    namespace = release.pop(f"Namespace {plain.NAMESPACE}")
    assert namespace == by_identity(install(Values()))[f"Namespace {plain.NAMESPACE}"]
    chart = rendered({"image": {"repository": plain.IMAGE}})
    bare = {key: each for key, each in chart.items() if "helm.sh/hook" not in each["metadata"].get("annotations", {})}
    marks = ("app.kubernetes.io/managed-by", "helm.sh/chart")
    for each in bare.values():
        each["metadata"].pop("annotations", None)
        each["metadata"]["labels"] = {name: x for name, x in each["metadata"]["labels"].items() if name not in marks}
    assert release == bare


def test_the_dashboard_is_the_file_where_grafana_looks() -> None:
    release = rendered({"metrics": {"grafanaDashboard": {"enabled": True}}})
    found = release["ConfigMap pratique-system/pratique-dashboard"]
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(found["data"]["pratique.json"]) == json.loads((CHART / "files" / "dashboard.json").read_text())


def test_argo_cds_project_has_room_for_all_that_the_chart_can_make_and_no_more() -> None:
    project = yaml.safe_load((CHART.parents[1] / "examples/gitops/argo-cd/project.yaml").read_text())["spec"]
    lists = ("clusterResourceWhitelist", "namespaceResourceWhitelist")
    allowed = {(each["group"], each["kind"]) for name in lists for each in project[name]}
    scraped = merged(EVERYTHING, _SCRAPED)
    made: set[tuple[str, str]] = {("", "Namespace")}
    for values, version in ((EVERYTHING, "1.36.3"), (scraped, "1.35.0")):
        lent = {"impersonate": [{"namespace": "pratique-actions", "names": ["environment-maker"]}]}
        release = rendered(merged(values, lent), version=version).values()
        kept = [each for each in release if "helm.sh/hook" not in each["metadata"].get("annotations", {})]
        made |= {(each["apiVersion"].rpartition("/")[0], each["kind"]) for each in kept}
        spaces = {each["metadata"]["namespace"] for each in kept if "namespace" in each["metadata"]}
        assert spaces == {each["namespace"] for each in project["destinations"]}
    assert made == allowed


@pytest.mark.parametrize("values", [{}, merged(EVERYTHING, {"networkPolicy": {"metricsFrom": [PEER]}})])
def test_the_api_server_takes_all_of_it(cluster: Cluster, values: Manifest) -> None:
    before = is_older(cluster.runner, cluster.identities.kubeconfig("admin"))
    found = rendered(values, version="1.35.0" if before else "1.36.3").values()
    release = [each for each in found if "monitoring.coreos.com" not in each["apiVersion"]]
    args = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    cluster.kubectl("admin", "create", "serviceaccount", "pratique-test", "-n", "pratique-system", check=False)
    answer = cluster.kubectl("admin", *args, input=yaml.safe_dump_all(release))
    assert len(answer.out.splitlines()) == len(release)


@pytest.mark.parametrize(
    ("manager", "sent", "compare"),
    [("argocd-controller", argo_manifest, argo_server_side), ("helm-controller", marked, flux)],
)
def test_what_stamps_by_policies_does_not_drift(
    cluster: Cluster, manager: str, sent: Callable[[Manifest], Manifest], compare: Compare
) -> None:
    """All else is compared beside an operator and a webhook that run, in tests/integration/test_gitops.py."""
    release = [sent(each) for each in rendered().values() if each["kind"].startswith("Mutating")]
    assert len(release) == 12
    for each in release:
        apply_as(cluster, manager, each)
    assert drifted(cluster, release, compare) == {}


@pytest.mark.parametrize("name", ["pratique", "pratique-webhook"])
def test_the_pods_meet_the_restricted_standard_that_their_namespace_enforces(cluster: Cluster, name: str) -> None:
    template = rendered(version="1.35.0")[f"Deployment pratique-system/{name}"]["spec"]["template"]
    account = template["spec"]["serviceAccountName"]
    cluster.kubectl("admin", "create", "serviceaccount", account, "-n", "pratique-system", check=False)
    made = {"apiVersion": "v1", "kind": "Pod", **template}
    made["metadata"] = {**template["metadata"], "name": "pratique", "namespace": "pratique-system"}
    args = ("create", "--dry-run=server", "-f", "-")
    assert cluster.kubectl("admin", *args, input=json.dumps(made)).code == 0
    del made["spec"]["securityContext"]
    answer = cluster.kubectl("admin", *args, input=json.dumps(made), check=False)
    assert 'violates PodSecurity "restricted' in answer.err
