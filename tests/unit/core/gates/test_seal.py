"""The seal of the API server and the operator's own count: the same, for every map of decisions.

The very CEL of the policy is evaluated, over all small gates and over generated ones; `tests/crds/test_identity_seal.py`
sees the API server itself take and refuse.
"""

import sys
from functools import cache
from itertools import product
from typing import Any

import pytest
from cel_expr_python import cel
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.models import DEADLINE, approval, at, gate, lending, lent, run, run_plan, stage, vote

from pratique.admission import delegating, glass
from pratique.admission.asked import VARIABLES
from pratique.admission.language import Check, code, same_person
from pratique.admission.seal import SEAL
from pratique.api.v1alpha1.approval import ApprovalSpec, GateRule, Purpose
from pratique.api.v1alpha1.break_glass import BreakGlass
from pratique.api.v1alpha1.counter_offer import ConsentRule, CounterOffer, OfferedValues
from pratique.api.v1alpha1.decisions import Decision, Verdict
from pratique.api.v1alpha1.delegations import StandIn
from pratique.api.v1alpha1.escalation import Added, EscalationStep, TimedStep
from pratique.api.v1alpha1.scalars import format_time
from pratique.api.v1alpha1.stages import GroupCount, RuleApprovers, Stage
from pratique.core.gates.opening import policy_of
from pratique.core.gates.review import can_be_signed, open_review
from pratique.core.gates.standing_in import may_stand_in
from pratique.core.gates.tally import Tally, count, may_decide
from pratique.core.kernel.identity import fold

A, D, U, B, P = "Approve", "Decline", "Undecided", "BreakGlass", "Offer"
BOT, LISTED_BOT = "system:serviceaccount:ci:bot", "system:serviceaccount:ci:listed"
WHO = {"approvers": RuleApprovers(users=["lead-3", "developer@example.com", LISTED_BOT], groups=["platform-leads"])}
SENTENCE = {
    Tally.APPROVED: "approved by ",
    Tally.BROKEN: "its glass was broken by ",
    Tally.OFFERED: "something else is offered by ",
    Tally.DECLINED: "declined by ",
}


DYN, TEXT = cel.Type.DYN, cel.Type.STRING


def _environment(**variables: Any) -> Any:
    """Return the evaluator, with what Kubernetes adds to it."""
    joined = cel.Overload("join_list", TEXT, [cel.Type.List(DYN), TEXT], is_member=True)
    replaced = cel.Overload("replace_text", TEXT, [TEXT, TEXT, TEXT], is_member=True)
    return cel.NewEnv(
        variables=variables,
        functions=[cel.FunctionDecl("join", [joined]), cel.FunctionDecl("replace", [replaced])],
        function_impls={"join_list": lambda parts, by: by.join(parts), "replace_text": str.replace},
    )


@cache
def programs() -> dict[str, Any]:
    env = _environment(variables=cel.Type.Map(TEXT, DYN), oldObject=cel.Type.Map(TEXT, DYN))
    return {name: env.compile(code(expression)) for name, expression in SEAL.items()}


def sealed(spec: ApprovalSpec) -> str:
    """Return what the policy says of a gate that is as this one."""
    wire = spec.to_wire()
    variables: dict[str, Any] = {"old": wire.get("decisions", {})}
    for name, program in programs().items():
        value = program.eval(data={"variables": variables, "oldObject": {"spec": wire}})
        assert value.type() != cel.Type.ERROR, f"{name}: {value.value()}"
        variables[name] = value.plain_value()
    return str(variables["sealed"])


def counted_by_seal(spec: ApprovalSpec) -> set[str]:
    """Return whose entries the policy counts."""
    wire = spec.to_wire()
    variables: dict[str, Any] = {"old": wire.get("decisions", {})}
    for name, program in programs().items():
        variables[name] = program.eval(data={"variables": variables, "oldObject": {"spec": wire}}).plain_value()
    return set(variables["counted"])


def agree(spec: ApprovalSpec) -> None:
    """Expect the API server to take no further entry exactly when the operator's count has ended, and as it has."""
    ends = count(spec, at(0)).tally
    said = sealed(spec)
    assert bool(said) == (ends is not Tally.OPEN), spec.decisions
    # several ends at once: only where no seal was; then which of them is the operator's to say
    alone = [{who: each for who, each in spec.decisions.items() if each.verdict == verdict} for verdict in (A, D, B, P)]
    could = [count(spec.model_copy(update={"decisions": each}), at(0)).tally is not Tally.OPEN for each in alone]
    if said and sum(could) < 2:
        assert said.startswith(SENTENCE[ends])


@pytest.mark.thorough
@pytest.mark.parametrize("required", [1, 2, 3])
@pytest.mark.parametrize("threshold", [1, 2, 3])
def test_all_small_gates(required: int, threshold: int) -> None:
    people = ("lead-1", "LEAD-1", "lead-2", "lead-3")
    said = [None, vote(U), *(vote(verdict, minute) for verdict, minute in product((A, D), (1, 2)))]
    for each in product(said, repeat=len(people)):
        decisions = {who: entry for who, entry in zip(people, each, strict=True) if entry is not None}
        agree(gate(decisions, required=required, decline_threshold=threshold, **WHO))


@pytest.mark.parametrize("who", ["lead-1", "lead-3", "stranger", "developer@example.com", "DEVELOPER@example.com"])
@pytest.mark.parametrize("verdict", [A, D])
def test_who_counts(who: str, verdict: str) -> None:
    for groups, minute in product(([], ["others"], ["platform-leads"], ["others", "platform-leads"]), (119, 120, 121)):
        agree(gate({who: vote(verdict, minute, groups=groups)}, **WHO))


@pytest.mark.parametrize("who", [BOT, LISTED_BOT, "system:serviceaccounts", "System:ServiceAccount:ci:bot"])
def test_which_machines_count(who: str) -> None:
    for verdict, groups in product((A, D), ([], ["platform-leads"])):
        agree(gate({who: vote(verdict, groups=groups)}, **WHO))


def test_what_has_no_stamp_does_not_count() -> None:
    entry = vote(A)
    for update in ({"decided_at": None}, {"groups": None}, {"decided_at": DEADLINE}):
        agree(gate({"lead-1": entry.model_copy(update=update), "lead-3": entry.model_copy(update=update)}, **WHO))


def test_nor_does_the_person_for_whom_it_is() -> None:
    person = {"username": "Lead-1"}
    for spec in (gate({"lead-1": vote(A)}, **WHO), gate({"lead-2": vote(A)}, **WHO)):
        asked = ApprovalSpec.model_validate({**spec.to_wire(), "onBehalfOf": person})
        agree(asked)


PEOPLE = ["lead-1", "Lead-1", "LEAD-1", "lead-2", "lead-3", "stranger", "developer@example.com", BOT, LISTED_BOT]
PEOPLE += [
    "straße",
    "STRASSE",
    "STRAẞE",
    "ſtraße",
    "K",
    "k",
    "K",
    r"a\b",
    r"A\E.*",
    r"a\e.*",
    "é",
    "É",
    "e\u0301",
    "😀",
]
# One person of the team and the lead, two groups, four entries in any order: every rule of a stage, each in its own shape.
CREW = {
    "lead@example.com": [],
    "ops-1": ["ops"],
    "sec-1": ["security"],
    "both": ["ops", "security"],
}
TEAM = RuleApprovers(users=["lead@example.com"], groups=["ops", "security"])
RULES: dict[str, dict[str, Any]] = {
    "all of three by name": {"approvers": RuleApprovers(users=["lead@example.com", "ops-1", "both"]), "mode": "All"},
    "one of security": {"approvers": TEAM, "require_from": [{"group": "security"}]},
    "two, one of security": {"approvers": TEAM, "required": 2, "require_from": [{"group": "security", "count": 1}]},
    "one of each group": {"approvers": TEAM, "require_from": [{"group": "security"}, {"group": "ops"}]},
    "two of each group": {
        "approvers": TEAM,
        "require_from": [{"group": "security", "count": 2}, {"group": "ops", "count": 2}],
    },
    "three, two of security": {"approvers": TEAM, "required": 3, "require_from": [{"group": "security", "count": 2}]},
    "the lead, or two of ops": {
        "approvers": RuleApprovers(users=["lead@example.com"]),
        "alternatives": [{"approvers": {"groups": ["ops"]}, "required": 2}],
    },
    "ops, or security and two": {
        "approvers": RuleApprovers(groups=["ops"]),
        "alternatives": [
            {
                "approvers": {"users": ["lead@example.com"], "groups": ["security"]},
                "requireFrom": [{"group": "security"}],
            },
            {"approvers": {"users": ["both", "sec-1"]}, "mode": "All"},
        ],
    },
}


def rule_of(name: str, threshold: int = 1) -> dict[str, Any]:
    """Return a stage's rule as its gate holds it, for `gate`."""
    made = Stage.model_validate({"name": "platform", "declineThreshold": threshold, **RULES[name]})
    return dict(policy_of(made, DEADLINE))


@pytest.mark.thorough
@pytest.mark.parametrize("threshold", [1, 2])
@pytest.mark.parametrize("name", RULES)
def test_every_rule_with_all_that_its_people_can_say(name: str, threshold: int) -> None:
    rule = rule_of(name, threshold)
    for said in product([None, (A, 1), (A, 2), (D, 1), (U, 1)], repeat=len(CREW)):
        decided = {
            who: vote(each[0], each[1], groups=groups)
            for (who, groups), each in zip(CREW.items(), said, strict=True)
            if each is not None
        }
        agree(gate(decided, **rule))


@pytest.mark.thorough
@pytest.mark.parametrize("name", RULES)
def test_who_is_excluded_does_not_count_in_any_letter_case(name: str) -> None:
    for excluded in (["ops-1"], ["OPS-1", "Both"], ["lead@example.com", "nobody"]):
        for said in product([None, A, D, U], repeat=len(CREW)):
            decided = {
                who: vote(verdict, groups=groups)
                for (who, groups), verdict in zip(CREW.items(), said, strict=True)
                if verdict is not None
            }
            agree(gate(decided, **rule_of(name)).model_copy(update={"excluded": excluded}))


# A step at the first minute and one at the second: by name, by group, of a machine, of who asks, of who is excluded.
LADDERS: dict[str, list[TimedStep]] = {
    "a reminder": [TimedStep(at=at(1))],
    "ops later": [TimedStep(at=at(2), to=Added(groups=["ops"]))],
    "ops, then both by name": [
        TimedStep(at=at(1), to=Added(groups=["ops"])),
        TimedStep(at=at(1.5)),
        TimedStep(at=at(2), to=Added(users=["both", BOT, "developer@example.com"], groups=["security"])),
    ],
}
CLIMBING = {"lead@example.com": [], "ops-1": ["ops"], "both": ["security"], "OPS-1": ["ops"]}


@pytest.mark.thorough
@pytest.mark.parametrize("required", [1, 2])
@pytest.mark.parametrize("name", LADDERS)
def test_whom_a_step_adds_counts_from_its_moment_on(name: str, required: int) -> None:
    listed = RuleApprovers(users=["lead@example.com"])
    for said in product([None, (A, 0), (A, 1), (A, 2), (D, 1), (D, 2), (U, 2)], repeat=len(CLIMBING)):
        decided = {
            who: vote(each[0], each[1], groups=groups)
            for (who, groups), each in zip(CLIMBING.items(), said, strict=True)
            if each is not None
        }
        rule = {"approvers": listed, "required": required, "decline_threshold": 2, "escalation": LADDERS[name]}
        agree(gate(decided, **rule))


# Who may break it by name, by group, both for their own request or not, and who may both approve it and break it.
NIGHT = {"users": ["lead-3", "developer@example.com", LISTED_BOT], "groups": ["sre-oncall"]}
GLASSES = {own: BreakGlass.model_validate({**NIGHT, "requester": own}) for own in ("Allow", "Forbid")}
AWAKE = {"lead-3": [], "oncall": ["sre-oncall"], "lead-1": ["platform-leads"], "ONCALL": ["sre-oncall"]}


@pytest.mark.thorough
@pytest.mark.parametrize("required", [1, 2])
@pytest.mark.parametrize("threshold", [1, 2])
def test_who_breaks_the_glass_ends_it_alone_but_not_against_a_decline(required: int, threshold: int) -> None:
    rule = {**WHO, "required": required, "decline_threshold": threshold, "break_glass": GLASSES["Forbid"]}
    for said in product([None, (A, 1), (B, 1), (B, 2), (D, 1), (D, 2), (U, 1)], repeat=len(AWAKE)):
        decided = {
            who: vote(each[0], each[1], groups=groups)
            for (who, groups), each in zip(AWAKE.items(), said, strict=True)
            if each is not None
        }
        agree(gate(decided, **rule))


BOTH = {who: ["platform-leads", "sre-oncall"] for who in ("both", "BOTH", "lead-1")}
OFFERS = CounterOffer(inputs={"ttl": OfferedValues(values=["3d"])})


def offer(minute: float, groups: list[str] | None = None, for_: str | None = None) -> Decision:
    return vote(P, minute, groups, for_=for_).model_copy(update={"proposal": {"ttl": "3d"}})


@pytest.mark.thorough
@pytest.mark.parametrize("takes", [True, False], ids=["takes offers", "takes none"])
@pytest.mark.parametrize("required", [1, 2])
@pytest.mark.parametrize("threshold", [1, 2])
def test_who_offers_something_else_ends_it(required: int, threshold: int, takes: bool) -> None:
    rule = {**WHO, "required": required, "decline_threshold": threshold, "break_glass": GLASSES["Forbid"]}
    rule |= {"counter_offer": OFFERS} if takes else {}
    for said in product([None, (A, 1), (P, 1), (P, 2), (D, 1), (D, 2), (B, 2)], repeat=len(BOTH)):
        decided = {
            who: offer(each[1], groups) if each[0] == P else vote(each[0], each[1], groups=groups)
            for (who, groups), each in zip(BOTH.items(), said, strict=True)
            if each is not None
        }
        agree(gate(decided, **rule))


@pytest.mark.parametrize("who", ["lead-1", "lead-3", "stranger", "developer@example.com", "Developer@example.com", BOT])
def test_who_may_offer(who: str) -> None:
    for groups, minute in product(([], ["platform-leads"]), (1, 119, 120)):
        spec = gate({who: offer(minute, groups)}, **WHO, counter_offer=OFFERS)
        agree(spec)
        agree(spec.model_copy(update={"excluded": [who.upper()]}))
    for loan in ({"lead-1": lent(who)}, {}):
        spec = gate({who: offer(1, for_="lead-1")}, **WHO, counter_offer=OFFERS, delegation="Allow")
        agree(lending(spec, **loan))


def test_what_is_granted_is_sealed_before_who_asks_has_accepted_it() -> None:
    for said in ({"lead-1": vote(A)}, {"oncall": vote(B, groups=["sre-oncall"])}, {}, {"lead-1": vote(D)}):
        spec = gate(said, **WHO, break_glass=GLASSES["Forbid"], consent=ConsentRule.REQUIRED)
        assert bool(sealed(spec)) == (count(spec, at(0)).tally is not Tally.OPEN)


@pytest.mark.parametrize("own", GLASSES)
@pytest.mark.parametrize("who", [*AWAKE, "stranger", "developer@example.com", "Developer@example.com", BOT, LISTED_BOT])
def test_who_may_break_it(who: str, own: str) -> None:
    for groups, minute in product(([], ["sre-oncall"], ["platform-leads"]), (1, 119, 120)):
        spec = gate({who: vote(B, minute, groups=groups)}, **WHO, break_glass=GLASSES[own])
        agree(spec)
        agree(ApprovalSpec.model_validate({**spec.to_wire(), "onBehalfOf": {"username": who.upper()}}))
        agree(spec.model_copy(update={"excluded": [who.upper()]}))
    agree(gate({who: vote(B, groups=["sre-oncall"])}, **WHO))


def test_a_review_has_no_deadline() -> None:
    for who, verdict in product(("lead-1", "stranger", "lead-3"), (A, D, U)):
        policy = {**WHO, "deadline": None, "due": at(1)}
        spec = gate({who: vote(verdict, 5000, groups=["platform-leads"])}, **policy)
        agree(spec.model_copy(update={"purpose": Purpose.REVIEW, "excluded": ["lead-3"]}))


def agree_on_whom(spec: ApprovalSpec) -> None:
    """Expect both to count the same entries; what follows a decisive second only the operator leaves out."""
    agree(spec)
    endless = spec.policy.model_copy(
        update={"required": 32, "decline_threshold": 32, "require_from": None, "alternatives": None}
    )
    open_ = spec.model_copy(update={"policy": endless})
    assert {each.by for each in count(open_, at(0)).decisions} == counted_by_seal(open_), spec.decisions


# One human each: ann and cid are approvers, by name and by group; bob stands in, and dan is nobody. ann is away twice.
LOANS: dict[str, dict[str, Any]] = {
    "bob for ann": {"ann": lent("bob", groups=[])},
    "bob for ann, and for cid": {"ann": lent("bob", groups=[]), "cid": lent("bob", groups=["ops"])},
    "a chain": {"ann": lent("bob", groups=[]), "bob": lent("dan", groups=["ops"])},
    "from the second minute, until the third": {"cid": lent("bob", 3, groups=["ops"], not_before=2)},
    "cid for ann, ann for cid": {"ann": lent("cid", groups=[]), "cid": lent("ann", groups=["ops"])},
    "two accounts of ann": {"ann": lent("bob", groups=[]), "ANN": lent("dan", groups=["ops"])},
    "for herself, in other letters": {"ann": lent("ANN", groups=[])},
    "by who asks, to who asks, by a machine": {
        "developer@example.com": lent("bob", groups=["ops"]),
        "ann": lent("DEVELOPER@example.com", groups=[]),
        "cid": lent(BOT, groups=["ops"]),
    },
}
STANDING: dict[str, dict[str, Any]] = {
    "one": {"approvers": RuleApprovers(users=["ann"], groups=["ops"])},
    "two, one of ops": {
        "approvers": RuleApprovers(users=["ann"], groups=["ops"]),
        "required": 2,
        "require_from": [GroupCount(group="ops", count=1)],
    },
    "all of three": {"approvers": RuleApprovers(users=["ann", "bob", "cid"]), "required": 3},
    "the one or the others": {
        "approvers": RuleApprovers(users=["ann"], groups=["ops"]),
        "alternatives": [
            GateRule(approvers=RuleApprovers(users=["ann"]), required=1),
            GateRule(approvers=RuleApprovers(groups=["ops"]), required=2),
        ],
    },
    "ops from the second minute on": {
        "approvers": RuleApprovers(users=["ann"]),
        "required": 2,
        "escalation": [TimedStep(at=at(2), to=Added(groups=["ops"]))],
    },
}
SAYS = [
    None,
    *(vote(verdict, 2, [], for_="ann") for verdict in (A, D, U)),
    vote(A, 1, ["ops"], for_="cid"),
    vote(A, 3, ["ops"], for_="cid"),
    vote(A, 2, ["ops"]),
]


@pytest.mark.thorough
@pytest.mark.parametrize("rule", STANDING)
@pytest.mark.parametrize("loans", LOANS)
def test_stand_ins_with_all_that_they_and_the_others_can_say(rule: str, loans: str) -> None:
    own = [None, vote(A, 1, []), vote(D, 3, []), vote(U, 2, [])]
    for bob, ann, cid in product(SAYS, own, [None, vote(A, 2, ["ops"]), vote(A, 2, [], for_="ann")]):
        said = {"bob": bob, "ann": ann, "cid": cid, "dan": vote(A, 2, ["ops"], for_="bob")}
        if loans == "two accounts of ann":
            said |= {"dan": vote(A, 1, ["ops"], for_="ANN")}
        if loans == "by who asks, to who asks, by a machine":
            said |= {
                "DEVELOPER@example.com": vote(A, 2, [], for_="ann"),
                BOT: vote(A, 2, ["ops"], for_="cid"),
                "dan": vote(A, 2, ["ops"], for_="developer@example.com"),
            }
        spec = gate({who: each for who, each in said.items() if each is not None}, **STANDING[rule])
        agree_on_whom(lending(spec, **LOANS[loans]))
        agree_on_whom(spec.model_copy(update={"delegations": LOANS[loans]}))  # a rule that allows none


@cache
def asking() -> dict[str, Any]:
    env = _environment(variables=cel.Type.Map(TEXT, DYN), object=DYN)
    return {name: env.compile(code(expression)) for name, expression in VARIABLES.items()}


def asked(spec: ApprovalSpec, who: str, groups: list[str], minute: float) -> bool:
    """Return whether the policy takes a decision for one of somebody who is asked, in a request of that moment."""
    wire = spec.to_wire()
    variables: dict[str, Any] = {"me": who, "groups": groups, "owners": [{"time": format_time(at(minute))}]}
    variables |= {"principal": who, "asGroups": groups}
    for name, program in asking().items():
        value = program.eval(data={"variables": variables, "object": {"spec": wire}})
        assert value.type() != cel.Type.ERROR, f"{name}: {value.value()}"
        variables[name] = value.plain_value()
    return bool(variables["asked"]) and (not variables["machine"] or bool(variables["named"]))


def holds(checks: tuple[Check, ...], sentence: str, spec: ApprovalSpec, **said: Any) -> bool:
    """Return whether the rule with this sentence lets a request pass on a gate that is as this one."""
    policy = spec.to_wire()["policy"]
    variables = {
        "users": policy["approvers"].get("users", []),
        "listed": policy["approvers"].get("groups", []),
        "later": [each for each in policy.get("escalation", []) if "to" in each],
        "glass": [policy["breakGlass"]] if "breakGlass" in policy else [],
        "old": spec.to_wire().get("decisions", {}),
        **said,
    }
    (rule,) = (each for each in checks if each.message.startswith(sentence))
    text = code(rule.expression).replace("variables.since", "timestamp(variables.since)")
    program = _environment(variables=cel.Type.Map(TEXT, DYN), object=DYN).compile(text)
    value = program.eval(data={"variables": variables, "object": {"spec": spec.to_wire()}})
    assert value.type() != cel.Type.ERROR, value.value()
    return bool(value.plain_value())


ALONE = {"approvers": RuleApprovers(users=["lead", "developer@example.com"])}


@pytest.mark.parametrize(
    ("rule", "excluded", "left"),
    [
        ({}, None, False),
        ({"approvers": RuleApprovers(users=["lead", "LEAD", "Developer@Example.com"])}, None, False),
        ({"approvers": RuleApprovers(users=["lead", "second"])}, None, True),
        ({"approvers": RuleApprovers(users=["lead", "second"])}, ["SECOND"], False),
        ({"approvers": RuleApprovers(users=["lead"], groups=["ops"])}, None, True),
        ({"glass": {"users": ["lead", "night"]}}, None, True),
        ({"glass": {"users": ["lead", "night"]}}, ["night"], False),
        ({"glass": {"groups": ["sre-oncall"]}}, None, True),
        ({"to": Added(users=["second"])}, None, True),
        ({"to": Added(users=["LEAD", "developer@example.com"])}, None, False),
        ({"to": Added(groups=["ops"])}, None, True),
    ],
)
def test_a_glass_is_broken_only_where_somebody_is_left_to_review_it(
    rule: dict[str, Any], excluded: list[str] | None, left: bool
) -> None:
    """The policy and the operator, which would open a review that nobody can sign or delete."""
    night = BreakGlass.model_validate({"users": ["lead"], "requester": "Forbid"} | rule.get("glass", {}))
    steps = [EscalationStep(after="1h", to=rule["to"])] if "to" in rule else None
    approvers = rule.get("approvers", ALONE["approvers"])
    plan = run_plan(gates=[stage(approvers=approvers, break_glass=night, escalation=steps)])
    policy = {"approvers": approvers, "break_glass": night}
    policy |= {"escalation": [TimedStep(at=at(60), to=rule["to"])]} if steps else {}
    spec = gate({"lead": vote(B, 1, ["sre-oncall"])}, **policy).model_copy(update={"excluded": excluded})
    sentence = "nobody would be left to review it"
    assert holds(glass.only_who_may(), sentence, spec, me="lead", breaking=True) is left
    assert holds(glass.only_who_may(), sentence, spec, me="lead", breaking=False)
    broken = approval(spec)
    made = open_review(run(), plan, broken, count(spec, at(2)).decisions[-1], at(2))
    assert can_be_signed(ApprovalSpec.model_validate(made["spec"])) is left
    assert may_decide(ApprovalSpec.model_validate(made["spec"]), "lead", ["ops", "sre-oncall"], at(3)) is False


@pytest.mark.parametrize(
    ("acting", "prior", "held"), [(False, {}, True), (True, {}, False), (False, {"for": "ann"}, False)]
)
def test_who_speaks_for_somebody_breaks_no_glass(acting: bool, prior: dict[str, str], held: bool) -> None:
    rules = (glass.for_oneself(),)
    assert holds(rules, "the glass is broken for oneself", gate(), breaking=True, acting=acting, prior=prior) is held
    assert holds(rules, "the glass is broken for oneself", gate(), breaking=False, acting=acting, prior=prior)


@pytest.mark.parametrize(("verdict", "held"), [(A, False), (D, False), (U, True)])
def test_a_stand_in_who_only_looks_keeps_nobody_from_ending_it(verdict: str, held: bool) -> None:
    spec = gate({"bob": vote(verdict, 1, [], for_="ann")}, **WHO)
    for naming, ending in ((True, False), (False, True)):
        said = {"me": "ann", "naming": naming, "ending": ending}
        assert holds(delegating.naming(), "your stand-in has decided", spec, **said) is held


@pytest.mark.parametrize(
    ("me", "groups", "held"),
    [
        ("ann", [], True),
        ("cid", ["ops"], True),
        ("later", [], True),
        ("dan", ["security"], True),
        ("night", ["sre-oncall"], False),
        ("bob", [], False),
    ],
)
def test_who_is_on_call_and_no_approver_names_nobody(me: str, groups: list[str], held: bool) -> None:
    steps = [
        TimedStep(at=at(2), to=Added(users=["later"], groups=["security"])),
        TimedStep(at=at(3), to=Added(users=["x"])),
    ]
    listed = RuleApprovers(users=["ann"], groups=["ops"])
    spec = gate(approvers=listed, escalation=steps, break_glass=GLASSES["Forbid"])
    said = {"me": me, "naming": True, "loanGroups": groups}
    assert holds(delegating.naming(), "only who is an approver themselves", spec, **said) is held
    lent_now = lending(spec, **{me: lent("bob", groups=groups)})
    assert may_stand_in(lent_now, "bob", me, at(5)) is held, "what is taken does something, and nothing else is"


@pytest.mark.parametrize(
    ("since", "begin", "held"), [(1, None, True), (1, 119, True), (1, 120, False), (120, None, False), (121, 5, False)]
)
def test_nobody_is_named_for_a_time_in_which_nobody_decides(since: float, begin: float | None, held: bool) -> None:
    loan = {"to": "bob", "until": format_time(at(500))} | ({"notBefore": format_time(at(begin))} if begin else {})
    said = {"naming": True, "loaned": loan, "loanOwners": [{}], "since": format_time(at(since))}
    for spec, expected in ((gate(), held), (gate(deadline=None, due=at(1)), True)):
        assert holds(delegating.naming(), "nobody decides this any more", spec, **said) is expected
    assert holds(delegating.naming(), "nobody decides this any more", gate(), **said | {"loanOwners": []}), (
        "another rule"
    )


@pytest.mark.parametrize("who", ["lead@example.com", "ops-1", "both", "stranger", BOT, LISTED_BOT])
@pytest.mark.parametrize("name", LADDERS)
def test_who_is_asked_when(name: str, who: str) -> None:
    listed = RuleApprovers(users=["lead@example.com", LISTED_BOT], groups=["platform-leads"])
    spec = gate(approvers=listed, escalation=LADDERS[name])
    for groups, minute in product(([], ["ops"], ["security", "others"], ["platform-leads"]), (0, 0.99, 1, 1.99, 2, 3)):
        assert asked(spec, who, groups, minute) is may_decide(spec, who, groups, at(minute)), (groups, minute)


humans = st.sampled_from(["ann", "ANN", "bob", "Bob", "cid", "dan", "developer@example.com", BOT])
acting = st.builds(
    vote,
    st.sampled_from([A, D, U]),
    st.integers(0, 3),
    st.lists(st.sampled_from(["ops", "others"]), max_size=2, unique=True),
    for_=st.none() | humans,
)
loans = st.builds(
    lent,
    humans,
    st.integers(1, 4),
    st.lists(st.sampled_from(["ops", "others"]), max_size=2, unique=True),
    st.none() | st.integers(0, 3),
)


@given(
    st.sampled_from(list(STANDING)),
    st.dictionaries(humans, acting, max_size=6),
    st.dictionaries(humans, loans, max_size=4),
    st.none() | st.lists(humans, min_size=1, max_size=2, unique=True),
)
def test_generated_stand_ins(
    rule: str, decisions: dict[str, Decision], named: dict[str, StandIn], excluded: list[str] | None
) -> None:
    spec = gate(decisions, **STANDING[rule]).model_copy(update={"excluded": excluded})
    agree_on_whom(lending(spec, **named))
    parts = [fold(name) for each in count(lending(spec, **named), at(0)).decisions for name in each.people]
    assert len(parts) == len(set(parts)), "one person has one vote, on whichever side of `for`"


votes = st.builds(
    vote,
    st.sampled_from([A, D, U, B, P]),
    st.integers(0, 121),
    st.sampled_from([["platform-leads"], ["sre-oncall"], []]),
)
glasses = st.none() | st.sampled_from(list(GLASSES.values()))
policies = st.fixed_dictionaries(
    {"required": st.integers(1, 6), "decline_threshold": st.integers(1, 6), "break_glass": glasses}
)


@given(policies, st.dictionaries(st.sampled_from(PEOPLE), votes, max_size=12))
def test_generated_gates(policy: dict[str, Any], decisions: dict[str, Decision]) -> None:
    agree(gate(decisions, **WHO, **policy))


names = st.sampled_from([*CREW, "OPS-1", "Both", "stranger"])
stamps = st.lists(st.sampled_from(["ops", "security", "others"]), max_size=3, unique=True)
counts = st.builds(GroupCount, group=st.sampled_from(["ops", "security"]), count=st.integers(1, 3))
approvers = st.builds(
    RuleApprovers,
    users=st.lists(names, min_size=1, max_size=3, unique=True),
    groups=st.lists(st.sampled_from(["ops", "security"]), max_size=2, unique=True),
)
wanted = st.none() | st.lists(counts, min_size=1, max_size=2, unique_by=lambda each: each.group)
ways = st.builds(GateRule, approvers=approvers, required=st.integers(1, 3), require_from=wanted)
said = st.builds(vote, st.sampled_from([A, D, U]), st.integers(0, 3), stamps)
added = st.builds(
    Added,
    users=st.lists(names, min_size=1, max_size=2, unique=True),
    groups=st.lists(st.sampled_from(["ops", "security", "others"]), max_size=2, unique=True),
)
ladders = st.lists(
    st.builds(TimedStep, at=st.integers(0, 3).map(at), to=st.none() | added),
    min_size=1,
    max_size=3,
)


@given(
    approvers,
    st.none() | st.lists(ways, min_size=1, max_size=3),
    wanted,
    st.integers(1, 3),
    st.none() | st.lists(names, min_size=1, max_size=2, unique=True),
    st.dictionaries(names, said, max_size=6),
    st.none() | ladders,
)
def test_generated_rules(
    listed: RuleApprovers,
    alternatives: list[GateRule] | None,
    require_from: list[GroupCount] | None,
    required: int,
    excluded: list[str] | None,
    decisions: dict[str, Decision],
    ladder: list[TimedStep] | None,
) -> None:
    policy = {"require_from": require_from, "alternatives": alternatives, "required": required, "escalation": ladder}
    agree(gate(decisions, approvers=listed, **policy).model_copy(update={"excluded": excluded}))


@given(policies, st.lists(st.tuples(st.sampled_from(PEOPLE), votes), max_size=12))
def test_with_the_seal_what_was_acknowledged_first_stands(
    policy: dict[str, Any], arrivals: list[tuple[str, Decision]]
) -> None:
    """Entries arrive, and change, all stamped with the same second: the end never changes, whatever the names."""
    taken: dict[str, Decision] = {}
    ended = Tally.OPEN
    for who, entry in arrivals:
        once = any(fold(who) == fold(other) and who != other for other in taken)
        if once or sealed(gate(taken, **WHO, **policy)):
            continue
        taken[who] = entry.model_copy(update={"decided_at": at(1)})
        now = count(gate(taken, **WHO, **policy), at(2)).tally
        assert ended is Tally.OPEN
        ended = now
    final = count(gate(dict(reversed(taken.items())), **WHO, **policy), at(2))
    assert final.tally is ended
    glass = {"break_glass": policy["break_glass"]}
    alone = {
        who for who, each in taken.items() if count(gate({who: each}, **WHO, **glass), at(2)).tally is not Tally.OPEN
    }
    assert not any(taken[who].verdict is Verdict.UNDECIDED for who in alone), "who is undecided decides nothing"
    assert {each.by for each in final.decisions} == alone, "each that was acknowledged, and may decide, counts"


def test_letters_are_the_same_for_both() -> None:
    """Every letter of Unicode against its other cases, in the operator's comparison and in the policy's."""
    program = _environment(one=TEXT, other=TEXT).compile(same_person("one", "other"))
    different = []
    for letter in map(chr, range(0x80, sys.maxunicode + 1)):
        if letter.isalpha() or letter.casefold() != letter:
            for other in {letter.upper(), letter.lower(), letter.casefold(), letter.title()} - {letter}:
                if len(other) != 1:
                    continue
                same = program.eval(data={"one": letter, "other": other}).plain_value()
                if same is not (fold(letter) == fold(other)):
                    different.append((hex(ord(letter)), hex(ord(other)), same))
    assert different == []
