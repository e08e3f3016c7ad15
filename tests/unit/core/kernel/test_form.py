"""What leaves the sandbox of a form."""

from dataclasses import asdict

import pytest

from pratique.core.kernel.form import FormField, Option, field_from


@pytest.mark.parametrize("options", [None, (), (Option("a", "A"), Option(1, "1"))])
def test_a_field_is_the_same_behind_the_sandbox(options: tuple[Option, ...] | None) -> None:
    field = FormField("size", "Size", required=True, value="a", options=options)
    assert field_from(asdict(field)) == field
