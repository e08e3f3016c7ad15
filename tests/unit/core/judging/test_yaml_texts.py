"""What `yaml.decode` reads out of a text, and what it refuses: the text may be anybody's."""

from typing import Any

import pytest

from pratique.core.judging.expressions import compile_expression
from pratique.core.judging.yaml_texts import MAX_TEXT, decoded
from pratique.core.kernel.errors import EvaluationError


def decode(text: str) -> Any:
    return compile_expression("yaml.decode(inputs.text)", ("inputs",)).evaluate({"inputs": {"text": text}})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "- {name: a, cpu: 2, price: 1.5, on: true, none: null}",
            [{"name": "a", "cpu": 2, "price": 1.5, "on": True, "none": None}],
        ),
        ('[{"a": [1, {"b": "c"}]}]', [{"a": [1, {"b": "c"}]}]),
        ("day: 2026-12-24\nmerge: <<\nsame: =", {"day": "2026-12-24", "merge": "<<", "same": "="}),
        ("just text", "just text"),
        ("", None),
    ],
)
def test_what_json_has_is_read(text: str, value: Any) -> None:
    if text.startswith("- "):
        text = text.replace("on:", '"on":')
    assert decode(text) == value


LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, "yaml.decode: has an alias (*name): write it out"),
        ("[" * 100_000, "yaml.decode: is nested deeper than 12 levels"),
        ("x" * (MAX_TEXT + 1), f"yaml.decode: the text has {MAX_TEXT + 1} characters, {MAX_TEXT} are allowed"),
        ("a: [1", "yaml.decode: is no YAML in line 2: did not find expected ',' or ']'"),
        ("\x07", "yaml.decode: is no YAML: "),
        ("1: a", "yaml.decode: the key 1 is no text: write it in quotes"),
        ("[{a: {yes: 1}}]", "yaml.decode: the key True is no text: write it in quotes"),
        (".inf", "yaml.decode: inf is no number that JSON knows"),
        ("!!set {a}", "yaml.decode: holds what JSON has not, such as a set or bytes"),
        (
            "!!python/object/apply:os.system [ls]",
            "yaml.decode: is no YAML in line 1: could not determine a constructor",
        ),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^yaml\.decode: ") as raised:
        decoded(text)
    assert str(raised.value).startswith(said)
    with pytest.raises(EvaluationError, match=r"yaml\.decode: "):
        decode(text)
