"""The browser of the pictures: found, installed where that is allowed, and otherwise said how. With programs of our own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tools import chromium
from tools.installation import ROOT

APT = """#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >> "{folder}/calls"
{then}
"""
INSTALLS = (
    'case "$*" in *install*) printf "#!/bin/sh\\n" > "{folder}/chromium"; /bin/chmod +x "{folder}/chromium";; esac'
)


@dataclass
class Machine:
    """A PATH with nothing in it but what a test puts there."""

    folder: Path
    sudo: str = '#!/bin/sh\n[ "$1" = -n ] || exit 1\nshift\nexec "$@"\n'

    def has(self, name: str, script: str = "#!/bin/sh\n") -> None:
        path = self.folder / name
        path.write_text(script)
        path.chmod(0o755)

    def run(self, **environ: str) -> subprocess.CompletedProcess[str]:
        known = {"PATH": str(self.folder), "PYTHONPATH": os.environ.get("PYTHONPATH", "."), **environ}
        command = [sys.executable, "-m", "tools.chromium"]
        return subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, check=False)

    @property
    def calls(self) -> list[str]:
        kept = self.folder / "calls"
        return kept.read_text().splitlines() if kept.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which everybody may install."""
    one = Machine(tmp_path)
    one.has("env", '#!/bin/sh\nexec /usr/bin/env "$@"\n')
    one.has("true")
    one.has("sudo", one.sudo)
    one.has("apt-get", APT.format(folder=tmp_path, then=INSTALLS.format(folder=tmp_path)))
    return one


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_quiet_where_it_is(machine: Machine, name: str) -> None:
    machine.has(name)
    done = machine.run()
    assert (done.returncode, done.stdout, done.stderr, machine.calls) == (0, "", "", [])


def test_installed_where_that_is_allowed(machine: Machine) -> None:
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert machine.calls == [
        "noninteractive --quiet update",
        "noninteractive --quiet install --yes --no-install-recommends chromium fonts-noto-core fonts-noto-color-emoji",
    ]
    assert "ok      chromium, from the packages of this machine" in done.stderr
    assert machine.run().stderr == ""


def test_what_to_do_where_there_is_no_apt(machine: Machine) -> None:
    (machine.folder / "apt-get").unlink()
    done = machine.run()
    assert (done.returncode, done.stderr) == (1, f"{chromium.ADVICE}\n")
    assert "All tests that need no browser: make verify unit integration" in done.stderr


@pytest.mark.parametrize(("user", "sudo"), [(0, False), (1000, True), (1000, False)])
def test_whoever_may(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], user: int, sudo: bool
) -> None:
    """Nobody is asked for a password: who may not, is told what to do."""
    machine.has("sudo", machine.sudo if sudo else "#!/bin/sh\nexit 1\n")
    monkeypatch.setenv("PATH", str(machine.folder))
    monkeypatch.delenv(chromium.OWN, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    may = user == 0 or sudo
    assert chromium.main() == (0 if may else 1)
    assert len(machine.calls) == (2 if may else 0)
    assert (chromium.ADVICE in capfd.readouterr().err) == (not may)


@pytest.mark.parametrize("then", ["exit 100", ""])
def test_what_to_do_where_apt_could_not(machine: Machine, then: str) -> None:
    machine.has("apt-get", APT.format(folder=machine.folder, then=then))
    done = machine.run()
    assert done.returncode == 1
    assert done.stderr.endswith(f"{chromium.ADVICE}\n")
    assert ("apt-get could not install it" in done.stderr) == (then == "exit 100")


def test_the_one_that_is_named(machine: Machine) -> None:
    machine.has("my-chrome")
    assert machine.run(PRATIQUE_CHROMIUM=str(machine.folder / "my-chrome")).returncode == 0
    done = machine.run(PRATIQUE_CHROMIUM="/nowhere/chrome")
    assert (done.returncode, done.stderr, machine.calls) == (1, f"{chromium.ADVICE}\n", [])
