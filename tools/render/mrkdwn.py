"""Reads the little that our channel writes in Slack's markup: text, entities and mentions. Any style in it is an error."""

import re
from collections.abc import Iterator, Mapping

from tools.render.parts import Run, Style, UnknownPartError

_STYLED = re.compile(r"`|(?<!\w)([*_~])(?=\S).*?(?<=\S)\1(?!\w)")
_PIECE = re.compile(r"<([^<>]*)>|&(?:(amp|lt|gt);)?|[<>]|[^<>&]+")
_MENTION = re.compile(r"@([UW][A-Z0-9]+)|!subteam\^(S[A-Z0-9]+)")
_LETTERS = {"amp": "&", "lt": "<", "gt": ">"}

Names = Mapping[str, str]
"""Slack's ids of people and groups, and what its clients show for them."""


def read_markup(text: str, names: Names) -> tuple[Run, ...]:
    """Return the runs of a line."""
    if found := _STYLED.search(text):
        raise UnknownPartError(f"{found[0]} would be shown in a style, without its signs: {text!r}")
    return tuple(_runs(text, names))


def _runs(text: str, names: Names) -> Iterator[Run]:
    plain = ""
    for piece in _PIECE.finditer(text):
        if piece[1] is None:
            plain += _letters(piece)
            continue
        if plain:
            yield Run(plain)
        yield Run(_mentioned(piece[1], names), frozenset({Style.MENTION}))
        plain = ""
    if plain:
        yield Run(plain)


def _letters(piece: re.Match[str]) -> str:
    if piece[2]:
        return _LETTERS[piece[2]]
    if piece[0] in "&<>":
        raise UnknownPartError(f"{piece[0]} stands in a text without being escaped: {piece.string!r}")
    return piece[0]


def _mentioned(inner: str, names: Names) -> str:
    found = _MENTION.fullmatch(inner)
    ident = (found[1] or found[2]) if found else ""
    if ident not in names:
        raise UnknownPartError(f"what <{inner}> would look like is not known")
    return f"@{names[ident]}"
