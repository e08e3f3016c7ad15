"""What is generated and what is golden cannot differ from what the code writes, nor be left out of a commit, unnoticed."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tools import fresh

MADE, GOLDEN, RELEASED = "made/a.yaml", "tests/golden/inbox/a.txt", "tests/golden/crds/v1/a.yaml"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which all is as it should be."""
    monkeypatch.setattr(fresh, "ROOT", tmp_path)
    monkeypatch.setattr(fresh, "GENERATED", ("made",))
    monkeypatch.setattr(fresh, "golden_tests", lambda: ["test"])
    for name in (MADE, GOLDEN, RELEASED):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text("as it is")
        os.utime(path, (1, 1))
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def made_by(monkeypatch: pytest.MonkeyPatch, tree: Path, **written: str) -> None:
    """Have the code write these files."""
    real: Callable[..., str] = fresh.run

    def run(*command: str, **variables: str) -> str:
        if command[0] == "git":
            return real(*command, **variables)
        golden = variables == {"GOLDEN": "1"}
        for name, text in {MADE: "as it is", GOLDEN: "as it is", **written}.items():
            if name.startswith("tests/golden") == golden:
                (tree / name).write_text(text)
        return ""

    monkeypatch.setattr(fresh, "run", run)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({}, ""),
        ({MADE: "new"}, f"{MADE} was not what the code writes"),
        ({GOLDEN: "new"}, f"{GOLDEN} was not what the code writes"),
        ({"made/b.yaml": "new"}, "made/b.yaml is not known to git"),
    ],
)
def test_what_is_not_fresh_is_said(
    tree: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    written: dict[str, str],
    said: str,
) -> None:
    made_by(monkeypatch, tree, **written)
    assert fresh.main() == (1 if said else 0)
    told = capsys.readouterr().err
    assert said in told and bool(told) == bool(said)


def test_a_golden_file_that_no_test_writes_is_said(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = tree / "tests/golden/inbox/left.txt"
    left.write_text("of a test that is gone")
    os.utime(left, (1, 1))
    subprocess.run(["git", "add", "-A"], cwd=tree, check=True)
    made_by(monkeypatch, tree)
    assert fresh.main() == 1
    assert capsys.readouterr().err == "tests/golden/inbox/left.txt is written by no test any more: delete it\n"


def test_every_test_with_a_golden_file_is_found(tmp_path: Path) -> None:
    found = fresh.golden_tests()
    assert len(found) >= 12
    assert any(each.endswith("test_inbox.py::test_its_json_form") for each in found)
    assert any("::TestGolden::test_slack" in each for each in found)
    with pytest.raises(SystemExit, match="no test in"):
        fresh.golden_tests(tmp_path)


def test_a_command_that_fails_is_shown_with_what_it_said() -> None:
    with pytest.raises(SystemExit, match="failed:\nwhy"):
        fresh.run("sh", "-c", "echo why; exit 3")
