"""Judges what follows up a call: what an address reads of an earlier answer, and `until`, which waits for its end. Pure.

The first is held to the list when the Action is applied; the second is evaluated in the sandbox only, at each answer.
"""

from collections.abc import Iterable, Iterator, Sequence

from pratique.api.v1alpha1.action import ResourceTemplate
from pratique.api.v1alpha1.calling import Until
from pratique.api.v1alpha1.planned import Planned, PlannedRequest
from pratique.core.judging.expressions import compile_expression
from pratique.core.kernel.calling import Waited
from pratique.core.kernel.effects import Json
from pratique.core.kernel.errors import EvaluationError, NotThereError
from pratique.core.kernel.text import clean, nearest
from pratique.core.plans.late import names_of
from pratique.core.plans.unfolded import entry_of

ANSWER_SCOPE = ("answer",)
MAX_WORDS = 256
"""Characters of what `until.message` gives."""


def problems_of_until(until: Until, path: str) -> Iterator[str]:
    """Yield what is wrong with the expressions of `until`."""
    for field, text in (("done", until.done), ("failed", until.failed), ("message", until.message)):
        if text is None:
            continue
        try:
            program = compile_expression(text, ANSWER_SCOPE)
        except EvaluationError as error:
            yield f"{path}.{field}: {error}"
            continue
        if field != "message" and not program.is_condition:
            yield f"{path}.{field}: must be true or false, but this expression never is: {text}"


def problems_of_late(steps: Sequence[ResourceTemplate], index: int, path: str) -> Iterator[str]:
    """Yield what is wrong with what the address of a call reads of others: only what a call before it keeps is there."""
    request = steps[index].request
    for ident, name in names_of(request.url) if request is not None else ():
        what = f"{path}.request.url: reads resources.{ident}.{name}, "
        places = {each.id: place for place, each in enumerate(steps)}
        place = places.get(ident)
        called = steps[place].request if place is not None else None
        if place is None:
            known = [each.id for each in steps[:index] if each.request is not None]
            yield f"{what}and there is no entry {ident}; {_hint(ident, known)}"
        elif place >= index:
            yield f"{what}which has not answered by then: only an entry before this one has"
        elif steps[place].for_each is not None:
            yield f"{what}which has forEach: one for each of a list, so it is not known whose answer is meant"
        elif called is None:
            yield f"{what}which is an object: only what a call has answered may stand in an address"
        elif name not in (kept := ["status", *called.answer]):
            yield f"{what}which request.answer of {ident} does not keep; {_hint(name, kept)}"


def _hint(name: str, known: list[str]) -> str:
    meant = nearest(name, known)
    return f"did you mean {meant}?" if meant else f"known are: {', '.join(known) or 'none'}"


def reword(problems: Iterable[str], path: str) -> Iterator[str]:
    """Say of an expression over `resources` in a call where and how it is written."""
    alone = (
        "resources may only stand by itself, as ${resources.<id>.<name>}: let request.answer of that call work it out"
    )
    elsewhere = "what an earlier call has answered may stand in request.url only, as ${resources.<id>.<name>}"
    for each in problems:
        is_late = "undeclared reference to 'resources" in each
        yield f"{path}: {alone if path.endswith('.url') else elsewhere}" if is_late else each


def check_answered(planned: Sequence[Planned], steps: Sequence[ResourceTemplate]) -> None:
    """Raise EvaluationError where an address reads what will not be there, before the first call is made.

    An Action may be used though its check found a fault, and other inputs leave out other calls.
    """
    ids, there = [each.id for each in steps], set[str]()
    for each in planned:
        if not isinstance(each, PlannedRequest):
            continue
        index = ids.index(entry_of(each.id))
        path = f"spec.execution.resources[{index}]"
        for problem in problems_of_late(steps, index, path):
            raise EvaluationError(problem)
        for ident, name in names_of(each.request.url):
            if ident not in there:
                what = f"{path}.request.url: reads resources.{ident}.{name}"
                raise EvaluationError(f"{what}, whose `when` is false with these inputs: give both the same `when`")
        there.add(each.id)


def evaluate_until(until: Until, seen: Json) -> Waited:
    """Return what an answer says of what was started. What it does not say yet makes it neither done nor failed."""
    failed, _ = _rule(until.failed, "failed", seen)
    done, missing = (False, "") if failed else _rule(until.done, "done", seen)
    return Waited(done=done, failed=failed, missing=missing, said=_said(until.message, seen))


def _rule(text: str | None, field: str, seen: Json) -> tuple[bool, str]:
    """Return whether a rule holds, and what it reads that is not there."""
    if text is None:
        return False, ""
    try:
        return compile_expression(text, ANSWER_SCOPE).holds({"answer": seen}), ""
    except NotThereError as error:
        return False, clean(error.path, MAX_WORDS)
    except EvaluationError as error:
        raise EvaluationError(f"until.{field}: {error}") from None


def _said(text: str | None, seen: Json) -> str:
    """Return what people are told of an answer; nothing where it does not say it yet, and never more than a few words."""
    if text is None:
        return ""
    try:
        value = compile_expression(text, ANSWER_SCOPE).evaluate({"answer": seen})
    except EvaluationError:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return clean(str(value), MAX_WORDS) if isinstance(value, str | int | float) else ""
