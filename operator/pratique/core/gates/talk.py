"""Says what people have asked and answered in a gate: the thread by time, and what of it others are still to hear. Pure.

A message decides nothing. That it was told is kept in the status, by how many of each person: their words only ever grow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pratique.api.v1alpha1.approval import Approval, ApprovalSpec
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.kernel.happened import Happened
from pratique.core.kernel.identity import askers, is_among
from pratique.core.kernel.text import clean


@dataclass(frozen=True)
class Word:
    """What somebody said, and when; whether who asks for something answers, or somebody asks them."""

    at: datetime
    by: str
    number: int
    text: str
    answers: bool

    @property
    def sentence(self) -> str:
        """Return it as people read it."""
        return f"{clean(self.by, 253)} {'answers' if self.answers else 'asks'}: {clean(self.text, 512)}"


def thread(spec: ApprovalSpec) -> list[Word]:
    """Return what was said in a gate, oldest first; what has no stamp was never said."""
    return sorted(_words(spec), key=lambda each: (each.at, each.by, each.number))


def _words(spec: ApprovalSpec) -> Iterator[Word]:
    for name, said in (spec.messages or {}).items():
        answers = is_among(name, askers(spec))
        for number, each in enumerate(said.all, 1):
            if each.at is not None:
                yield Word(each.at, name, number, each.text, answers)


def heard(spec: ApprovalSpec) -> dict[str, int] | None:
    """Return how many messages of each person there are; None where nobody said anything."""
    return {name: len(said.all) for name, said in (spec.messages or {}).items()} or None


def tell_news(approval: Approval) -> tuple[Happened, ...]:
    """Return what the other side is told of what was said since the last look: each message once."""
    known, spec = approval.status.heard or {}, approval.spec
    fresh = [each for each in thread(spec) if each.number > known.get(each.by, 0)]
    return tuple(
        Happened(
            each.sentence,
            (EventType.ANSWERED if each.answers else EventType.ASKED,),
            key=f"{format_time(each.at)}/{each.by}/{each.number}",
            stage=spec.stage,
        )
        for each in fresh
    )
