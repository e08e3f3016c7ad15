"""Approval: one gate: who may decide, until when, what exactly is approved, and what was decided."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pratique.api.v1alpha1.break_glass import BreakGlass
from pratique.api.v1alpha1.conditions import Conditions
from pratique.api.v1alpha1.counter_offer import Answer, Consent, ConsentRule, CounterOffer, Offered
from pratique.api.v1alpha1.decisions import Decision, RecordedDecision
from pratique.api.v1alpha1.delegations import MAX_STAND_INS, DelegationRule, StandIn
from pratique.api.v1alpha1.escalation import MAX_STEPS, Ladder, TakenStep
from pratique.api.v1alpha1.found import MAX_LISTED, FoundPeople
from pratique.api.v1alpha1.gate_rules import GATE_RULES
from pratique.api.v1alpha1.meta import ApiModel, KubeObject, PrinterColumn, Rule, amend
from pratique.api.v1alpha1.notifications import NotificationRules
from pratique.api.v1alpha1.outbox import Telling
from pratique.api.v1alpha1.people import OnBehalfOf, Requester
from pratique.api.v1alpha1.said import MAX_TALKERS, Saying
from pratique.api.v1alpha1.scalars import Time, Username
from pratique.api.v1alpha1.spelling import Duration
from pratique.api.v1alpha1.stages import OF_GROUPS, Approvers, CommentRule, RequireFrom
from pratique.api.v1alpha1.status import Timeline, pending_condition
from pratique.api.v1alpha1.subject import Subject

MAX_DOCUMENT = 786432
"""Characters of a plan as JSON: what may be planned, and what the dry runs of it may show at most."""
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""The end of a gate that has none: a review."""
_OPEN = "Waiting for a decision; spec.policy says who may decide and until when"


def _open_condition(kind: str, status: str = "False") -> dict[str, Any]:
    """Return a condition of a gate that was just opened: true from birth, so that opening it costs one write."""
    return pending_condition(kind) | {"status": status, "reason": "WaitingForApproval", "message": _OPEN}


class ApprovalState(StrEnum):
    """Where a gate stands; all but Pending are ends, and an end never changes."""

    PENDING = "Pending"
    APPROVED = "Approved"
    BROKEN = "Broken"
    OFFERED = "Offered"
    DECLINED = "Declined"
    EXPIRED = "Expired"
    WITHDRAWN = "Withdrawn"
    SUPERSEDED = "Superseded"


class Purpose(StrEnum):
    """What an Approval is for."""

    GATE = "Gate"
    REVIEW = "Review"
    OFFER = "CounterOffer"


class ApprovalPlan(ApiModel):
    """What will happen if granted."""

    digest: Annotated[str, Field(max_length=80, description="sha256 of the document, as sha256:HEX.")]
    summary: Annotated[
        list[Annotated[str, Field(max_length=512)]], Field(max_length=33, description="One line per object.")
    ] = []
    cost: Annotated[str | None, Field(max_length=512, description="What it costs, as the Action says.")] = None
    document: Annotated[
        str | None,
        Field(
            max_length=MAX_DOCUMENT,
            description="The plan as JSON: what runs, exactly. Absent in Approvals of version 0.1.0, whose run has it in"
            " status.plan.",
        ),
    ] = None


class AskedInput(ApiModel):
    """One input of the run, as approvers read it."""

    name: Annotated[str, Field(max_length=253, description="Name of the input.")]
    title: Annotated[str, Field(max_length=100, description="Its title in the form; its name, if it has none.")]
    value: Annotated[
        str, Field(max_length=512, description="Its value in one line: a long text is cut, and its length said.")
    ]


class GateRule(ApiModel):
    """One way to grant: who, and how many of them."""

    approvers: Annotated[Approvers, Field(description="Whose approvals count for it.")]
    required: Annotated[int, Field(ge=1, le=32, description="How many of them must approve.")]
    require_from: Annotated[RequireFrom | None, Field(description=OF_GROUPS)] = None


class GatePolicy(ApiModel):
    """The rule, as it was when the gate opened; later edits of the Action do not move the goal posts."""

    approvers: Annotated[Approvers, Field(description="Who may decide, by any of its rules.")]
    required: Annotated[int, Field(ge=1, le=32, description="How many people must approve, at least.")] = 1
    require_from: Annotated[RequireFrom | None, Field(description=OF_GROUPS)] = None
    alternatives: Annotated[
        list[GateRule] | None,
        Field(
            min_length=1,
            max_length=5,
            description="Where there are several rules: all of them, of which one must be met. Then `required` is the"
            " smallest of theirs, and requireFrom stands in each of them alone.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = None
    decline_threshold: Annotated[int, Field(ge=1, le=32, description="How many declines end it.")] = 1
    comment: Annotated[CommentRule, Field(description="When a decision needs a comment.")] = CommentRule.ON_DECLINE
    delegation: Annotated[
        DelegationRule | None,
        Field(description="Whether approvers may name a stand-in in spec.delegations: Allow, or Forbid as without it."),
    ] = None
    timeout: Annotated[
        Duration | None,
        Field(description="Without a run: how long it may be decided, 90 days at most; the API server counts from it."),
    ] = None
    deadline: Annotated[
        Time | None,
        Field(
            description="Decisions after this moment are refused by the API server. Without a run the API server writes"
            " it: leave it out. A review has none."
        ),
    ] = None
    due: Annotated[
        Time | None,
        Field(
            description="A review, which has no deadline: from when on those who are to sign it are reminded, daily."
        ),
    ] = None
    escalation: Annotated[
        Ladder | None,
        Field(
            description="What happens while nobody decides, by the clock of the API server; none in older Approvals."
        ),
    ] = None

    break_glass: Annotated[
        BreakGlass | None, Field(description="Who may open it at once, with the verdict BreakGlass; nobody without it.")
    ] = None
    counter_offer: Annotated[
        CounterOffer | None,
        Field(description="What may be offered instead, with the verdict Offer: what the form allows of it as well."),
    ] = None
    consent: Annotated[
        ConsentRule | None,
        Field(description="Required: who asks must accept the counter-offer that opened it, in spec.consent."),
    ] = None

    @property
    def until(self) -> datetime:
        """Until when it may be decided."""
        return self.deadline or NEVER

    @property
    def ways(self) -> tuple[GateRule, ...]:
        """The rules of which one must be met."""
        only = GateRule(approvers=self.approvers, required=self.required, require_from=self.require_from)
        return tuple(self.alternatives) if self.alternatives else (only,)

    def approvers_at(self, when: datetime) -> Approvers:
        """Return who may decide at a moment: the approvers of its rules, and whom the steps until then have added."""
        return self.approvers_after(step.at for step in self.escalation or () if step.at <= when)

    def approvers_after(self, taken: Iterable[datetime]) -> Approvers:
        """Return who may decide with the people of these steps, which are named by their moments."""
        added = self.added_by(taken)
        users, groups = [*self.approvers.users, *added.users], [*self.approvers.groups, *added.groups]
        return amend(self.approvers, users=list(dict.fromkeys(users)), groups=list(dict.fromkeys(groups)))

    def added_by(self, taken: Iterable[datetime]) -> Approvers:
        """Return whom these steps add."""
        moments = frozenset(taken)
        added = [step.to for step in self.escalation or () if step.to is not None and step.at in moments]
        users, groups = (
            (name for each in added for name in each.users),
            (name for each in added for name in each.groups),
        )
        return amend(self.approvers, users=list(dict.fromkeys(users)), groups=list(dict.fromkeys(groups)))


class ApprovalSpec(ApiModel):
    """The gate. All is frozen, but for your entry in `decisions`, `delegations`, `messages`, `consent`, and `withdrawn`."""

    subject: Annotated[Subject, Field(description="What is being decided.")]
    purpose: Annotated[
        Purpose | None,
        Field(
            description="Gate, if it is left out. Review: somebody broke the glass, and one of those who were skipped signs"
            " it (Approve) or objects (Decline); nothing is undone by either. CounterOffer: for what was offered,"
            " not for what the run says."
        ),
    ] = None
    stage: Annotated[str, Field(max_length=32, description="The stage of the Action's approval rules.")] = ""
    action: Annotated[str, Field(max_length=253, description="Name of the Action.")] = ""
    title: Annotated[str, Field(max_length=100, description="Title of the Action.")] = ""
    message: Annotated[str, Field(max_length=512, description="Why the run is held.")] = ""
    reason: Annotated[str, Field(max_length=1024, description="What the requester says it is for.")] = ""
    requested_by: Annotated[Requester, Field(description="Who asked; they cannot decide.")]
    on_behalf_of: Annotated[
        OnBehalfOf | None, Field(description="For whom it was asked, if not for themselves; they cannot decide either.")
    ] = None
    excluded: Annotated[
        list[Username] | None,
        Field(
            min_length=1,
            max_length=512,
            description="Who cannot decide besides: who decided in an earlier stage, whom the rule excludes, and of a"
            " review who broke the glass.",
            json_schema_extra={"x-kubernetes-list-type": "set"},
        ),
    ] = None
    found: Annotated[
        list[FoundPeople] | None,
        Field(
            min_length=1,
            max_length=MAX_LISTED,
            description="The objects that were looked at for approvers, and whom each of them named: those who may decide"
            " are in policy.approvers.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = None
    offered: Annotated[
        Offered | None,
        Field(description="The counter-offer that is asked for here; none, if it is the run's own wish."),
    ] = None
    inputs: Annotated[
        list[AskedInput] | None,
        Field(
            max_length=64,
            description="What is asked for: the inputs by their titles, in the form's order, its defaults filled in.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = None
    plan: Annotated[ApprovalPlan | None, Field(description="What will happen if granted.")] = None
    policy: Annotated[GatePolicy, Field(description="The rule, as it was when the gate opened.")]
    notifications: NotificationRules = []
    decisions: Annotated[
        dict[Username, Decision],
        Field(max_length=64, description="By user name: write under your own; see docs/spec/v1alpha1/approval.md."),
    ] = {}
    delegations: Annotated[
        dict[Username, StandIn] | None,
        Field(
            max_length=MAX_STAND_INS,
            description="By user name: who may decide for this approver. Write under your own.",
        ),
    ] = None
    messages: Annotated[
        dict[Username, Saying] | None,
        Field(
            max_length=MAX_TALKERS,
            description="By user name: what approvers ask, and who asked answers. Write under your own.",
        ),
    ] = None
    consent: Annotated[
        Consent | None,
        Field(description="Where policy.consent is Required: what who asks says of the counter-offer. Write it once."),
    ] = None
    withdrawn: Annotated[
        bool | None,
        Field(description="Without a run: true takes it back. A gate of a run is withdrawn by its run."),
    ] = None

    @property
    def stand_ins(self) -> dict[str, StandIn]:
        """The stand-ins, by who has named them; none where the rule allows none."""
        allowed = self.policy.delegation is DelegationRule.ALLOW
        return (self.delegations or {}) if allowed else {}

    @property
    def is_accepted(self) -> bool:
        """Whether nothing is lacking of who asks: they accept the counter-offer, or need not."""
        return self.policy.consent is None or self._answer is Answer.ACCEPT

    @property
    def is_rejected(self) -> bool:
        """Whether who asks does not want what was offered."""
        return self.policy.consent is not None and self._answer is Answer.REJECT

    @property
    def _answer(self) -> Answer | None:
        """What who asks says; nobody else can say it for them."""
        asking = [each.username for each in (self.requested_by, self.on_behalf_of) if each is not None]
        return self.consent.answer if self.consent is not None and self.consent.by in asking else None

    @property
    def is_standalone(self) -> bool:
        """Whether no run waits for it, but whoever created it."""
        return self.subject.kind is None

    @property
    def is_review(self) -> bool:
        """Whether nothing waits for it: the glass was broken, and somebody has to look at that afterwards."""
        return self.purpose is Purpose.REVIEW

    @property
    def planned(self) -> ApprovalPlan:
        """The plan; one that says nothing where there is none."""
        return self.plan or ApprovalPlan(digest="")

    cel_rules: ClassVar[tuple[Rule, ...]] = GATE_RULES


class ApprovalStatus(Telling):
    """What became of the gate. Written by the operator only."""

    observed_generation: Annotated[int, Field(ge=0, description="The generation last acted on.")] = 0
    state: Annotated[ApprovalState, Field(description="Where the gate stands.")] = ApprovalState.PENDING
    message: Annotated[str, Field(max_length=2048, description="One sentence: who is missing or how it ended.")] = ""
    tally: Annotated[str, Field(max_length=16, description="Approvals so far, of those required: 1/2, or 0.")] = ""
    waiting_for: Annotated[
        list[Annotated[str, Field(max_length=270)]],
        Field(max_length=192, description="Who may still decide: user names, and groups as `group NAME`."),
    ] = []
    decisions: Annotated[list[RecordedDecision], Field(max_length=64, description="The decisions that counted.")] = []
    escalation: Annotated[
        list[TakenStep],
        Field(
            max_length=MAX_STEPS,
            description="The steps of spec.policy.escalation that people were told of.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = []
    reminded_at: Annotated[
        Time | None, Field(description="A review: the moment that people were last reminded of, due or a day of it.")
    ] = None
    heard: Annotated[
        dict[Username, Annotated[int, Field(ge=1)]] | None,
        Field(max_length=MAX_TALKERS, description="How many messages of each person others were told of."),
    ] = None
    timeline: Timeline = []
    decided_at: Annotated[Time | None, Field(description="When the gate ended.")] = None
    settled: Annotated[
        bool | None, Field(description="Whether it has ended and nothing is left to do for it, or to be told of it.")
    ] = None
    conditions: Conditions = []

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state is not ApprovalState.PENDING

    @property
    def is_counted(self) -> bool:
        """Whether the operator has counted once: what it is born with says of how many nothing."""
        return "/" in self.tally


class Approval(KubeObject):
    """Approval is one gate: who may decide, until when, what exactly is approved, and what was decided."""

    plural: ClassVar[str] = "approvals"
    singular: ClassVar[str] = "approval"
    short_names: ClassVar[tuple[str, ...]] = ("appr",)
    scope: ClassVar[Literal["Cluster", "Namespaced"]] = "Namespaced"
    columns: ClassVar[tuple[PrinterColumn, ...]] = (
        PrinterColumn(name="Action", json_path=".spec.action", description="The Action."),
        PrinterColumn(name="Requested by", json_path=".spec.requestedBy.username", description="Who asked."),
        PrinterColumn(name="On behalf of", json_path=".spec.onBehalfOf.username", description="For whom.", priority=1),
        PrinterColumn(name="Subject", json_path=".spec.subject.title", description="What, without a run.", priority=1),
        PrinterColumn(name="State", json_path=".status.state", description="Where it stands."),
        PrinterColumn(
            name="Required", type="integer", json_path=".spec.policy.required", description="Approvals needed."
        ),
        PrinterColumn(name="Tally", json_path=".status.tally", description="Approvals so far."),
        PrinterColumn(name="Deadline", json_path=".spec.policy.deadline", description="Decide before."),
        PrinterColumn(name="Purpose", json_path=".spec.purpose", description="Review, if it is one.", priority=1),
        PrinterColumn(name="Due", json_path=".spec.policy.due", description="Of a review: sign before.", priority=1),
        PrinterColumn(name="Message", json_path=".status.message", description="Who is missing.", priority=1),
        PrinterColumn(name="Age", type="date", json_path=".metadata.creationTimestamp", description="Age."),
    )
    default_status: ClassVar[dict[str, Any]] = {
        "state": "Pending",
        "message": _OPEN,
        "tally": "0",
        "conditions": [
            _open_condition("Approved"),
            _open_condition("Decided"),
            _open_condition("Ready"),
            _open_condition("Reconciling", "True"),
        ],
    }

    kind: Literal["Approval"] = "Approval"
    spec: ApprovalSpec
    status: ApprovalStatus = ApprovalStatus()
