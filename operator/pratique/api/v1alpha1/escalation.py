"""What a rule does with time while nobody decides: the steps of its ladder, in an Action, in a gate, and in a status."""

from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.scalars import GroupName, Time, Username
from pratique.api.v1alpha1.spelling import Duration, seconds

MAX_STEPS = 8
_SET = {"x-kubernetes-list-type": "set"}


class Added(ApiModel):
    """Who may decide as well, from a step on. They need the RBAC verb `approve` on the Action, as all who decide."""

    users: Annotated[list[Username], Field(max_length=16, description="User names.", json_schema_extra=_SET)] = []
    groups: Annotated[list[GroupName], Field(max_length=16, description="Group names.", json_schema_extra=_SET)] = []

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="(has(self.users) && size(self.users) > 0) || (has(self.groups) && size(self.groups) > 0)",
            message="`to` of escalation needs at least one user or group; leave `to` out for a reminder",
        ),
        Rule(
            rule="!has(self.groups) || self.groups.all(g, !(g in ['system:authenticated', 'system:unauthenticated'])"
            " && !g.startsWith('system:serviceaccounts'))",
            message="`to.groups` of escalation must name people: system:authenticated, system:unauthenticated and"
            " system:serviceaccounts… are not allowed",
        ),
    )


class EscalationStep(ApiModel):
    """One step of a ladder, as the author of an Action writes it."""

    after: Annotated[Duration, Field(description="How long after the opening of the gate.")]
    to: Annotated[
        Added | None,
        Field(description="Who may decide as well from then on, and is told. Without it the step is a reminder."),
    ] = None


class TimedStep(ApiModel):
    """One step of a ladder, as a gate has it: with its moment."""

    at: Annotated[Time, Field(description="From when on.")]
    to: Annotated[Added | None, Field(description="Who may decide as well; none is a reminder.")] = None


class TakenStep(ApiModel):
    """One step that people were told of."""

    at: Annotated[Time, Field(description="Its moment, as in spec.policy.escalation.")]
    done_at: Annotated[Time, Field(description="When the operator told people: later, if it was away.")]


Escalation = Annotated[list[EscalationStep], Field(max_length=MAX_STEPS)]
Ladder = Annotated[
    list[TimedStep],
    Field(min_length=1, max_length=MAX_STEPS, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
]

_NAMED = "has(s.to) && has(s.to.{0})"
_NEW = (
    "!({named}) || s.to.{0}.all(n, !(has(self.approvers.{0}) && n in self.approvers.{0}) &&"
    " self.escalation.exists_one(t, has(t.to) && has(t.to.{0}) && n in t.to.{0}))"
)
_ANY = "has(self.escalation) && self.escalation.exists(s, has(s.to))"
_SPELLED = (
    "self.deadline.matches('^[0-9]{1,9}[smhdw]$') && self.escalation.all(s, s.after.matches('^[0-9]{1,9}[smhdw]$'))"
)
_LONGEST = 3650 * 86400


def _each_new(field: str) -> str:
    return f"({_NEW.format(field, named=_NAMED.format(field))})"


STAGE_RULES = (
    Rule(
        rule=f"!has(self.escalation) || size(self.escalation) == 0 || !({_SPELLED}) ||"
        f" [self.escalation.map(s, {seconds('s.after')})].all(l, l.isSorted() && l[0] > 0 &&"
        f" l.all(x, l.exists_one(y, y == x)) && l[size(l) - 1] < {seconds('self.deadline')}"
        f" && {seconds('self.deadline')} <= {_LONGEST})",
        message="escalation: each `after` must be longer than the one before it and shorter than deadline (24h, if none"
        " is written), and a deadline with escalation 3650d at most",
        field_path=".escalation",
    ),
    Rule(
        rule=f"!has(self.escalation) || self.escalation.all(s, {_each_new('users')} && {_each_new('groups')})",
        message="escalation: `to` names somebody who is asked already, by approvers or by another step: leave them out",
        field_path=".escalation",
    ),
    Rule(
        rule=f"!({_ANY}) || !has(self.mode) || self.mode != 'All'",
        message="escalation: `to` cannot add people to mode: All, which means every one of approvers.users: use required,"
        " or leave `to` out for a reminder",
        field_path=".escalation",
    ),
    Rule(
        rule=f"!({_ANY}) || !has(self.alternatives)",
        message="escalation: `to` cannot add people where there are alternatives, since it is not said to which rule: add"
        " them to one of the rules, or leave `to` out for a reminder",
        field_path=".escalation",
    ),
)
"""What a ladder may be, for the stage that has it."""
