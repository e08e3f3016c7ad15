"""The static check: what a form's types let an expression say, and the sentence when it says something else."""

from typing import Any

import pytest

from pratique.core.judging.form_types import ACTION, ANYTHING, RUN, types_of

FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "cost": {"type": "number"},
        "sure": {"type": "boolean"},
        "fooBar": {"type": "string"},
        "foo_bar": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "grid": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
        "list": {"type": "array"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "open": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True},
        "disk": {"type": "object", "properties": {"size": {"type": "integer"}}},
        "disks": {"type": "array", "items": {"type": "object", "properties": {"size": {"type": "integer"}}}},
        "any": {},
    },
}
SCOPE = {"inputs": FORM, "run": RUN, "action": ACTION}


def problem(text: str, *, condition: bool = False, **scope: Any) -> str | None:
    return types_of(scope or SCOPE).problem(text, condition=condition)


@pytest.mark.parametrize(
    "text",
    [
        "inputs.name + 'a'",
        "inputs.count > 3",
        "inputs.cost > 100.0",
        "inputs.cost * 1.5 > double(inputs.count)",
        "inputs.sure",
        "has(inputs.cost) && inputs.cost > 1.0",
        "inputs.fooBar + inputs.foo_bar",
        "inputs.tags.exists(t, t.startsWith('a'))",
        "inputs.grid[0][0] + 1",
        "inputs.list[0].whatever",
        "inputs.labels['a/b'] + inputs.labels.team",
        "inputs.open.b",
        "inputs.disk.size + inputs.disks[0].size",
        "inputs.any.thing.at.all",
        "run.requestedBy.groups.exists(g, g == 'sre')",
        "run.requestedBy.username == run.name + run.namespace + run.uid + run.reason",
        "action.name + action.title",
        "ttl('3d') > ttl(inputs.name)",
    ],
)
def test_what_fits_the_form_is_no_problem(text: str) -> None:
    assert problem(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inputs.nam", "inputs has no field nam; did you mean name?"),
        ("inputs.zzz", "inputs has no field zzz; known are: name, count, cost, sure, fooBar"),
        ("has(inputs.nam)", "inputs has no field nam; did you mean name?"),
        ("inputs.disk.sice", "inputs.disk has no field sice; did you mean size?"),
        ("inputs.disks[0].sice", "inputs.disks[] has no field sice; did you mean size?"),
        ("run.nam", "run has no field nam; did you mean name?"),
        ("run.requestedBy.user", "run.requestedBy has no field user; did you mean username?"),
        ("action.titel", "action has no field titel; did you mean title?"),
        ("inputs.name > 5", "> does not go with (string, int)"),
        ("inputs.name + 1", "+ does not go with (string, int)"),
        ("inputs.cost > 100", "> does not go with (double, int); write whole numbers as 100.0 beside an input of type"),
        ("inputs.count * 2.5", "* does not go with (int, double); write whole numbers"),
        ("1 in inputs.tags", "in does not go with (int, list(string))"),
        ("inputs.disk + 1", "+ does not go with (object inputs.disk, int)"),
        ("inputs.name.nested", "expression of type 'string' cannot be the operand of a select operation"),
        ("inputs.disk.all(k, true)", "expression of type 'object inputs.disk' cannot be the range of a comprehension"),
        ("inputs.name == null", "== does not go with (string, null_type)"),
        ("ttl(inputs.count)", "ttl does not go with (int)"),
    ],
)
def test_what_does_not_fit_is_said_in_the_words_of_the_form(text: str, said: str) -> None:
    found = problem(text)
    assert found is not None
    assert found.startswith(said)
    assert "pratique.form" not in found


@pytest.mark.parametrize(
    ("text", "sound"),
    [("inputs.sure", True), ("inputs.any", True), ("inputs.name", False), ("inputs.count", False), ("inputs", False)],
)
def test_a_condition_must_be_able_to_be_true(text: str, sound: bool) -> None:
    said = None if sound else f"must be true or false, but this expression never is: {text}"
    assert problem(text, condition=True) == said


def test_what_has_no_schema_may_hold_anything() -> None:
    assert problem("self.status.conditions.exists(c, c.type == 'Ready')", condition=True, self=ANYTHING) is None
    assert problem("inputs.whatever", inputs={"properties": {}, "additionalProperties": True}) is None
    resources = {"properties": {"made": ANYTHING}}
    assert problem("resources.made.status.ready", resources=resources) is None
    assert problem("resources.mad.status", resources=resources) == "resources has no field mad; did you mean made?"


def test_a_form_without_fields_knows_none() -> None:
    assert problem("inputs.a", inputs={"properties": {}}) == "inputs has no field a; known are: none"


def test_the_types_of_a_scope_are_made_once() -> None:
    assert types_of(SCOPE) is types_of(dict(SCOPE))
