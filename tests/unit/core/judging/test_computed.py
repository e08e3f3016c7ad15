"""Fields that are worked out for each request: what is not asked for is refused, never dropped."""

from typing import Any

import pytest
from tests.builders import models
from tests.builders.models import NOW
from tests.support.certain import certain

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.core.judging.checks import check_action
from pratique.core.judging.computed import sorted_fields
from pratique.core.judging.expression_text import selections_of
from pratique.core.judging.judge import judge
from pratique.core.kernel.effects import Evaluation, Json
from pratique.core.kernel.errors import EvaluationError

SCHEMA: Json = {
    "type": "object",
    "required": ["engine", "port"],
    "x-order": ["engine", "port", "size"],
    "properties": {
        "engine": {"type": "string", "enum": ["small", "large"]},
        "port": {"type": "integer"},
        "size": {"type": "integer", "default": 7},
        "note": {"type": "string"},
        "day": {"type": "string", "format": "date"},
        "until": {"type": "string", "format": "date-time"},
    },
}
FIELDS: Json = {
    "port": {"default": "inputs.engine == 'large' ? 5432 : 3306", "disabled": "run.requestedBy.username != 'root'"},
    "size": {"visible": "inputs.engine == 'large'", "minimum": "inputs.port / 1000", "maximum": "2 * inputs.port"},
    "note": {"required": "has(inputs.size) && inputs.size > 8", "default": "inputs.?day.orValue('') == '' ? 'n' : 'd'"},
    "day": {"minimum": "'2026-01-01'", "maximum": "'2026-12-31'"},
}


def action(fields: Json | None = None, schema: Json | None = None, **data: str) -> Action:
    named = {"name": "made", "namespace": "team-a"}
    template = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": data}
    account = {"namespace": "makers", "name": "maker"}
    does = {"serviceAccountRef": account, "resources": [{"id": "made", "template": template}]}
    form = {"schema": schema or SCHEMA, "fields": FIELDS if fields is None else fields}
    return models.action(inputs=form, execution=does)


def run(**inputs: Any) -> ActionRun:
    return models.run(meta={"creation_timestamp": NOW}, spec={"inputs": inputs})


def found(fields: Json | None = None, **inputs: Any) -> Evaluation:
    return judge(action(fields), run(**inputs))


def test_what_is_computed_is_what_the_plan_holds() -> None:
    assert certain(found(engine="large").plan).inputs == {"engine": "large", "port": 5432, "size": 7, "note": "n"}
    assert certain(found(engine="small").plan).inputs == {"engine": "small", "port": 3306, "note": "n"}
    own = certain(found(engine="small", note="own", day="2026-05-01").plan)
    assert own.inputs == {"engine": "small", "port": 3306, "note": "own", "day": "2026-05-01"}


def test_fields_say_what_they_are_for_this_request() -> None:
    states = {each.name: (each.visible, each.disabled, each.required) for each in found(engine="small").fields}
    assert states == {
        "engine": (True, False, True),
        "port": (True, True, True),
        "size": (False, False, False),
        "day": (True, False, False),
        "until": (True, False, False),
        "note": (True, False, False),
    }
    needed = {each.name: each.required for each in found(engine="large", size=9).fields}
    assert needed["note"] is True


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "spec.inputs.engine: is required"),
        ({"engine": "x"}, 'spec.inputs.engine: "x" is not one of "small", "large"'),
        (
            {"engine": "small", "size": 9},
            "spec.inputs.size: is not asked for here, since inputs.engine == 'large' is false: leave it out",
        ),
        ({"engine": "small", "port": 3306}, "spec.inputs.port: is not for you to fill in here: leave it out"),
        ({"engine": "large", "size": 4}, "spec.inputs.size: 4 is less than 5, which is its minimum here"),
        ({"engine": "large", "size": 20000}, "spec.inputs.size: 20000 is more than 10864, which is its maximum here"),
        ({"engine": "small", "day": "2025-12-31"}, "spec.inputs.day: 2025-12-31 is less than 2026-01-01, which is its"),
        ({"engine": "small", "day": "2027-01-01"}, "spec.inputs.day: 2027-01-01 is more than 2026-12-31, which is its"),
    ],
)
def test_what_does_not_fit_is_refused(inputs: Json, said: str) -> None:
    (sentence,) = found(**inputs).refusals
    assert sentence.startswith(said)


@pytest.mark.parametrize(
    ("moment", "beyond"),
    [
        ("2026-12-31T00:00:00Z", False),
        ("2026-12-30T23:59:59-23:59", True),
        ("2026-12-31T01:00:00+02:00", False),
        ("2026-12-31T00:00:00.000000001Z", True),
        ("2026-12-30T23:59:59.999999999Z", False),
        ("0001-01-01T00:00:00+23:59", False),
    ],
)
def test_a_moment_is_an_instant_however_it_is_written(moment: str, beyond: bool) -> None:
    latest = {"until": {"maximum": "'2026-12-31T00:00:00Z'"}}
    said = f"spec.inputs.until: {moment} is more than 2026-12-31T00:00:00Z, which is its maximum here"
    assert found(latest, engine="small", port=1, until=moment).refusals == ((said,) if beyond else ())
    earliest = {"until": {"minimum": "string(timestamp('2026-12-31T01:00:00+01:00'))"}}
    (too_early,) = found(earliest, engine="small", port=1, until="2026-12-31T00:30:00+01:00").refusals
    assert "is less than 2026-12-31T00:00:00Z" in too_early


@pytest.mark.parametrize("reads", ["inputs.?size", "inputs[?'size']", "inputs . ?size", "inputs[?('si' + 'ze')]"])
def test_no_default_is_seen_of_a_field_that_is_hidden_then(reads: str) -> None:
    """Whatever comes first: the field that reads it has a name that sorts before, and one that sorts behind."""
    fields = {
        name: {"default": f"string({reads}.orValue(0))", **more}
        for name, more in (("a", {}), ("note", {"visible": f"{reads}.orValue(0) != 7"}), ("z", {}))
    }
    fields["size"] = {"visible": "inputs.engine == 'large'"}
    texts = {name: {"type": "string"} for name in fields if name != "size"}
    schema = {**SCHEMA, "x-order": ["a", "engine"], "properties": {**SCHEMA["properties"], **texts}}
    plan = certain(judge(action(fields, schema), run(engine="small", port=1)).plan)
    assert plan.inputs == {"engine": "small", "port": 1, "a": "0", "note": "0", "z": "0"}


def test_what_is_read_optionally_is_worked_out_first() -> None:
    fields = {"port": {"default": "inputs.?size.orValue(0)"}, "size": {"visible": "inputs.engine == 'large'"}}
    assert certain(found(fields, engine="large").plan).inputs == {"engine": "large", "port": 7, "size": 7}
    assert certain(found(fields, engine="small").plan).inputs == {"engine": "small", "port": 0}
    circle = {"port": {"default": "inputs.?size.orValue(0)"}, "size": {"visible": "inputs.?port.orValue(0) > 1"}}
    (said, *_) = check_action(action(circle))
    assert said.startswith("spec.inputs.fields: port reads size reads port: none of them can be worked out")


def test_a_default_that_is_an_object_gets_the_defaults_inside_of_it() -> None:
    inner = {"type": "object", "properties": {"cpu": {"type": "integer", "default": 2}, "disk": {"type": "string"}}}
    outer = {"type": "object", "properties": {"limits": inner, "deep": {"type": "object", "properties": {"in": inner}}}}
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], "box": outer}}
    for fields in (
        {"box": {"default": "{'limits': {'disk': 'd'}}"}},
        {"box": {"default": "{'limits': {'cpu': 2, 'disk': 'd'}}"}},
    ):
        plan = certain(judge(action(fields, schema), run(engine="small", port=1)).plan)
        assert plan.inputs == {"engine": "small", "port": 1, "size": 7, "box": {"limits": {"cpu": 2, "disk": "d"}}}


def test_what_a_field_reads_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = list[str]()

    def note(text: str) -> set[tuple[str, str]]:
        read.append(text)
        return selections_of(text)

    monkeypatch.setattr("pratique.core.judging.computed.selections_of", note)
    chain = {f"f{number}": {"default": f"inputs.f{number + 1} + 'x'"} for number in range(15)}
    assert sorted_fields(action({**chain, "f15": {"default": "'x'"}})) == [f"f{number}" for number in range(15, -1, -1)]
    assert len(read) == 16, "and not once for each pair of fields"


def test_what_is_required_for_a_request_has_to_be_there() -> None:
    fields = {"note": {"required": "inputs.engine == 'large'"}}
    assert found(fields, engine="large", port=1).refusals == (
        "spec.inputs.note: is required here, since inputs.engine == 'large'",
    )
    assert found(fields, engine="small", port=1).refusals == ()
    hidden = {"note": {"required": "true", "visible": "false", "minimum": "1"}}
    assert found(hidden, engine="large", port=1).refusals == ()


def test_a_text_is_held_to_the_pattern_of_its_request() -> None:
    fields = {"note": {"pattern": "'^' + regex.escape(run.namespace + '.' + inputs.engine) + '$'"}}
    assert found(fields, engine="small", port=1, note="team-a.small").refusals == ()
    assert found(fields, engine="small", port=1).refusals == ()
    for other in ("team-axsmall", "team-a.small\n", "team-a.small.", "TEAM-A.small"):
        (said,) = found(fields, engine="small", port=1, note=other).refusals
        assert said.endswith('does not match "^team\\\\-a\\\\.small$", which is its pattern here')


def test_a_pattern_takes_no_longer_however_it_is_written() -> None:
    fields = {"note": {"pattern": "'^(a+)+$'"}}
    assert found(fields, engine="small", port=1, note="a" * 5000 + "b").refusals != ()


def test_help_is_what_people_read_beside_a_field_and_behind_a_refusal() -> None:
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], "note": {"type": "string", "description": "Why\n"}}}
    fields = {
        "port": {"maximum": "9", "help": "'Up to 9 for ' + inputs.engine"},
        "size": {"help": "''", "maximum": "1"},
    }
    few = judge(action(fields, schema), run(engine="small", port=10))
    assert few.refusals == (
        "spec.inputs.port: 10 is more than 9, which is its maximum here (Up to 9 for small)",
        "spec.inputs.size: 7 is more than 1, which is its maximum here",
    )
    assert {each.name: each.help for each in few.fields if each.help} == {"port": "Up to 9 for small", "note": "Why"}
    wrong = judge(action(fields, schema), run(engine="small", port="x"))
    assert {each.name: each.help for each in wrong.fields if each.help} == {"note": "Why"}


def test_a_default_that_does_not_fit_its_schema_is_refused() -> None:
    (said,) = found({"port": {"default": "'x'"}}, engine="small").refusals
    assert said.startswith('spec.inputs.port: must be integer, but is "x"')


@pytest.mark.parametrize(
    ("fields", "inputs", "said"),
    [
        (
            {"size": {"minimum": "'x'"}},
            {},
            "spec.inputs.fields.size.minimum: must be of the type of its field, but is x",
        ),
        (
            {"day": {"maximum": "1"}},
            {"day": "2026-01-01"},
            "spec.inputs.fields.day.maximum: must be a date, such as 2026-12-24, but is 1",
        ),
        (
            {"day": {"minimum": "run.createdAt"}},
            {"day": "2026-01-01"},
            "day.minimum: must be a date, such as 2026-12-24",
        ),
        (
            {"until": {"maximum": "'2026-12-31'"}},
            {"until": "2026-12-30T00:00:00Z"},
            "spec.inputs.fields.until.maximum: must be a date-time, such as 2026-12-24T18:00:00Z, but is 2026-12-31",
        ),
        ({"until": {"maximum": "3"}}, {"until": "2026-12-30T00:00:00Z"}, "until.maximum: must be a date-time, such as"),
        ({"note": {"minimum": "'a'"}}, {"note": "b"}, "note.minimum: must be of the type of its field, but is a"),
        ({"size": {"minimum": "true"}}, {}, "spec.inputs.fields.size.minimum: must be of the type of its field"),
        ({"size": {"maximum": "inputs.port / 0"}}, {}, "spec.inputs.fields.size.maximum: divide by zero"),
        (
            {"note": {"pattern": "'['"}},
            {"note": "b"},
            "spec.inputs.fields.note.pattern: invalid regular expression: missing",
        ),
        ({"note": {"pattern": "1"}}, {"note": "b"}, "note.pattern: must be a text of at most 512 characters: 1"),
        ({"note": {"help": "'x'.replace('x', run.name + 'x').size()"}}, {}, "note.help: must be a text of at most 500"),
        ({"note": {"default": "inputs.day"}}, {}, "spec.inputs.fields.note.default: Key not found in map"),
        ({"note": {"visible": "inputs.day == ''"}}, {}, "spec.inputs.fields.note.visible: Key not found in map"),
        (
            {"note": {"default": "inputs.day"}, "day": {"default": "inputs.note"}},
            {},
            "spec.inputs.fields: day reads note reads day: none of them can be worked out before the others",
        ),
    ],
)
def test_what_cannot_be_worked_out_is_held(fields: Json, inputs: Json, said: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        found(fields, engine="small", port=1, **inputs)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (FIELDS, None),
        (
            {"note": {"visible": "inputs.nort == 1"}},
            "spec.inputs.fields.note.visible: there is no input named nort; did",
        ),
        ({"note": {"required": "inputs.note"}}, "spec.inputs.fields.note.required: must be true or false"),
        ({"note": {"disabled": "chosen.x == 1"}}, "spec.inputs.fields.note.disabled: undeclared reference to 'chosen"),
        ({"note": {"default": "inputs."}}, "spec.inputs.fields.note.default: Syntax error"),
        (
            {"size": {"default": "8"}},
            "spec.inputs.fields.size.default: the schema has a default for size as well: leave",
        ),
        (
            {"note": {"minimum": "1"}},
            "spec.inputs.fields.note.minimum: is for numbers and dates (type integer or number",
        ),
        (
            {"note": {"default": "inputs.day"}, "day": {"visible": "inputs.note == 'x'"}},
            "spec.inputs.fields: day reads note reads day: none of them can be",
        ),
        ({"note": {"pattern": "'^' + regex.escape(inputs.note + run.reason)", "help": "run.reason"}}, None),
        ({"note": {"pattern": "'^' + inputs.engine + string(inputs.port)"}}, None),
        ({"note": {"pattern": "'^(a'"}}, "spec.inputs.fields.note.pattern: "),
        ({"note": {"pattern": "1"}}, "spec.inputs.fields.note.pattern: must be a text, and is none: 1"),
        ({"size": {"pattern": "'a'"}}, "spec.inputs.fields.size.pattern: is for text (type string)"),
        (
            {"note": {"pattern": "'^' + inputs.day"}},
            "spec.inputs.fields.note.pattern: reads inputs.day, and what people write there would be read as a pattern:"
            " write regex.escape(inputs.day), or let the schema list its values in an enum",
        ),
        ({"note": {"pattern": "run.reason"}}, "spec.inputs.fields.note.pattern: reads run.reason, and what people"),
        ({"note": {"help": "inputs.nort"}}, "spec.inputs.fields.note.help: there is no input named nort; did you mean"),
        ({"note": {}}, "spec.inputs.fields.note: says nothing of its input: set options, visible, disabled, required,"),
        ({"nothing": {"visible": "true"}}, "spec.inputs.fields.nothing: the schema has no field nothing at its top"),
    ],
)
def test_what_is_wrong_with_it_is_said_when_the_action_is_applied(fields: Json, said: str | None) -> None:
    problems = check_action(action(fields))
    assert problems == () if said is None else problems[0].startswith(said)
