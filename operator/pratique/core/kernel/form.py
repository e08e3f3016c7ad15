"""What a form is for one request, field by field: what a judgement says beside its verdict. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Option:
    """One value that a field may have, and what people read for it."""

    value: Any
    label: str


@dataclass(frozen=True)
class FormField:
    """One field of a form, as it is for this request: `value` is what was given, or else its default."""

    name: str
    title: str
    required: bool = False
    visible: bool = True
    disabled: bool = False
    value: Any = None
    options: tuple[Option, ...] | None = None
    """What there is to choose from, in order; None where it is filled in freely."""
    help: str = ""
    """What people read beside it, one line."""


def field_from(found: Mapping[str, Any]) -> FormField:
    """Return a field as the sandbox wrote it."""
    options = found["options"]
    chosen = None if options is None else tuple(Option(**each) for each in options)
    return FormField(**{**found, "options": chosen})
