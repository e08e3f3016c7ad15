"""What a plan holds of each step, an object or a call: exactly as it will be made, and what its dry run showed."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from pratique.api.v1alpha1.action import Conflict, Lists
from pratique.api.v1alpha1.calling import HttpRequest
from pratique.api.v1alpha1.deleting import ObjectToDelete
from pratique.api.v1alpha1.meta import ApiModel
from pratique.api.v1alpha1.scalars import Expression, JsonObject
from pratique.api.v1alpha1.spelling import Duration


class DryRunResult(StrEnum):
    """What the API server said when the object was sent as a dry run, under the identity that will make it."""

    PASSED = "Passed"
    DEFERRED = "Deferred"


class FieldChange(ApiModel):
    """One change of what the template sets: values as JSON, long ones cut, with a hash; or a bare word in their place.

    `after` is `removed` where `before` goes, or `chosen by the cluster`; `before` is `added` where `after` is a new entry.
    """

    path: Annotated[str, Field(max_length=256, description="Path of the field.")]
    before: Annotated[
        str, Field(max_length=160, description="A changed object: the value now. A new one: the value in the template.")
    ]
    after: Annotated[str, Field(max_length=160, description="The value that the API server would store.")]


class Listing(StrEnum):
    """How the changes of a dry run are listed: two of the same kind can be compared."""

    BY_ENTRY = "ByEntry"


class DryRun(ApiModel):
    """What a dry run showed, of the fields that the template sets and of no others; compared again at the start."""

    result: Annotated[DryRunResult, Field(description="Passed, or Deferred: not possible before an earlier object is.")]
    message: Annotated[str, Field(max_length=512, description="Why it is deferred.")] = ""
    target_uid: Annotated[
        str | None, Field(max_length=64, alias="targetUID", description="uid of the object that is to be changed.")
    ] = None
    changes: Annotated[
        list[FieldChange],
        Field(
            max_length=17,
            description="What changes in an object that exists, or what the API server changes in a new one.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = []
    listing: Annotated[
        Listing | None,
        Field(
            description="ByEntry: what goes and what comes in lists, entry by entry. Absent in plans of version 0.1.0."
        ),
    ] = None
    forced: Annotated[
        list[Annotated[str, Field(max_length=512)]] | None,
        Field(
            max_length=17,
            description="With conflict: Force: fields that others apply, and who. Absent in plans from before.",
        ),
    ] = None


class LateValue(ApiModel):
    """One leaf of an object that is known only once earlier entries are done."""

    at: Annotated[str, Field(max_length=1024, description="Where it stands in the object: a JSON pointer.")]
    reads: Annotated[
        list[Annotated[str, Field(max_length=288)]],
        Field(max_length=16, description="What it reads: id of an earlier entry, and the path in what that made."),
    ]
    texts: Annotated[
        list[Annotated[str, Field(max_length=65536)]] | None,
        Field(
            max_length=17, description="What stands before, between and behind. Absent: the value alone, of its type."
        ),
    ] = None


class PlannedResource(ApiModel):
    """One object exactly as it will be made."""

    id: Annotated[str, Field(max_length=35, description="The id of the template.")]
    patch: Annotated[bool, Field(description="Whether an existing object is changed instead of one created.")] = False
    ready_when: Annotated[Expression | None, Field(description="The Action's readyWhen, as it was.")] = None
    wait: Annotated[bool | None, Field(description="The Action's wait, as it was.")] = None
    lists: Annotated[Lists | None, Field(description="The Action's lists, as it was.")] = None
    failed_when: Annotated[Expression | None, Field(description="The Action's failedWhen, as it was.")] = None
    conflict: Annotated[Conflict | None, Field(description="The Action's conflict, as it was.")] = None
    manifest: Annotated[JsonObject, Field(description="The rendered object.")]
    late: Annotated[
        list[LateValue] | None,
        Field(max_length=32, description="What of it is known only once earlier entries are done."),
    ] = None
    dry_run: Annotated[
        DryRun | None, Field(description="What its dry run showed, before anybody was asked; absent if there was none.")
    ] = None


class PlannedTemporary(PlannedResource):
    """One object exactly as it will be made, and how long after that it is deleted again.

    In a document it has no `manifest` but `temporary`: a version that ends nothing cannot read such a plan, and leaves its
    run alone instead of making for ever what was approved for a while.
    """

    manifest: Annotated[JsonObject, Field(alias="temporary", description="The rendered object.")]
    expires_after: Annotated[Duration, Field(description="How long after it was made it is deleted again.")]


def as_temporary(planned: PlannedResource, expires_after: str) -> PlannedTemporary:
    """Return an object of a plan as one that is deleted again after that time."""
    return PlannedTemporary(**dict(planned), expires_after=expires_after)


class PlannedLate(PlannedResource):
    """One object as it will be made, but for values that earlier entries give.

    In a document it has no `manifest` but `unfinished`: a version that fills nothing in cannot read such a plan, and leaves
    its run alone instead of making an object with `${resources.…}` in it.
    """

    manifest: Annotated[
        JsonObject, Field(alias="unfinished", description="The rendered object; ${resources.…} stands in it yet.")
    ]


class PlannedLateTemporary(PlannedTemporary):
    """One such object that is deleted again after a time."""

    manifest: Annotated[
        JsonObject, Field(alias="unfinished", description="The rendered object; ${resources.…} stands in it yet.")
    ]


def as_late(planned: PlannedResource, late: list[LateValue]) -> PlannedResource:
    """Return an object of a plan as one whose late values are filled in before it is made."""
    kind = PlannedLateTemporary if isinstance(planned, PlannedTemporary) else PlannedLate
    return kind(**{**dict(planned), "late": late})


class PlannedRequest(ApiModel):
    """One call exactly as it will be made, but for what comes from Secrets.

    It has no manifest: a version that knows no calls cannot read such a plan, and leaves its run alone.
    """

    id: Annotated[str, Field(max_length=35, description="The id of the step.")]
    request: Annotated[HttpRequest, Field(description="The call, rendered.")]
    dry_run: Annotated[
        DryRun | None, Field(description="That it could be made: nothing is sent for it. Absent if nobody looked.")
    ] = None


class PlannedFollowUp(PlannedRequest):
    """A call that waits with `until`, or whose address says what an earlier call will answer.

    It has no request by that name: a version that knows calls and no `until` cannot read such a plan, and leaves its run
    alone, in place of taking for done what was only started.
    """

    request: Annotated[
        HttpRequest,
        Field(alias="followUp", description="The call, rendered; ${resources.<id>.<name>} stands in its address yet."),
    ]


class PlannedDeletion(ApiModel):
    """One object that goes; its dry run says by its uid which.

    It has no manifest: a version that deletes nothing cannot read such a plan, and leaves its run alone.
    """

    id: Annotated[str, Field(max_length=35, description="The id of the step.")]
    delete: Annotated[ObjectToDelete, Field(description="The object, its name rendered.")]
    wait: Annotated[bool | None, Field(description="The Action's wait, as it was.")] = None
    dry_run: Annotated[
        DryRun | None, Field(description="Which object it would be, and that it may go. Absent if nobody looked.")
    ] = None


Planned = PlannedResource | PlannedRequest | PlannedDeletion


def _sort_of(value: Any) -> str:  # noqa: ANN401 - an entry of a plan, read or not
    """Tell calls and deletions from objects that are made."""
    if isinstance(value, dict):
        is_late, ends = "unfinished" in value, "expiresAfter" in value
        made = "lateTemporary" if is_late and ends else "late" if is_late else "temporary" if ends else "object"
        return next((sort for field, sort in _SORTS.items() if field in value), made)
    return next((sort for kind, sort in _CLASSES.items() if isinstance(value, kind)), "object")


_SORTS = {"request": "call", "followUp": "followUp", "delete": "deletion"}
_CLASSES: dict[type, str] = {
    PlannedLate: "late",
    PlannedLateTemporary: "lateTemporary",
    PlannedFollowUp: "followUp",
    PlannedRequest: "call",
    PlannedDeletion: "deletion",
    PlannedTemporary: "temporary",
}
PlannedStep = Annotated[
    Annotated[PlannedResource, Tag("object")]
    | Annotated[PlannedTemporary, Tag("temporary")]
    | Annotated[PlannedLate, Tag("late")]
    | Annotated[PlannedLateTemporary, Tag("lateTemporary")]
    | Annotated[PlannedRequest, Tag("call")]
    | Annotated[PlannedFollowUp, Tag("followUp")]
    | Annotated[PlannedDeletion, Tag("deletion")],
    Discriminator(_sort_of),
]
"""An entry of a plan, told apart by what it has."""
