"""`pratique version`, run as people run it."""

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pratique import __version__
from pratique.cli import version

ROOT = Path(__file__).parents[3]


def test_it_says_what_this_is_and_what_it_leans_on() -> None:
    command = [sys.executable, "-m", "pratique.main", "version"]
    done = subprocess.run(command, cwd=ROOT / "operator", capture_output=True, text=True, check=True)
    said = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert said["pratique"] == __version__ and said["python"] == platform.python_version()
    assert list(said) == ["pratique", "commit", "python", *version.LEANS_ON]
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE))
    assert {name: said[name] for name in version.LEANS_ON} == {name: pinned[name] for name in version.LEANS_ON}


def test_the_commit_is_that_of_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "COMMIT", tmp_path / "commit.txt")
    assert version.commit() == "unknown (not from an image)"
    (tmp_path / "commit.txt").write_text("0123abc\n")
    assert version.commit() == "0123abc"
    assert version.installed("no-such-package") == "not installed"
