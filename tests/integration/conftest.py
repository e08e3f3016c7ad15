"""Fixtures of tests that need the operator: the process, run as users run it, and a receiver for its messages."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.attempts import Attempts
from tests.support.cluster import Cluster, wait_for
from tests.support.desk import Desk
from tests.support.runs import account
from tests.support.shaken import halting
from tools.controlplane.processes import alive
from tools.installation import ROOT, OperatorProcess
from tools.receiver import Receiver

RBAC = "rbac.authorization.k8s.io"
RIGHTS = {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["create", "get", "patch"]}
OURS = {"apiGroups": ["pratique.dev"], "resources": ["*"], "verbs": ["*"]}
"""Also the account may do everything to our kinds in its namespace: what stops these attempts are our own rules."""


@pytest.fixture(scope="session")
def cluster(cluster: Cluster) -> Cluster:
    """The cluster; what people do here are plain commands of kubectl, done at a tenth of what the program costs."""
    return replace(cluster, plain=True)


@pytest.fixture(scope="session", autouse=True)
def halted() -> Iterator[None]:
    """Operators are stopped for moments, if they are to dawdle."""
    with halting():
        yield


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """Where Slack messages and CloudEvents arrive."""
    with Receiver() as running:
        yield running


@pytest.fixture(scope="session")
def operator(
    cluster: Cluster, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """The operator, ready, with the channel platform-slack and the Action create-environment in place."""
    for key in ("slack", "webhook"):
        cluster.kubectl("admin", "delete", "secret", key, "-n", "pratique-system", "--ignore-not-found")
        cluster.kubectl(
            "admin",
            "create",
            "secret",
            "generic",
            key,
            "-n",
            "pratique-system",
            f"--from-literal=url={receiver.url}/{key}",
        )
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    process = OperatorProcess(cluster.identities.kubeconfig("operator"), log)
    process.start()
    process.wait_ready()
    cluster.kubectl("admin", "apply", "-f", str(ROOT / "examples" / "environment" / "action.yaml"))
    wait_for("the Action is ready", lambda: _ready(cluster))
    yield process
    assert process.process is not None and alive(process.process), f"the operator ended: {log.read_text()[-3000:]}"
    process.stop()
    assert "Traceback" not in Path(log).read_text(), Path(log).read_text()[-5000:]


def _ready(cluster: Cluster) -> bool:
    action = cluster.get("action", "create-environment")
    conditions = {each["type"]: each["status"] for each in (action or {}).get("status", {}).get("conditions", [])}
    assert conditions.get("Ready") != "False", json.dumps(action)
    return conditions.get("Ready") == "True"


@pytest.fixture
def author(cluster: Cluster, operator: OperatorProcess, namespace: str) -> Iterator[Attempts]:
    """author@example.com may write Actions and act as `mine`; the operator may act as `mine` and as `powerful`."""
    made = [*account(namespace, "mine", RIGHTS, OURS), *account(namespace, "powerful", RIGHTS)]
    name, user = f"author-{namespace}", {"apiGroup": RBAC, "kind": "User", "name": "author@example.com"}
    writes = {"apiGroups": ["pratique.dev"], "resources": ["actions"], "verbs": ["get", "create", "patch", "update"]}
    acts = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"], "resourceNames": ["mine"]}
    for kind, rule, space in (("ClusterRole", writes, {}), ("Role", acts, {"namespace": namespace})):
        metadata = {"name": name, **space}
        made.append({"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": [rule]})
        binding = {"roleRef": {"apiGroup": RBAC, "kind": kind, "name": name}, "subjects": [user]}
        made.append({"apiVersion": f"{RBAC}/v1", "kind": f"{kind}Binding", "metadata": metadata, **binding})
    cluster.apply("admin", made)
    attempts = Attempts(cluster, namespace)
    yield attempts
    attempts.drop()
    cluster.kubectl("admin", "delete", "clusterrole,clusterrolebinding", name)


MAY = {
    "apiGroups": ["", "apps"],
    "resources": ["configmaps", "deployments", "services", "pods"],
    "verbs": ["create", "get", "patch"],
}


@pytest.fixture
def desk(cluster: Cluster, operator: OperatorProcess, namespace: str) -> Iterator[Desk]:
    """The account is there; the Actions go with the test."""
    cluster.apply("admin", account(namespace, "maker", MAY))
    yield Desk(cluster, namespace)
    names = cluster.kubectl("admin", "get", "actions", "-o", "name").out.split()
    if mine := [each for each in names if each.endswith(namespace)]:
        cluster.kubectl("admin", "delete", *mine)
