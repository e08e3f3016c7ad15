"""ActionRun: one execution of an Action, with inputs; held in WaitingForApproval until granted."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer, model_validator

from pratique.api.v1alpha1.action import OnFailure
from pratique.api.v1alpha1.approval import MAX_DOCUMENT, ApprovalState
from pratique.api.v1alpha1.calling import RunRequest
from pratique.api.v1alpha1.conditions import Conditions
from pratique.api.v1alpha1.explain import Explain
from pratique.api.v1alpha1.found import FoundInStage, FoundPeople
from pratique.api.v1alpha1.meta import ApiModel, KubeObject, PrinterColumn, Rule
from pratique.api.v1alpha1.notifications import NotificationRules
from pratique.api.v1alpha1.options import PlannedChoices
from pratique.api.v1alpha1.outbox import Telling
from pratique.api.v1alpha1.people import OnBehalfOf, Requester, ServiceAccountRef
from pratique.api.v1alpha1.planned import PlannedResource, PlannedStep
from pratique.api.v1alpha1.scalars import Expression, JsonObject, Time
from pratique.api.v1alpha1.spelling import Duration, ObjectName
from pratique.api.v1alpha1.stages import SamePeople, Stage
from pratique.api.v1alpha1.status import WAITING_MESSAGE, Timeline, pending_condition
from pratique.api.v1alpha1.target import PlannedTarget, TargetRef


class Phase(StrEnum):
    """Where a run stands. The last seven are ends; an end never changes."""

    PENDING = "Pending"
    WAITING_FOR_APPROVAL = "WaitingForApproval"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    REFUSED = "Refused"
    DECLINED = "Declined"
    EXPIRED = "Expired"
    WITHDRAWN = "Withdrawn"
    SUPERSEDED = "Superseded"

    @property
    def is_end(self) -> bool:
        """Whether a run in this phase is over."""
        return self not in (Phase.PENDING, Phase.WAITING_FOR_APPROVAL, Phase.RUNNING)


class ActionRef(ApiModel):
    """The Action to run."""

    name: Annotated[ObjectName, Field(description="Name of the Action.")]


class ActionRunSpec(ApiModel):
    """What is asked for. Immutable, but for `withdrawn`."""

    action_ref: Annotated[ActionRef, Field(description="The Action to run.")]
    target_ref: Annotated[
        TargetRef | None,
        Field(description="The object that it acts on, for an Action with actsOn: you must hold `get` on it."),
    ] = None
    inputs: Annotated[
        JsonObject, Field(description="The form, filled in; the Action's schema says what it holds.")
    ] = {}
    reason: Annotated[str, Field(max_length=1024, description="Why; approvers read it.")] = ""
    requested_by: Annotated[
        Requester | None, Field(description="Set by the API server to the authenticated caller: leave it out.")
    ] = None
    on_behalf_of: Annotated[
        OnBehalfOf | None,
        Field(description="For whom it is, where one of the submitters that the installation names asks for somebody."),
    ] = None
    dry_run: Annotated[
        bool | None,
        Field(
            description="True: only say in status what would become of it: gates, people, plan. Nothing is opened or made,"
            " nobody is told, and it is removed an hour later."
        ),
    ] = None
    withdrawn: Annotated[
        bool, Field(description="Set to true to take a waiting request back; the only field that may change.")
    ] = False


class ActionVersion(ApiModel):
    """The very Action that a plan was made from."""

    name: Annotated[str, Field(max_length=253, description="Name of the Action.")]
    uid: Annotated[str, Field(max_length=64, description="Its uid.")]
    generation: Annotated[int, Field(ge=0, description="Its generation.")]
    title: Annotated[str, Field(max_length=100, description="Its title.")] = ""


class SkippedStage(ApiModel):
    """A stage that does not apply to this run."""

    name: Annotated[str, Field(max_length=32, description="Its name.")]
    when: Annotated[Expression, Field(description="Its condition, which is false for this run.")]


class RunPlan(ApiModel):
    """What will run, exactly: what the document of a plan holds. It is compared again at the start.

    Where a failure is rolled back, a document has no `timeout` but `rollbackAfter`: a version that rolls none back cannot
    read such a plan, and leaves its run alone; it would go on with what another version has begun to delete.
    """

    action: Annotated[ActionVersion, Field(description="The Action it was made from.")]
    target: Annotated[PlannedTarget | None, Field(description="The object that it acts on, if the Action has one.")] = (
        None
    )
    choices: Annotated[
        PlannedChoices | None, Field(description="The objects that were chosen in its form, if it offers any.")
    ] = None
    service_account_ref: Annotated[ServiceAccountRef, Field(description="With whose power it runs.")]
    timeout: Annotated[Duration, Field(description="How long the resources may take.")]
    on_failure: Annotated[OnFailure | None, Field(description="What becomes of what it made, if it fails.")] = None
    start_deadline: Annotated[Duration, Field(description="How long after its approval it may still start.")] = "24h"
    inputs: Annotated[JsonObject, Field(description="The inputs with the form's defaults filled in.")] = {}
    summary: Annotated[
        list[Annotated[str, Field(max_length=512)]],
        Field(max_length=33, description="One line per object, for people; and one on what a failure brings."),
    ] = []
    cost: Annotated[str | None, Field(max_length=512, description="What it costs, as the Action says.")] = None
    resources: Annotated[
        list[PlannedStep], Field(max_length=32, description="The objects and calls, in the order they are made.")
    ] = []
    outputs: Annotated[
        dict[str, Annotated[str, Field(max_length=4096)]],
        Field(max_length=16, description="The Action's outputs, as they were."),
    ] = {}
    explain: Annotated[Explain | None, Field(description="The Action's explain, as it was.")] = None
    lists: Annotated[
        list[Annotated[str, Field(max_length=31)]] | None,
        Field(max_length=16, description="The ids of entries with forEach: outputs read each as a list."),
    ] = None
    notifications: NotificationRules = []
    gate: Annotated[
        Stage | None, Field(description="The one stage that applies, where version 0.1.0 knows all of its rule.")
    ] = None
    gates: Annotated[
        list[Stage] | None,
        Field(
            max_length=8,
            description="The stages that apply, in turn: in place of `gate`, where version 0.1.0 would not know all of it.",
        ),
    ] = None
    skipped: Annotated[
        list[SkippedStage] | None,
        Field(max_length=8, description="The stages of an Action with several that do not apply, and why."),
    ] = None
    same_person_in_stages: Annotated[
        SamePeople | None, Field(description="Allow: who decided in one stage may decide in a later one.")
    ] = None
    found: Annotated[
        list[FoundInStage] | None,
        Field(max_length=8, description="The objects that named approvers; the stages hold the names written out."),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, wire: Any) -> Any:  # noqa: ANN401 - whatever is to be read
        if not isinstance(wire, dict) or "rollbackAfter" not in wire:
            return wire
        rest = {key: value for key, value in wire.items() if key != "rollbackAfter"}
        return {**rest, "timeout": wire["rollbackAfter"], "onFailure": OnFailure.ROLLBACK}

    @model_serializer(mode="wrap")
    def _write(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        wire: dict[str, Any] = handler(self)
        if not self.rolls_back:
            return wire
        wire["rollbackAfter"] = wire.pop("timeout")
        return {key: value for key, value in wire.items() if key not in ("onFailure", "on_failure")}

    @property
    def rolls_back(self) -> bool:
        """Whether it deletes what it has made, if it fails."""
        return self.on_failure is OnFailure.ROLLBACK

    @property
    def rests_on_others(self) -> bool:
        """Whether it was made from objects that may change meanwhile: what it acts on, or what was chosen in its form."""
        return self.target is not None or self.choices is not None

    def found_in(self, stage: str) -> list[FoundPeople] | None:
        """Return the objects that named approvers of a stage; None if none was looked at for it."""
        return next((each.sources for each in self.found or () if each.stage == stage), None)

    @property
    def objects(self) -> list[PlannedResource]:
        """The objects among what will be made, in order."""
        return [each for each in self.resources if isinstance(each, PlannedResource)]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that apply, in turn; none means that nobody has to approve."""
        return tuple(self.gates or ()) or ((self.gate,) if self.gate is not None else ())


class RunApproval(ApiModel):
    """One gate of the run, as its Approval says."""

    stage: Annotated[str, Field(max_length=32, description="Name of the stage.")]
    name: Annotated[str, Field(max_length=253, description="Name of the Approval.")]
    state: Annotated[ApprovalState, Field(description="State of the Approval.")]
    round: Annotated[
        int, Field(ge=1, le=16, description="2 and more: the gate was superseded, and opened again under a new name.")
    ] = 1
    review: Annotated[
        str | None, Field(max_length=253, description="Somebody broke the glass: name of the Approval that reviews it.")
    ] = None


class RunResource(ApiModel):
    """One object that the run made."""

    id: Annotated[str, Field(max_length=35, description="The id of the template; `id[0]` and so on with forEach.")]
    api_version: Annotated[str, Field(max_length=128, description="apiVersion of the object.")]
    kind: Annotated[str, Field(max_length=128, description="Kind of the object.")]
    namespace: Annotated[str | None, Field(max_length=63, description="Namespace of the object, if it has one.")] = None
    name: Annotated[str, Field(max_length=253, description="Name of the object.")]
    uid: Annotated[str, Field(max_length=64, description="uid of the object.")]
    ready: Annotated[bool, Field(description="Whether it is ready.")] = False
    message: Annotated[str, Field(max_length=512, description="What it waits for.")] = ""
    held: Annotated[
        bool,
        Field(
            description="Whether something is left to do to it after the run's end: it stays for longer than was planned,"
            " or it has still to end."
        ),
    ] = False
    expires_at: Annotated[Time | None, Field(description="When it ends, if it was made for a time.")] = None
    ended_at: Annotated[
        Time | None, Field(description="Since when it is gone, if it was made for a time, or rolled back.")
    ] = None
    warned: Annotated[bool | None, Field(description="Whether its end was announced.")] = None
    told: Annotated[bool | None, Field(description="Whether people were told that it could not be ended.")] = None


class RunRollback(ApiModel):
    """A run that has failed and deletes what it has made: on record before the first of it is deleted."""

    since: Annotated[Time, Field(description="Since when.")]
    reason: Annotated[str, Field(max_length=1024, description="Why it has failed.")]


class HeldUp(ApiModel):
    """What cannot be made for now: something is lacking that may arrive by itself."""

    id: Annotated[str, Field(max_length=35, description="The id of the template; empty for the dry run of the plan.")]
    since: Annotated[Time, Field(description="Since when; it is not waited for very long.")]


class ActionRunStatus(Telling):
    """What became of it. Written by the operator only."""

    observed_generation: Annotated[int, Field(ge=0, description="The generation last acted on.")] = 0
    phase: Annotated[Phase, Field(description="Where the run stands.")] = Phase.PENDING
    message: Annotated[str, Field(max_length=2048, description="One sentence: what it waits for or how it ended.")] = ""
    plan: Annotated[
        JsonObject | None,
        Field(
            description="What people read of the plan: Action, account, times, summary, gate, digest. In runs of version"
            " 0.1.0 all of it."
        ),
    ] = None
    document: Annotated[
        str | None,
        Field(
            max_length=MAX_DOCUMENT,
            description="The plan of a run without a gate, as JSON: what runs, exactly; of a dry run, what would. With a"
            " gate it is in its Approval, in spec.plan.document.",
        ),
    ] = None
    approvals: Annotated[
        list[RunApproval],
        Field(
            max_length=8,
            description="The gates.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["stage"]},
        ),
    ] = []
    resources: Annotated[
        list[RunResource],
        Field(
            max_length=32,
            description="What was made.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
        ),
    ] = []
    requests: Annotated[
        list[RunRequest],
        Field(
            max_length=32,
            description="What was called outside of the cluster.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
        ),
    ] = []
    late: Annotated[
        JsonObject | None,
        Field(
            description="What templates read of earlier entries, by what they read: written before the first object that"
            " has it is made, and used from then on."
        ),
    ] = None
    rollback: Annotated[
        RunRollback | None, Field(description="It has failed, and deletes what it has made (onFailure: Rollback).")
    ] = None
    held_up: Annotated[
        HeldUp | None, Field(description="What is waited for that may arrive by itself, such as a right.")
    ] = None
    frozen_until: Annotated[
        Time | None, Field(description="Until when a freeze of its Action keeps it from starting, as last seen.")
    ] = None
    outputs: Annotated[JsonObject, Field(description="The Action's outputs.")] = {}
    timeline: Timeline = []
    started_at: Annotated[Time | None, Field(description="When the first object was created.")] = None
    finished_at: Annotated[Time | None, Field(description="When the run ended.")] = None
    ending_since: Annotated[
        Time | None,
        Field(
            description="Since when it is deleted in vain: what it made for a time could not be ended, and may not be."
        ),
    ] = None
    settled: Annotated[
        bool | None, Field(description="Whether it has ended and nothing is left to do for it, or to be told of it.")
    ] = None
    conditions: Conditions = []

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and holds nothing that is still to be let go."""
        return self.phase.is_end and not any(each.held for each in self.resources)

    @property
    def head(self) -> RunPlan | None:
        """What people are shown of the plan; None if it cannot be read. What runs is the document, never this."""
        try:
            return RunPlan.model_validate(self.plan) if self.plan is not None else None
        except ValidationError:
            return None


class ActionRun(KubeObject):
    """ActionRun is one execution of an Action, with inputs; it is held until its gates are granted."""

    plural: ClassVar[str] = "actionruns"
    singular: ClassVar[str] = "actionrun"
    short_names: ClassVar[tuple[str, ...]] = ("run", "runs")
    scope: ClassVar[Literal["Cluster", "Namespaced"]] = "Namespaced"
    columns: ClassVar[tuple[PrinterColumn, ...]] = (
        PrinterColumn(name="Action", json_path=".spec.actionRef.name", description="The Action."),
        PrinterColumn(name="Phase", json_path=".status.phase", description="Where it stands."),
        PrinterColumn(name="Message", json_path=".status.message", description="What it waits for or how it ended."),
        PrinterColumn(name="Target", json_path=".spec.targetRef.name", description="What it acts on.", priority=1),
        PrinterColumn(
            name="Ends",
            json_path=".status.resources[*].expiresAt",
            description="When the first of what it made for a time ends.",
            priority=1,
        ),
        PrinterColumn(
            name="Reviewed",
            json_path='.status.conditions[?(@.type=="Reviewed")].status',
            description="False: somebody broke the glass, and nobody has signed it.",
        ),
        PrinterColumn(
            name="Requested by", json_path=".spec.requestedBy.username", description="Who asked.", priority=1
        ),
        PrinterColumn(name="On behalf of", json_path=".spec.onBehalfOf.username", description="For whom.", priority=1),
        PrinterColumn(name="Age", type="date", json_path=".metadata.creationTimestamp", description="Age."),
    )
    default_status: ClassVar[dict[str, Any]] = {
        "phase": "Pending",
        "message": WAITING_MESSAGE,
        "conditions": [pending_condition("Ready")],
    }

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="size(self.metadata.name) <= 200",
            message="the name of an ActionRun may have 200 characters at most: its Approval carries it in its own name",
        ),
        # Beside what the operator makes sure of: no status, whoever writes it, makes a dry run look like more.
        Rule(
            rule="!has(self.spec.dryRun) || !self.spec.dryRun || !has(self.status) || !has(self.status.phase) ||"
            " self.status.phase in ['Pending', 'Succeeded', 'Refused', 'Failed']",
            message="a dry run never waits and never runs: its phase is Pending, Succeeded, Refused or Failed",
            field_path=".status.phase",
        ),
    )

    kind: Literal["ActionRun"] = "ActionRun"
    spec: ActionRunSpec
    status: ActionRunStatus = ActionRunStatus()
