"""Real control planes: side by side, ended with whoever started them, continued where they were."""

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.cluster import wait_for
from tools.controlplane import (
    IDENTITIES,
    ControlPlane,
    ForeignCluster,
    Kubectl,
    Options,
    processes,
    state,
    temporary_plane,
)
from tools.controlplane.catalog import KUBERNETES, SERVER_NAMES

HOLDER = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is born deaf to it
import sys, time
from pathlib import Path
from tools.controlplane import ControlPlane
with ControlPlane(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


def has_account(kubectl: Kubectl, kubeconfig: Path) -> bool:
    return kubectl(kubeconfig, "get", "sa", "default", check=False).returncode == 0


def test_two_live_side_by_side_and_know_nothing_of_each_other(tmp_path: Path) -> None:
    kubectl = Kubectl(tmp_path / "cache")
    options = Options(audit="Metadata", emulated_version="1.35")
    with temporary_plane("left") as left, temporary_plane("right", options) as right:
        kubectl(left.kubeconfig("admin"), "create", "namespace", "only-left")
        assert "only-left" not in kubectl(right.kubeconfig("admin"), "get", "namespaces").stdout
        strangers = kubectl(right.kubeconfig("admin"), "--server", left.url, "get", "namespaces", check=False)
        assert strangers.returncode != 0
        here, older = (
            json.loads(kubectl(p.kubeconfig("admin"), "get", "--raw", "/version").stdout) for p in (left, right)
        )
        assert here["gitVersion"] == KUBERNETES
        assert older["emulationMinor"] == "35"
        # The controller manager of each works: accounts appear, and an ended namespace goes.
        for plane in (left, right):
            admin = plane.kubeconfig("admin")
            wait_for("the account", partial(has_account, kubectl, admin))
        kubectl(left.kubeconfig("admin"), "delete", "namespace", "only-left", "--timeout=30s")
        assert right.audit_log is not None
        seen = [json.loads(line) for line in right.audit_log.read_text().splitlines()]
        assert {"admin", "system:kube-controller-manager"} <= {each["user"]["username"] for each in seen}
        assert left.audit_log is None
        roots = [plane.layout.root for plane in (left, right)]
    assert not any(root.exists() for root in roots)


def test_everybody_is_the_same_on_our_plane_and_on_a_cluster_of_ones_own(tmp_path: Path) -> None:
    kubectl = Kubectl(tmp_path / "cache")

    def who(kubeconfig: Path) -> tuple[str, set[str]]:
        answer = json.loads(kubectl(kubeconfig, "auth", "whoami", "-o", "json").stdout)["status"]["userInfo"]
        return answer["username"], set(answer["groups"])

    with temporary_plane("people") as plane:
        foreign = ForeignCluster(plane.kubeconfig("admin"), tmp_path / "foreign")
        for name in ("admin", "lead-1", "mallory", "robot"):
            username, groups = who(plane.kubeconfig(name))
            assert username == IDENTITIES[name].username
            assert groups == {*IDENTITIES[name].groups, "system:authenticated"}
            assert who(foreign.kubeconfig(name)) == (username, groups)
        for refused in (plane.kubeconfig("operator"), foreign.kubeconfig("operator")):
            assert "Forbidden" in kubectl(refused, "get", "namespaces", check=False).stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_the_process_that_started_it(tmp_path: Path, number: Any) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=-1, stderr=-3, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        servers = state.load(tmp_path / "state.json").servers
        assert {server.name for server in servers} == set(SERVER_NAMES)
        assert all(map(processes.alive, servers))
        holder.send_signal(number)
    wait_for("all servers are gone", lambda: not any(map(processes.alive, servers)), timeout=10)


def test_up_and_down_may_be_repeated_and_keep_what_was_stored(tmp_path: Path) -> None:
    def run(command: str, code: int = 0) -> str:
        arguments = [sys.executable, "-m", "tools.controlplane", command, "--dir", str(tmp_path)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=os.environ)
        assert done.returncode == code, done.stderr
        return done.stdout

    kubectl = Kubectl(tmp_path / "cache")
    admin = ControlPlane(tmp_path).kubeconfig("admin")
    try:
        assert "is ready at" in run("up")
        address = ControlPlane(tmp_path).url
        assert f"runs already at {address}" in run("up")
        kubectl(admin, "create", "namespace", "kept")
        assert "Ended" in run("down")
        run("status", code=1)
        assert "No control plane runs here" in run("down")
        run("up")
        assert ControlPlane(tmp_path).url == address
        kubectl(admin, "get", "namespace", "kept")
        # A plane that lost a server is made whole again.
        os.kill(ControlPlane(tmp_path).pids()["kube-apiserver"], signal.SIGKILL)
        wait_for("it is gone", lambda: "kube-apiserver" not in ControlPlane(tmp_path).pids())
        run("up")
        kubectl(admin, "get", "namespace", "kept")
    finally:
        run("down")


def test_it_writes_nothing_outside_its_directory(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    script = "import sys; from pathlib import Path; from tools.controlplane import *\n"
    script += (
        "with ControlPlane(Path(sys.argv[1])) as p:\n Kubectl(Path(sys.argv[1])/'c')(p.kubeconfig('admin'),'get','ns')"
    )
    cache = os.environ.get("PRATIQUE_CACHE") or str(Path("~/.cache/pratique").expanduser())
    environ = os.environ | {"HOME": str(home), "PRATIQUE_CACHE": cache}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "plane")], check=True, env=environ)
    assert list(home.rglob("*")) == []
