"""The words a form may use, and what its formats and patterns mean."""

from typing import Any

import pytest

from pratique.core.judging.form_language import FORMATS, matches, problems_of_words


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"patern": "x"}, ["s.patern: is not supported; did you mean pattern?"]),
        ({"anyOf": []}, ["s.anyOf: is not supported; use a rule in inputs.rules"]),
        ({"$ref": "http://example.com"}, ["s.$ref: is not supported; write the schema out"]),
        ({"definitions": {}}, ["s.definitions: is not supported; write the schema out"]),
        ({"type": ["string", "null"]}, ["s.type: must be one of string, integer, number, boolean, object, array"]),
        ({"type": "null"}, ["s.type: must be one of string, integer, number, boolean, object, array"]),
        ({"format": "html"}, ["s.format: html is not supported; use one of date, date-time, duration, email"]),
        ({"x-labels": {"a": "A"}}, ["s.x-labels: must be a map beside enum, from values to what people read: {small:"]),
        ({"enum": ["a"], "x-labels": ["A"]}, ["s.x-labels: must be a map beside enum"]),
        (
            {"enum": ["small", 1, True], "x-labels": {"smal": "S", "large": "L", "1": "One", "true": "Yes"}},
            [
                "s.x-labels.smal: is no value of enum; did you mean small?",
                "s.x-labels.large: is no value of enum; known are: small, 1, true",
            ],
        ),
        (
            {"enum": ["a", "b", "c", "d", "e"], "x-labels": {"a": "A", "b": "A", "c": " ", "d": 4, "e": "e" * 101}},
            [
                "s.x-labels.b: is the text of a as well: people could not tell them apart",
                "s.x-labels.c: must be a text of 1 to 100 characters",
                "s.x-labels.d: must be a text of 1 to 100 characters",
                "s.x-labels.e: must be a text of 1 to 100 characters",
            ],
        ),
        ({"format": "password"}, ["s.format: inputs are stored and shown, so no secret may travel in them"]),
        ({"x-order": "a"}, ["s.x-order: must be a list of the names under properties"]),
        ({"x-order": ["a"]}, ["s.x-order: there is no field a; known are: none"]),
        (
            {"properties": {"size": {}, "name": {}}, "x-order": ["name", "sise", 7]},
            [
                "s.x-order: there is no field sise; did you mean size?",
                "s.x-order: there is no field 7; known are: size",
            ],
        ),
        ({"b": 1, "a": 1}, ["s.a: is not supported", "s.b: is not supported"]),
    ],
)
def test_a_word_that_nothing_honours_is_refused(schema: dict[str, Any], said: list[str]) -> None:
    found = list(problems_of_words(schema, "s"))
    assert len(found) == len(said)
    assert all(sentence.startswith(start) for sentence, start in zip(found, said, strict=True))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "integer", "min": 0}, "s.min: is not supported; did you mean minimum?"),
        ({"type": "integer", "max": 0}, "s.max: is not supported; did you mean maximum?"),
        ({"type": "string", "min": 0}, "s.min: is not supported; did you mean minLength?"),
        ({"type": "array", "max": 0}, "s.max: is not supported; did you mean maxItems?"),
        ({"len": 3}, "s.len: is not supported; did you mean maxLength?"),
        ({"options": []}, "s.options: is not supported; did you mean enum?"),
        ({"defualt": 1}, "s.defualt: is not supported; did you mean default?"),
        ({"descripton": ""}, "s.descripton: is not supported; did you mean description?"),
        ({"regex": ""}, "s.regex: is not supported; did you mean pattern?"),
        ({"dependencies": {}}, "s.dependencies: is not supported; use a rule in inputs.rules, such as {rule:"),
        ({"ui:field": "x"}, "s.ui:field: is not supported; how a form looks is not said here: leave it out"),
        ({"enumNames": []}, "s.enumNames: is not supported; what people read for a value is in x-labels, such as"),
        ({"$ref": "x"}, "s.$ref: is not supported; write the schema out"),
        ({"definitions": {}}, "s.definitions: is not supported; write the schema out"),
        ({"zzz": 1}, "s.zzz: is not supported; use a rule in inputs.rules"),
        (
            {"type": "int"},
            "s.type: must be one of string, integer, number, boolean, object, array; did you mean integer?",
        ),
        ({"type": "wrong"}, "s.type: must be one of string, integer, number, boolean, object, array"),
        ({"required": True}, "s.required: is a list beside properties, of the names that must be there"),
    ],
)
def test_words_of_other_languages_are_answered_with_the_remedy(schema: dict[str, Any], said: str) -> None:
    (found,) = problems_of_words(schema, "s")
    assert found.startswith(said)


def test_words_that_are_honoured_are_no_problem() -> None:
    assert list(problems_of_words({"type": "string", "title": "T", "format": "duration", "enum": ["1d"]}, "s")) == []
    assert list(problems_of_words({"properties": {"a": {}, "b": {}}, "x-order": ["b"]}, "s")) == []
    assert list(problems_of_words({}, "s")) == []


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("date", "2026-02-28", "2026-02-30"),
        ("multiline", "one\r\n\ttwo \u200d", "red: \x1b[31m"),
        ("markdown", "# One\n\n*two*", "a\0"),
        ("user", "ann@example.com", "system:admin"),
        ("user", "Ann Lee", " ann"),
        ("user", "a" * 253, "a" * 254),
        ("group", "oidc:leads", "system:masters"),
        ("group", "leads", "lea\u200bds"),
        ("group", "leads", ""),
        ("date-time", "2026-02-28T10:00:00Z", "2026-02-30T10:00:00Z"),
        ("date-time", "2026-02-28T10:00:00.5+01:00", "2026-02-28 10:00"),
        ("duration", "3d", "3 days"),
        ("email", "a@example.com", "a"),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
        ("ipv6", "::1", "::g"),
        ("secret-ref", "db-password", "Db_Password"),
        ("uri", "https://example.com/a", "example.com"),
        ("uri", "https://[::1]/", "https://[::1/"),
        ("uuid", "7d9f3a60-0000-4000-8000-000000000001", "7d9f"),
    ],
)
def test_formats_are_honoured(form: str, good: str, bad: str) -> None:
    assert FORMATS.conforms(good, form)
    assert not FORMATS.conforms(bad, form)
    assert FORMATS.conforms(5, form)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^[a-z]+$", "abc", True),
        ("^[a-z]+$", "abc\n", False),
        ("^[a-z]+$", "abc\n--evil", False),
        (r"^\d+$", "123", True),
        (r"^\d+$", "١٢٣", False),
        (r"^a\$$", "a$", True),
        ("^[$]$", "$", True),
        ("^[]$]$", "]", True),
        ("^[^]$]$", "a", True),
        ("^[^]$]$", "$", False),
        (r"^[\]$]$", "$", True),
        ("a$|b", "a\n", False),
        ("b", "abc", True),
        ("\\\\", "a\\", True),
        ("(", "(", False),
    ],
)
def test_a_pattern_reads_as_kubernetes_reads_it(pattern: str, text: str, found: bool) -> None:
    assert matches(pattern, text) is found
