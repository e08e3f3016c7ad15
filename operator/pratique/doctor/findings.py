"""What the doctor found: how bad it is, about what, in a sentence, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    """As it should be."""
    WARNING = "warning"
    """It works, and something is not as people will expect."""
    PROBLEM = "problem"
    """Something does not work."""
    UNKNOWN = "unknown"
    """It could not be looked at."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    about: str
    text: str
    remedy: str = ""
    """What to do; only what is ok has none."""
