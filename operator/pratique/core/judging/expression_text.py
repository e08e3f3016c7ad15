"""Writes an expression as the evaluator takes it: names that CEL reserves, names with dashes, macros it lacks. Pure.

It changes names and macros only, and only outside of strings; what it does not know it leaves to the evaluator. A map is
walked in the order of its keys: the evaluator's own differs from process to process, and a plan must come out the same.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*)
    | (?P<string>(?:[bB]?[rR][bB]?(?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|"[^"\n]*")
        | [bB]?(?:'''(?:\\.|[^\\])*?''' | \"\"\"(?:\\.|[^\\])*?\"\"\" | '(?:\\.|[^'\\\n])*' | "(?:\\.|[^"\\\n])*")))
    | (?P<name>[A-Za-z_]\w*)
    | (?P<quoted>`[^`\n]*`)
    | (?P<number>\d[\w.]*)
    | (?P<space>\s+)
    | (?P<sign>&&|\|\||[=!<>]=|.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_LITERALS = frozenset({"in", "true", "false", "null"})
RESERVED = frozenset(
    {"false", "in", "null", "true", "as", "break", "const", "continue", "else", "for", "function", "if", "import"}
    | {"let", "loop", "package", "namespace", "return", "var", "void", "while"}
)
"""What CEL keeps for itself. As the name of a field each may be used."""
_ESCAPES = {"__underscores__": "__", "__dot__": ".", "__dash__": "-", "__slash__": "/"}
_ESCAPED = re.compile("|".join(_ESCAPES))
_QUOTABLE = re.compile(r"[A-Za-z0-9_./-]+")
_OPEN, _CLOSE = {"(": ")", "[": "]", "{": "}"}, frozenset(")]}")


@dataclass(frozen=True)
class Token:
    """A piece of an expression: what kind it is, and its text."""

    kind: str
    text: str


_NONE = Token("none", "")


def tokens_of(text: str) -> list[Token]:
    """Split an expression into its pieces; joined they are the expression again."""
    return [Token(str(found.lastgroup), found[0]) for found in _TOKEN.finditer(text)]


def unescaped(name: str) -> str:
    """Return the name that Kubernetes' escapes stand for: `__namespace__` is namespace, `a__dash__b` is a-b."""
    inner = name.removeprefix("__").removesuffix("__")
    if name == f"__{inner}__" and inner in RESERVED:
        return inner
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], name)


def field_name(name: str) -> str:
    """Return a name as a field of a message type may have it."""
    return re.sub(r"\W", lambda found: f"__x{ord(found[0]):x}__", name, flags=re.ASCII)


def named(field: str) -> str:
    """Return the name that `field_name` was given."""
    return re.sub(r"__x([0-9a-f]+)__", lambda found: chr(int(found[1], 16)), field)


def as_evaluated(text: str) -> str:
    """Return an expression as the evaluator takes it."""
    return "".join(_expanded(list(_selections(_joined(tokens_of(text)))), ordered=True))


def as_checked(text: str) -> str:
    """Return an expression with the names of fields as `field_name` has them."""
    return "".join(
        f"`{field_name(token.text[1:-1])}`" if token.kind == "quoted" else token.text
        for token in tokens_of("".join(_expanded(list(_selections(_joined(tokens_of(text)))), ordered=False)))
    )


def selections_of(text: str) -> set[tuple[str, str]]:
    """Return what is selected of each name that stands alone: `inputs.a.b` is a of inputs, and so is `inputs[?'a']`."""
    found = tokens_of("".join(_selections(_joined(tokens_of(text)))))
    tokens = [token for at, token in enumerate(found) if token.text != "?" or found[at - 1].text != "."]
    return {
        (first.text, name.text.strip("`"))
        for at, (first, dot, name) in enumerate(zip(tokens, tokens[1:], tokens[2:], strict=False))
        if first.kind == "name" and dot.text == "." and name.kind in ("name", "quoted") and not _behind_dot(tokens, at)
    }


def _joined(tokens: Sequence[Token]) -> list[Token]:
    """Return the pieces without the blanks inside of a selection or before what is called or indexed."""
    return [token for at, token in enumerate(tokens) if token.kind != "space" or not _is_inside(tokens, at)]


def _is_inside(tokens: Sequence[Token], at: int) -> bool:
    before, after = tokens[at - 1 : at] or [_NONE], tokens[at + 1 : at + 2] or [_NONE]
    joins = after[0].text in (".", "(", "[") and _is_operand(tokens, at - 1)
    return joins or before[0].text == "."


def _selections(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the pieces with fields as the parser takes them: quoted where they are no plain names."""
    at = 0
    while at < len(tokens):
        token, size = tokens[at], 1
        if token.kind == "name" and _behind_dot(tokens, at):
            meant = unescaped(token.text)
            plain = meant == token.text and meant not in _LITERALS
            yield token.text if plain else f"`{meant}`"
        elif _is_operand(tokens, at - 1) and (index := _literal_index(tokens, at)) is not None:
            piece, size = index
            yield piece
        else:
            yield token.text
        at += size


def _behind_dot(tokens: Sequence[Token], at: int) -> bool:
    before = [token.text for token in tokens[max(0, at - 2) : at]]
    return before[-1:] == ["."] or before == [".", "?"]


def _is_operand(tokens: Sequence[Token], at: int) -> bool:
    """Whether what stands here can have an index behind it: `in` cannot, there a list begins."""
    if at < 0:
        return False
    token = tokens[at]
    return token.kind == "quoted" or token.text in _CLOSE or (token.kind == "name" and token.text != "in")


def _literal_index(tokens: Sequence[Token], at: int) -> tuple[str, int] | None:
    """Return `['name']` as a selection, and how many pieces it is, if that stands here."""
    for sign, pattern in ((".", ("[", "", "]")), (".?", ("[", "?", "", "]"))):
        found = tokens[at : at + len(pattern)]
        texts = [token.text for token in found]
        if len(texts) == len(pattern) and all(want in ("", text) for want, text in zip(pattern, texts, strict=True)):
            quoted = texts[-2]
            if found[-2].kind == "string" and quoted[0] in "'\"" and _QUOTABLE.fullmatch(quoted[1:-1]):
                return f"{sign}`{quoted[1:-1]}`", len(pattern)
    return None


def _expanded(pieces: list[str], *, ordered: bool) -> list[str]:
    """Write the macros out that the evaluator lacks a part of; `ordered` also those that would walk a map in any order."""
    wanted = _ORDERED if ordered else _LACKING
    while (at := _last_call(pieces, wanted)) is not None:
        name, (parts, end) = pieces[at], _arguments(pieces, at + 1)
        begin = _receiver(pieces, at - 1)
        before, walked, behind = pieces[:begin], pieces[begin : at - 1], pieces[end:]
        if name in ("map", "filter"):
            pieces = [*before, "cel.bind(__walked, ", *walked, f", {_KEYS}).{name}", *pieces[at + 1 :]]
        elif len(parts) not in (3, 4):  # the evaluator says what is wrong
            pieces = [*pieces[:at], f"{name} ", *pieces[at + 1 :]]
        elif name in _LACKING:
            pieces = [*pieces[:at], _by_list(name, parts), *behind]
        else:
            pieces = [*before, "cel.bind(__walked, ", *walked, f", {_by_keys(parts)})", *behind]
    return pieces


_LACKING = {"transformMap": "mapOfPairs", "transformMapEntry": "mapOfMaps"}
_ORDERED = frozenset({"map", "filter", "transformList", *_LACKING})
_IS_MAP = "type(dyn(__walked)) == map ? dyn(__walked).keysInOrder() : dyn"
_KEYS = f"({_IS_MAP}(__walked))"
_PLACES = f"({_IS_MAP}(lists.range(size(dyn(__walked)))))"


def _last_call(pieces: Sequence[str], names: Collection[str]) -> int | None:
    """Return where the last call of one of these begins: what it holds has none of them any more."""
    calls = (at for at in range(1, len(pieces) - 1) if (pieces[at - 1], pieces[at + 1]) == (".", "("))
    return max((at for at in calls if pieces[at] in names), default=None)


def _by_list(name: str, parts: list[str]) -> str:
    key, value, *conditions, result = parts
    if name == "transformMap":
        result = f"[dyn({key}), dyn({result})]"
    return f"transformList({', '.join([key, value, *conditions, result])}).{_LACKING[name]}()"


def _by_keys(parts: list[str]) -> str:
    key, value, *conditions, result = parts
    chosen = "".join(f".filter({key}, cel.bind({value}, dyn(__walked)[{key}], {each}))" for each in conditions)
    return f"{_PLACES}{chosen}.map({key}, cel.bind({value}, dyn(__walked)[{key}], {result}))"


def _receiver(pieces: Sequence[str], dot: int) -> int:
    """Return where that begins whose macro stands behind this dot: a name or a value, and what is selected of it."""
    at = dot
    while at > 0:
        at = _opening(pieces, at - 1) if pieces[at - 1] in _CLOSE else at - 1
        before = pieces[at - 1] if at > 0 else ""
        if pieces[at] in ("(", "[") and (before in _CLOSE or (_NAME.fullmatch(before) and before != "in")):
            continue  # a call or an index: what it is of belongs to it
        if before == ".":
            at -= 1
        elif before == "?" and pieces[at - 2 : at - 1] == ["."]:
            at -= 2
        else:
            break
    return at


_NAME = re.compile(r"[A-Za-z_]\w*|`.*`", re.DOTALL)


def _opening(pieces: Sequence[str], closed: int) -> int:
    """Return where the bracket is opened that is closed here."""
    depth = 0
    for at in range(closed, -1, -1):
        depth += (pieces[at] in _CLOSE) - (pieces[at] in _OPEN)
        if depth == 0:
            return at
    return 0


def _arguments(pieces: Sequence[str], at: int) -> tuple[list[str], int]:
    """Return what stands between the parentheses that open at `at`, split at its commas, and where they end."""
    parts, depth = [""], 0
    for index in range(at, len(pieces)):
        piece = pieces[index]
        depth += (piece in _OPEN) - (piece in _CLOSE)
        if depth == 0:
            return [part.strip() for part in parts], index + 1
        if piece == "," and depth == 1:
            parts.append("")
        elif index > at:
            parts[-1] += piece
    return [], at
