"""Processes are ended by who they are, ports are nobody else's, and waiting ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from signal import Signals

import pytest
from tests.support.certain import certain
from tests.support.cluster import Source, choose, wait_for
from tools.controlplane import ports, processes
from tools.controlplane.__main__ import main
from tools.controlplane.errors import StartError
from tools.controlplane.plane import ControlPlane
from tools.controlplane.processes import Process

SLEEP = ["/bin/sh", "-c", "echo started; exec sleep 60"]


def started(tmp_path: Path, script: str = SLEEP[2]) -> Process:
    log = tmp_path / "log"
    process = processes.start("sh", ["/bin/sh", "-c", script], log, detach=False, environ=os.environ)
    wait_for("the process runs", lambda: log.exists() and log.read_text())
    return process


def test_a_process_is_started_known_and_ended(tmp_path: Path) -> None:
    process = started(tmp_path)
    assert processes.alive(process)
    processes.end([process], grace=10)
    assert not processes.alive(process)


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    process = started(tmp_path, "trap '' TERM; echo started; while :; do sleep 1; done")
    begin = time.monotonic()
    processes.end([process], grace=0.3)
    assert not processes.alive(process)
    assert time.monotonic() - begin < 5


def test_a_pid_that_went_to_somebody_else_is_left_alone(tmp_path: Path) -> None:
    process = started(tmp_path)
    somebody_else = Process("sh", process.pid, "boot/1")
    assert not processes.alive(somebody_else)
    processes.end([somebody_else], grace=0)
    assert processes.alive(process)
    processes.end([process], grace=0)
    processes.end([process], grace=0)


PARENT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is born deaf to it
import os, signal, sys
from pathlib import Path
from tools.controlplane import processes
children = [processes.start(n, ["/bin/sleep", "60"], Path(sys.argv[1]), detach=n == "free", environ=os.environ)
            for n in ("tied", "free")]
print(*(f"{c.pid} {c.born}" for c in children), flush=True)
signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_children_end_with_their_parent_however_it_ends_unless_detached(tmp_path: Path, number: Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=-1, stderr=-3, text=True)
    with parent:
        tied_pid, tied_born, free_pid, free_born = certain(parent.stdout).readline().split()
        tied, free = Process("tied", int(tied_pid), tied_born), Process("free", int(free_pid), free_born)
        assert processes.alive(tied)
        parent.send_signal(number)
    wait_for("the tied child is gone", lambda: not processes.alive(tied), timeout=5)
    assert processes.alive(free)
    processes.end([free], grace=0)


def test_ports_are_distinct_kept_while_free_and_replaced_when_taken() -> None:
    first = ports.choose(["a", "b", "c"])
    assert len(set(first.values())) == 3
    assert ports.choose(["a", "b", "c"], first) == first
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first["b"]))
        taken.listen()
        second = ports.choose(["a", "b", "c"], first)
    assert second["b"] not in first.values()
    assert (second["a"], second["c"]) == (first["a"], first["c"])


def test_a_server_that_fails_shows_its_log_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho panic: disk on fire >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("tools.controlplane.plane.find_or_build", lambda names: dict.fromkeys(names, broken))
    plane = ControlPlane(tmp_path / "plane")
    with pytest.raises(StartError, match=r"(?s)ended by itself.*disk on fire.*The whole log"):
        plane.start()
    assert plane.pids() == {}


def test_a_server_that_hangs_ends_with_the_last_seen_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "hanging"
    hanging.write_text("#!/bin/sh\necho waiting for the moon\nexec sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setattr("tools.controlplane.plane.find_or_build", lambda names: dict.fromkeys(names, hanging))
    plane = ControlPlane(tmp_path / "plane")
    with pytest.raises(StartError, match=r"(?s)not ready in time \(last seen: no answer\).*for the moon"):
        plane.start(timeout=3)  # also a busy machine has begun to run a script by then
    assert plane.pids() == {}


def test_a_controller_manager_that_gave_up_on_a_busy_api_server_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, impatient, tries = tmp_path / "live", tmp_path / "impatient", tmp_path / "tries"
    tries.touch()
    live.write_text("#!/bin/sh\nexec sleep 60\n")
    impatient.write_text(
        f"#!/bin/sh\necho x >> {tries}\n[ $(wc -l < {tries}) = 3 ] && exec sleep 60\n"
        'echo "failed to wait for apiserver being healthy: timed out" >&2\nexit 1\n'
    )
    for each in (live, impatient):
        each.chmod(0o755)
    programs = {"etcd": live, "kube-apiserver": live, "kube-controller-manager": impatient}
    monkeypatch.setattr("tools.controlplane.plane.find_or_build", lambda names: programs)
    monkeypatch.setattr("tools.controlplane.plane.api_health", lambda *where: None)
    healthy = lambda port: None if len(tries.read_text().split()) == 3 else "starting"  # noqa: E731
    monkeypatch.setattr("tools.controlplane.plane.server_health", healthy)
    plane = ControlPlane(tmp_path / "plane")
    plane.start()
    assert set(plane.pids()) == set(programs) and plane.running()
    plane.stop()


def test_down_and_status_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--dir", str(tmp_path / "run")]
    assert main(["down", *where]) == 0
    assert main(["status", *where]) == 1
    assert "No control plane runs here." in capsys.readouterr().out


def test_an_unknown_program_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "kubelot"]) == 1
    assert "No such program: kubelot. Choose from etcd" in capsys.readouterr().err


def test_the_cluster_of_the_tests_is_chosen_by_the_environment() -> None:
    assert choose({}) is Source.EMBEDDED
    assert choose({"PRATIQUE_TEST_CLUSTER": "embedded"}) is Source.EMBEDDED
    assert choose({"PRATIQUE_TEST_CLUSTER": "kind"}) is Source.KIND
    assert choose({"PRATIQUE_KUBECONFIG": "/a", "PRATIQUE_TEST_CLUSTER": "kind"}) is Source.OWN
    with pytest.raises(ValueError, match="'k3d': choose embedded or kind"):
        choose({"PRATIQUE_TEST_CLUSTER": "k3d"})


def test_waiting_says_what_was_seen_last() -> None:
    with pytest.raises(AssertionError, match=r"the sun: not within 0\.2 s; last seen: ''"):
        wait_for("the sun", lambda: "", timeout=0.2)
