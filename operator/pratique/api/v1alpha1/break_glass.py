"""Break-glass: who may open a gate at once when nobody can be waited for, in an Action and in a gate."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import GroupName, Username

_SET = {"x-kubernetes-list-type": "set"}


class OwnGlass(StrEnum):
    """Whether whoever asks may break the glass for their own request."""

    ALLOW = "Allow"
    FORBID = "Forbid"


class BreakGlass(ApiModel):
    """Who may break the glass. They need the RBAC verb `break-glass` on the Action; the verb `approve` is not enough."""

    users: Annotated[list[Username], Field(max_length=32, description="User names.", json_schema_extra=_SET)] = []
    groups: Annotated[list[GroupName], Field(max_length=32, description="Group names.", json_schema_extra=_SET)] = []
    requester: Annotated[
        OwnGlass | None,
        Field(
            description="Whether whoever asks may break it for their own request: Allow or Forbid. It has no default: say"
            " which of the two."
        ),
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="(has(self.users) && size(self.users) > 0) || (has(self.groups) && size(self.groups) > 0)",
            message="breakGlass needs at least one user or group; leave breakGlass out if nobody may break the glass",
        ),
        Rule(
            rule="!has(self.groups) || self.groups.all(g, !(g in ['system:authenticated', 'system:unauthenticated'])"
            " && !g.startsWith('system:serviceaccounts'))",
            message="breakGlass.groups must name people: system:authenticated, system:unauthenticated and"
            " system:serviceaccounts… are not allowed",
        ),
        Rule(
            rule="has(self.requester)",
            message="breakGlass needs requester: Forbid, or Allow if whoever asks may break the glass for their own"
            " request; there is no default, since nobody should find out at night which one it is",
            reason="FieldValueRequired",
            field_path=".requester",
        ),
    )


STAGE_GLASS = Rule(
    rule="!has(self.breakGlass) || !has(self.breakGlass.users) ||"
    " (has(self.approvers.groups) && size(self.approvers.groups) > 0) || !has(self.approvers.users) ||"
    " size(self.approvers.users) > 1 || has(self.approvers.from) || has(self.alternatives) ||"
    " (has(self.escalation) && self.escalation.exists(s, has(s.to))) ||"
    " !(self.approvers.users[0] in self.breakGlass.users)",
    message="breakGlass names the only approver, so nobody would be left to review what they did: name another approver,"
    " or leave them out of breakGlass",
    field_path=".breakGlass",
)
"""What a stage may say of it."""

DECISION_GLASS = Rule(
    rule="!has(self.decisions) || self.decisions.all(k, self.decisions[k].verdict != 'BreakGlass' ||"
    " (has(self.decisions[k].comment) && self.decisions[k].comment.matches('[^\\\\s]')))",
    message="breaking the glass needs a comment: why it could not wait, for whoever reviews it"
    " (spec.decisions[you].comment)",
    reason="FieldValueRequired",
    field_path=".decisions",
)
"""What a decision that breaks it needs, whatever the rule says of comments."""
