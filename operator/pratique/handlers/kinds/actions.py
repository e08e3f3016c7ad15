"""Actions: checked once a generation against the cluster and the channels that there are."""

from datetime import datetime

from pratique.api.v1alpha1 import Action
from pratique.core.actions.plan import ActionSnapshot, plan_action
from pratique.core.kernel.effects import Deliveries, Json, Outcomes
from pratique.core.telling.reach import reach_of
from pratique.handlers.kinds.base import Key, Kind, Look


class Actions(Kind):
    """Action: checked once per generation."""

    plural = "actions"

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Check it against the channels that exist."""
        action = self.parsed(Action, body)
        channels = self.routing.channels
        reaching = [name for name, spec in channels.items() if reach_of(spec) is not None]
        return action, plan_action(ActionSnapshot(action, list(channels), reaching, outcomes), now)

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """Runs that nobody could judge yet look again."""
        runs = self.stores["actionruns"].by("action", body["metadata"]["name"])
        return [("actionruns", *name) for name in runs]
