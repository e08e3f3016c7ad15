"""The chart as Argo CD and Flux install it, on a cluster where a webhook stamps: nothing drifts.

A webhook fills in its certificate and its authority, the API server its defaults, the controller manager the aggregated
roles. `tests/support/gitops.py` has what each tool compares. That policies stamp instead is in tests/crds/test_chart.py.
"""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.support.cluster import Cluster, wait_for
from tests.support.gitops import (
    Compare,
    Manifest,
    apply_as,
    argo_manifest,
    argo_server_side,
    argo_three_way,
    drifted,
    flux,
    live,
    name_of,
)
from tests.support.promql import asked
from tools.controlplane.binaries import find_or_build
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import ControlPlane, temporary_plane
from tools.controlplane.servers import Options
from tools.installation import ROOT, OperatorProcess, WebhookProcess

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(480)]
CHART, EXAMPLES = ROOT / "charts" / "pratique", ROOT / "examples" / "gitops"
POLICY = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/pratique-decision"
MERGE = "application/merge-patch+json"


def example(file: str, kind: str) -> Manifest:
    """Return an object of the examples."""
    (found,) = [each for each in yaml.safe_load_all((EXAMPLES / file).read_text()) if each["kind"] == kind]
    return dict(found)


RENDERED_TO_URL = """#!{python}
import sys, yaml
found = [each for each in yaml.safe_load_all(sys.stdin) if each]
for each in found:
    if each["kind"] == "MutatingWebhookConfiguration":
        for hook in each["webhooks"]:
            hook["clientConfig"] = {{"url": "{url}" + hook["clientConfig"]["service"]["path"]}}
yaml.safe_dump_all(found, sys.stdout)
"""
"""What the API server cannot reach here is a Service; all else is as the chart says."""


@dataclass(frozen=True)
class World:
    """A cluster of Kubernetes 1.33 that holds nothing yet, and what will run beside it."""

    plane: ControlPlane
    cluster: Cluster
    webhook: WebhookProcess
    operator: OperatorProcess
    folder: Path

    def helm(self, command: str, *args: str, values: Manifest) -> list[Manifest]:
        """Let Helm render, or install, with the values of an example; return the objects."""
        script, file = self.folder / "to-url", self.folder / "values.yaml"
        script.write_text(RENDERED_TO_URL.format(python=sys.executable, url=self.webhook.url))
        script.chmod(0o700)
        file.write_text(yaml.safe_dump(values))
        where = ("--namespace", "pratique-system", "--kubeconfig", str(self.plane.kubeconfig("admin")))
        chosen = ("--values", str(file), "--post-renderer", str(script))
        program = str(find_or_build(["helm"])["helm"])
        done = subprocess.run(
            [program, command, "pratique", str(CHART), *where, *chosen, *args], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        got = [program, "get", "manifest", "pratique", *where]
        shown = done if command == "template" else subprocess.run(got, capture_output=True, text=True, check=True)
        return [each for each in yaml.safe_load_all(shown.stdout) if each]

    def runs(self) -> None:
        """Let webhook and operator run, and wait for both: the certificate is written, the guard on record."""
        for process in (self.webhook, self.operator):
            if process.process is None:
                process.start()
        for process in (self.webhook, self.operator):
            process.wait_ready()

    def settles(self, release: list[Manifest]) -> None:
        """Wait for what controllers write by themselves."""
        names = [f"clusterrole/{each['metadata']['name']}" for each in release if "aggregationRule" in each]
        self.cluster.kubectl("admin", "wait", "--for=jsonpath={.rules}", "--timeout=30s", *names)

    def edit(self, path: str, patch: Manifest) -> None:
        """Change an object by hand."""
        assert self.cluster.callers["admin"].send("PATCH", path, patch, content_type=MERGE).ok


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The cluster; each test installs as its tool does, over what was there before."""
    folder = tmp_path_factory.mktemp("gitops")
    with temporary_plane("gitops", Options(emulated_version="1.33")) as plane, ExitStack() as stack:
        cluster = stack.enter_context(Cluster.of(plane, Kubectl(folder / "kube-cache")))
        webhook = WebhookProcess(plane.kubeconfig("webhook"), folder / "webhook.log")
        beside = ("--guard-every", "0.5")
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log", arguments=beside)
        for process in (webhook, operator):
            stack.callback(process.stop)
        for space in ("pratique-system", "pratique-actions"):
            cluster.kubectl("admin", "create", "namespace", space)
        yield World(plane, cluster, webhook, operator, folder)


def holds_and_sees(found: World, release: list[Manifest], compare: Compare) -> None:
    """All is as applied, the certificate of the webhook included; and what somebody changes of a policy is seen."""
    secret = found.cluster.get("secret", "pratique-webhook", "pratique-system")
    hooks = found.cluster.get("mutatingwebhookconfiguration", "pratique-stamps")
    assert secret is not None and secret["data"] and hooks is not None
    assert all(each["clientConfig"]["caBundle"] for each in hooks["webhooks"])
    assert len(release) > 30
    assert drifted(found.cluster, release, compare) == {}
    found.edit(POLICY, {"spec": {"failurePolicy": "Ignore"}})
    seen = drifted(found.cluster, release, compare)
    assert list(seen) == ["ValidatingAdmissionPolicy pratique-decision"]
    assert "/spec/failurePolicy" in seen.popitem()[1]


def test_flux_sees_no_drift_but_what_is_one(world: World) -> None:
    spec = example("flux/release.yaml", "HelmRelease")["spec"]
    assert spec["driftDetection"] == {"mode": "enabled"}  # nothing is ignored
    release = world.helm("install", "--take-ownership", values=spec["values"])
    world.runs()
    world.settles(release)
    holds_and_sees(world, release, flux)
    the_dashboard_asks_for_what_is_served(world)


def the_dashboard_asks_for_what_is_served(found: World) -> None:
    """By a live operator and a live webhook; labels are compared with their registries, in tests/component/processes."""
    served: set[str] = set()
    for process in (found.operator, found.webhook):
        with urllib.request.urlopen(f"http://127.0.0.1:{process.port}/metrics", timeout=5) as answer:
            served |= set(re.findall(r"^# TYPE (\w+)", answer.read().decode(), re.MULTILINE))
    panels = json.loads((CHART / "files" / "dashboard.json").read_text())["panels"]
    names = {name for each in panels for target in each.get("targets", ()) for name in asked(target["expr"])}
    assert len(names) > 20 and {re.sub("_(bucket|count|sum)$", "", name) for name in names} <= served


def test_argo_cd_sees_no_drift_but_what_is_one(world: World) -> None:
    spec = example("argo-cd/application.yaml", "Application")["spec"]
    assert "ignoreDifferences" not in spec
    cluster, kinds = world.cluster, world.cluster.kubectl("admin", "api-resources", "--no-headers").out.splitlines()
    served = [f"--api-versions={each.split()[-3]}/{each.split()[-1]}" for each in kinds]
    rendered = world.helm("template", *served, "--no-hooks", values=spec["source"]["helm"]["valuesObject"])
    release = [argo_manifest(each) for each in rendered]
    one_of_each = list({(each["kind"], "aggregationRule" in each): each for each in release}.values())
    for each in release:
        apply_as(cluster, "argocd-controller", each)
    world.runs()
    world.settles(release)
    cluster.program("admin", "apply", "-f", "-", input=yaml.safe_dump_all(one_of_each))
    assert drifted(cluster, one_of_each, argo_three_way) == {}
    holds_and_sees(world, release, argo_server_side)
    sync(world, release)
    what_is_added_is_for_the_guard_to_see(world, release)


def sync(found: World, release: list[Manifest]) -> None:
    """Apply as Argo CD does with ServerSideApply=true; all is guarded again."""
    for each in release:
        apply_as(found.cluster, "argocd-controller", each)
    found.operator.wait_ready()


def what_is_added_is_for_the_guard_to_see(found: World, release: list[Manifest]) -> None:
    """A field that no manifest has is nobody's to compare, nor to take back; a policy made anew has none."""
    found.edit(POLICY, {"spec": {"matchConditions": [{"name": "never", "expression": "false"}]}})
    assert drifted(found.cluster, release, argo_server_side) == {}
    wait_for("the guard says it", lambda: "spec.matchConditions is not in this version" in found.operator.readyz())
    (policy,) = [each for each in release if name_of(each) == "ValidatingAdmissionPolicy pratique-decision"]
    apply_as(found.cluster, "argocd-controller", policy)
    assert "matchConditions" in (live(found.cluster, policy) or {})["spec"]
    assert found.cluster.callers["admin"].send("DELETE", POLICY).ok
    assert drifted(found.cluster, release, argo_server_side) == {name_of(policy): ["/"]}
    sync(found, release)
    assert drifted(found.cluster, release, argo_server_side) == {}
