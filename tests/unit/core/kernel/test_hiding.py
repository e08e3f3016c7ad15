"""What somebody's words may repeat of an object: what it is called, and nothing of what it holds."""

import base64
import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.generated import examples

from pratique.core.kernel.hiding import hide
from pratique.guarding.canaries import canaries

PLANTED = "zqplanted Value 42"
ENCODED = base64.b64encode(PLANTED.encode()).decode()
LAST = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.mark.parametrize(
    "held",
    [
        {"data": {"password": PLANTED}},
        {"kind": "Secret", "data": {"password": ENCODED}},
        {"spec": {"containers": [{"env": [{"name": "P", "value": PLANTED}]}]}},
        {"metadata": {"annotations": {LAST: json.dumps({"data": {"password": PLANTED}})}}},
        {"data": {"settings.json": json.dumps({"db": [PLANTED]})}},
        [{"op": "add", "path": "/x", "value": PLANTED}],
        {"data": {"name": PLANTED}},
    ],
)
@pytest.mark.parametrize("shown", [PLANTED, PLANTED.upper(), PLANTED[2:15], ENCODED])
def test_a_value_is_hidden(held: dict[str, Any] | list[dict[str, Any]], shown: str) -> None:
    words = hide(f"the password {shown} is weak", held)
    assert "(hidden)" in words and words.startswith("the password") and words.endswith("is weak")
    assert not any(shown[at : at + 5] in words for at in range(len(shown) - 4))


@pytest.mark.parametrize("text", [f"before {PLANTED} after", "{" + PLANTED])
def test_a_part_of_a_text_is_hidden(text: str) -> None:
    assert hide(f"it:{PLANTED}!", {"data": {"text": text}}) == "it:(hidden)!"


@pytest.mark.parametrize(
    ("words", "held"),
    [
        ("images must be signed", {"data": {"a": "true", "b": ["x", None, 1, True, " "]}}),
        ("image nginx:1.27 of orders-db is not signed", {"metadata": {"name": "orders-db"}, "image": "nginx:1.27"}),
        ("use class standard-fast", {"spec": {"storageClassName": "standard-fast"}}),
        (
            "orders-db is no name",
            {"metadata": {"annotations": {LAST: json.dumps({"metadata": {"name": "orders-db"}})}}},
        ),
        ("the field containers is wrong", {"data": {"x": json.dumps({"containers": []})}}),
    ],
)
def test_what_says_what_is_meant_stays(words: str, held: dict[str, Any]) -> None:
    assert hide(words, held) == words


def test_a_word_within_a_longer_one_stays_and_alone_it_is_hidden() -> None:
    held = {"spec": {"decisions": {"lead": {"verdict": "Approve"}}}}
    assert hide("what is being approved is frozen", held) == "what is being approved is frozen"
    assert hide("you said 'Approve': no", held) == "you said '(hidden)': no"
    assert hide("x1hunter22y", {"data": {"p": "hunter22"}}) == "x1(hidden)y"


def test_a_name_that_is_none_is_hidden() -> None:
    assert hide("it says: Hello World!", {"name": "Hello World!"}) == "it says: (hidden)"


@pytest.mark.parametrize(
    ("words", "held", "shown"),
    [
        ("pin 123456 and 123456", {"pin": 123456}, "pin (hidden) and (hidden)"),
        ("hunter2 is short", {"data": {"p": "hunter2"}}, "(hidden) is short"),
        ("token eyJhbGciOiJSUzI1NiIsImtpZCI6 injected", {}, "token (hidden) injected"),
        ("die straSSe hunter2", {"data": {"p": "hunter2"}}, "die straSSe (hidden)"),
        ("die straße hunter2", {"data": {"p": "hunter2"}}, "die strasse (hidden)"),
        ("", {"data": {"p": "hunter2"}}, ""),
    ],
)
def test_other_values(words: str, held: dict[str, Any], shown: str) -> None:
    assert hide(words, held) == shown


def test_the_words_of_a_canary_are_heard() -> None:
    """They are compared with what is expected: no value of a canary may be a part of them."""
    for canary in canaries("system:serviceaccount:pratique-system:pratique"):
        assert hide(canary.expected, canary.manifest) == canary.expected


def _naive(words: str, value: str) -> str:
    """Return the words without any twelve letters of a value in a row: what `hide` does, in the plainest way."""
    marks = [False] * len(words)
    for at in range(len(words) - 11):
        if words[at : at + 12] in value:
            marks[at : at + 12] = [True] * 12
    shown = "".join("\0" if hidden else letter for letter, hidden in zip(words, marks, strict=True))
    return re.sub("\0+", "(hidden)", shown)


@examples(200)
@given(
    st.text("ab ", min_size=12, max_size=90).filter(lambda text: len(text.strip()) >= 12),
    st.text("ab ", max_size=40),
    st.integers(0, 80),
)
def test_every_part_of_a_long_text_is_found_wherever_it_begins(value: str, around: str, begin: int) -> None:
    value = "x" + value.strip() + "x"  # no base64 of anything
    words = f"{around}{value[begin : begin + 17]}{around}"
    assert hide(words, {"data": {"k": value}}) == _naive(words, value)


def test_the_time_grows_with_the_object_and_not_with_what_it_repeats() -> None:
    before = time.process_time()
    assert hide("a" * 2000, {"data": {"k": "a" * 300_000}}) == "(hidden)"
    assert time.process_time() - before < 20, "it took minutes: each part was marked wherever it was found"
