"""The file of cases: who asks for what, and what the Action has to make of it. No kind of the cluster."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from pratique.api.v1alpha1.break_glass import OwnGlass
from pratique.api.v1alpha1.counter_offer import OfferedValues
from pratique.api.v1alpha1.delegations import DelegationRule
from pratique.api.v1alpha1.escalation import EscalationStep
from pratique.api.v1alpha1.meta import ApiModel
from pratique.api.v1alpha1.people import OnBehalfOf, Requester
from pratique.api.v1alpha1.scalars import JsonObject, Time
from pratique.api.v1alpha1.spelling import Duration, NamespaceName, ObjectName
from pratique.api.v1alpha1.stages import CommentRule, GroupCount, Mode

KIND = "ActionTest"


def _as_list(value: Any) -> Any:  # noqa: ANN401 - not validated yet
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_as_list)]
"""Parts of sentences; a single one may stand without a list."""


class Outcome(StrEnum):
    """What becomes of a request at once."""

    FREE = "Free"
    HELD = "Held"
    REFUSED = "Refused"


class Standing(StrEnum):
    """What the Action's rules say of an object that was made."""

    READY = "Ready"
    WAITING = "Waiting"
    FAILED = "Failed"


class RunName(ApiModel):
    """The run, as expressions read it."""

    name: ObjectName = "example"
    namespace: NamespaceName = "default"
    uid: Annotated[str, Field(min_length=1, max_length=64)] = "00000000-0000-4000-8000-000000000000"
    created_at: Time = datetime(2026, 1, 1, tzinfo=UTC)


class Asked(ApiModel):
    """Who asks for what."""

    run: RunName | None = None
    requester: Requester | None = None
    on_behalf_of: OnBehalfOf | None = None
    inputs: JsonObject = {}
    target: JsonObject | None = None
    """The live object that it acts on, by what of it matters: the rest is made up."""
    options: dict[str, list[JsonObject]] = {}
    """By the field of the form: the live objects that it offers, by what of them matters: the rest is made up."""
    sources: list[JsonObject] = []
    """The live objects in which approvers are found, by what of them matters: apiVersion, kind and name at least."""
    reason: Annotated[str, Field(max_length=1024)] | None = None


class Offer(ApiModel):
    """What an approver offers instead of what is asked for (verdict Offer)."""

    stage: str | None = None
    """In which stage; without it in the first that is asked."""
    by: Requester | None = None
    """Who offers; without it somebody who may."""
    for_: Annotated[Requester | None, Field(alias="for")] = None
    """For whom, as their stand-in."""
    inputs: JsonObject


class ConsentAsked(StrEnum):
    """Whether who asks has to accept what was offered."""

    REQUIRED = "Required"
    NOT_REQUIRED = "NotRequired"


class ExpectedApprovers(ApiModel):
    """Who may decide: all of them, in any order."""

    users: list[str] | None = None
    groups: list[str] | None = None


class ExpectedRule(ApiModel):
    """A rule of a gate; what is left out is not compared."""

    approvers: ExpectedApprovers | None = None
    mode: Mode | None = None
    required: int | None = None
    require_from: list[GroupCount] | None = None


class ExpectedGlass(ExpectedApprovers):
    """Who may break the glass of a gate; what is left out is not compared."""

    requester: OwnGlass | None = None


class ExpectedOffers(ApiModel):
    """What may be offered in a gate; what is left out is not compared."""

    inputs: dict[str, OfferedValues] | None = None
    """All of it: what the rule names, the form allows and was not asked for."""
    consent: ConsentAsked | None = None


class ExpectedGate(ExpectedRule):
    """A gate; what is left out is not compared."""

    stage: str | None = None
    message: str | None = None
    alternatives: list[ExpectedRule] | None = None
    excluded: list[str] | None = None
    decline_threshold: int | None = None
    comment: CommentRule | None = None
    deadline: Duration | None = None
    break_glass: ExpectedGlass | None = None
    delegation: DelegationRule | None = None
    counter_offer: ExpectedOffers | None = None
    escalation: list[EscalationStep] | None = None


class ExpectedSkip(ApiModel):
    """A stage that does not apply, and why: the condition that is false."""

    stage: str
    when: str | None = None


class ExpectedField(ApiModel):
    """A field of the form, as it is for this request; what is left out is not compared."""

    title: str | None = None
    required: bool | None = None
    visible: bool | None = None
    disabled: bool | None = None
    value: Any = None
    options: list[Any] | None = None
    """The values that there are to choose from, in order."""
    labels: list[str] | None = None
    """What people read for them, in order."""
    help: str | None = None


class Expected(ApiModel):
    """What the Action has to make of it; what is left out is not compared."""

    outcome: Outcome | None = None
    refused: Texts | None = None
    denied: Texts | None = None
    """Parts of the sentence by which the last offer is not taken."""
    consent: ConsentAsked | None = None
    gates: list[ExpectedGate] | None = None
    skipped: list[ExpectedSkip] | None = None
    plan: Texts | None = None
    objects: dict[str, JsonObject | None] | None = None
    ready: dict[str, Standing] | None = None
    outputs: JsonObject | None = None
    inputs: JsonObject | None = None
    fields: dict[str, ExpectedField] | None = None
    cost: str | None = None


class Case(Asked):
    """One request, and what has to become of it."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    offers: Annotated[list[Offer], Field(max_length=16)] = []
    """What approvers offer instead, one after the other: `expect` is about what is asked for then."""
    live: dict[str, JsonObject] = {}
    """What the objects are like later, such as their status: by the id of the template, over what was made."""
    expect: Expected


class ActionTest(ApiModel):
    """Cases of one Action. `given` holds for each of them, unless it says otherwise."""

    api_version: Literal["pratique.dev/v1alpha1"]
    kind: Literal["ActionTest"]
    action: ObjectName
    given: Asked = Asked()
    cases: Annotated[list[Case], Field(min_length=1)]
