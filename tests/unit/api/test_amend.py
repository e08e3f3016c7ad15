"""Only named fields of an object change; nothing else changes one (mypy: tests/component/tools/test_typed_changes.py)."""

import textwrap
from pathlib import Path

from pratique.api.v1alpha1.meta import ObjectMeta, amend

ROOT = Path(__file__).parents[3]


def test_only_named_fields_change() -> None:
    before = ObjectMeta(name="a", uid="u")
    after = amend(before, name="b")
    assert (after.name, after.uid, before.name) == ("b", "u", "a")


def test_nothing_else_changes_a_model() -> None:
    """But the recorder, which knows an object only by what it has: an outbox, and perhaps a timeline."""
    users = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "operator").rglob("*.py")
        if "model_copy" in path.read_text() and path.name not in ("meta.py", "recorder.py")
    ]
    assert users == [], textwrap.dedent("use `amend` of api/v1alpha1/meta.py: mypy checks it")
