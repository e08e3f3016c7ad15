"""What a live object says about itself, read without trust: it may hold anything, and nothing here raises. Pure.

Read by `readiness` for the kinds that Kubernetes brings, and by `custom_kinds` for all others.
"""

from dataclasses import dataclass
from enum import StrEnum

from pratique.core.kernel.effects import Json
from pratique.core.kernel.text import clean

MAX_WORDS = 512
"""Characters of what a controller says, as far as it is quoted."""


class State(StrEnum):
    """What an object is seen to be."""

    READY = "Ready"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"


@dataclass(frozen=True)
class Readiness:
    """The verdict, with words that continue the object's name: `Deployment web: 1 of 3 replicas are ready`.

    `remedy` is said beside them when the time is up.
    """

    state: State
    message: str
    remedy: str = ""


def done(message: str) -> Readiness:
    """Return that it is ready."""
    return Readiness(State.READY, message)


def waits(message: str, remedy: str = "") -> Readiness:
    """Return that it is on its way."""
    return Readiness(State.IN_PROGRESS, message, remedy)


def failed(message: str) -> Readiness:
    """Return that it has failed, and no waiting helps."""
    return Readiness(State.FAILED, message)


def said(source: Json, otherwise: str) -> str:
    """Return the message that the object's own controller gave, made fit to be shown, or our words."""
    return clean(str(source.get("message") or ""), MAX_WORDS) or otherwise


def explain(condition: Json, otherwise: str) -> str:
    """Return a condition's message; its reason beside our words where it has none."""
    reason = clean(str(condition.get("reason") or ""), 80)
    return said(condition, f"{otherwise} ({reason})" if reason else otherwise)


def mapping(value: object) -> Json:
    """Return a value if it is a map."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Json]:
    """Return the maps of a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def status_of(target: Json) -> Json:
    """Return the status."""
    return mapping(target.get("status"))


def number(source: Json, field: str, default: int = 0) -> int:
    """Return a whole number."""
    value = source.get(field)
    return value if isinstance(value, int) else default


def conditions_of(target: Json) -> dict[str, Json]:
    """Return the conditions by their type."""
    return {str(each.get("type")): each for each in items(status_of(target).get("conditions"))}


def holds(conditions: dict[str, Json], kind: str) -> bool:
    """Whether a condition is there, and true."""
    return conditions.get(kind, {}).get("status") == "True"


def denies(conditions: dict[str, Json], kind: str) -> bool:
    """Whether a condition is there, and false."""
    return conditions.get(kind, {}).get("status") == "False"


def group_of(target: Json) -> str:
    """Return the API group, which is empty for the core group."""
    return str(target.get("apiVersion", "")).rpartition("/")[0]


def is_behind(target: Json, source: Json) -> bool:
    """Whether `source`, a status or one of its conditions, is about an older generation than the object has.

    Argo Rollouts write the number as text; text that is no number (its older versions wrote a hash) says nothing.
    """
    observed, generation = source.get("observedGeneration"), mapping(target.get("metadata")).get("generation")
    if isinstance(observed, str) and observed.strip().isdecimal():
        observed = int(observed)
    if isinstance(observed, bool) or not isinstance(observed, int | float):
        return False
    if observed == 0 and "type" in source:
        return False  # a condition's zero means that its controller does not say
    return observed != generation
