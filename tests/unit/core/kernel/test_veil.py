"""Nothing of an answer repeats a value that was sent, in any of the forms that are known; nothing else is touched."""

import base64
from typing import Any

import pytest

from pratique.core.kernel.veil import Veil

TOKEN = "tok_abcdefghijklmnop"
B64 = base64.b64encode(TOKEN.encode()).decode()


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (f"Bearer {TOKEN}!", "Bearer (hidden)!"),
        (TOKEN.upper(), "(hidden)"),
        (f"stra\u00dfe {TOKEN}", "stra\u00dfe (hidden)"),
        ("half: tok_abcdefghijkl", "half: (hidden)"),
        (B64, "(hidden)="),
        (f"{B64.rstrip('=')}?", "(hidden)?"),
        ("user:pw", "(hidden)"),
        ("dXNlcjpwdw==", "(hidden)"),
        (123456789, "(hidden)"),
        ({TOKEN: [1, True, None, 1.5, 1234567890123]}, {"(hidden)": [1, True, None, 1.5, "(hidden)"]}),
        ("abcd", "(hidden)"),
        ("xyz", "xyz"),
        ("MDEyOkNoZWNrUnVu4567aBcDeF", "MDEyOkNoZWNrUnVu4567aBcDeF"),
        ("Stra\u00dfe \u0130stanbul", "Stra\u00dfe \u0130stanbul"),
        ("", ""),
    ],
)
def test_what_is_hidden(value: Any, seen: Any) -> None:
    assert Veil([TOKEN, "dXNlcjpwdw==", "123456789", "abcd", "xyz", ""]).over(value) == seen


def test_with_nothing_to_hide_nothing_is_hidden() -> None:
    assert Veil([]).over({"a": [1, "b"]}) == {"a": [1, "b"]}
