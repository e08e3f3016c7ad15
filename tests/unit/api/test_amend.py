"""Changes of an object are checked by mypy: names and types of fields; and nothing changes an object otherwise."""

import textwrap
from pathlib import Path

import pytest
from mypy import api

from pratique.api.v1alpha1.meta import ObjectMeta, amend

ROOT = Path(__file__).parents[3]
START = """
from pratique.api.v1alpha1.action_run import ActionRunStatus, Phase
from pratique.api.v1alpha1.environment import EnvironmentStatus
from pratique.api.v1alpha1.meta import ObjectMeta, amend
"""
CASES = {
    "status: ActionRunStatus = amend(ActionRunStatus(), phase=Phase.RUNNING)": "",
    "amend(ActionRunStatus(), phas=Phase.RUNNING)": 'Unexpected keyword argument "phas" for "amend"',
    "amend(ActionRunStatus(), phase='Bananas')": '"phase" to "amend" has incompatible type "str"; expected "Phase"',
    "other: EnvironmentStatus = amend(ActionRunStatus(), message='')": "Incompatible types in assignment",
    "amend(ObjectMeta(name='a'), labels={'a': 1})": 'incompatible type "str": "int"',
    "amend({}, name='a')": "amend: the type of the model is not known here",
}


def test_only_named_fields_change() -> None:
    before = ObjectMeta(name="a", uid="u")
    after = amend(before, name="b")
    assert (after.name, after.uid, before.name) == ("b", "u", "a")


def test_mypy_knows_the_fields_of_each_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [*START.strip().splitlines(), *CASES]
    snippet = tmp_path / "snippet.py"
    snippet.write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(ROOT)
    out, err, _ = api.run(["--cache-dir", str(ROOT / ".mypy_cache"), "--no-error-summary", str(snippet)])
    assert not err, err
    first = len(START.strip().splitlines()) + 1
    for number, (line, expected) in enumerate(CASES.items(), start=first):
        said = " ".join(each for each in out.splitlines() if f"snippet.py:{number}:" in each)
        assert expected in said, f"{line}: {said or out}"
        assert said or not expected
        assert expected or not said, said


def test_nothing_else_changes_a_model() -> None:
    """But the recorder, which knows an object only by what it has: an outbox, and perhaps a timeline."""
    users = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "operator").rglob("*.py")
        if "model_copy" in path.read_text() and path.name not in ("meta.py", "recorder.py")
    ]
    assert users == [], textwrap.dedent("use `amend` of api/v1alpha1/meta.py: mypy checks it")
