"""The port between a run and its gates: what a run asks, and what it may be answered. Pure.

A run asks one question at each look: may I go on? `grounds.ask` puts it to every ground for starting that there is, and
`runs.plan` follows the answer. How many gates a run has, what they are called and what makes a decision good, is known in
this package alone; what runs afterwards, and how it is told, is not known here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, Phase, RunApproval, RunPlan
from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.counter_offer import Offered
from pratique.api.v1alpha1.delegation import Delegation
from pratique.api.v1alpha1.notifications import EventType
from pratique.core.kernel.effects import AnyEffect, Outcomes, Plan
from pratique.core.plans.document import Document

Status = TypeVar("Status")


@dataclass(frozen=True)
class Fresh:
    """That a plan was made just now, from the request and the Action as they are: the how many-th time, and why again."""

    plan: RunPlan
    round: int = 1
    why: str = ""
    offered: Offered | None = None
    """What an approver offered instead: the plan is made of that."""
    is_news: bool = False
    """Whether it was offered just now."""


@dataclass(frozen=True)
class Question:
    """Whether a run may start or go on, with all that is known of its gates.

    `approvals` are those that it follows, in the order in which they were opened; `document` is what it would do, as they
    or its status hold it. With a `fresh` plan nobody was asked about it yet. `reviews` are those of its break-glasses.
    """

    run: ActionRun
    action: Action | None = None
    approvals: tuple[Approval, ...] = ()
    document: Document | None = None
    outcomes: Outcomes = field(default_factory=dict)
    vouched: bool = False
    fresh: Fresh | None = None
    reviews: tuple[Approval, ...] = ()
    away: tuple[Delegation, ...] = ()
    """Who is away, and who decides for them, in a gate that is opened now."""


@dataclass(frozen=True)
class Warrant:
    """On what ground a run may start: why, as people read it, when they granted it, and what they are told of.

    Where nobody had to grant it, no Approval holds the plan either: then the run keeps it itself.
    """

    plan: RunPlan
    why: str
    granted_at: datetime | None = None
    told: tuple[EventType, ...] = ()
    broken: bool = False
    """Whether somebody broke the glass: no freeze holds it."""


@dataclass(frozen=True)
class Unsure:
    """It is not known yet: effects must come first, or it is asked again; `why` if people have to read of it."""

    effects: tuple[AnyEffect, ...] = ()
    retry: bool = False
    why: str = ""

    def as_plan(self, status: Status) -> Plan[Status]:
        """Return the plan that changes nothing until it is known."""
        return Plan(status, effects=self.effects, retry=self.retry)


@dataclass(frozen=True)
class Opened:
    """A gate was opened just now, and its approvers have to hear of it. `again` says why, if it is asked again.

    With the first gate of a run comes the plan that it holds; those after it hold the same. Version 0.1.0 opened gates that
    do not hold the plan: of such a one the run keeps all of it.
    """

    gate: RunApproval
    plan: RunPlan | None
    message: str
    again: str = ""
    holds_plan: bool = True
    offered: bool = False
    """Whether it is asked again since somebody offered something else."""


@dataclass(frozen=True)
class Open:
    """People have not decided. `message` says how far they are; it is empty if nobody has said a word."""

    message: str = ""


@dataclass(frozen=True)
class Passed:
    """People have granted one stage, and another one comes, or one broke its glass: how it ended, as people read it."""

    gate: RunApproval
    why: str
    broke: bool = False


@dataclass(frozen=True)
class Void:
    """What people decided does not count, and the run asks again: the how many-th time, why, and for what."""

    round: int
    why: str
    offered: Offered | None = None
    fresh: bool = False
    """Whether it was offered just now: people are told of it as that."""


@dataclass(frozen=True)
class Granted:
    """The run may start, or go on."""

    warrant: Warrant
    gate: RunApproval | None = None


@dataclass(frozen=True)
class Ended:
    """The run ends, and how. What concerns nobody but who looks for it, is told `only_here`."""

    phase: Phase
    why: str
    gate: RunApproval | None = None
    only_here: bool = False


Answer = Unsure | Opened | Open | Passed | Void | Granted | Ended


def _say_nothing(*_: object) -> None:
    """Say nothing: this ground has no part in it."""


@dataclass(frozen=True)
class Ground:
    """A ground on which a run may start. Where it is not the one, it says nothing, and the next is asked.

    `enter` answers for a fresh plan, `follow` while the run waits, and `prove` for one that is under way, of which nothing
    that its status says is believed.
    """

    enter: Callable[[Question, Fresh, datetime], Answer | None] = _say_nothing
    follow: Callable[[Question, datetime], Answer | None] = _say_nothing
    prove: Callable[[Question, datetime], Answer | None] = _say_nothing


def not_proven(problem: str) -> Ended:
    """Return that a run under way ends, since it cannot be shown that it was ever allowed."""
    return Ended(Phase.FAILED, f"It cannot be proven any more that this may run: {problem}; what was made stays")
