"""What a look found to have happened, in words that are not yet anybody's: who is told of it, and where, comes later.

Planners return it in `Plan.happened`, and know neither outbox nor timeline: `telling.recorder` makes both of it. What comes
to keep or to count what happens (an audit trail, a metric) reads the same.
"""

from dataclasses import dataclass

from pratique.api.v1alpha1.notifications import EventType


@dataclass(frozen=True)
class Happened:
    """One thing that happened to the object that is looked at, at the moment of the look."""

    sentence: str
    events: tuple[EventType, ...] = ()
    """As what people are told of it: the requester that it was approved, who was asked that it is handled."""
    word: str = ""
    """What it is called in the object's timeline; nothing for what is no line of it."""
    key: str = ""
    """Tells apart what may happen more than once to one object, such as several warnings before its end."""
    only_here: bool = False
    """Whether it is said on the object itself and through no channel."""
    stage: str = ""
    """The stage that it is about, of a run with several."""
