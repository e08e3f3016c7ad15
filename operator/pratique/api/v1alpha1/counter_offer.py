"""Counter-offers: what approvers may offer instead of what was asked for, in an Action and in a gate, and who takes it."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import JsonObject, Username

MAX_OFFERED = 16
"""Inputs of which one gate takes offers, and values of each."""


class ConsentRule(StrEnum):
    """Whether who asks must accept a counter-offer before it starts."""

    REQUIRED = "Required"


class Answer(StrEnum):
    """What who asks says of a counter-offer."""

    ACCEPT = "Accept"
    REJECT = "Reject"


class OfferedValues(ApiModel):
    """What may be offered for one input: one of some texts, or a number of a range."""

    values: Annotated[
        list[Annotated[str, Field(max_length=253)]] | None,
        Field(
            min_length=1,
            max_length=MAX_OFFERED,
            description="Texts that may be offered, such as 3d and 5d.",
            json_schema_extra={"x-kubernetes-list-type": "set"},
        ),
    ] = None
    minimum: Annotated[float | None, Field(description="The smallest number that may be offered.")] = None
    maximum: Annotated[float | None, Field(description="The largest number that may be offered.")] = None
    whole: Annotated[
        bool | None,
        Field(description="True: whole numbers only. In a gate it is true where the form says type: integer."),
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="has(self.values) ? !has(self.minimum) && !has(self.maximum) && !has(self.whole)"
            " : has(self.minimum) && has(self.maximum) && self.minimum <= self.maximum",
            message="what may be offered is either values, a list of texts, or numbers from minimum to maximum, both of"
            " which are needed",
        ),
    )

    def holds(self, value: object) -> bool:
        """Whether a value may be offered."""
        if self.values is not None:
            return isinstance(value, str) and value in self.values
        if isinstance(value, bool) or not isinstance(value, int | float) or (self.whole and not isinstance(value, int)):
            return False
        return self.minimum is not None and self.maximum is not None and self.minimum <= value <= self.maximum


class CounterOffer(ApiModel):
    """What approvers may offer instead of what was asked for."""

    inputs: Annotated[
        dict[str, OfferedValues],
        Field(
            min_length=1, max_length=MAX_OFFERED, description="By name of the input: what may be offered in its place."
        ),
    ]
    consent: Annotated[
        ConsentRule | None,
        Field(
            description="Required: nothing starts before who asks has accepted it, in spec.consent of the new Approval."
            " Without it they are told, and may still withdraw."
        ),
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="self.inputs.size() > 0 && self.inputs.all(k, size(k) <= 253)",
            message="counterOffer.inputs names at least one input of the form, by its name",
            field_path=".inputs",
        ),
    )

    def holds(self, proposal: dict[str, object]) -> bool:
        """Whether a proposal offers something, and nothing but what may be offered."""
        known = self.inputs
        return bool(proposal) and all(name in known and known[name].holds(value) for name, value in proposal.items())


class Offered(ApiModel):
    """A counter-offer by which a gate was opened: what is asked for now in place of the run's own inputs."""

    inputs: Annotated[JsonObject, Field(description="The inputs that were offered, in this round or an earlier one.")]
    by: Annotated[str, Field(max_length=512, description="Who offered last.")]
    stage: Annotated[str, Field(max_length=32, description="In which stage: it is asked in any case.")]
    consent: Annotated[
        ConsentRule | None, Field(description="Required: who asks must accept it, where policy.consent says so.")
    ] = None


class Consent(ApiModel):
    """What who asks says of a counter-offer, once."""

    answer: Annotated[Answer, Field(description="Accept, or Reject: then the request ends as withdrawn.")]
    by: Annotated[Username, Field(description="Your own user name.")]


CONSENT_RULES: tuple[Rule, ...] = (
    Rule(
        rule="!has(self.consent) || has(self.policy.consent)",
        message="nobody asked for consent: spec.policy.consent of this Approval is empty",
        reason="FieldValueForbidden",
        field_path=".consent",
    ),
    Rule(
        rule="!has(oldSelf.consent) || (has(self.consent) && self.consent.answer == oldSelf.consent.answer &&"
        " self.consent.by == oldSelf.consent.by)",
        message="an answer to a counter-offer stays: withdraw the run, if you do not want it any more",
        reason="FieldValueForbidden",
        field_path=".consent",
    ),
)
"""The rules of `spec.consent` that need neither the caller nor the time: on the spec of an Approval."""

DECISION_OFFER = Rule(
    rule="!has(self.decisions) || self.decisions.all(k,"
    " (self.decisions[k].verdict == 'Offer') == has(self.decisions[k].proposal))",
    message="a proposal goes with the verdict Offer, and Offer with a proposal: spec.decisions[you].proposal has the"
    " inputs that you offer",
    field_path=".decisions",
)
"""What a decision that offers something else needs."""
