"""Delegation: who decides for somebody while they are away, in every gate that opens meanwhile."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pratique.api.v1alpha1.conditions import Conditions
from pratique.api.v1alpha1.delegations import LONGEST_DAYS
from pratique.api.v1alpha1.meta import ApiModel, KubeObject, PrinterColumn, Rule
from pratique.api.v1alpha1.people import ONE_NAME, ONE_NAME_SENTENCE, Requester
from pratique.api.v1alpha1.scalars import Time, Username
from pratique.api.v1alpha1.status import pending_condition

_READY = '.status.conditions[?(@.type=="Ready")]'
_SAME = " && ".join(
    f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
    for field in ("to", "notBefore", "reason", "from")
)


class DelegationSpec(ApiModel):
    """Who decides for you, from when on and until when. All of it stays, but `until` may come earlier."""

    to: Annotated[Username, Field(description="User name of the stand-in, as the API server knows them.")]
    not_before: Annotated[Time | None, Field(description="From when on they decide for you; at once without it.")] = (
        None
    )
    until: Annotated[
        Time,
        Field(description=f"Until when: {LONGEST_DAYS} days from now at most. It may come earlier, never later."),
    ]
    reason: Annotated[str, Field(max_length=256, description="Why, for your colleagues: everybody may read it.")] = ""
    from_: Annotated[Requester | None, Field(alias="from", description="You. Set by the API server: leave it out.")] = (
        None
    )

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="!self.to.startsWith('system:')",
            message="to names a person: user names of the system (system:…) are none",
            field_path=".to",
        ),
        Rule(rule=f"[self.to].all(n, {ONE_NAME})", message=f"to {ONE_NAME_SENTENCE}", field_path=".to"),
        Rule(
            rule="!has(self.notBefore) || self.notBefore < self.until",
            message="until is not after notBefore: make until later, or leave notBefore out",
            field_path=".until",
        ),
        # a second layer: they hold while the policy is gone, too
        Rule(
            rule=_SAME,
            message="a Delegation stays as it was made, but for until: delete it, and make another",
            reason="FieldValueForbidden",
        ),
        Rule(
            rule="self.until <= oldSelf.until",
            message="until may come earlier, never later: make another Delegation for the time after it",
            reason="FieldValueForbidden",
            field_path=".until",
        ),
    )


class DelegationStatus(ApiModel):
    """Whether gates that open now take it in. Written by the operator only."""

    observed_generation: Annotated[int, Field(ge=0, description="The generation last looked at.")] = 0
    conditions: Conditions = []


class Delegation(KubeObject):
    """Delegation is an approver's word on who decides for them while they are away, in all gates that open meanwhile."""

    plural: ClassVar[str] = "delegations"
    singular: ClassVar[str] = "delegation"
    short_names: ClassVar[tuple[str, ...]] = ("away",)
    scope: ClassVar[Literal["Cluster", "Namespaced"]] = "Cluster"
    columns: ClassVar[tuple[PrinterColumn, ...]] = (
        PrinterColumn(name="From", json_path=".spec.from.username", description="Who is away."),
        PrinterColumn(name="To", json_path=".spec.to", description="Who decides for them."),
        PrinterColumn(name="Not before", json_path=".spec.notBefore", description="From when on.", priority=1),
        PrinterColumn(name="Until", json_path=".spec.until", description="Until when."),
        PrinterColumn(name="Ready", json_path=f"{_READY}.status", description="Whether new gates take it in."),
        PrinterColumn(name="Reason", json_path=".spec.reason", description="Why.", priority=1),
        PrinterColumn(name="Message", json_path=f"{_READY}.message", description="What holds of it.", priority=1),
        PrinterColumn(name="Age", type="date", json_path=".metadata.creationTimestamp", description="Age."),
    )
    default_status: ClassVar[dict[str, Any]] = {"conditions": [pending_condition("Ready")]}

    kind: Literal["Delegation"] = "Delegation"
    spec: DelegationSpec
    status: DelegationStatus = DelegationStatus()

    @property
    def begins(self) -> datetime:
        """From when on it holds."""
        return self.spec.not_before or self.metadata.creation_timestamp
