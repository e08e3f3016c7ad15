"""Which fields of a patch do not fit, by the type that the API server names."""

from typing import Any

import pytest

from pratique.core.kernel.misfits import name_fields
from pratique.core.kernel.quoting import Piece

PATCH = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db", "namespace": "a", "annotations": {"days": 30}},
    "spec": {"list": [{"text": "x"}], "on": True},
}


@pytest.mark.parametrize(
    ("frame", "patch", "shown"),
    [
        ("cannot convert int64 to string", PATCH, "metadata.annotations.days: cannot convert int64 to string"),
        ("cannot convert bool to string", PATCH, "spec.on: cannot convert bool to string"),
        ("unrecognized type: int32", PATCH, "spec.list[0].text: unrecognized type: int32"),
        ("cannot convert float64 to string", PATCH, "cannot convert float64 to string"),
        (
            "cannot convert uint to string",
            PATCH,
            "one of metadata.annotations.days, spec.list[0].text, spec.on: cannot convert uint to string",
        ),
        (
            "cannot convert int64 to string",
            {"a": 1, "b": 2, "c": 3, "d": 4},
            "one of a, b, c …: cannot convert int64 to string",
        ),
        ("spec.x: Required value", PATCH, "spec.x: Required value"),
    ],
)
def test_the_field_is_named(frame: str, patch: dict[str, Any], shown: str) -> None:
    assert [str(each) for each in name_fields((Piece(frame),), patch)] == [shown]
