"""The object that an Action acts on: of which kind it may be, which one a run names, and what a plan freezes of it."""

from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import Expression, JsonObject
from pratique.api.v1alpha1.spelling import NamespaceName


class ActsOn(ApiModel):
    """The kind of object that runs name in spec.targetRef; expressions read the live object as `target`."""

    api_version: Annotated[str, Field(min_length=1, max_length=128, description="apiVersion of the object: apps/v1.")]
    kind: Annotated[str, Field(min_length=1, max_length=128, description="Kind of the object: Deployment.")]
    filter: Annotated[
        Expression | None,
        Field(
            description="CEL over `target`, `run`, `action`: for which objects it is meant. False refuses the run; it is"
            " evaluated again at the start."
        ),
    ] = None
    message: Annotated[
        str | None,
        Field(min_length=1, max_length=512, description="The sentence the requester reads where the filter is false."),
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="!has(self.message) || has(self.filter)",
            message="message is read where the filter is false: set filter as well, or leave message out",
            field_path=".message",
        ),
    )


class TargetRef(ApiModel):
    """The object that a run acts on."""

    namespace: Annotated[
        NamespaceName | None, Field(description="Its namespace, if it has one; default: the namespace of the run.")
    ] = None
    name: Annotated[str, Field(min_length=1, max_length=253, description="Its name.")]


class Recheck(ApiModel):
    """A condition that reads the target, and must still say at the start what it said when the plan was made."""

    rule: Annotated[Expression, Field(description="The condition, as the Action had it.")]
    holds: Annotated[bool, Field(description="What it said.")] = True
    message: Annotated[str, Field(max_length=512, description="What people read if it says something else.")]


class PlannedTarget(ApiModel):
    """The very object that a plan was made for."""

    api_version: Annotated[str, Field(max_length=128, description="apiVersion of the object.")]
    kind: Annotated[str, Field(max_length=128, description="Kind of the object.")]
    namespace: Annotated[str | None, Field(max_length=63, description="Its namespace, if it has one.")] = None
    name: Annotated[str, Field(max_length=253, description="Its name.")]
    uid: Annotated[str, Field(max_length=64, description="Its uid.")]
    rechecks: Annotated[
        list[Recheck] | None, Field(max_length=64, description="What is evaluated again at the start.")
    ] = None
    inputs: Annotated[
        JsonObject | None,
        Field(description="The inputs as conditions see them, where that differs: the form's numbers with a point."),
    ] = None
