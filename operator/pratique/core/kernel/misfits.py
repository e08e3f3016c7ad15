"""Names the fields of a patch that do not fit, where the API server only says that something cannot be converted. Pure.

Called by `cluster.perform` with the patch that was sent: names of fields that a template sets, and no value.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pratique.core.kernel.quoting import Piece
from pratique.core.kernel.text import clean

_CONVERTED = re.compile(r"cannot convert (\w+) to (\w+)")
_UNNAMED = re.compile(r"unrecognized type: \w+|illegal base64 data at input byte \d+|quantities must match .*")
_TYPES: dict[str, type] = {"int64": int, "float64": float, "bool": bool, "string": str}
_MOST = 3


def name_fields(pieces: tuple[Piece, ...], patch: Mapping[str, Any]) -> tuple[Piece, ...]:
    """Return the pieces, each with the fields that it may be about."""
    return tuple(_named(piece, patch) for piece in pieces)


def _named(piece: Piece, patch: Mapping[str, Any]) -> Piece:
    converted = _CONVERTED.fullmatch(piece.frame)
    if converted is None and _UNNAMED.fullmatch(piece.frame) is None:
        return piece
    wanted = _TYPES.get(converted[1]) if converted else str
    fields = [path for path, value in _leaves(patch, "") if wanted is None or type(value) is wanted]
    if not fields:
        return piece
    which = (
        fields[0] if len(fields) == 1 else f"one of {', '.join(fields[:_MOST])}{' …' if len(fields) > _MOST else ''}"
    )
    return Piece(clean(f"{which}: {piece.frame}", 320), piece.words)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    match value:
        case Mapping():
            for key, each in value.items():
                if (path, key) not in (
                    ("", "apiVersion"),
                    ("", "kind"),
                    ("metadata", "name"),
                    ("metadata", "namespace"),
                ):
                    yield from _leaves(each, f"{path}.{key}" if path else str(key))
        case list():
            for index, each in enumerate(value):
                yield from _leaves(each, f"{path}[{index}]")
        case _:
            yield path, value
