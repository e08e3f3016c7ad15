"""CEL: compile with a static type check, and evaluate, or raise EvaluationError. Pure; runs inside the sandbox only.

Time is bounded by the evaluator, memory is not (docs/design): everything here runs in the sandbox's worker, which has
limits of its own. An evaluation that fails is never a verdict: what depends on it is held.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any

from cel_expr_python import cel

from pratique.core.judging.expression_hints import remedy
from pratique.core.judging.expression_library import FUNCTION_NAMES, evaluator, text_of
from pratique.core.judging.expression_text import as_evaluated
from pratique.core.judging.missing import missing_path
from pratique.core.kernel.errors import EvaluationError, NamedByRequesterError, NotThereError, UnsendableError

MAX_LENGTH = 4096
Note = Callable[[str, bool], None]
"""Told of each field whose expression was evaluated: whether a condition held, or that something was rendered."""
EACH = "each"
"""An entry of a list: the one name that may hold any value, all others are maps."""
MAX_COMPREHENSIONS = 4
_EXPONENT = 1e21
"""From here on the API server writes numbers with an exponent."""
_COMPREHENSION = re.compile(
    r"\.\s*(?:all|exists|exists_one|existsOne|map|filter|sortBy|transformList|transformMap|transformMapEntry)\s*\("
)
_NOISE = re.compile(r"^(?:ERROR: )?<input>:-?\d+:-?\d+: |^[A-Z_]+: | \(in container ''\)| \[[A-Z_]+\]$")


@dataclass(frozen=True)
class Program:
    """A compiled expression."""

    text: str
    compiled: Any

    @property
    def is_condition(self) -> bool:
        """Whether the type check allows it to be true or false."""
        return bool(self.compiled.return_type() in (cel.Type.BOOL, cel.Type.DYN))

    def evaluate(self, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401 - CEL is as dynamic as JSON
        """Return the value as JSON; raises EvaluationError with CEL's own words."""
        if has_nul(scope):
            raise EvaluationError(f"sees a text with the character NUL, which CEL would cut off there: {self.text}")
        try:
            value = self.compiled.eval(data=dict(scope))
            failed = value.type() in (cel.Type.ERROR, cel.Type.UNKNOWN)
            result = str(value.value()) if failed else value.plain_value()
        except (RuntimeError, TypeError) as error:  # beyond its budget of iterations, or no value that Python knows
            raise EvaluationError(_explained(complaint(str(error)))) from None
        if failed:
            said = complaint(result)
            path = missing_path(said, self.text, scope)
            raise EvaluationError(_explained(said)) if path is None else NotThereError(_explained(said), path)
        return _plain(result)

    def holds(self, scope: Mapping[str, Any]) -> bool:
        """Return whether a condition is true; anything but a bool is an EvaluationError."""
        result = self.evaluate(scope)
        if not isinstance(result, bool):
            raise EvaluationError(f"must be true or false, but is {type(result).__name__}: {self.text}")
        return result


@lru_cache(maxsize=64)
def _environment(names: tuple[str, ...]) -> Any:  # noqa: ANN401 - the library has no types
    a_map = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    return evaluator({name: cel.Type.DYN if name == EACH else a_map for name in names})


@lru_cache(maxsize=4096)
def compile_expression(text: str, names: tuple[str, ...]) -> Program:
    """Return the program; raises EvaluationError with the place of the mistake. `names` are the variables in scope."""
    if len(text) > MAX_LENGTH:
        raise EvaluationError(f"an expression may have {MAX_LENGTH} characters at most, this has {len(text)}")
    if len(_COMPREHENSION.findall(text)) > MAX_COMPREHENSIONS:
        raise EvaluationError(f"an expression may have {MAX_COMPREHENSIONS} comprehensions (map, all, …) at most")
    try:
        return Program(text, _environment(names).compile(as_evaluated(text)))
    except RuntimeError as error:
        said = complaint(str(error))
        scope = f"; in scope are: {', '.join(names)}" if "undeclared" in said else ""
        raise EvaluationError(said + scope + remedy(text, said, names, FUNCTION_NAMES)) from None


def compile_own(text: str) -> Program:
    """Return the program of a rule of ours over `self`, which is bound by no limit on other people's expressions."""
    return Program(text, _environment(("self",)).compile(as_evaluated(text)))


def unnoted(path: str, held: bool) -> None:
    """Keep no record of what was evaluated."""


def evaluate_condition(text: str, scope: Mapping[str, Any], path: str, note: Note = unnoted) -> bool:
    """Evaluate a condition; an EvaluationError names the field."""
    with errors_at(path):
        held = compile_expression(text, tuple(scope)).holds(scope)
    note(path, held)
    return held


@contextmanager
def errors_at(path: str) -> Iterator[None]:
    """Say of an EvaluationError which field it is of."""
    try:
        yield
    except NotThereError as error:
        raise NotThereError(f"{path}: {error}", error.path) from None
    except (UnsendableError, NamedByRequesterError) as error:
        raise type(error)(f"{path}: {error}") from None
    except EvaluationError as error:
        raise EvaluationError(f"{path}: {error}") from None


def complaint(text: str) -> str:
    """Return CEL's first complaint in one line, without its decoration."""
    line = text.splitlines()[0]
    while (shorter := _NOISE.sub("", line)) != line:
        line = shorter
    return line.strip().replace('map : "', 'map: "')


def _explained(said: str) -> str:
    """Return what the evaluator's binding says in words that help."""
    if said.startswith("Unable to convert"):
        return "gives an optional value; write .orValue(…) or .value() behind it"
    if said.startswith("Non-CEL value type"):
        return "gives a time or a duration, which cannot travel this way: write string(…)"
    return said


def has_nul(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether the character NUL is in any text of a value: CEL's binding ends a text there, and judges the beginning."""
    match value:
        case str():
            return "\0" in value
        case Mapping():
            return any(has_nul(key) or has_nul(each) for key, each in value.items())
        case list():
            return any(has_nul(each) for each in value)
        case _:
            return False


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    """Return a value as JSON; a duration or a time is given as text."""
    match value:
        case float() if not isfinite(value):
            raise EvaluationError(f"gives {value}, which is no number that JSON knows")
        case float() if value.is_integer() and abs(value) < _EXPONENT:
            return int(Decimal(repr(value)))  # as the API server gives it back: 1.0 as 1, 1e20 with all its zeros
        case bool() | int() | float() | str() | None:
            return value
        case timedelta():
            seconds = value.total_seconds()
            return f"{int(seconds) if seconds.is_integer() else seconds}s"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Mapping():
            return {_key(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            if (known := text_of(value)) is not None:
                return known
            kind = "bytes" if isinstance(value, bytes | bytearray) else "a type"
            raise EvaluationError(f"gives {kind}, which JSON cannot hold; use string(…)")


def _key(key: Any) -> str:  # noqa: ANN401 - whatever CEL takes for a key
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise EvaluationError(f"gives a map with the key {key}: keys must be strings")
    return str(key)
