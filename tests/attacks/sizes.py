"""Attacks by size: inputs that leave no room for the plan and the status."""

from typing import Any

from tests.attacks.denials import REQUESTER
from tests.attacks.model import Attack, Denial, Twin, create
from tests.attacks.world import voyage

LARGE = Denial(
    REQUESTER,
    "spec.inputs is longer than 65536 characters: an object has to hold it, its plan and its records",
)


def inputs(what: str, value: Any) -> Attack:
    request = create(voyage(spec__inputs=value))
    small = Twin("developer", "fills it in with less", create(voyage(spec__inputs={"note": "x" * 60_000})))
    return Attack(
        f"large-inputs-{what}", 17, "developer", f"a developer asks with inputs of {what}", request, LARGE, small
    )


ATTACKS = [
    inputs("one-text", {"note": "x" * 70_000}),
    inputs("many-texts", {f"n{each}": "x" * 1000 for each in range(80)}),
    inputs("deep-texts", {"a": [{"b": {"c": ["x" * 30_000] * 3}}]}),
]
