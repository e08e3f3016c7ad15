"""`pratique doctor` on a real API server: of a sound installation, of one with faults, and to who may see little."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.cluster import Cluster, wait_for
from tests.support.foreign_kinds import KINDS, definition
from tools.installation import ROOT, OperatorProcess

HEALTH = ROOT / "examples" / "gitops" / "argo-cd" / "argocd-cm.yaml"
REACHES_ALL = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "operations": ["CREATE"]}


def doctor(cluster: Cluster, who: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "pratique.main", "doctor", "--kubeconfig", str(cluster.identities.kubeconfig(who)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "operator")}
    return subprocess.run(
        (*command, *options), env=environment, text=True, capture_output=True, check=False, timeout=60
    )


def findings(cluster: Cluster, who: str = "admin") -> dict[str, tuple[str, str]]:
    """Return the level and the sentence of what is found, by what it is about."""
    found: list[dict[str, Any]] = json.loads(doctor(cluster, who, "-o", "json").stdout)
    return {each["about"]: (each["level"], each["text"]) for each in found}


def judged(cluster: Cluster) -> dict[str, tuple[str, str]] | None:
    """Return what is found, once the operator has looked at the channel, and the kind of Argo CD is known."""
    found = findings(cluster)
    return found if found.get("channel broken", ("",))[0] == "problem" and "Argo CD" in found else None


def test_what_it_says_before_and_after_somebody_breaks_something(cluster: Cluster, operator: OperatorProcess) -> None:
    sound = doctor(cluster, "admin")
    assert sound.returncode == 0, sound.stdout
    for line in ("leader: ", "as version", "the operator has what it needs"):
        assert line in sound.stdout
    hook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "of-others"},
        "webhooks": [
            {
                "name": "all.example.com",
                "clientConfig": {"url": "https://127.0.0.1:1/"},
                "failurePolicy": "Ignore",
                "timeoutSeconds": 1,
                "namespaceSelector": {"matchLabels": {"nobody": "has-this"}},
                "rules": [REACHES_ALL],
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }
    channel = {
        "apiVersion": "pratique.dev/v1alpha1",
        "kind": "NotificationChannel",
        "metadata": {"name": "broken"},
        "spec": {"webhook": {"urlSecretRef": {"name": "nowhere", "key": "url"}}},
    }
    labels = {"app.kubernetes.io/part-of": "argocd"}
    argo_cd = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "labels": labels}}
    cluster.apply("admin", [hook, channel, definition("Application", *KINDS["Application"])])
    cluster.apply("admin", argo_cd, "-n", "default")
    try:
        found = wait_for("the operator to judge the channel", lambda: judged(cluster))
        assert "nowhere" in found["channel broken"][1]
        assert found["others"][0] == "warning" and "of-others" in found["others"][1]
        assert found["Argo CD"][0] == "warning" and "default/argocd-cm has no health check for" in found["Argo CD"][1]
        cluster.kubectl("admin", "patch", "configmap", "argocd-cm", "-n", "default", "--patch-file", str(HEALTH))
        assert findings(cluster)["Argo CD"][0] == "ok"
        assert doctor(cluster, "admin").returncode == 1
    finally:
        cluster.kubectl("admin", "delete", "mutatingwebhookconfiguration", "of-others")
        cluster.kubectl("admin", "delete", "notificationchannel", "broken")
        cluster.kubectl("admin", "delete", "configmap", "argocd-cm", "-n", "default")
        cluster.kubectl("admin", "delete", "crd", "applications.argoproj.io", "--wait=false")
    assert doctor(cluster, "admin").returncode == 0


def test_who_may_see_little_is_told_so(cluster: Cluster, operator: OperatorProcess) -> None:
    found = findings(cluster, "developer")
    assert found["guard"] == ("unknown", "could not be read: HTTP 403 Forbidden")
    assert "leader" in found and found["leader"][0] == "unknown"


def test_a_server_that_is_not_there_is_said(cluster: Cluster, tmp_path: Path) -> None:
    nowhere = tmp_path / "config"
    text = cluster.identities.kubeconfig("admin").read_text()
    nowhere.write_text(re.sub(r"(server: https://127\.0\.0\.1:)\d+", r"\g<1>1", text))
    said = doctor(cluster, "admin", "--kubeconfig", str(nowhere))
    assert said.returncode == 2 and said.stderr.startswith("pratique: https://127.0.0.1:1 "), said
