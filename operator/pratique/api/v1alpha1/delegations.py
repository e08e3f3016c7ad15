"""Who may decide for somebody: the stand-ins that approvers name in a gate, each under their own user name."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pratique.api.v1alpha1.decisions import StampedGroups
from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import Time, Username

MAX_STAND_INS = 32
"""Of one gate."""
LONGEST_DAYS = 60
"""How long somebody may stand in at most: what A may do is that of the day on which she named them."""


class DelegationRule(StrEnum):
    """Whether approvers may name stand-ins."""

    ALLOW = "Allow"
    FORBID = "Forbid"


class StandIn(ApiModel):
    """Whom one approver lets decide for them, and until when. You write to, until, notBefore; the API server the rest."""

    to: Annotated[Username, Field(description="User name of the stand-in, as the API server knows them.")]
    until: Annotated[Time, Field(description=f"Until when they may decide, {LONGEST_DAYS} days at most.")]
    not_before: Annotated[Time | None, Field(description="From when on; at once without it.")] = None
    at: Annotated[Time | None, Field(description="Set by the API server: leave it out.")] = None
    groups: StampedGroups = None
    source: Annotated[
        str | None,
        Field(
            min_length=12,
            max_length=264,
            description="Delegation/NAME: the operator copied it from there when the gate opened. Yours to remove or to"
            " replace, without source; not to edit.",
        ),
    ] = None

    def is_open(self, when: datetime) -> bool:
        """Whether they may decide at this moment."""
        return (self.not_before is None or self.not_before <= when) and when < self.until


DELEGATION_RULES: tuple[Rule, ...] = (
    Rule(
        rule="!has(self.delegations) || self.delegations.all(k, size(k) <= 253)",
        message="a user name in delegations may have 253 characters at most",
        field_path=".delegations",
    ),
    Rule(
        rule="!has(self.delegations) || self.delegations.all(k, !has(self.delegations[k].notBefore) ||"
        " self.delegations[k].notBefore < self.delegations[k].until)",
        message="a stand-in may decide until a moment after notBefore: make until later, or leave notBefore out",
        field_path=".delegations",
    ),
)
"""The rules of `spec.delegations` that need neither the caller nor the time: on the spec of an Approval."""
