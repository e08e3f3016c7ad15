"""Golden files: what people and receivers get, kept as files that a review reads. `GOLDEN=1` rewrites them."""

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "golden"


def assert_golden(name: str, value: Any) -> None:
    """Compare a JSON value with `tests/golden/NAME`."""
    assert_golden_text(name, json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n")


def assert_golden_text(name: str, text: str) -> None:
    """Compare a text with `tests/golden/NAME`."""
    path = FOLDER / name
    if os.environ.get("GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing: run the test with GOLDEN=1 and read what it wrote"
    assert text == path.read_text(encoding="utf-8"), f"{path} differs: GOLDEN=1 rewrites it, git diff shows the change"
