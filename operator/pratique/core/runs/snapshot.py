"""What a look at an ActionRun knows."""

from collections.abc import Collection
from dataclasses import dataclass, field

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.delegation import Delegation
from pratique.core.gates.port import Fresh, Question
from pratique.core.kernel.effects import Deliveries, Outcomes
from pratique.core.plans.document import Document, document_of
from pratique.core.runs.open_runs import OpenRuns
from pratique.core.telling.recipients import Routing


@dataclass(frozen=True)
class RunSnapshot:
    """A run, its Action (None if there is none), the Approvals that it follows, and what was done so far.

    `proven` is the digest of the plan that this very process has proven to be approved, `ended` the end that it has seen;
    None if it has not. `others` is what else is open for its person; None once it was let in.
    """

    run: ActionRun
    action: Action | None = None
    approvals: tuple[Approval, ...] = ()
    outcomes: Outcomes = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=dict)
    proven: str | None = None
    ended: Phase | None = None
    others: OpenRuns | None = None
    routing: Routing = field(default_factory=Routing)
    actions: Collection[str] = ()
    """The names of the Actions that there are, when its own is not among them."""
    vouched: bool = False
    """Whether these very versions of its Approvals are the ones by which this process ended them, under guard."""
    reviews: tuple[Approval, ...] = ()
    """The reviews of its break-glasses, as far as they are known."""
    away: tuple[Delegation, ...] = ()
    """Who is away, when a gate may be opened."""

    @property
    def document(self) -> Document | None:
        """What runs, or is asked for: the text that was approved."""
        return document_of(self.run.status, self.approval)

    @property
    def approval(self) -> Approval | None:
        """The Approval that was opened last: on it people decide now, or have decided."""
        return self.approvals[-1] if self.approvals else None

    def question(self, document: Document | None, fresh: Fresh | None = None) -> Question:
        """Return what is asked of its gates: whether it may start, or go on."""
        outcomes, vouched = self.outcomes, self.vouched
        reviews, away = self.reviews, self.away
        return Question(self.run, self.action, self.approvals, document, outcomes, vouched, fresh, reviews, away)
