"""What a look at an ActionRun knows."""

from dataclasses import dataclass, field

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.api.v1alpha1.approval import Approval
from pratique.core.effects import Deliveries, Outcomes


@dataclass(frozen=True)
class RunSnapshot:
    """A run, its Action (None if there is none), its Approval (None if there is none yet), and what was done so far."""

    run: ActionRun
    action: Action | None = None
    approval: Approval | None = None
    outcomes: Outcomes = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=dict)
