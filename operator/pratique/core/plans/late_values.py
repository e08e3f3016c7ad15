"""Values of an object that earlier entries give: `${resources.<id>.<field>}`, by itself or beside text. Pure.

What is filled in is replacing a word in a leaf, outside of the sandbox: approvers have read where it comes from, and no
expression is worked out over what a controller, or a stranger, has written. `${string(…)}` makes a text of a number.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import LateValue, PlannedResource
from pratique.core.kernel.text import clean

Json = Any
MAX_LENGTH = 1024
"""Of a text that is read."""
MAX_PATH = 256
MAX_READS = 32
"""Different ones, of a plan: each is on record in the run's status."""
_STEP = re.compile(r"""\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,4})\]|\[(?:'([^'"\\$}{]+)'|"([^'"\\$}{]+)")\]""")
_READ = (
    r"resources\.([a-z][a-zA-Z0-9_]{0,30}"
    r"""(?:\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]{1,4}\]|\['[^'"\\$}{]+'\]|\["[^'"\\$}{]+"\])+)"""
)
_LATE = re.compile(rf"(?<!\$)\$\{{\s*(?:{_READ}|string\(\s*{_READ}\s*\))\s*\}}")
NOTHING = object()
"""What is read is not there, or not yet."""


@dataclass(frozen=True)
class Pieces:
    """A text of a template, with what it reads of earlier entries: one text more than reads. `alone` keeps its type."""

    texts: tuple[str, ...]
    reads: tuple[str, ...]
    alone: bool


def split(text: str) -> Pieces:
    """Return a text of a template in pieces."""
    found = list(_LATE.finditer(text))
    starts, ends = [0, *(each.end() for each in found)], [*(each.start() for each in found), len(text)]
    texts = tuple(text[start:end] for start, end in zip(starts, ends, strict=True))
    alone = len(found) == 1 and found[0][1] is not None and not any(texts)
    return Pieces(texts, tuple(each[1] or each[2] for each in found), alone)


def source_of(read: str) -> str:
    """Return the id of the entry that something is read of."""
    return re.split(r"[.\[]", read, maxsplit=1)[0]


def path_of(read: str) -> str:
    """Return the path of what is read in what the entry made."""
    return read.removeprefix(source_of(read)).removeprefix(".")


def look_up(seen: Json, read: str) -> Json:
    """Return what stands there; NOTHING where there is nothing, or an empty text, which says that it is not known yet."""
    for name, index, *keys in _STEP.findall(read.removeprefix(source_of(read))):
        if index:
            if not isinstance(seen, list) or int(index) >= len(seen):
                return NOTHING
            seen = seen[int(index)]
        else:
            key = name or "".join(keys)
            if not isinstance(seen, Mapping) or key not in seen:
                return NOTHING
            seen = seen[key]
    return NOTHING if seen is None or seen == "" else seen


def problem_of(value: Json) -> str | None:
    """Return why a value cannot stand in an object, as the end of a sentence."""
    if not isinstance(value, str | int | float):
        kind = "a list" if isinstance(value, list) else "an object"
        return f"is {kind}: a text, a number or a boolean can be read"
    if isinstance(value, str) and len(value.encode(errors="replace")) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} bytes"
    return None


def reads_of(planned: PlannedResource) -> tuple[str, ...]:
    """Return what an object reads, each once."""
    return tuple(dict.fromkeys(read for each in planned.late or () for read in each.reads))


def fill(planned: PlannedResource, values: Mapping[str, Json] | None) -> PlannedResource | None:
    """Return an object as it is made; None as long as something that it reads is not known."""
    if not planned.late:
        return planned
    known = values or {}
    if any(read not in known for read in reads_of(planned)):
        return None
    wanted = {each.at: _filled(each, known) for each in planned.late}
    return amend(planned, manifest=_replace(planned.manifest, "", wanted), late=None)


def _filled(late: LateValue, known: Mapping[str, Json]) -> Json:
    if late.texts is None:
        return known[late.reads[0]]
    return join(late.texts, [_text_of(known[read]) for read in late.reads])


def join(texts: Sequence[str], between: Sequence[str]) -> str:
    """Return the texts with these between them."""
    return texts[0] + "".join(value + text for value, text in zip(between, texts[1:], strict=True))


def _text_of(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _replace(value: Json, at: str, wanted: Mapping[str, Json]) -> Json:
    match value:
        case Mapping():
            return {key: _replace(each, point(at, key), wanted) for key, each in value.items()}
        case list():
            return [_replace(each, point(at, index), wanted) for index, each in enumerate(value)]
        case _:
            return wanted.get(at, value)


def point(at: str, key: str | int) -> str:
    """Return the JSON pointer of what stands under this key."""
    return f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"


def say_late(planned: PlannedResource, name: Callable[[str], str]) -> Iterator[str]:
    """Yield for people what is filled in where, and what it comes from; `name` says what an entry makes."""
    for each in planned.late or ():
        yield f"{_dotted(each.at)}={_say(each, name)}"


def with_sources(planned: PlannedResource, name: Callable[[str], str]) -> Json:
    """Return an object for people: where something is filled in, what that comes from."""
    said = {each.at: _say(each, name) for each in planned.late or ()}
    return _replace(planned.manifest, "", said)


def _say(late: LateValue, name: Callable[[str], str]) -> str:
    from_ = [f"({clean(path_of(read), MAX_PATH)} of {name(source_of(read))})" for read in late.reads]
    return clean(join(late.texts or ("", ""), from_), MAX_LENGTH)


def _dotted(at: str) -> str:
    """Return a JSON pointer as people write a path."""
    keys = [key.replace("~1", "/").replace("~0", "~") for key in at.split("/")[1:]]
    return "".join(f"[{key}]" if key.isdigit() else f".{key}" for key in keys).removeprefix(".")
