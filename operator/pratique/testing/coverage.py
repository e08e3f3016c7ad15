"""Counts which expressions of an Action the cases tried, and in which direction. Pure.

A condition is covered when it was true once and false once; a text when it was rendered once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.calling import Until
from pratique.api.v1alpha1.options import CONDITIONS, texts_of


@dataclass(frozen=True)
class Covered:
    """One expression: where it stands, and how often it was true (or rendered) and false."""

    path: str
    text: str
    true: int
    false: int
    is_condition: bool
    done: str = "rendered"
    """What a case does with it, where it is no condition."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What never happened."""
        if not self.is_condition:
            return () if self.true + self.false else (f"never {self.done}",)
        return tuple(word for word, times in (("never true", self.true), ("never false", self.false)) if not times)

    @property
    def points(self) -> int:
        """In how many directions it can be tried."""
        return 2 if self.is_condition else 1


def cover(action: Action, seen: Iterable[tuple[str, bool]]) -> tuple[Covered, ...]:
    """Return every expression of an Action that a case can try, as the cases did."""
    counted = Counter(seen)
    return tuple(
        Covered(path, text, counted[path, True], counted[path, False], is_condition, _done(path))
        for path, text, is_condition in _expressions(action)
    )


def _done(path: str) -> str:
    return "offered" if ".counterOffer.inputs." in path else "rendered"


def percent(covered: Iterable[Covered]) -> int:
    """Return how much of it was tried, rounded down, so that 100 is all of it; all of nothing is 100."""
    points, missing = 0, 0
    for each in covered:
        points += each.points
        missing += len(each.missing)
    return 100 * (points - missing) // points if points else 100


def _expressions(action: Action) -> Iterator[tuple[str, str, bool]]:
    spec = action.spec
    if spec.acts_on is not None and spec.acts_on.filter is not None:
        yield "spec.actsOn.filter", spec.acts_on.filter, True
    yield from _fields(action)
    for index, rule in enumerate(spec.inputs.rules):
        yield f"spec.inputs.rules[{index}].rule", rule.rule, True
    for index, stage in enumerate(spec.approval.stages):
        path = f"spec.approval.stages[{index}]"
        if stage.when != "true":
            yield f"{path}.when", stage.when, True
        for place, name in enumerate(stage.exclude or ()):
            yield f"{path}.exclude[{place}]", name, False
        for name in stage.counter_offer.inputs if stage.counter_offer is not None else ():
            yield f"{path}.counterOffer.inputs.{name}", f"offers of {name}", False
        for where, source in stage.sources:
            for what, text in (("name", source.name), ("users", source.users), ("groups", source.groups)):
                if text is not None:
                    yield f"{path}.{where}.{what}", text, False
    yield from _steps(action)
    if spec.cost is not None:
        yield "spec.cost", spec.cost, False
    for name, output in spec.execution.outputs.items():
        yield f"spec.execution.outputs.{name}", output, False


def _fields(action: Action) -> Iterator[tuple[str, str, bool]]:
    for field, computed in action.spec.inputs.fields.items():
        for what, text in texts_of(computed):
            yield f"spec.inputs.fields.{field}.{what}", text, what in CONDITIONS
    for field, options in action.spec.inputs.offers.items():
        path = f"spec.inputs.fields.{field}.options"
        if options.filter is not None:
            yield f"{path}.filter", options.filter, True
        for what, given in (
            ("entries", options.entries),
            ("value", options.value),
            ("label", options.label),
            ("order", options.order),
        ):
            if given is not None:
                yield f"{path}.{what}", given, False


def _waiting(until: Until | None, path: str) -> Iterator[tuple[str, str, bool]]:
    if until is not None:
        texts = (("done", until.done), ("failed", until.failed), ("message", until.message))
        yield from ((f"{path}.{what}", text, what != "message") for what, text in texts if text is not None)


def _steps(action: Action) -> Iterator[tuple[str, str, bool]]:
    for index, each in enumerate(action.spec.execution.resources):
        path = f"spec.execution.resources[{index}]"
        if each.when != "true":
            yield f"{path}.when", each.when, True
        if each.for_each is not None:
            yield f"{path}.forEach", each.for_each, False
        if each.request is not None:
            yield f"{path}.request", f"{each.request.method.value} {each.id}", False
            for name, kept in each.request.answer.items():
                yield f"{path}.request.answer.{name}", kept, False
            yield from _waiting(each.request.until, f"{path}.request.until")
            continue
        if each.delete is not None:
            yield f"{path}.delete", f"Delete {each.delete.kind} {each.id}", False
            continue
        yield f"{path}.template", f"{each.template.get('kind')} {each.id}", False
        for field, text in (("readyWhen", each.ready_when), ("failedWhen", each.failed_when)):
            if text is not None:
                yield f"{path}.{field}", text, True
