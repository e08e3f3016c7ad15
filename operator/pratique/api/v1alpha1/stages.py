"""Who must approve a run, and by which rule: the stages of an Action, of which a plan holds those that apply."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.people import ONE_NAME, ONE_NAME_SENTENCE
from pratique.api.v1alpha1.scalars import Expression, GroupName, Username
from pratique.api.v1alpha1.spelling import Duration, StageName


class CommentRule(StrEnum):
    """When a decision must carry a comment."""

    NEVER = "Never"
    ON_DECLINE = "OnDecline"
    ALWAYS = "Always"


class Approvers(ApiModel):
    """Who may decide. Being listed is not enough: the RBAC verb `approve` on the Action is needed as well."""

    users: Annotated[
        list[Username],
        Field(max_length=32, description="User names.", json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = []
    groups: Annotated[
        list[GroupName],
        Field(max_length=32, description="Group names.", json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = []

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="(has(self.users) && size(self.users) > 0) || (has(self.groups) && size(self.groups) > 0)",
            message="approvers needs at least one user or group",
        ),
        Rule(
            rule="!has(self.groups) || self.groups.all(g, !(g in ['system:authenticated', 'system:unauthenticated'])"
            " && !g.startsWith('system:serviceaccounts'))",
            message="approvers.groups must name people: system:authenticated, system:unauthenticated and"
            " system:serviceaccounts… are not allowed",
        ),
    )


class Stage(ApiModel):
    """One gate."""

    name: Annotated[StageName, Field(description="Name of the stage.")]
    when: Annotated[
        Expression, Field(description="CEL over `inputs`, `run`, `action`; false skips the stage: approved at once.")
    ] = "true"
    message: Annotated[
        str, Field(max_length=512, description="Why the run is held, in words; shown wherever it is shown as held.")
    ] = ""
    approvers: Annotated[Approvers, Field(description="Who may decide.")]
    required: Annotated[int, Field(ge=1, le=32, description="How many people must approve.")] = 1
    decline_threshold: Annotated[int, Field(ge=1, le=32, description="How many declines end it.")] = 1
    comment: Annotated[
        CommentRule, Field(description="When a decision needs a comment: Never, OnDecline or Always.")
    ] = CommentRule.ON_DECLINE
    deadline: Annotated[
        Duration, Field(description="How long approvers have, from the opening of the gate; then it ends as Expired.")
    ] = "24h"

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="(has(self.approvers.groups) && size(self.approvers.groups) > 0) ||"
            " !has(self.approvers.users) || self.required <= size(self.approvers.users)",
            message="required is larger than the number of users in approvers.users: this could never be approved",
            field_path=".required",
        ),
        Rule(rule="self.deadline != '0s'", message="deadline must be longer than 0s", field_path=".deadline"),
    )


class ApprovalRules(ApiModel):
    """When and by whom a run must be approved."""

    stages: Annotated[
        list[Stage],
        Field(
            max_length=1,
            description="The gates; none that applies means approved at once.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = []

    # Here and not beside the names: gates and plans hold them as well, and those of an earlier version must go on.
    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="!has(self.stages) || self.stages.all(s,"
            f" (!has(s.approvers.users) || s.approvers.users.all(n, {ONE_NAME}))"
            f" && (!has(s.approvers.groups) || s.approvers.groups.all(n, {ONE_NAME})))",
            message=f"approvers: each of users and groups {ONE_NAME_SENTENCE}",
        ),
    )
