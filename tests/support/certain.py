"""What a test knows to be there: it fails where it is not, and the type checker believes it where it is."""

from typing import TypeVar

Value = TypeVar("Value")


def certain(value: Value | None) -> Value:
    """Return the value, which must be there."""
    assert value is not None
    return value
