"""Forms: what may be filled in, what is said about mistakes, and which forms are sound."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.core.judging.form_language import FORMATS, matches
from pratique.core.judging.forms import (
    as_declared,
    doubts_of_schema,
    example,
    problems_of_inputs,
    problems_of_schema,
    with_defaults,
)
from pratique.core.kernel.limits import MAX_INPUT_VALUES

QUOTES = "; write it in quotes: YAML took it for something else"
TEXT, INT, NUMBER, BOOL = ({"type": kind} for kind in ("string", "integer", "number", "boolean"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)


def form(required: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels > 1 else []


INEXACT = f": is a number beyond {2**53}, which not every program keeps exactly; use a string"
SIZED = form(("name",), name={**TEXT, "pattern": "^[a-z]+$"}, n={**INT, "maximum": 5}, size={"enum": ["s", "é"]})


@pytest.mark.parametrize(
    ("schema", "inputs", "said"),
    [
        ({"type": "object"}, {}, []),
        (SIZED, {"name": "web", "n": 5, "size": "s"}, []),
        (SIZED, {}, ["spec.inputs.name: is required"]),
        (form(("a", "it's"), a=TEXT), {}, ["spec.inputs.it's: is required", "spec.inputs.a: is required"]),
        (SIZED, {"name": 1}, [f"spec.inputs.name: must be string, but is 1{QUOTES}"]),
        (SIZED, {"name": "Web"}, ['spec.inputs.name: "Web" does not match the pattern ^[a-z]+$']),
        (SIZED, {"name": "web\n"}, ['spec.inputs.name: "web\\n" does not match the pattern ^[a-z]+$']),
        (SIZED, {"name": "web", "n": 6}, ["spec.inputs.n: 6 is greater than the maximum of 5"]),
        (SIZED, {"name": "web", "size": "x"}, ['spec.inputs.size: "x" is not one of "s", "é"']),
        (SIZED, {"name": "web", "nmae": 1}, ["spec.inputs.nmae: there is no such input; did you mean name?"]),
        (SIZED, {"name": "a", "zz": 1}, ["spec.inputs.zz: there is no such input; known are: name, n, size"]),
        ({"type": "object"}, {"x": 1}, ["spec.inputs.x: there is no such input; known are: none"]),
        (form(a=form(b=INT)), {"a": {"c": 1}}, ["spec.inputs.a.c: there is no such input; known are: b"]),
        (
            form(a={"type": "array", "items": form(b=INT)}),
            {"a": [{"b": 1}, {"b": "x"}]},
            ['spec.inputs.a[1].b: must be integer, but is "x"'],
        ),
        (
            form(a={"type": "array", "items": form(b=INT)}),
            {"a": [{"c": 1}]},
            ["spec.inputs.a[0].c: there is no such input; known are: b"],
        ),
        ({"type": "object", "additionalProperties": INT}, {"x": 1}, []),
        ({"type": "object", "additionalProperties": INT}, {"x": "y"}, ['spec.inputs.x: must be integer, but is "y"']),
        (
            {"type": "object", "additionalProperties": form(a=INT)},
            {"x": {"b": 1}},
            ["spec.inputs.x.b: there is no such input; known are: a"],
        ),
        ({**form(a=INT), "additionalProperties": True}, {"x": 1}, []),
        (
            form(a={**TEXT, "format": "duration"}),
            {"a": "3 days"},
            ['spec.inputs.a: "3 days" is no duration, such as 90s, 15m, 24h, 3d or 2w'],
        ),
        (form(a=NUMBER), {"a": 2**53 + 1}, ["spec.inputs.a" + INEXACT]),
        (form(a={"type": "array"}), {"a": [1e300]}, ["spec.inputs.a[0]" + INEXACT]),
        (form(a=TEXT), {"a": "x" * 65536}, ["spec.inputs: is 65545 bytes of JSON, 65536 are allowed"]),
        (form(a={"type": "array"}), {"a": nested(11)}, []),
        (
            form(a={"type": "array"}),
            {"a": [0] * MAX_INPUT_VALUES},
            [f"spec.inputs: holds {MAX_INPUT_VALUES + 1} values, {MAX_INPUT_VALUES} are allowed"],
        ),
        (form(a={"type": "array"}), {"a": nested(12)}, ["spec.inputs: is nested deeper than 12 levels"]),
    ],
)
def test_what_is_said_about_inputs(schema: dict[str, Any], inputs: dict[str, Any], said: list[str]) -> None:
    assert problems_of_inputs(schema, inputs) == said


def test_at_most_ten_mistakes_are_told() -> None:
    assert len(problems_of_inputs({"type": "object"}, {f"x{n}": n for n in range(30)})) == 10


def test_defaults_are_filled_in_where_something_is_missing() -> None:
    schema = form(
        a={**INT, "default": 1}, o=form(b={**INT, "default": 2}), p={**form(c={**INT, "default": 3}), "default": {}}
    )
    assert with_defaults(schema, {"o": {}}) == {"a": 1, "o": {"b": 2}, "p": {"c": 3}}
    assert with_defaults(schema, {"a": None, "p": {"c": 4}}) == {"a": None, "p": {"c": 4}}
    assert schema["properties"]["p"]["default"] == {}


@given(st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4))
def test_defaults_change_nothing_that_is_there_and_fill_in_once(inputs: dict[str, Any]) -> None:
    before = json.dumps(inputs)
    schema = form(a={"default": 1}, b={"default": {"c": []}}, c=form(d={"default": "x"}))
    filled = with_defaults(schema, inputs)
    assert json.dumps(inputs) == before
    assert with_defaults(schema, filled) == filled
    assert all(filled[name] == value for name, value in inputs.items() if not isinstance(value, dict))


def test_a_number_is_what_the_form_says_it_is() -> None:
    schema = form(n=NUMBER, i=INT, l={"type": "array", "items": NUMBER}, o=form(n=NUMBER)) | {
        "additionalProperties": NUMBER
    }
    seen = as_declared(schema, {"n": 1, "i": 1, "l": [2, "x"], "o": {"n": 3}, "more": 4, "text": "t"})
    assert seen == {"n": 1, "i": 1, "l": [2, "x"], "o": {"n": 3}, "more": 4, "text": "t"}
    assert [type(each) for each in (seen["n"], seen["i"], seen["l"][0], seen["o"]["n"], seen["more"])] == [
        float,
        int,
        float,
        float,
        float,
    ]
    assert as_declared(True, [1]) == [1]


PATH = "spec.inputs.schema"
A = f"{PATH}.properties.a"
UNCLOSED = "is not a regular expression that can be used: missing ), unterminated subpattern at position 0"
RULE = (
    "is not supported; use a rule in inputs.rules, such as"
    ' {rule: "!has(inputs.a) || has(inputs.b)", message: a needs b}'
)
NAMED = "expressions must be able to name it: use letters, digits, _ and -"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "object"}, []),
        (SIZED, []),
        (form(a={**TEXT, "default": "x"}, b={"type": "array", "items": INT}, c=form(d=BOOL)), []),
        ({}, [f"{PATH}.type: must be object, since inputs are fields with names"]),
        (form(a={**TEXT, "title": "x" * 65536}), [f"{PATH}: is larger than 65536 bytes of JSON"]),
        (form(a={"type": "wrong"}), [f"{A}.type: must be one of string, integer, number, boolean, object, array"]),
        (form(a={"pattern": "("}), [f"{A}.pattern: {UNCLOSED}"]),
        (
            form(a={**TEXT, "pattern": "(?u)x", "default": "x"}),
            [f"{A}.pattern: is not a regular expression that can be used: ASCII and UNICODE flags are incompatible"],
        ),
        (
            form(a={"type": ["string", "null"]}),
            [f"{A}.type: must be one of string, integer, number, boolean, object, array"],
        ),
        (form(a=True), [f"{A}: must be an object, such as {{type: string}}"]),
        (form(a={**INT, "default": "x"}), [f"{A}.default: 'x' is not of type 'integer'"]),
        (form(a={**TEXT, "default": "X", "pattern": "^x$"}), [f"{A}.default: 'X' does not match '^x$'"]),
        (
            form(a={**INT, "default": 1, "$ref": "http://127.0.0.1:1/x"}),
            [f"{A}.$ref: is not supported; write the schema out"],
        ),
        (form(a={"allOf": [{"$ref": "#/x"}]}), [f"{A}.allOf: {RULE}"]),
        (form(a={"type": "array", "items": {"not": {}}}), [f"{A}.items.not: {RULE}"]),
        ({"type": "object", "additionalProperties": {"if": {}}}, [f"{PATH}.additionalProperties.if: {RULE}"]),
        (form(**{"no name": TEXT}), [f"{PATH}.properties.no name: {NAMED}"]),
        (form(**{"a-name": TEXT, "in": TEXT, "namespace": TEXT}), []),
        (
            form(**{"__in__": TEXT}),
            [f"{PATH}.properties.__in__: means in in an expression, as in Kubernetes: name it in"],
        ),
        (
            form(a={**TEXT, "format": "password"}),
            [f"{A}.format: inputs are stored and shown, so no secret may travel in them; take the name of a Secret"],
        ),
        (
            form(a={**TEXT, "format": "phone"}),
            [f"{A}.format: phone is not supported; use one of {', '.join(sorted(FORMATS.checkers))}"],
        ),
        ({"type": "object", "const": nested(32)}, [f"{PATH}: is nested deeper than 32 levels"]),
    ],
)
def test_what_is_said_about_a_form(schema: dict[str, Any], said: list[str]) -> None:
    assert problems_of_schema(schema) == said


@pytest.mark.parametrize(
    ("schema", "made_up"),
    [
        ({**TEXT, "default": "d", "example": "e"}, "d"),
        ({"example": None, "enum": ["x"]}, None),
        ({"const": 7}, 7),
        ({"examples": [], "enum": ["x"]}, "x"),
        ({"examples": ["y"]}, "y"),
        (form(a=TEXT, b=INT, c=BOOL, d={}), {"a": "example", "b": 1, "c": False, "d": "example"}),
        ({"type": "array", "items": {**NUMBER, "minimum": 3}}, [3]),
        ({"type": "array"}, []),
        ({**INT, "maximum": 0}, 0),
        ({"type": "object", "properties": 5}, {}),
    ],
)
def test_an_example_is_made_up(schema: dict[str, Any], made_up: Any) -> None:
    assert example(schema) == made_up


FORMATTED = {
    "duration": (["3d", "0s"], ["3 d", "", "3d\n"]),
    "date-time": (
        ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5+02:00"],
        ["2026-13-02T03:04:05Z", "2026-01-02T03:04:05+99:99", "2026-01-02", ""],
    ),
    "secret-ref": (["my-secret", "a.b"], ["My", "-a", "", "a/b", "a\n"]),
    "uri": (["https://example.com/x"], ["example.com", "", "http://[", "mailto:a"]),
    "date": (["2026-01-02"], ["2026-1-2"]),
}


@pytest.mark.parametrize("name", FORMATTED)
def test_formats_mean_something(name: str) -> None:
    good, bad = FORMATTED[name]
    assert [each for each in good if not FORMATS.conforms(each, name)] == []
    assert [each for each in bad if FORMATS.conforms(each, name)] == []
    assert FORMATS.conforms(5, name)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("b", "abc", True),
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        (r"^a\$$", "a$", True),
        ("^[$]$", "$", True),
        ("^[]$]+$", "]$", True),
        ("^[^]$]+$", "ab", True),
        ("^[^]$]+$", "a$", False),
        (r"^[\]$]+$", "]$", True),
        (r"^\d$", "٣", False),
        (r"^(a|b$)", "b\n", False),
        ("(", "(", False),
        ("(?u)x", "x", False),
    ],
)
def test_patterns_end_where_they_say(pattern: str, text: str, found: bool) -> None:
    assert matches(pattern, text) is found


NUMBERED = form(version=NUMBER, replicas=INT, tag={"type": "string", "enum": [1.1, True]})
INSTALL = form(
    version={"type": "string", "enum": ["1.9", "1.10"]},
    until={"type": "string", "format": "date"},
    enabled={"type": "boolean", "default": True},
    replicas=INT,
    tags={"type": "array", "items": TEXT},
)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"version": "1.10", "until": "2026-12-24", "enabled": True, "replicas": 3, "tags": ["one"]}, []),
        ({"version": 1.1}, ["spec.inputs.version: must be string, but is 1.1; write it in quotes: without them"]),
        ({"version": "1.10 "}, ['spec.inputs.version: "1.10 " is not one of "1.9", "1.10"; it has a blank at its']),
        ({"Version": "1.10"}, ["spec.inputs.Version: there is no such input; did you mean version?"]),
        ({"true": "1.10"}, ["spec.inputs.true: there is no such input; YAML reads on, yes, off and no as true: write"]),
        ({"until": "24.12.2026"}, ['spec.inputs.until: "24.12.2026" is no date, such as 2026-12-24']),
        ({"enabled": "yes"}, ['spec.inputs.enabled: must be boolean, but is "yes"']),
        ({"enabled": "true"}, ['spec.inputs.enabled: must be boolean, but is "true"; write it without quotes']),
        ({"replicas": "3"}, ['spec.inputs.replicas: must be integer, but is "3"; write it without quotes']),
        ({"replicas": None}, ["spec.inputs.replicas: must be integer, but is null; leave it out if there is none"]),
        ({"replicas": 3.0}, []),
        ({"tags": "one"}, ['spec.inputs.tags: must be array, but is "one"; write a list: ["one"]']),
        ({"tags": {}}, ["spec.inputs.tags: must be array, but is {}"]),
        (
            {"tags": [True]},
            ["spec.inputs.tags[0]: must be string, but is true; write it in quotes: YAML took it for so"],
        ),
    ],
)
def test_what_yaml_makes_of_a_value_is_answered_with_the_remedy(inputs: dict[str, Any], said: list[str]) -> None:
    found = problems_of_inputs(INSTALL, inputs)
    assert len(found) == len(said)
    assert all(each.startswith(start) for each, start in zip(found, said, strict=True))


def test_a_version_that_came_as_a_number_is_refused_when_it_may_be_another() -> None:
    assert problems_of_inputs(NUMBERED, {"version": 2, "replicas": 1}) == []
    (said,) = problems_of_inputs(NUMBERED, {"version": 1.1})
    assert said.startswith("spec.inputs.version: 1.1 may be 1.10 as well")


def test_what_a_form_most_likely_does_not_mean_stops_no_run() -> None:
    nested = {"type": "object", "properties": {"list": {"type": "array", "items": {"type": "string", "default": 1.5}}}}
    assert problems_of_schema(NUMBERED) == []
    assert list(doubts_of_schema(NUMBERED)) == [
        f"{PATH}.properties.version.type: as a number, version 1.10 is 1.1 and another one would be taken; use"
        " type: string",
        f"{PATH}.properties.tag.enum: 1.1 is a number, and the type is string: write it in quotes",
        f"{PATH}.properties.tag.enum: true is true or false, and the type is string: write it in quotes",
    ]
    (said,) = doubts_of_schema(nested)
    assert said.startswith(f"{PATH}.properties.list.items.default: 1.5 is a number")
