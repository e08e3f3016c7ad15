"""Fixtures of all tests. `cluster` is one per session, with Pratique installed and nobody operating."""

import os
import shutil
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tools.controlplane.foreign import ForeignCluster
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import temporary_plane
from tools.controlplane.servers import Options
from tools.installation import ROOT, WebhookProcess, installed

from tests.support import generated
from tests.support.cluster import Cluster, Source, choose
from tests.support.http import Identities
from tests.support.snapshot import plane_with_pratique
from tests.support.time_limit import set_alarm

PEOPLE = Path(__file__).parent / "support" / "people.yaml"
BORROWED = PEOPLE.with_name("borrowed.yaml")
EXAMPLES = ROOT / "examples" / "environment"
generated.load()


def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:
    """Use an alarm that also ends a test with an event loop; pytest-timeout's `thread` is left as it is."""
    if settings.method != "signal" or threading.current_thread() is not threading.main_thread():
        return None
    set_alarm(item, settings.timeout)
    return True


def default_options() -> Options:
    """Return how control planes of tests behave: as Kubernetes PRATIQUE_TEST_VERSION, for example 1.33, if that is set."""
    return Options(emulated_version=os.environ.get("PRATIQUE_TEST_VERSION"))


@pytest.fixture(scope="session")
def kind_cluster() -> Iterator[Path]:
    """A cluster of pytest-kind, as kind-config.yaml says, which the fixture of pytest-kind itself does not read."""
    from pytest_kind import KindCluster  # type: ignore[import-untyped]  # only here: a second Kubernetes client comes along

    program = shutil.which("kind")
    assert program, (
        "kind is not in PATH: install it (kind.sigs.k8s.io), or run `make integration` and `make test-node` without Docker"
    )
    docker = (
        subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
        if shutil.which("docker")
        else None
    )
    assert docker is not None and docker.returncode == 0, (
        "kind needs Docker, and none answers here (`docker info`): start it, or run `make integration` and `make test-node`"
    )
    cluster = KindCluster("pratique", image=os.environ.get("PRATIQUE_KIND_IMAGE"), kind_path=Path(program))
    cluster.create(ROOT / "kind-config.yaml")
    yield cluster.kubeconfig_path
    cluster.delete()


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with CRDs, policies and roles, and the test identities bound to them; an older one with the webhook."""
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        identities, is_installed = _identities(stack, request, folder)
        found = stack.enter_context(Cluster.of(identities, Kubectl(folder / "kube-cache")))
        if not is_installed:
            webhook = WebhookProcess(identities.kubeconfig("webhook"), folder / "webhook.log")
            stack.enter_context(installed(found.runner, identities.kubeconfig("admin"), webhook))
        files = [PEOPLE, BORROWED, *(EXAMPLES / f"{name}.yaml" for name in ("executor", "channel"))]
        found.kubectl("admin", "apply", *(arg for file in files for arg in ("-f", str(file))))
        yield found


def _identities(stack: ExitStack, request: pytest.FixtureRequest, folder: Path) -> tuple[Identities, bool]:
    """Return the people of the cluster that was chosen, and whether Pratique is installed there."""
    match choose(os.environ):
        case Source.OWN:
            return ForeignCluster(Path(os.environ["PRATIQUE_KUBECONFIG"]), folder), False
        case Source.KIND:
            return ForeignCluster(request.getfixturevalue("kind_cluster"), folder), False
        case Source.EMBEDDED:
            plane = stack.enter_context(plane_with_pratique("tests", default_options()))
            return plane or stack.enter_context(temporary_plane("tests", default_options())), plane is not None


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    name, admin = f"t-{uuid.uuid4().hex[:8]}", cluster.callers["admin"]
    made = admin.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert made.ok, made
    yield name
    admin.send("DELETE", f"/api/v1/namespaces/{name}")
