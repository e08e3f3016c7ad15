"""What a decision looks like: a status, effects to perform, and when to look again.

A plan is made from everything that is known, `outcomes` of effects included. The edge performs the effects whose key
has no outcome yet, asks for the plan again, and writes the status once nothing is left to do. So a plan that is made twice,
late or after a crash asks for the same effects under the same keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.notification_channel import NotificationChannel
from pratique.api.v1alpha1.options import OptionSource
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.form import FormField
from pratique.core.kernel.happened import Happened
from pratique.core.kernel.limits import MAX_OFFERED_BYTES

Status = TypeVar("Status")
Result_co = TypeVar("Result_co", covariant=True)
Json = dict[str, Any]


@dataclass(frozen=True)
class ObjectRef:
    """An object of any kind. `namespace` is None for cluster-scoped kinds."""

    api_version: str
    kind: str
    name: str
    namespace: str | None = None

    def __str__(self) -> str:
        """Return `Kind namespace/name`, as messages show it."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Stored:
    """An object as the API server has it, or would have it after a dry run."""

    object: Json
    reports: bool | None = None
    """Whether the object's kind has a status subresource, for a controller to report in; None if that is not known."""
    whole_lists: bool = True
    """Whether a merge replaced lists as a whole; otherwise entry by entry."""


@dataclass(frozen=True)
class Failure:
    """Why an effect failed: `reason` is Kubernetes' own word, or EvaluationFailed; `message` is for people."""

    reason: str
    message: str
    transient: bool = False
    """Whether the same effect may work in a moment, without anybody's doing."""
    cause: Cause = Cause.OTHER
    missing: str = ""
    """The name of what was not found, if something was not."""
    found: Stored | None = None
    """What is there already, where that is why, and where it may be read."""


@dataclass(frozen=True)
class Evaluation:
    """What the sandbox makes of a run: sentences that refuse it, or the plan of what would run and its gates.

    `fields` is its form as it is for this request, also of one that is refused; where only the verdict is wanted, nothing.
    `wanted` are the objects in which people are to be found: it is judged once they are known.
    """

    refusals: tuple[str, ...] = ()
    plan: RunPlan | None = None
    fields: tuple[FormField, ...] = ()
    wanted: tuple[ObjectRef, ...] = ()


@dataclass(frozen=True)
class Judged:
    """What an Action's rules say of a live object; `missing` is what `readyWhen` reads and what is not there yet."""

    ready: bool = False
    failed: bool = False
    missing: str = ""


@dataclass(frozen=True)
class Rendered:
    """The outputs of a run, or what one of them reads and what is not there yet, as a phrase."""

    outputs: Json
    missing: str = ""


@dataclass(frozen=True)
class Unready:
    """Why a channel cannot send: one sentence for people, and what that is called."""

    message: str
    reason: Reason = Reason.SECRET_NOT_FOUND


@dataclass(frozen=True)
class Inspection:
    """What of an Action the cluster lacks, as sentences, and the schemas of the kinds that it has, by `apiVersion/kind`."""

    problems: tuple[str, ...] = ()
    schemas: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """Whether a channel can send."""

    unready: Unready | None = None


@dataclass(frozen=True)
class Verified:
    """What was looked for since the record of the guard was made: `gap` says what was changed, None that nothing was.

    `since` is when that was, by the API server's clock, where that is known: what is younger lived under guard.
    """

    gap: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class TargetSeen:
    """The object that a run acts on, as the Action's account sees it, and whether who asked may get it."""

    ref: ObjectRef
    may_get: bool
    found: Stored | Failure


@dataclass(frozen=True)
class Listing:
    """The objects that a field of a form offers, as the Action's account sees them, and whether who asked may list them.

    `what` names them for people; of too many there are none, and `too_many` says so. `size` is what they have in bytes.
    """

    what: str
    may_list: bool
    found: tuple[Json, ...] | Failure
    too_many: str = ""
    size: int = 0


Listed = Mapping[str, tuple[Json, ...]]
"""The objects that there are to choose from, by the name of the field."""


def object_of(result: Stored | Failure | None) -> Json | None:
    """Return the object that is there now: just made, or there before."""
    there = result.found if isinstance(result, Failure) else result
    return there.object if there is not None else None


Outcomes = Mapping[str, object]
"""What effects came to in this look, by their keys; only the effect itself knows the type of it."""


@dataclass(frozen=True)
class Effect(Generic[Result_co]):
    """Something that is to be done, and comes to a `Result_co` or a Failure. Equal keys in one look are the same effect."""

    key: str

    def outcome(self, outcomes: Outcomes) -> Result_co | Failure | None:
        """Return what it came to; None as long as it was not done."""
        return cast(Result_co | Failure | None, outcomes.get(self.key))


@dataclass(frozen=True)
class Create(Effect[Stored]):
    """Create by POST, never by apply: a name that is taken comes back as a failure with reason AlreadyExists.

    Its `found` is then the object that exists, if it may be read. As a `dry_run` it comes to what would be created.
    """

    manifest: Json
    run_as: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Read(Effect[Stored]):
    """Read one object."""

    ref: ObjectRef
    run_as: str | None = None


@dataclass(frozen=True)
class MergePatch(Effect[Stored]):
    """Merge `patch` into the object with this uid; any other object of that name is a failure with reason Conflict.

    With `by_entry` lists are merged entry by entry where the kind can do that; `whole_lists` says whether they were
    replaced. With a `resource_version` an object that was changed since is a Conflict as well. As a `dry_run`, it comes to
    what the object would become.
    """

    ref: ObjectRef
    uid: str
    patch: Json
    run_as: str | None = None
    dry_run: bool = False
    by_entry: bool = False
    resource_version: str | None = None
    lets_go: bool = False
    """Whether we give up the fields once they are changed, so that who applies them is not in conflict with us."""


@dataclass(frozen=True)
class Delete(Effect[Stored]):
    """Delete the object with this uid, and no other of that name."""

    ref: ObjectRef
    uid: str
    version: str | None = None
    """If given, only while it is as it was seen: what was changed since is not deleted."""
    run_as: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class AskRights(Effect[bool]):
    """Ask the API server whether somebody holds a verb of RBAC on an object of ours."""

    username: str
    groups: tuple[str, ...]
    verb: str
    resource: str
    ref: ObjectRef


@dataclass(frozen=True)
class EvaluateRun(Effect[Evaluation]):
    """Evaluate the Action for the run in the sandbox; `target` is the live object that it acts on, if it does on any.

    `listed` are the objects that its form offers, `kept` is a stage that is asked whatever its condition says; `sources`
    are those in which people are found, by `looking.key_of`.
    """

    action: Action
    run: ActionRun
    target: Json | None = None
    listed: Listed = field(default_factory=dict)
    kept: str = ""
    sources: Mapping[str, Json] | None = None


@dataclass(frozen=True)
class ListOptions(Effect[Listing]):
    """List what a field of a form offers as the Action's account, and ask whether who asked may list it.

    `room` are the bytes that the fields before it have left of what all may offer.
    """

    source: OptionSource
    run_namespace: str
    run_as: str
    username: str
    groups: tuple[str, ...]
    room: int = MAX_OFFERED_BYTES


@dataclass(frozen=True)
class LookAtTarget(Effect[TargetSeen]):
    """Read the object that a run acts on as the Action's account, and ask whether who asked may get it.

    Without a namespace it is in that of the run, if its kind is in namespaces at all.
    """

    api_version: str
    kind: str
    name: str
    namespace: str | None
    run_namespace: str
    run_as: str
    username: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class EvaluateTarget(Effect[tuple[str, ...]]):
    """Evaluate again in the sandbox what a plan says of its target and of what was chosen in its form.

    It comes to what is not any more as it was. Without `listed` nothing is judged that reads what was chosen.
    """

    plan: RunPlan
    run: ActionRun
    target: Json | None = None
    listed: Listed | None = None


@dataclass(frozen=True)
class EvaluateReady(Effect[Judged]):
    """Evaluate `readyWhen` and `failedWhen` over a live object in the sandbox."""

    target: Json
    ready_when: str | None = None
    failed_when: str | None = None


@dataclass(frozen=True)
class EvaluateOutputs(Effect[Rendered]):
    """Render the outputs of a run in the sandbox."""

    plan: RunPlan
    run: ActionRun
    resources: Mapping[str, Json]


@dataclass(frozen=True)
class InspectAction(Effect[Inspection]):
    """Look what of an Action the cluster has."""

    action: Action


@dataclass(frozen=True)
class CheckAction(Effect[tuple[str, ...]]):
    """Check an Action in the sandbox, beside the schemas of its kinds."""

    action: Action
    schemas: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckChannel(Effect[Checked]):
    """Look whether a channel's settings and Secrets are there."""

    channel: NotificationChannel


@dataclass(frozen=True)
class VerifyGuard(Effect[Verified]):
    """Look, from now on, whether the API server guarded all the time since the record of the guard was made.

    Without a gap, what was seen before this effect was asked for lived its whole life under guard. A failure says neither.
    """


AnyEffect = Effect[object]


@dataclass(frozen=True)
class Plan(Generic[Status]):
    """A decision: perform `effects`; when none is left, write `status`, then perform `after`, then look at `wake_at`.

    `retry` asks for a backed-off look after a failure that may pass. `happened` is what the status is news of; what is said
    of it to people is made of that by `telling.recorder`.
    """

    status: Status
    effects: tuple[AnyEffect, ...] = ()
    after: tuple[AnyEffect, ...] = ()
    wake_at: datetime | None = None
    retry: bool = False
    happened: tuple[Happened, ...] = ()

    def after_that(self, *earlier: Happened) -> "Plan[Status]":
        """Return this plan with what happened before, in the same look."""
        return replace(self, happened=(*earlier, *self.happened))

    def and_that(self, *later: Happened) -> "Plan[Status]":
        """Return this plan with what happened as well."""
        return replace(self, happened=(*self.happened, *later))


@dataclass(frozen=True)
class Delivery:
    """What became of one try to deliver a message; `retry_after` in seconds if the receiver asked for it.

    `reference` is what the receiver calls the message that it took, where it must be known to change that message later.
    """

    sent: bool
    error: str = ""
    permanent: bool = False
    retry_after: float | None = None
    reference: str = ""
    channel_fault: bool = False
    """Whether no message can pass until somebody mends the channel: such a failure is not this message's own."""
    message_fault: bool = False
    """Whether it is this message alone that was not taken, as its recipient's mailbox is full: the channel works."""


Deliveries = Mapping[str, Delivery]
"""By the id of the `Notification`."""
