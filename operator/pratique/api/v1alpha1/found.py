"""People who are found in objects: where an Action looks for approvers, and what was found there for one request."""

from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import Expression, GroupName, Username
from pratique.api.v1alpha1.spelling import NamespaceName

MAX_FOUND = 32
"""Names of one sort that one object may give, and that one gate holds."""
MAX_SOURCES = 16
"""Objects that are looked at for one request."""
MAX_LISTED = 20
"""Entries that a stage and its alternatives have: one object may be in several."""


class ApproverSource(ApiModel):
    """An object that says who may approve. Read as the Action's ServiceAccount; who asks must not be able to write it."""

    api_version: Annotated[str, Field(min_length=1, max_length=128, description="apiVersion of the object: v1.")]
    kind: Annotated[str, Field(min_length=1, max_length=128, description="Kind of the object: Namespace. No Secret.")]
    namespace: Annotated[
        NamespaceName | None,
        Field(description="Its namespace, if its kind is in namespaces; default: the namespace of the run."),
    ] = None
    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=512,
            description="Its name: a text with ${CEL} over `inputs`, `run`, `action`, such as ${run.namespace}.",
        ),
    ]
    users: Annotated[
        Expression | None,
        Field(
            description="CEL over `object`, `inputs`, `run`, `action`: user names, as a list of texts, or as one text with"
            " commas between them. What is not there names nobody."
        ),
    ] = None
    groups: Annotated[Expression | None, Field(description="CEL like users: names of groups.")] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="has(self.users) || has(self.groups)",
            message="an entry of approvers.from says what of the object are the names: set users, groups, or both",
        ),
        Rule(
            rule="self.kind != 'Secret' || self.apiVersion != 'v1'",
            message="approvers.from reads no Secret: names that are found are shown to everybody; put them into a"
            " ConfigMap, a label or an annotation",
            field_path=".kind",
        ),
    )


class FoundPeople(ApiModel):
    """An object that was looked at for approvers, and whom it names."""

    api_version: Annotated[str, Field(max_length=128, description="apiVersion of the object.")]
    kind: Annotated[str, Field(max_length=128, description="Kind of the object.")]
    namespace: Annotated[str | None, Field(max_length=63, description="Its namespace, if it has one.")] = None
    name: Annotated[str, Field(max_length=253, description="Its name.")]
    uid: Annotated[str, Field(max_length=64, description="Its uid.")]
    resource_version: Annotated[str, Field(max_length=64, description="Its resourceVersion, as it was read.")] = ""
    users: Annotated[list[Username], Field(max_length=MAX_FOUND, description="User names that it gives.")] = []
    groups: Annotated[list[GroupName], Field(max_length=MAX_FOUND, description="Names of groups that it gives.")] = []


class FoundInStage(ApiModel):
    """What was looked at for the approvers of one stage."""

    stage: Annotated[str, Field(max_length=32, description="Name of the stage.")]
    sources: Annotated[list[FoundPeople], Field(max_length=MAX_LISTED, description="The objects, in order.")]
