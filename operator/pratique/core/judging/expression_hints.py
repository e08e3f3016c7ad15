"""Says how an expression is mended that does not compile: what other languages write, and what CEL has for it. Pure."""

import re
from collections.abc import Sequence

from pratique.api.v1alpha1.spelling import DURATION_PATTERN
from pratique.core.judging.expression_text import Token, tokens_of
from pratique.core.kernel.text import nearest

_SIGNS = {
    "&": "write && for and",
    "|": "write || for or",
    "=": "write == to compare",
    "$": "an expression stands bare: leave the $ and its braces out",
    **dict.fromkeys("\u201c\u201d\u2018\u2019", "write straight quotes"),
    **dict.fromkeys("'\"", "a text ends with the quote that it begins with"),
    ";": "an expression is one value: join conditions by &&",
}
_WORDS = {
    "and": "write && for and",
    "or": "write || for or",
    "not": "write ! for not",
    "if": "write condition ? value : otherwise",
    "then": "write condition ? value : otherwise",
    "else": "write condition ? value : otherwise",
    "True": "write true",
    "False": "write false",
    "None": "write null",
    "nil": "write null",
    "undefined": "ask has(inputs.name)",
    "len": "write size(…)",
    "length": "write size(…)",
    "count": "write size(…)",
    "str": "write string(…)",
    "lower": "write lowerAscii()",
    "upper": "write upperAscii()",
    "toLowerCase": "write lowerAscii()",
    "toUpperCase": "write upperAscii()",
    "strip": "write trim()",
    "includes": "write contains(…) for a text, or value in list",
    "any": "write list.exists(each, …)",
    "some": "write list.exists(each, …)",
    "every": "write list.all(each, …)",
    "match": "write matches(…)",
    "toJson": "write json.encode(…)",
    "self": "only readyWhen sees self",
    "target": "only where the Action has spec.actsOn, and not in outputs",
}
_DURATION = re.compile(r"[0-9]+(?:ms|[smhdw])(?:[0-9]+[smhdw])*")
_UNDECLARED = re.compile(r"undeclared reference to '([^']+)'")
_CALLS = (
    "size",
    "has",
    "matches",
    "startsWith",
    "endsWith",
    "contains",
    "exists",
    "exists_one",
    "all",
    "map",
    "filter",
)
_MORE = ("string", "int", "double", "bool", "duration", "timestamp", "type", "dyn")


def remedy(text: str, said: str, names: Sequence[str], functions: Sequence[str]) -> str:
    """Return how to mend an expression of which the evaluator `said` something, as ` ; …`, or nothing."""
    tokens = [token for token in tokens_of(text) if token.kind not in ("comment", "string", "space")]
    known = (*names, *functions, *_CALLS, *_MORE)
    hint = _braces(text) or _by_signs(tokens) or _undeclared(said, known) or _by_words(tokens)
    return f"; {hint}" if hint else ""


def _braces(text: str) -> str | None:
    bare = text.strip()
    if bare.startswith("{") and bare.endswith("}") and ":" not in bare:
        return f"in a template write ${{{bare.strip('{} ')}}}, with one pair of braces, and a condition without any"
    return None


def _by_signs(tokens: Sequence[Token]) -> str | None:
    texts = [token.text for token in tokens]
    if "<>" in "".join(texts):
        return "write != for not equal"
    durations = (token.text for token in tokens if token.kind == "number" and _DURATION.fullmatch(token.text))
    if (duration := next(durations, None)) is not None:
        whole = duration if re.fullmatch(DURATION_PATTERN, duration) else "90m"
        return f"write ttl('{whole}'): a duration is one number and one unit"
    if "?" in texts and ":" not in texts and "[" not in texts:
        return "write condition ? value : otherwise"
    return next((_SIGNS[text] for text in texts if text in _SIGNS), None)


def _undeclared(said: str, known: Sequence[str]) -> str | None:
    found = _UNDECLARED.search(said)
    if found is None:
        return None
    name = found[1].partition(".")[0]
    if name in _WORDS:
        return _WORDS[name]
    lower = {each.lower(): each for each in known}
    meant = nearest(name.lower(), lower, cutoff=0.7)
    return f"did you mean {lower[meant]}?" if meant else None


def _by_words(tokens: Sequence[Token]) -> str | None:
    return next((_WORDS[token.text] for token in tokens if token.kind == "name" and token.text in _WORDS), None)
