"""The steps that one entry with `forEach` becomes: what they are called, and how outputs read them. Pure."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

Value = TypeVar("Value")


def name_step(entry: str, position: int) -> str:
    """Return the id of one of the steps of an entry: `db[0]`."""
    return f"{entry}[{position}]"


def entry_of(step: str) -> str:
    """Return the id of the entry of an Action that a step comes from."""
    return step.partition("[")[0]


def is_unfolded(step: str) -> bool:
    """Whether a step is one of those of an entry with `forEach`."""
    return entry_of(step) != step


def gather(steps: Mapping[str, Value], lists: Iterable[str]) -> dict[str, Value | list[Value]]:
    """Return the steps by the ids of their entries; those of an entry with `forEach` as a list, in its order."""
    found: dict[str, Value | list[Value]] = {name: [] for name in lists}
    for name, value in steps.items():
        entry = entry_of(name)
        if entry in found and isinstance(into := found[entry], list) and entry != name:
            into.append(value)
        else:
            found[name] = value
    return found
