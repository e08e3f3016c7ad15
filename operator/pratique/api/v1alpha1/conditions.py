"""Every condition type and every reason, with its meaning. The docs and the tests read these tables.

Conditions are the API for machines (kubectl wait, kstatus, Flux, Argo CD); `phase` is for people and may grow.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel
from pratique.api.v1alpha1.scalars import Time


class ConditionType(StrEnum):
    """The condition types of all kinds."""

    ACCEPTED = "Accepted"
    """Action, ActionRun: the object makes sense and may be acted on."""
    DECIDED = "Decided"
    """ActionRun, Approval: nothing more has to be decided by people."""
    APPROVED = "Approved"
    """ActionRun, Approval: it may go on. False until decided, and false for good when it ended otherwise."""
    REVIEWED = "Reviewed"
    """ActionRun: somebody broke the glass; false until one of those who were skipped has signed it or objected, also after
    the run's end. Absent where nobody did."""
    ENDED = "Ended"
    """ActionRun: what it made for a time (expiresAfter) is gone again; false until then, also after the run's end. Absent
    where nothing was."""
    READY = "Ready"
    """All kinds: the object is what it was asked to be. kstatus reads this."""
    RECONCILING = "Reconciling"
    """The operator is at work on it, or waits for something that will come by itself or by a person."""
    STALLED = "Stalled"
    """It cannot go on unless somebody changes something; the message says what."""
    OUTBOX_FULL = "OutboxFull"
    """More waits to be told than an outbox holds: somebody is not told, and the message says of what. False once there is
    room again; absent where there always was."""


class Reason(StrEnum):
    """The reasons of all conditions."""

    PENDING = "Pending"
    """Nobody has looked yet."""
    VALID = "Valid"
    """The object was checked and is sound."""
    INVALID = "Invalid"
    """The object cannot work; the message names the field and the remedy."""
    WAITING_FOR_APPROVAL = "WaitingForApproval"
    """People have to decide; the message says who and until when."""
    NOT_NEEDED = "NotNeeded"
    """No gate applies: approved at once."""
    GRANTED = "Granted"
    """Enough approvers said yes."""
    GLASS_BROKEN = "GlassBroken"
    """Somebody on call broke the glass: nobody approved it, and it is reviewed afterwards."""
    COUNTER_OFFERED = "CounterOffered"
    """An approver offers something else, which is asked for in the next Approval."""
    REVIEW_OPEN = "ReviewOpen"
    """Nobody has signed the break-glass, nor objected to it; the message names the Approval to sign."""
    SIGNED = "Signed"
    """One of those who were skipped has signed the break-glass."""
    OBJECTED = "Objected"
    """One of those who were skipped objects to the break-glass; what was made stays."""
    REVIEW_GONE = "ReviewGone"
    """The Approval that reviews the break-glass is gone, so that nobody can sign it any more."""
    DECLINED = "Declined"
    """An approver said no."""
    EXPIRED = "Expired"
    """Nobody answered before the deadline. Not a decline. Environment: its time was up; it stays, since Git holds it."""
    WITHDRAWN = "Withdrawn"
    """The requester took it back, or deleted it."""
    SUPERSEDED = "Superseded"
    """What was approved is not what would run."""
    REFUSED = "Refused"
    """Policy or form says no; the message names the field."""
    RUNNING = "Running"
    """The resources are being created."""
    TEMPORARY = "Temporary"
    """What was made for a time is there; the message says until when."""
    ENDED = "Ended"
    """What was made for a time is gone."""
    NOT_ENDED = "NotEnded"
    """What was made for a time is still there after its end; the message says why. It is tried again."""
    HONOURED = "Honoured"
    """Gates that open take it in; the message says which, and until when."""
    NOT_GUARDED = "NotGuarded"
    """It is from a time in which the API server did not guard, or before one, so nobody knows who made it."""
    OVER = "Over"
    """Its time is over."""
    NOT_PROVEN = "NotProven"
    """It cannot be proven that this run made it, so nothing is deleted: a person has to look."""
    FROZEN = "Frozen"
    """The Action starts nothing for now (spec.freeze); the message says until when."""
    DRY_RUN = "DryRun"
    """A dry run was answered: the message says what would become of it. Nothing was opened or made, and nothing will be."""
    SUCCEEDED = "Succeeded"
    """All resources exist and are ready."""
    FAILED = "Failed"
    """A resource could not be created or did not become ready in time."""
    ACTION_NOT_FOUND = "ActionNotFound"
    """The run names an Action that does not exist."""
    EVALUATION_FAILED = "EvaluationFailed"
    """An expression could not be evaluated within its limits: the run is held, never waved through."""
    CREATING = "Creating"
    """The Environment's namespace is being made."""
    ACTIVE = "Active"
    """The Environment is there."""
    EXPIRING = "Expiring"
    """The Environment is there, and its end is near."""
    PROTECTED = "Protected"
    """The Environment's time is up; it is kept, since it is protected."""
    DELETING = "Deleting"
    """The Environment's namespace is going."""
    NAMESPACE_GONE = "NamespaceGone"
    """Somebody else deleted the Environment's namespace."""
    NAME_TAKEN = "NameTaken"
    """An object of that name exists and belongs to somebody else; it is never touched."""
    CONFIGURED = "Configured"
    """The channel's settings and Secrets were found."""
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason, not a secret
    """The channel names a Secret or key that is not in the operator's namespace, or that holds something else."""
    NOT_ALLOWED = "NotAllowed"
    """The channel names a server that its Secret does not let see what it holds, or an address that is not allowed."""
    DELIVERY_FAILED = "DeliveryFailed"
    """The channel's last messages were not taken; what is to be told waits."""
    TOO_MANY_WAIT = "TooManyWait"
    """The outbox is full of messages that wait for their channels."""
    HAS_ROOM = "HasRoom"
    """The outbox has room again; the message says what was not told meanwhile."""
    UNKNOWN_VERSION = "UnknownVersion"
    """A later version of the operator wrote what this one does not know: the object is left alone until an upgrade."""
    RETRYING = "Retrying"
    """Something failed that may pass; it is tried again."""


class ConditionStatus(StrEnum):
    """Whether a condition holds; `Unknown` until somebody has looked."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(ApiModel):
    """A standard Kubernetes condition; types and reasons are listed in `conditions.py`."""

    type: Annotated[str, Field(max_length=64, description="What the condition is about.")]
    status: Annotated[ConditionStatus, Field(description="Whether it holds: True, False or Unknown.")]
    reason: Annotated[str, Field(max_length=64, description="One word, for machines.")]
    message: Annotated[str, Field(max_length=2048, description="One sentence, for people.")] = ""
    last_transition_time: Annotated[Time, Field(description="When `status` last changed.")]
    observed_generation: Annotated[int, Field(ge=0, description="The metadata.generation this was decided for.")] = 0


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=16,
        description="The state for machines; kubectl wait, Flux and Argo CD read these.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
