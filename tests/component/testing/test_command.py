"""`pratique test`, run as people run it, with the sandbox's real worker: the examples, and what goes wrong."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pratique.main import main

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(str(each.parent) for each in (ROOT / "examples").glob("*/action.yaml"))
ACTIONS = sum(Path(each, "action.yaml").read_text().count("\nkind: Action\n") for each in EXAMPLES)
ENVIRONMENT = (ROOT / "examples/environment/action.yaml").read_text()
CASE = """\
apiVersion: pratique.dev/v1alpha1
kind: ActionTest
action: create-environment
cases:
- name: free
  inputs: {name: mine, ttl: 10d}
  reason: a test
  expect: {outcome: Free}
"""


def test_every_example_has_cases_that_pass_and_try_all_of_its_expressions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", *EXAMPLES, "--coverage-min", "100"]) == 0, capsys.readouterr().out
    said = capsys.readouterr()
    assert said.out.endswith(f" cases of {ACTIONS} Actions passed\n") and said.out.count("\n") == 1
    assert said.err == ""


def test_a_case_that_fails_and_an_action_that_is_not_sound_are_said_here_and_to_the_ci(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = ENVIRONMENT.replace("    deadline: 24h", "    deadline: 24h\n      mode: All").replace(
        "size == 'large' ? '8'", "siz == 'large' ? '8'"
    )
    (tmp_path / "action.yaml").write_text(broken)
    (tmp_path / "cases.yaml").write_text(CASE)
    assert main(["test", str(tmp_path), "--junit", str(tmp_path / "junit.xml"), "--coverage"]) == 1
    out = capsys.readouterr().out.replace(f"{tmp_path}/", "")
    for sentence in (
        "FAIL action.yaml:5: create-environment: the Action is sound",
        "    spec.approval.stages[0].mode: mode: All needs users by name",
        "    spec.execution.resources[0].template.spec.target.quota.requests.cpu: there is no input named siz; did you",
        "FAIL cases.yaml:5: create-environment: free",
        "    cannot be judged, so that the operator would hold it: Action create-environment, spec.execution.resources[0]",
        "2 failed: 1 case of 1 Action",
        "<-- never true, never false: inputs.size == 'small' || inputs.ttl != '10d'",
        "Coverage of expressions: 0 %",
    ):
        assert sentence in out, out
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert [bool(list(each)) for each in suite] == [True, True]


def test_a_wrong_expectation_names_both_and_too_little_tried_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "action.yaml").write_text(ENVIRONMENT)
    (tmp_path / "cases.yaml").write_text(CASE)
    assert main(["test", str(tmp_path), "--coverage-min", "43"]) == 1
    assert capsys.readouterr().out.replace(f"{tmp_path}/", "") == (
        "FAIL cases.yaml:5: create-environment: free\n"
        "    outcome: is Held for platform (1 of group platform-leads); expected Free\n"
        "1 failed: 1 case of 1 Action\n"
        "42 % of the expressions were tried, 43 % have to be (--coverage-min)\n"
    )
    (tmp_path / "cases.yaml").write_text(CASE.replace("outcome: Free", "outcome: Held"))
    assert main(["test", str(tmp_path), "--coverage-min", "42"]) == 0


def test_files_that_cannot_be_used_end_it_before_anything_is_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cases.yaml").write_text(CASE)
    (tmp_path / "other.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
    for paths, sentence in (
        (
            [str(tmp_path / "cases.yaml")],
            f"{tmp_path}/cases.yaml:3: there is no Action named create-environment in what",
        ),
        (
            [str(tmp_path / "other.yaml")],
            "there is no Action in what was read: name the files or folders that hold them",
        ),
        ([str(tmp_path / "none")], f"{tmp_path}/none: there is no such file or folder"),
        (
            [EXAMPLES[0], "--junit", str(tmp_path / "no" / "where.xml")],
            f"--junit {tmp_path}/no/where.xml cannot be writt",
        ),
    ):
        assert main(["test", *paths]) == 2
        said = capsys.readouterr()
        assert said.err.startswith(f"pratique: {sentence}") and said.out == ""
    with pytest.raises(SystemExit):
        main(["test", EXAMPLES[0], "--coverage-min", "all"])
    assert "'all' is no percentage: write a whole number from 0 to 100" in capsys.readouterr().err


def test_it_loads_neither_what_talks_to_a_cluster_nor_the_evaluator() -> None:
    text = "import sys, pratique.main, pratique.testing.command; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT / "operator", capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"kopf", "cel_expr_python", "jsonschema", "pratique.core.judging.policy", "pratique.handlers"}


def test_the_cases_of_the_guide_pass_against_its_last_action(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs/guides/writing-actions.md").read_text()
    for name, text in re.findall(r"```yaml\n# (action\.yaml|tests/cases\.yaml)\n(.*?)```", page, re.DOTALL):
        (tmp_path / Path(name).parent).mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert main(["test", str(tmp_path), "--coverage-min", "100"]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out == "3 cases of 1 Action passed\n"
