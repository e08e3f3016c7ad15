"""What people decide about a gate: their verdicts by user name, with what they said before, and the rules of that map."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pratique.api.v1alpha1.break_glass import DECISION_GLASS
from pratique.api.v1alpha1.counter_offer import DECISION_OFFER, MAX_OFFERED
from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import GroupName, JsonObject, Time, Username

MAX_CHANGES = 3
"""How often one person may change their mind about one gate."""
MAX_STAMPED = 192
"""Groups of one person that a gate can list: of its approvers, of its steps, and of who may break the glass."""
StampedGroups = Annotated[
    list[GroupName] | None,
    Field(
        max_length=MAX_STAMPED,
        description="Your groups that the policy lists. Set by the API server: leave it out.",
    ),
]
"""What the API server writes beside whatever people say in a gate."""


class Verdict(StrEnum):
    """What one approver says. Undecided counts for nothing: they have taken back what they said, or are looking.

    Who breaks the glass opens the gate at once; it is reviewed afterwards. Who offers something else ends the
    gate: what they offer is asked for in the next.
    """

    APPROVE = "Approve"
    DECLINE = "Decline"
    UNDECIDED = "Undecided"
    BREAK_GLASS = "BreakGlass"
    OFFER = "Offer"


class EarlierDecision(ApiModel):
    """What one person said before they changed their mind, as it was stamped then."""

    verdict: Annotated[Verdict, Field(description="What they said.")]
    comment: Annotated[str, Field(max_length=1024, description="Their comment.")] = ""
    decided_at: Annotated[Time | None, Field(description="When, by the API server's clock.")] = None
    groups: Annotated[
        list[GroupName] | None, Field(max_length=MAX_STAMPED, description="Their groups at that time.")
    ] = None


class Decision(ApiModel):
    """What one person decided. You write verdict and comment; the API server adds the rest."""

    verdict: Annotated[
        Verdict,
        Field(
            description="Approve, Decline, or Undecided: taken back, or not sure yet; it counts for nothing. BreakGlass"
            " opens the gate at once, if spec.policy.breakGlass names you. Offer has a proposal."
        ),
    ]
    comment: Annotated[str, Field(max_length=1024, description="What the requester reads.")] = ""
    proposal: Annotated[
        JsonObject | None,
        Field(
            max_length=MAX_OFFERED,
            description="With the verdict Offer: the inputs that you offer instead, as spec.policy.counterOffer allows.",
        ),
    ] = None
    for_: Annotated[
        Username | None,
        Field(
            alias="for",
            description="For whom you decide, as their stand-in: one of those in spec.delegations who name you; it stays."
            " Without it you decide for yourself.",
        ),
    ] = None
    decided_at: Annotated[Time | None, Field(description="Set by the API server: leave it out.")] = None
    groups: StampedGroups = None
    history: Annotated[
        list[EarlierDecision] | None,
        Field(
            max_length=MAX_CHANGES,
            description="What you said before, oldest first. Set by the API server as you change your mind: leave it out.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = None


class RecordedDecision(ApiModel):
    """A decision as it counted."""

    by: Annotated[str, Field(max_length=253, description="Who decided.")]
    for_: Annotated[str | None, Field(alias="for", max_length=253, description="For whom, as their stand-in.")] = None
    verdict: Annotated[Verdict, Field(description="What they said.")]
    comment: Annotated[str, Field(max_length=1024, description="Their comment.")] = ""
    decided_at: Annotated[Time, Field(description="When, by the API server's clock.")]

    @property
    def people(self) -> tuple[str, ...]:
        """Who has a part in it: who decided, and for whom."""
        return (self.by,) if self.for_ is None else (self.by, self.for_)

    @property
    def author(self) -> str:
        """Who decided, as people read it: `deputy@example.com for lead@example.com`."""
        return " for ".join(self.people)


DECISION_RULES: tuple[Rule, ...] = (
    Rule(
        rule="!has(self.decisions) || self.decisions.all(k, size(k) <= 253)",
        message="a user name in decisions may have 253 characters at most",
    ),
    Rule(
        rule="!has(self.decisions) || self.policy.comment == 'Never' || self.decisions.all(k,"
        " self.decisions[k].verdict == 'Undecided'"
        " || (self.policy.comment == 'OnDecline' && self.decisions[k].verdict == 'Approve')"
        " || (has(self.decisions[k].comment) && self.decisions[k].comment.matches('[^\\\\s]')))",
        message="this decision needs a comment: the requester will read it (spec.decisions[you].comment)",
        reason="FieldValueRequired",
        field_path=".decisions",
    ),
    DECISION_GLASS,
    DECISION_OFFER,
    Rule(
        # the second layer: it holds while the policy is gone, too
        rule="!has(oldSelf.decisions) || (has(self.decisions) && oldSelf.decisions.all(k, k in self.decisions &&"
        " (!has(oldSelf.decisions[k].history) || (has(self.decisions[k].history) &&"
        f" {list(range(MAX_CHANGES))}.all(i, i >= oldSelf.decisions[k].history.size() ||"
        " (i < self.decisions[k].history.size() &&"
        " self.decisions[k].history[i] == oldSelf.decisions[k].history[i]))))))",
        message="the history of decisions only grows: take yours back with the verdict Undecided"
        " (server-side apply needs a field manager of your own: --field-manager=$USER)",
        reason="FieldValueForbidden",
        field_path=".decisions",
    ),
)
"""The rules of `spec.decisions` that need neither the caller nor the time: on the spec of an Approval."""
