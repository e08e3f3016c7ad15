"""What a stranger answers can be evaluated and stored, whatever it holds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.generated import examples

from pratique.core.kernel.foreign import fit_whole, parse_foreign, plain


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": [1, 1.5, true, null, "x"]}', {"a": [1, 1.5, True, None, "x"]}),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"9223372036854775808", "9223372036854775808"),
        (b"-9223372036854775809", "-9223372036854775809"),
        (b"1" * 5000, "1" * 5000),
        (b"[1e999, -1e999, NaN, Infinity]", [None, None, None, None]),
        (rb'{"a\u0000b": "\ud800x\udfff"}', {"a\ufffdb": "\ufffdx\ufffd"}),
        (rb'"\ud83d\ude00\t\r\n\u0007\u009f"', "\U0001f600\t\r\n\ufffd\ufffd"),
        (b"no json", None),
        (b"\xff", None),
        (b"[" * 70 + b"]" * 70, None),
        (b"[" * 60000, None),
    ],
)
def test_what_is_read(raw: bytes, value: Any) -> None:
    assert parse_foreign(raw) == value


def test_numbers_of_expressions_are_stored_as_they_are() -> None:
    assert (fit_whole(2**63 - 1), fit_whole(2**64 - 1)) == (2**63 - 1, "18446744073709551615")


@examples(200)
@given(st.text(st.characters(codec=None)))
def test_every_text_becomes_one_that_can_be_stored(text: str) -> None:
    assert len(plain(text)) == len(text) and "\0" not in plain(text)
    plain(text).encode()
