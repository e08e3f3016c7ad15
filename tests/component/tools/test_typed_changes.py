"""Changes of an object are checked by mypy, by a plugin of ours: names and types of fields (tools/typed_changes.py)."""

from pathlib import Path

import pytest
from mypy import api

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
