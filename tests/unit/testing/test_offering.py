"""Offers of a case: what is asked for then, whether it has to be accepted, and the sentence for what is not taken."""

from typing import Any

import pytest
from tests.builders.models import action
from tests.unit.testing.test_comparing import Core

from pratique.api.v1alpha1.action import Action
from pratique.testing.cases import Asked, Case
from pratique.testing.comparing import compare
from pratique.testing.coverage import cover
from pratique.testing.expectations import find_contradictions, find_wrong_offers
from pratique.testing.judgement import Judgement, judge, run_of

LEAD = {"username": "lead@example.com", "groups": ["leads"]}
DEPUTY = {"username": "deputy@example.com"}
TTL = {"ttl": {"values": ["3d", "5d"]}}


def offering(consent: str | None = "Required") -> Action:
    """An Action with two stages that take offers, for ten days and for many CPUs; small and long at once is refused."""
    form = {"ttl": {"type": "string", "enum": ["3d", "5d", "10d"]}, "cpu": {"type": "number"}}
    leads = {
        **{"name": "leads", "when": "inputs.ttl == '10d'", "approvers": {"groups": ["leads"]}, "delegation": "Allow"},
        **{"exclude": ["${run.name == 'x' ? 'eve@example.com' : 'max@example.com'}"], "escalation": []},
        "counterOffer": {"inputs": TTL, **({"consent": consent} if consent else {})},
    }
    money = {
        **{"name": "money", "when": "inputs.cpu > 4", "approvers": {"users": ["ann@example.com", "bob@example.com"]}},
        **{"escalation": [{"after": "1h", "to": {"groups": ["directors"]}}]},
        "counterOffer": {"inputs": {"cpu": {"minimum": 1, "maximum": 4}}},
    }
    rule = {"rule": "inputs.cpu != 3.0 || inputs.ttl != '10d'", "message": "Three for ten days are too much"}
    template = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${inputs.ttl}", "namespace": "team-a"}}
    return action(
        inputs={"schema": {"type": "object", "properties": form}, "rules": [rule]},
        approval={
            "stages": [leads, money, {"name": "last", "when": "inputs.ttl == '7d'", "approvers": {"users": ["a"]}}]
        },
        execution={
            "serviceAccountRef": {"namespace": "actions", "name": "maker"},
            "resources": [{"id": "made", "template": template}],
        },
    )


def changed(left_out: str) -> Action:
    """The same Action without a field of its first stage."""
    data = offering().to_wire()
    del data["spec"]["approval"]["stages"][0][left_out]
    return Action.model_validate(data)


async def look(offers: list[dict[str, Any]], rules: Action | None = None, **inputs: Any) -> Judgement:
    asked = {"ttl": "10d", "cpu": 1, **inputs}
    case = Case.model_validate({"name": "a", "inputs": asked, "offers": offers, "expect": {"outcome": "Held"}})
    rules = rules or offering()
    return await judge(Core(), rules, run_of("make", Asked(), case), case)


def differences(found: Judgement, **expect: Any) -> tuple[str, ...]:
    case = Case.model_validate({"name": "a", "expect": expect})
    return compare(case.expect, found)


async def test_what_is_offered_is_asked_for_and_by_the_stage_that_offered() -> None:
    found = await look([{"inputs": {"ttl": "5d"}}])
    assert [each.name for each in found.plan.stages] == ["leads"] if found.plan else False, "though its when is false"
    assert differences(found, gates=[{"stage": "leads"}], consent="Required", inputs={"ttl": "5d"}) == ()
    assert differences(found, gates=[{"counterOffer": {"inputs": {"ttl": {"values": ["3d"]}}}}]) == (), (
        "5d is asked for"
    )
    free = await look([{"inputs": {"ttl": "5d"}}], offering(None))
    assert differences(free, outcome="Held", consent="NotRequired") == ()
    (path,) = {path for path, _ in found.seen if "counterOffer" in path}
    covered = {each.path: each for each in cover(offering(), found.seen)}
    assert path == "spec.approval.stages[0].counterOffer.inputs.ttl" and covered[path].missing == ()
    assert covered["spec.approval.stages[1].counterOffer.inputs.cpu"].missing == ("never offered",)


async def test_one_offer_after_another_keeps_what_was_offered_and_the_consent_that_nobody_gave() -> None:
    found = await look([{"inputs": {"ttl": "5d"}}, {"stage": "money", "inputs": {"cpu": 2.5}}], cpu=8)
    assert found.plan is not None and found.plan.inputs == {"ttl": "5d", "cpu": 2.5}
    assert [each.name for each in found.plan.stages] == ["money"]
    assert differences(found, consent="Required", gates=[{"stage": "money"}]) == ()
    alone = await look([{"stage": "money", "inputs": {"cpu": 2.5}}], cpu=8, ttl="3d")
    assert differences(alone, consent="NotRequired", gates=[{}]) == ()


async def test_what_is_offered_and_cannot_be_refuses_the_request() -> None:
    found = await look([{"stage": "money", "inputs": {"cpu": 3}}, {"inputs": {"ttl": "5d"}}], cpu=8)
    sentence = "ann@example.com offered cpu: 3, which cannot be: Three for ten days are too much"
    assert found.refusals == (sentence,)
    assert differences(found, refused="which cannot be: Three") == ()


@pytest.mark.parametrize(
    ("offer", "sentence"),
    [
        ({"inputs": {"ttl": "7d"}}, "texts as they are there, numbers of its range: ttl may be 3d, 5d"),
        ({"inputs": {"ttl": 3}}, "ttl may be 3d, 5d"),
        ({"inputs": {"cpu": 2}}, "cpu is none of them; they are: ttl"),
        ({"inputs": {}}, "a counter-offer names only inputs"),
        ({"stage": "money", "inputs": {"cpu": 5}}, "cpu may be from 1 to 4"),
        ({"stage": "last", "inputs": {"cpu": 5}}, "stage last is not asked for this request; asked are: leads, money"),
        ({"by": {"username": "Someone@Example.com", "groups": ["leads"]}, "inputs": {}}, "cannot decide their own"),
        ({"by": {"username": "max@example.com", "groups": ["leads"]}, "inputs": {}}, "its rule excludes them"),
        (
            {"by": {"username": "x@example.com"}, "inputs": {}},
            "x@example.com is not an approver of stage leads: asked are",
        ),
        ({"by": DEPUTY, "for": {"username": "x@example.com"}, "inputs": {}}, "x@example.com is not an approver"),
        ({"stage": "money", "by": DEPUTY, "for": LEAD, "inputs": {}}, "its rule has no delegation: Allow"),
        ({"by": {"username": "someone@example.com"}, "for": LEAD, "inputs": {}}, "cannot decide their own"),
    ],
)
async def test_what_is_not_taken_gets_its_sentence(offer: dict[str, Any], sentence: str) -> None:
    found = await look([offer], cpu=8)
    assert found.denied is not None and found.denied.startswith("offers[0]: ") and sentence in found.denied
    assert differences(found, denied=sentence, gates=[{}, {}]) == (), "all is as it was before"
    assert differences(found, outcome="Held") == (f"{found.denied}; expected that it is taken",)
    assert differences(found, denied="other words")[0].startswith("denied: is ")


async def test_a_stand_in_offers_for_who_named_them() -> None:
    found = await look([{"by": DEPUTY, "for": LEAD, "inputs": {"ttl": "3d"}}])
    assert found.denied is None and found.offered is not None
    assert found.offered.by == "deputy@example.com for lead@example.com"


async def test_what_takes_no_offers_and_what_nobody_holds_take_none() -> None:
    none = changed("counterOffer")
    assert "takes no counter-offer" in str((await look([{"inputs": {"ttl": "3d"}}], none)).denied)
    free = await look([{"inputs": {"ttl": "3d"}}], ttl="3d")
    assert "the request is free" in str(free.denied)
    refused = await look([{"inputs": {"ttl": "3d"}}], cpu=3)
    assert refused.outcome == "Refused" and refused.denied is None


async def test_what_a_gate_says_of_offers_stand_ins_and_steps_is_compared() -> None:
    found = await look([], cpu=8)
    leads = {"delegation": "Allow", "escalation": [], "counterOffer": {"inputs": TTL, "consent": "Required"}}
    money = {
        **{"delegation": "Forbid", "escalation": [{"after": "1h", "to": {"groups": ["directors"]}}]},
        "counterOffer": {"consent": "NotRequired"},
    }
    assert differences(found, gates=[leads, money]) == ()
    other = [
        {**leads, "escalation": [{"after": "1h"}], "delegation": "Forbid"},
        {**money, "escalation": [{"after": "2h"}]},
    ]
    assert differences(found, gates=other) == (
        "gates[0].delegation: is Allow; expected Forbid",
        "gates[0].escalation: has 0 steps; expected 1",
        "gates[1].escalation[0].after: is 1h; expected 2h",
        "gates[1].escalation[0].to.groups: are directors; expected none",
    )
    assert differences(found, gates=[{"counterOffer": {"inputs": {}}}, {"counterOffer": {"consent": "Required"}}]) == (
        "gates[0].counterOffer.inputs: are ttl; expected none",
        "gates[1].counterOffer.consent: is NotRequired; expected Required",
    )
    assert differences(found, denied="x", gates=[{}, {}]) == (
        "denied: all offers are taken; expected a sentence with x",
    )
    usual = changed("escalation")
    assert differences(await look([], usual), gates=[{"escalation": []}]) == (
        "gates[0].escalation: is the usual one, a reminder at half of the deadline; expected 0 steps",
    )


def test_what_no_offer_can_meet_is_said_with_its_field() -> None:
    def wrong(**said: Any) -> list[tuple[Any, str]]:
        case = Case.model_validate({"name": "a", "expect": {"outcome": "Held"}, **said})
        return [*find_wrong_offers(case, offering()), *find_contradictions(case.expect, offering())]

    assert wrong(offers=[{"stage": "leads", "inputs": {}}], expect={"denied": "x"}) == []
    ((place, text),) = wrong(offers=[{"stage": "lead", "inputs": {}}])
    assert place == ("offers", 0, "stage") and text.endswith("did you mean leads?")
    ((place, text),) = wrong(expect={"consent": "Required"})
    assert place == ("expect", "consent") and "the case has none" in text
    ((place, text),) = wrong(offers=[{"inputs": {}}], expect={"denied": "x", "refused": "y"})
    assert place == ("denied",) and "leave one of the two out" in text
