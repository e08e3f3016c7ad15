"""Who must approve a run, and by which rule: the stages of an Action, of which a plan holds those that apply."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.break_glass import STAGE_GLASS, BreakGlass
from pratique.api.v1alpha1.counter_offer import CounterOffer
from pratique.api.v1alpha1.delegations import DelegationRule
from pratique.api.v1alpha1.escalation import STAGE_RULES, Escalation
from pratique.api.v1alpha1.found import ApproverSource
from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.people import ONE_NAME, ONE_NAME_SENTENCE, People
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


class RuleApprovers(Approvers):
    """Who may decide, as an Action says it: by name, or by objects in which they are found for each request."""

    from_: Annotated[
        list[ApproverSource] | None,
        Field(
            alias="from",
            min_length=1,
            max_length=4,
            description="Objects that say who may decide as well, looked at when a request is judged. Who asks must not be"
            " able to write them.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = None
    fallback: Annotated[
        People | None,
        Field(
            description="Who may decide where `from` finds nobody, or nobody but who asks; without it, it is refused."
        ),
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="(has(self.users) && size(self.users) > 0) || (has(self.groups) && size(self.groups) > 0) ||"
            " has(self.from)",
            message="approvers needs at least one user or group, or `from`: objects that name them",
        ),
        *Approvers.cel_rules[1:],
        Rule(
            rule="!has(self.fallback) || has(self.from)",
            message="fallback is for people whom `from` does not find: set from as well, or leave fallback out",
            field_path=".fallback",
        ),
        Rule(
            rule="!has(self.fallback) || (has(self.fallback.users) && size(self.fallback.users) > 0) ||"
            " (has(self.fallback.groups) && size(self.fallback.groups) > 0)",
            message="fallback needs at least one user or group",
            field_path=".fallback",
        ),
        Rule(
            rule="!has(self.fallback) || !has(self.fallback.groups) || self.fallback.groups.all(g,"
            " !(g in ['system:authenticated', 'system:unauthenticated']) && !g.startsWith('system:serviceaccounts'))",
            message="fallback.groups must name people: system:authenticated, system:unauthenticated and"
            " system:serviceaccounts… are not allowed",
            field_path=".fallback",
        ),
    )


class Mode(StrEnum):
    """How the approvers of a rule are counted."""

    COUNT = "Count"
    ALL = "All"


class GroupCount(ApiModel):
    """How many of those who approve must be of one group."""

    group: Annotated[GroupName, Field(description="One of approvers.groups.")]
    count: Annotated[int, Field(ge=1, le=32, description="How many people of it must approve.")] = 1


OF_GROUPS = (
    "How many must come from which of approvers.groups. Whoever is in two of them fills both, and is one person of"
    " `required`."
)
RequireFrom = Annotated[
    list[GroupCount],
    Field(
        min_length=1,
        max_length=8,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["group"]},
    ),
]


class Quorum(ApiModel):
    """Who may decide, and how many of them are enough."""

    approvers: Annotated[RuleApprovers, Field(description="Who may decide.")]
    mode: Annotated[
        Mode, Field(description="Count: as many as `required` says. All: every one of approvers.users.")
    ] = Mode.COUNT
    required: Annotated[
        int | None,
        Field(
            ge=1, le=32, description="How many people must approve. Default: the largest count of requireFrom, or 1."
        ),
    ] = None
    require_from: Annotated[RequireFrom | None, Field(description=OF_GROUPS)] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule="(has(self.mode) && self.mode == 'All') || !has(self.required) ||"
            " has(self.approvers.from) || (has(self.approvers.groups) && size(self.approvers.groups) > 0) ||"
            " !has(self.approvers.users) || self.required <= size(self.approvers.users)",
            message="required is larger than the number of users in approvers.users: this could never be approved",
            field_path=".required",
        ),
        Rule(
            rule="!has(self.mode) || self.mode != 'All' ||"
            " !has(self.approvers.groups) || size(self.approvers.groups) == 0",
            message="mode: All needs users by name: who is in a group is not known. Name them in approvers.users, or use"
            " required and requireFrom",
            field_path=".mode",
        ),
        Rule(
            rule="!has(self.mode) || self.mode != 'All' || !has(self.approvers.from) ||"
            " ((!has(self.approvers.users) || size(self.approvers.users) == 0) &&"
            " self.approvers.from.all(f, !has(f.groups)) && (!has(self.approvers.fallback) ||"
            " !has(self.approvers.fallback.groups) || size(self.approvers.fallback.groups) == 0))",
            message="mode: All is every one of approvers.users, or every user whom approvers.from finds: not both, and no"
            " groups. Make a stage of each",
            field_path=".mode",
        ),
        Rule(
            rule="!has(self.mode) || self.mode != 'All' || (!has(self.required) && !has(self.requireFrom))",
            message="mode: All means every one of approvers.users: leave required and requireFrom out"
            " (required: null removes a number that an earlier version filled in)",
            field_path=".mode",
        ),
        Rule(
            rule="!has(self.requireFrom) || self.requireFrom.all(r,"
            " has(self.approvers.groups) && r.group in self.approvers.groups)",
            message="each group of requireFrom must be one of approvers.groups: nobody else of it may decide",
            field_path=".requireFrom",
        ),
        Rule(
            rule="!has(self.requireFrom) || !has(self.required) || self.requireFrom.all(r, r.count <= self.required)",
            message="required is smaller than a count of requireFrom: raise it, or leave it out"
            " (null removes a 1 that an earlier version filled in)",
            field_path=".required",
        ),
    )

    @property
    def needed(self) -> int:
        """How many people must approve."""
        if self.mode is Mode.ALL:
            return len(self.approvers.users)
        return self.required or max((each.count for each in self.require_from or ()), default=1)

    @property
    def may_be_anybody(self) -> bool:
        """Whether not all of its people are known by name: a group may have anybody in it, so may what `from` finds."""
        return bool(self.approvers.groups or self.approvers.from_)


_TOGETHER = (
    "(has(self.approvers.{0}) ? size(self.approvers.{0}) : 0) + self.alternatives.map(a,"
    " has(a.approvers.{0}) ? size(a.approvers.{0}) : 0).sum() <= 32"
)
"""CEL: whether a stage and its alternatives name no more than a gate can hold: there all are in one list."""


class Stage(Quorum):
    """One gate."""

    name: Annotated[StageName, Field(description="Name of the stage.")]
    when: Annotated[
        Expression, Field(description="CEL over `inputs`, `run`, `action`; false skips the stage: approved at once.")
    ] = "true"
    message: Annotated[
        str, Field(max_length=512, description="Why the run is held, in words; shown wherever it is shown as held.")
    ] = ""
    alternatives: Annotated[
        list[Quorum] | None,
        Field(
            min_length=1,
            max_length=4,
            description="Other rules, each of which is enough as well: the lead, or two of the team.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = None
    exclude: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=1024)]] | None,
        Field(
            min_length=1,
            max_length=8,
            description="User names of who may not decide, though listed, such as the author of a change: each a text with"
            " ${CEL} over `inputs`, `run`, `action`. Who asks may not decide in any case.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = None
    decline_threshold: Annotated[int, Field(ge=1, le=32, description="How many declines end it.")] = 1
    comment: Annotated[
        CommentRule, Field(description="When a decision needs a comment: Never, OnDecline or Always.")
    ] = CommentRule.ON_DECLINE
    deadline: Annotated[
        Duration, Field(description="How long approvers have, from the opening of the gate; then it ends as Expired.")
    ] = "24h"
    delegation: Annotated[
        DelegationRule | None,
        Field(
            description="Whether an approver may name a stand-in, who then decides for them: Allow or Forbid."
            " Default: Forbid."
        ),
    ] = None
    escalation: Annotated[
        Escalation | None,
        Field(
            description="What happens while nobody decides, in order: a step reminds who was asked, or with `to` adds"
            " people who may decide as well. Default: one reminder at half of the deadline; [] is none.",
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = None
    break_glass: Annotated[
        BreakGlass | None,
        Field(
            description="Who may open the gate at once when nobody can be waited for. They say why, and one of those who"
            " were skipped reviews it afterwards. Default: nobody."
        ),
    ] = None
    counter_offer: Annotated[
        CounterOffer | None,
        Field(description="Which inputs an approver may offer other values for, and which. Default: none."),
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        *Quorum.cel_rules,
        Rule(
            rule=f"!has(self.alternatives) || ({_TOGETHER.format('users')} && {_TOGETHER.format('groups')})",
            message="a stage and its alternatives may name 32 users and 32 groups together",
            field_path=".alternatives",
        ),
        Rule(rule="self.deadline != '0s'", message="deadline must be longer than 0s", field_path=".deadline"),
        *STAGE_RULES,
        STAGE_GLASS,
    )

    @property
    def is_plain(self) -> bool:
        """Whether version 0.1.0 knows all of its rule, too: it knows no reminder, from which nothing follows."""
        rules = self.require_from or self.alternatives or self.exclude or self.added_users or self.added_groups
        plain = self.mode is Mode.COUNT and not rules and self.break_glass is None
        return plain and not self.allows_stand_ins and self.counter_offer is None

    @property
    def allows_stand_ins(self) -> bool:
        """Whether its approvers may let others decide for them."""
        return self.delegation is DelegationRule.ALLOW

    @property
    def added_users(self) -> tuple[str, ...]:
        """Who may decide by name once a step has added them."""
        return tuple(name for step in self.escalation or () if step.to is not None for name in step.to.users)

    @property
    def added_groups(self) -> tuple[str, ...]:
        """Who may decide by a group once a step has added it."""
        return tuple(name for step in self.escalation or () if step.to is not None for name in step.to.groups)

    @property
    def all_approvers(self) -> Approvers:
        """Who may decide, by any of its rules."""
        users = (name for each in self.ways for name in each.approvers.users)
        groups = (name for each in self.ways for name in each.approvers.groups)
        return Approvers(users=list(dict.fromkeys(users)), groups=list(dict.fromkeys(groups)))

    @property
    def sources(self) -> Iterator[tuple[str, ApproverSource]]:
        """The objects in which its people are found, each with its path in the stage."""
        for place, way in enumerate(self.ways):
            path = f"alternatives[{place - 1}].approvers" if place else "approvers"
            for index, source in enumerate(way.approvers.from_ or ()):
                yield f"{path}.from[{index}]", source

    @property
    def ways(self) -> tuple[Quorum, ...]:
        """The rules of which one must be met."""
        return (self, *(self.alternatives or ()))


class SamePeople(StrEnum):
    """Whether one person may decide more than one stage of a request."""

    FORBID = "Forbid"
    ALLOW = "Allow"


def _one_name_each(approvers: str) -> str:
    """Return CEL for each user and group of `approvers` being one name."""
    users, groups = (
        f"(!has({approvers}.{each}) || {approvers}.{each}.all(n, {ONE_NAME}))" for each in ("users", "groups")
    )
    return f"{users} && {groups}"


class ApprovalRules(ApiModel):
    """When and by whom a run must be approved."""

    stages: Annotated[
        list[Stage],
        Field(
            max_length=8,
            description="The gates, in turn: each opens when the one before it is granted. Those that do not apply are"
            " skipped; none that applies means approved at once.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = []
    same_person_in_stages: Annotated[
        SamePeople,
        Field(
            description="Whether who decided in one stage may decide in a later one of the same run: Forbid or Allow."
        ),
    ] = SamePeople.FORBID

    # Here and not beside the names: gates and plans hold them as well, and those of an earlier version must go on.
    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule=f"!has(self.stages) || self.stages.all(s, {_one_name_each('s.approvers')}"
            f" && (!has(s.alternatives) || s.alternatives.all(a, {_one_name_each('a.approvers')})))",
            message=f"approvers: each of users and groups {ONE_NAME_SENTENCE}",
        ),
        Rule(
            rule="!has(self.stages) || self.stages.all(s, (!has(s.approvers.fallback) ||"
            f" ({_one_name_each('s.approvers.fallback')})) && (!has(s.alternatives) || s.alternatives.all(a,"
            f" !has(a.approvers.fallback) || ({_one_name_each('a.approvers.fallback')}))))",
            message=f"approvers.fallback: each of users and groups {ONE_NAME_SENTENCE}",
        ),
        Rule(
            rule="!has(self.stages) || self.stages.all(s, !has(s.escalation) || s.escalation.all(e, !has(e.to) ||"
            f" ({_one_name_each('e.to')})))",
            message=f"escalation: each of users and groups {ONE_NAME_SENTENCE}",
        ),
        Rule(
            rule=f"!has(self.stages) || self.stages.all(s, !has(s.breakGlass) || ({_one_name_each('s.breakGlass')}))",
            message=f"breakGlass: each of users and groups {ONE_NAME_SENTENCE}",
        ),
    )
