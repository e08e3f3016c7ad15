"""Delegations: looked at by themselves; runs ask for them when they open a gate."""

from collections.abc import Iterator
from datetime import datetime

from pydantic import ValidationError

from pratique.api.v1alpha1 import Delegation
from pratique.cluster.store import Store
from pratique.core.gates.delegated import DelegationSnapshot, plan_delegation
from pratique.core.kernel.effects import Deliveries, Json, Outcomes
from pratique.handlers.kinds.base import Kind, Look


class Delegations(Kind):
    """Delegation: who decides for somebody who is away."""

    plural = "delegations"

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Say whether it holds."""
        delegation = self.parsed(Delegation, body)
        return delegation, plan_delegation(DelegationSnapshot(delegation, outcomes), now)


def delegations_in(store: Store) -> Iterator[Delegation]:
    """Return all that there are; one that a later version wrote is nobody's word here, and holds nothing up."""
    for name in store.names():
        body = store.get(name)
        try:
            if body is not None:
                yield Delegation.model_validate(body)
        except ValidationError:
            continue
