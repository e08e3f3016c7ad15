"""Action: a form with limited fields, a rule that says when a person must approve, and what is created."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pratique.api.v1alpha1.calling import HttpRequest
from pratique.api.v1alpha1.conditions import Conditions
from pratique.api.v1alpha1.deleting import ObjectToDelete
from pratique.api.v1alpha1.explain import Explain
from pratique.api.v1alpha1.freeze import Freeze
from pratique.api.v1alpha1.meta import ApiModel, KubeObject, PrinterColumn, Rule
from pratique.api.v1alpha1.notifications import NotificationRules
from pratique.api.v1alpha1.options import MAX_FIELDS, InputField, Options
from pratique.api.v1alpha1.people import ONE_NAME, ONE_NAME_SENTENCE, ServiceAccountRef
from pratique.api.v1alpha1.scalars import Expression, JsonObject
from pratique.api.v1alpha1.spelling import DURATION_PATTERN, Duration, ResourceId, quoted, seconds
from pratique.api.v1alpha1.stages import ApprovalRules
from pratique.api.v1alpha1.status import pending_condition
from pratique.api.v1alpha1.target import ActsOn


class RequireReason(StrEnum):
    """When a run must say why."""

    NEVER = "Never"
    ON_APPROVAL = "OnApproval"
    ALWAYS = "Always"


class InputRule(ApiModel):
    """A rule across inputs."""

    rule: Annotated[Expression, Field(description="CEL over `inputs`, `run`, `action`; must be true.")]
    message: Annotated[str, Field(min_length=1, max_length=512, description="The sentence the requester reads.")]


class Inputs(ApiModel):
    """The form."""

    schema_: Annotated[
        JsonObject,
        Field(
            alias="schema",
            description="JSON Schema of spec.inputs of a run: type object, with properties. Defaults are filled in.",
        ),
    ] = {"type": "object"}
    rules: Annotated[
        list[InputRule],
        Field(
            max_length=32,
            description="Rules across fields, in order.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = []
    fields: Annotated[
        dict[str, InputField],
        Field(
            max_length=MAX_FIELDS,
            description="By the name of an input at the top of the schema: what its field is beyond that.",
        ),
    ] = {}
    require_reason: Annotated[
        RequireReason, Field(description="When a run must give spec.reason: Never, OnApproval or Always.")
    ] = RequireReason.NEVER

    @property
    def offers(self) -> dict[str, Options]:
        """The fields that offer objects, and which."""
        return {name: each.options for name, each in self.fields.items() if each.options is not None}


class Lists(StrEnum):
    """What a changed object's lists become, where they are not merged entry by entry."""

    REPLACE = "Replace"


class Conflict(StrEnum):
    """What becomes of a field that somebody else applies, such as Argo CD out of Git."""

    REFUSE = "Refuse"
    FORCE = "Force"


class OnFailure(StrEnum):
    """What becomes of what a run has made, where it fails."""

    KEEP = "Keep"
    ROLLBACK = "Rollback"


_SPELLED = f"self.expiresAfter.matches({quoted(DURATION_PATTERN)}) && self.expiresAfter != '0s'"


class ResourceTemplate(ApiModel):
    """One object to create, with `patch: true` to change, or to delete; or a request to what is outside of the cluster."""

    id: Annotated[
        ResourceId,
        Field(
            description="Name in outputs (`resources.<id>`) and in status.resources.",
        ),
    ]
    when: Annotated[Expression, Field(description="CEL over `inputs`, `run`, `action`; false leaves it out.")] = "true"
    for_each: Annotated[
        Expression | None,
        Field(
            description="CEL over `inputs`, `run`, `action` that gives a list: the entry is made once for each of its"
            " entries, which the rest of it reads as `each`. A run has at most 32 objects and calls."
        ),
    ] = None
    ready_when: Annotated[
        Expression | None,
        Field(description="CEL over `self`, the live object: when it is ready; default: the convention of its kind."),
    ] = None
    failed_when: Annotated[
        Expression | None,
        Field(description="CEL over `self`, the live object: when waiting is in vain, and the run has failed."),
    ] = None
    wait: Annotated[
        bool | None,
        Field(
            description="false: the next entry does not wait until this one is ready; the run does, at its end. Without it"
            " each waits for the one before."
        ),
    ] = None
    patch: Annotated[
        bool, Field(description="Merge the template into an object that exists, instead of creating one.")
    ] = False
    lists: Annotated[
        Lists | None,
        Field(
            description="With patch: Replace puts the template's lists in the place of those that are there. Without it"
            " they are merged, and a run that would take entries out of one is refused."
        ),
    ] = None
    conflict: Annotated[
        Conflict | None,
        Field(
            description="With patch: Force changes fields that somebody else applies, who may change them back. Refuse, the"
            " default, refuses the run and names whose they are."
        ),
    ] = None
    expires_after: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=1024,
            description="How long after it was made the object is deleted again: a duration such as 8h, or ${CEL} that"
            " becomes one. Without it, it stays.",
        ),
    ] = None
    template: Annotated[
        JsonObject,
        Field(
            description="The object, with ${CEL} over `inputs`, `run`, `action` in its strings. Data, not text.",
            json_schema_extra={
                "x-kubernetes-preserve-unknown-fields": True,
                "required": ["apiVersion", "kind", "metadata"],
                "properties": {
                    "apiVersion": {"type": "string", "description": "apiVersion of the object.", "maxLength": 128},
                    "kind": {"type": "string", "description": "Kind of the object.", "maxLength": 128},
                    "metadata": {
                        "type": "object",
                        "description": "Name, namespace, labels, annotations.",
                        "x-kubernetes-preserve-unknown-fields": True,
                    },
                },
            },
        ),
    ] = {}
    request: Annotated[
        HttpRequest | None, Field(description="A call, in place of an object: the template is left out then.")
    ] = None
    delete: Annotated[
        ObjectToDelete | None,
        Field(
            description="Deletes an object that exists: the very one that the plan found, and no other of its name. The"
            " template is left out then. It is done when the object is gone."
        ),
    ] = None

    @property
    def sort(self) -> str:
        """Which of its fields says what is done."""
        return "request" if self.request is not None else "delete" if self.delete is not None else "template"

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="!has(self.lists) || (has(self.patch) && self.patch)",
            message="lists says how an object that exists is changed: set patch: true as well, or leave lists out",
            field_path=".lists",
        ),
        Rule(
            rule="((has(self.template) && has(self.template.kind)) ? 1 : 0) + (has(self.request) ? 1 : 0) +"
            " (has(self.delete) ? 1 : 0) == 1",
            message="an entry has one of template, for an object, request, for a call, and delete, for an object that goes",
        ),
        Rule(
            rule="!has(self.delete) || !(has(self.readyWhen) || has(self.failedWhen) ||"
            " (has(self.patch) && self.patch))",
            message="patch, readyWhen and failedWhen are about an object that stays: leave them out; a deletion is done"
            " when the object is gone",
            field_path=".delete",
        ),
        Rule(
            rule="!has(self.request) || !(has(self.readyWhen) || has(self.failedWhen) || has(self.wait) ||"
            " (has(self.patch) && self.patch))",
            message="patch, wait, readyWhen and failedWhen are about an object, and a request makes none: leave them out,"
            " and say in request.expect which answers are good",
        ),
        Rule(
            rule="!has(self.conflict) || (has(self.patch) && self.patch)",
            message="conflict is about an object that exists: set patch: true as well, or leave conflict out",
            field_path=".conflict",
        ),
        Rule(
            rule="!has(self.expiresAfter) || !(has(self.request) || has(self.delete) || (has(self.patch) && self.patch))",
            message="expiresAfter ends an object that the run makes: leave it out where one that exists is changed or"
            " deleted, or a call is made",
            field_path=".expiresAfter",
        ),
        Rule(
            rule=f"!has(self.expiresAfter) || self.expiresAfter.contains('${{') || ({_SPELLED})",
            message="expiresAfter is a duration longer than 0s, such as 8h, or ${CEL} that becomes one",
            field_path=".expiresAfter",
        ),
    )


class Execution(ApiModel):
    """What an approved run does, and with whose power."""

    service_account_ref: Annotated[
        ServiceAccountRef, Field(description="Everything is created as this ServiceAccount, with its rights only.")
    ]
    timeout: Annotated[
        Duration, Field(description="How long the resources may take to be ready; then the run is Failed.")
    ] = "15m"
    on_failure: Annotated[
        OnFailure | None,
        Field(
            description="Rollback: a run that fails deletes what it has made, the last first, each once the one after it is"
            " gone; never what was there before, nor what it has changed. Keep, the default: all of it stays."
        ),
    ] = None
    start_deadline: Annotated[
        Duration, Field(description="An approval that is not used within this time is Superseded.")
    ] = "24h"
    max_expiry: Annotated[
        Duration, Field(description="expiresAfter of a resource may not be longer, whatever a run asks for.")
    ] = "30d"
    resources: Annotated[
        list[ResourceTemplate],
        Field(
            min_length=1,
            max_length=16,
            description="What is made, in order; each waits until the one before is ready.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
        ),
    ]
    outputs: Annotated[
        dict[str, Annotated[str, Field(max_length=4096)]],
        Field(
            max_length=16,
            description="Name to text with ${CEL} over `inputs`, `run`, `resources`; shown in status.outputs.",
        ),
    ] = {}
    explain: Annotated[
        Explain | None, Field(description="What is said beside the failure of an object that has pods.")
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="self.startDeadline != '0s'",
            message="startDeadline must be longer than 0s: no approval could ever be used",
            field_path=".startDeadline",
        ),
        Rule(
            rule=f"!self.maxExpiry.matches({quoted(DURATION_PATTERN)}) || self.resources.all(r, !has(r.expiresAfter) ||"
            f" !r.expiresAfter.matches({quoted(DURATION_PATTERN)}) ||"
            f" {seconds('r.expiresAfter')} <= {seconds('self.maxExpiry')})",
            message="expiresAfter of a resource is longer than maxExpiry: shorten it, or raise maxExpiry",
            field_path=".resources",
        ),
    )


class ActionSpec(ApiModel):
    """What the platform team offers."""

    title: Annotated[str, Field(min_length=1, max_length=100, description="Title, as people read it.")]
    description: Annotated[str, Field(max_length=4096, description="What it is good for, for the requester.")] = ""
    suspend: Annotated[
        bool,
        Field(description="Take no new runs, and start none that waits: those are Refused and Superseded. Runs go on."),
    ] = False
    freeze: Annotated[
        list[Freeze],
        Field(
            max_length=32,
            description="When nothing starts, such as the year's last week. What is granted meanwhile starts after it.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = []
    acts_on: Annotated[
        ActsOn | None,
        Field(
            description="The kind of object that a run names in spec.targetRef, and that expressions read as `target`."
        ),
    ] = None
    inputs: Annotated[Inputs, Field(description="The form: which inputs a run has.")] = Inputs()
    approval: Annotated[ApprovalRules, Field(description="When and by whom a run must be approved.")] = ApprovalRules()
    execution: Annotated[Execution, Field(description="What an approved run does.")]
    allow_service_accounts: Annotated[
        bool,
        Field(
            description="Whether a ServiceAccount may ask for itself: a pipeline under its own name, no person behind."
        ),
    ] = False
    cost: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=1024,
            description="What a run costs, in words with ${CEL} over `inputs`, `run`, `action`; approvers read it.",
        ),
    ] = None
    notifications: NotificationRules = []

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="!has(self.notifications) || self.notifications.all(r, !has(r.people) ||"
            f" ((!has(r.people.users) || r.people.users.all(n, {ONE_NAME}))"
            f" && (!has(r.people.groups) || r.people.groups.all(n, {ONE_NAME}))))",
            message=f"people of notifications: each of users and groups {ONE_NAME_SENTENCE}",
        ),
    )


class ActionStatus(ApiModel):
    """Whether the Action works."""

    observed_generation: Annotated[int, Field(ge=0, description="The generation last checked.")] = 0
    approval: Annotated[str, Field(max_length=512, description="The gate in one phrase, for kubectl get.")] = ""
    conditions: Conditions = []


class Action(KubeObject):
    """Action is a self-service action: its form, when and by whom it must be approved, and what it creates."""

    plural: ClassVar[str] = "actions"
    singular: ClassVar[str] = "action"
    short_names: ClassVar[tuple[str, ...]] = ("act",)
    scope: ClassVar[Literal["Cluster", "Namespaced"]] = "Cluster"
    columns: ClassVar[tuple[PrinterColumn, ...]] = (
        PrinterColumn(name="Title", json_path=".spec.title", description="What it does."),
        PrinterColumn(name="Approval", json_path=".status.approval", description="Who must approve, and when."),
        PrinterColumn(
            name="Ready",
            json_path='.status.conditions[?(@.type=="Ready")].status',
            description="Whether it was checked and works.",
        ),
        PrinterColumn(
            name="Message",
            json_path='.status.conditions[?(@.type=="Ready")].message',
            description="What is wrong, if anything.",
            priority=1,
        ),
        PrinterColumn(
            name="Suspended",
            type="boolean",
            json_path=".spec.suspend",
            description="Whether it takes no runs for now.",
            priority=1,
        ),
        PrinterColumn(name="Age", type="date", json_path=".metadata.creationTimestamp", description="Age."),
    )
    default_status: ClassVar[dict[str, Any]] = {"conditions": [pending_condition("Ready")]}

    kind: Literal["Action"] = "Action"
    spec: ActionSpec
    status: ActionStatus = ActionStatus()
