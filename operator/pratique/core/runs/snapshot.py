"""What a look at an ActionRun knows."""

from collections.abc import Collection
from dataclasses import dataclass, field

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.api.v1alpha1.approval import Approval
from pratique.core.kernel.effects import Deliveries, Outcomes
from pratique.core.plans.document import Document, document_of
from pratique.core.runs.open_runs import OpenRuns
from pratique.core.telling.recipients import Routing


@dataclass(frozen=True)
class RunSnapshot:
    """A run, its Action (None if there is none), its Approval (None if there is none yet), and what was done so far.

    `proven` is the digest of the plan that this very process has proven to be approved, `ended` the end that it has seen;
    None if it has not. `others` is what else is open for its person; None once it was let in.
    """

    run: ActionRun
    action: Action | None = None
    approval: Approval | None = None
    outcomes: Outcomes = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=dict)
    proven: str | None = None
    ended: Phase | None = None
    others: OpenRuns | None = None
    routing: Routing = field(default_factory=Routing)
    actions: Collection[str] = ()
    """The names of the Actions that there are, when its own is not among them."""
    vouched: bool = False
    """Whether this very version of its Approval is the one by which this process ended it, under guard."""

    @property
    def document(self) -> Document | None:
        """What runs, or is asked for: the text that was approved."""
        return document_of(self.run.status, self.approval)
