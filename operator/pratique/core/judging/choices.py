"""Judges what was chosen in a form among objects: what there is to choose from, and whether it still is so at the start.

An object for which an expression fails is not offered, and stops nobody who chose another; who chose what is not offered is
held then, not refused: it may have been that one. What fails may quote an object, so the values of those that the
expression saw are hidden here, where they are few. Pure; runs inside the sandbox only. Called by `judge` and `targets`.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.options import MAX_CHOSEN, ChosenObject, Options, PlannedChoice, PlannedChoices
from pratique.api.v1alpha1.target import Recheck
from pratique.core.judging.copies import refuse_copied, with_other_word
from pratique.core.judging.expressions import EACH, Note, compile_expression, errors_at, unnoted
from pratique.core.judging.forms import MAX_SENTENCES
from pratique.core.judging.scopes import OPTION_SCOPE, option_scope
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.hiding import hide
from pratique.core.kernel.limits import MAX_OFFERED
from pratique.core.kernel.places import holders, place_of, values_of
from pratique.core.kernel.text import clean, nearest
from pratique.core.plans.summary import name_of
from pratique.core.telling.shown_inputs import MAX_TITLE

Json = dict[str, Any]
Listed = Mapping[str, Sequence[Json]]
_SHOWN, _VALUE, _HINTS = 20, 80, 3
"""Objects that a refusal names, letters of a value, and how many refusals say what there is: to find that takes long."""


@dataclass(frozen=True)
class Offer:
    """An object that may be chosen, and as what."""

    value: Any
    label: str
    order: tuple[int, float, str]
    object: Json
    entry: Any = None
    """What was chosen of the object, where it offers entries."""

    @property
    def chosen(self) -> Any:  # noqa: ANN401 - an object, or any entry
        """What expressions read as `chosen`."""
        return self.object if self.entry is None else self.entry

    @property
    def is_bare(self) -> bool:
        """Whether it is nothing but a value, such as a name: the same wherever it stands."""
        return isinstance(self.entry, str | int | float)


@dataclass(frozen=True)
class Offered:
    """What one field offers, in order; `failed` says why the first of those that fail is not among it."""

    offers: tuple[Offer, ...]
    failed: str = ""

    def of(self, value: Any) -> tuple[Offer, ...]:  # noqa: ANN401 - any JSON value
        """Return the objects of a value: one, if all is well."""
        return tuple(each for each in self.offers if _same(each.value, value))


def offer(options: Options, found: Sequence[Json], scope: Json, path: str, note: Note = unnoted) -> Offered:
    """Return what these objects come to as options."""
    offers, failed, count = list[Offer](), "", 0
    for each in found:
        seen = {"object": each, **{name: scope[name] for name in OPTION_SCOPE if name != "object"}}
        try:
            entries = _entries(options, seen, path, note)
            count += len(entries)
            if count > MAX_OFFERED:
                raise EvaluationError(f"{path}.entries: there are more than {MAX_OFFERED} in all")
            made = [_offer(options, seen | entry, path, note) for entry in entries]
        except EvaluationError as error:
            failed = failed or f"{name_of(each)} is not offered, since {hide(str(error), each)}"
            continue
        offers += [one for one in made if one is not None]
    offers.sort(key=lambda each: (each.order, each.label, str(each.value)))
    return Offered(tuple(_once(offers)), failed)


def _entries(options: Options, seen: Json, path: str, note: Note) -> list[Json]:
    """Return what is offered of an object, as expressions see it: itself, or each of its entries."""
    if options.entries is None:
        return [{}]
    if seen["object"].get("kind") == "Secret":
        raise EvaluationError(f"{path}.entries: what is in a Secret is never offered")
    entries = _evaluated(options.entries, seen, f"{path}.entries", note)
    if not isinstance(entries, list):
        raise EvaluationError(f"{path}.entries: must be a list: {options.entries}")
    return [{EACH: entry} for entry in entries if entry is not None]


def _once(offers: Sequence[Offer]) -> Iterator[Offer]:
    """Yield what is offered; a bare value that several objects hold is the same one."""
    seen = set[tuple[str, str]]()
    for each in offers:
        key = json.dumps(each.value), json.dumps(each.entry)
        if not each.is_bare or key not in seen:
            yield each
        seen.add(key)


@contextmanager
def without_values_of(chosen: Json) -> Iterator[None]:
    """Hide the values of what was chosen in the words of what fails."""
    try:
        yield
    except EvaluationError as error:
        error.args = (hide(str(error), chosen),)
        raise


def _offer(options: Options, seen: Json, path: str, note: Note) -> Offer | None:
    if options.filter is not None and not _held(options.filter, seen, f"{path}.filter", note):
        return None
    value = _evaluated(options.value, seen, f"{path}.value", note)
    if (hidden_otherwise := with_other_word(seen)) is not None:
        other = _evaluated(options.value, hidden_otherwise, f"{path}.value", unnoted)
        refuse_copied(value, other, f"{path}.value", "what an object is chosen by is stored and shown; use its name")
    if not isinstance(value, str | int | float):
        raise EvaluationError(f"{path}.value: must be a text, a number, true or false: {options.value}")
    label = _evaluated(options.label, seen, f"{path}.label", note) if options.label is not None else ""
    order = _evaluated(options.order, seen, f"{path}.order", note) if options.order is not None else None
    shown = clean(label if isinstance(label, str) else json.dumps(label, sort_keys=True), MAX_TITLE)
    return Offer(value, shown, _order(order), seen["object"], seen.get(EACH))


def _held(text: str, seen: Json, path: str, note: Note) -> bool:
    held = _evaluated(text, seen, path, unnoted)
    if not isinstance(held, bool):
        raise EvaluationError(f"{path}: must be true or false: {text}")
    note(path, held)
    return held


def _evaluated(text: str, seen: Json, path: str, note: Note) -> Any:  # noqa: ANN401 - any JSON value
    with errors_at(path):
        value = compile_expression(text, option_scope(EACH in seen)).evaluate(seen)
    note(path, True)
    return value


def _order(value: Any) -> tuple[int, float, str]:  # noqa: ANN401 - any JSON value
    """Return what sorts numbers before texts."""
    if isinstance(value, int | float):
        return 0, float(value), ""
    return 1, 0.0, value if isinstance(value, str) else ""


def offers_of(action: Action, listed: Listed, scope: Json, note: Note = unnoted) -> dict[str, Offered]:
    """Return what each field offers; of one that is empty nothing was looked up, and of an empty list nothing is chosen."""
    return {
        name: offer(options, listed.get(name, ()), scope, f"spec.inputs.fields.{name}.options", note)
        for name, options in sorted(action.spec.inputs.offers.items())
        if name in listed or scope["inputs"].get(name) == []
    }


def refuse_choices(action: Action, inputs: Json, offered: Mapping[str, Offered]) -> list[str]:
    """Return why what was chosen cannot be; raises EvaluationError where that is not known."""
    several = {name: list(_chosen(inputs, name)) for name in action.spec.inputs.offers}
    many = [
        f"spec.inputs.{name}: chooses {len(values)} objects, {MAX_CHOSEN} are allowed"
        for name, values in several.items()
        if len(values) > MAX_CHOSEN
    ]
    if many:
        return many[:MAX_SENTENCES]
    refused = list[str]()
    for name in sorted(several):
        for at, value in several[name]:
            problem = _refuse(at, value, offered.get(name, Offered(())), hint=len(refused) < _HINTS)
            refused += [problem] if problem is not None else []
            if len(refused) == MAX_SENTENCES:
                return refused
    return refused


def _refuse(at: str, value: Any, offered: Offered, *, hint: bool) -> str | None:  # noqa: ANN401 - any JSON value
    found, path = offered.of(value), f"spec.inputs.{at}"
    if len(found) == 1:
        return None
    written = clean(json.dumps(value, ensure_ascii=False), _VALUE)
    if found:
        names = " and by ".join(dict.fromkeys(name_of(each.object) for each in found[:2]))
        names += "" if " and by " in names else ", twice"
        return f"{path}: {written} is offered by {names}, so it is not known which one is meant; choose another"
    if offered.failed:
        raise EvaluationError(f"{path}: {written} is not offered, and {offered.failed}")
    refusal = f"{path}: {written} is not offered to you"
    if not hint:
        return refusal
    meant = nearest(clean(str(value), _VALUE), [clean(str(each.value), _VALUE) for each in offered.offers])
    return f"{refusal}; did you mean {meant}?" if meant else f"{refusal}; there is: {_shown(offered.offers)}"


def _shown(offers: Sequence[Offer]) -> str:
    """Return what there is to choose from, in order."""
    shown = [clean(str(each.value), _VALUE) + (f" ({each.label})" if each.label else "") for each in offers[:_SHOWN]]
    more = f", and {len(offers) - _SHOWN} more" if len(offers) > _SHOWN else ""
    return ", ".join(shown) + more or "nothing"


def chosen_of(inputs: Json, offered: Mapping[str, Offered]) -> Json:
    """Return the objects that were chosen, where the inputs have their values: a list where several may be, row by row."""
    chosen = Json()
    for name, each in offered.items():
        _put(chosen, inputs, name, each)
    return chosen


def _put(chosen: Json, inputs: Json, name: str, offered: Offered) -> None:
    """Put what was chosen in one field where it belongs; of what is not offered any more there is nothing."""
    place = place_of(name)
    if place.inside and place.root in inputs:
        chosen.setdefault(place.root, [Json() for _ in inputs[place.root]] if place.rows else Json())
    there = [held for _, held in holders(chosen, place)]
    for (_, held), where in zip(holders(inputs, place), there, strict=True):
        value = held.get(place.key)
        found = [same[0].chosen for each in _values(value) if (same := offered.of(each))]
        if place.key in held and (found or value == []):
            where[place.key] = found if isinstance(value, list) else found[0]


def freeze_choices(
    action: Action, inputs: Json, declared: Json, offered: Mapping[str, Offered], rechecks: Collection[Recheck]
) -> PlannedChoices | None:
    """Return what a plan says of what was chosen; None where nothing was."""
    fields = [
        PlannedChoice(
            field=name,
            options=action.spec.inputs.offers[name],
            chosen=[_freeze(each.of(value)[0]) for _, value in _chosen(inputs, name)],
        )
        for name, each in offered.items()
        if any(values_of(inputs, name))
    ]
    if not fields:
        return None
    differs = json.dumps(declared) != json.dumps(inputs)
    return PlannedChoices(fields=fields, rechecks=list(rechecks) or None, inputs=declared if differs else None)


def _freeze(chosen: Offer) -> ChosenObject:
    metadata = chosen.object["metadata"]
    return ChosenObject(
        value=chosen.value,
        label=chosen.label,
        namespace=metadata.get("namespace"),
        name=metadata["name"],
        uid=metadata["uid"],
    )


def find_withdrawn(plan: RunPlan, listed: Listed, scope: Json) -> tuple[Json, list[str]]:
    """Return the objects that were chosen as they are now, and a sentence for each that is not offered any more.

    How they are shown and sorted says nothing about that.
    """
    chosen, changed = Json(), list[str]()
    for each in plan.choices.fields if plan.choices is not None else ():
        options, now = amend(each.options, label=None, order=None), list[Offer]()
        for one in each.chosen:
            same = [live for live in listed.get(each.field, ()) if live["metadata"].get("uid") == one.uid]
            offered = offer(options, same, scope, f"the options of {each.field}")
            still = offered.of(one.value) or _elsewhere(options, listed.get(each.field, ()), scope, each.field, one)
            now += still[:1]
            changed += [] if len(still) == 1 else [_withdrawn(each.field, one, offered.failed)]
        _put(chosen, plan.inputs, each.field, Offered(tuple(now)))
    return chosen, changed


def _elsewhere(
    options: Options, found: Sequence[Json], scope: Json, field: str, one: ChosenObject
) -> tuple[Offer, ...]:
    """Return a bare value that another object holds: it is the same one."""
    if options.entries is None:
        return ()
    offered = offer(options, found, scope, f"the options of {field}").of(one.value)
    return tuple(each for each in offered if each.is_bare)


def _withdrawn(field: str, one: ChosenObject, failed: str) -> str:
    name = f"{one.namespace}/{one.name}" if one.namespace else one.name
    value = clean(json.dumps(one.value, ensure_ascii=False), _VALUE)
    return f"spec.inputs.{field}: {value} is not offered any more, as {name} offered it" + (
        f": {failed}" if failed else ""
    )


def _chosen(inputs: Json, name: str) -> Iterator[tuple[str, Any]]:
    """Yield each value that was chosen in a field, with the place where it was."""
    yield from ((at, each) for at, value in values_of(inputs, name) for each in _values(value))


def _values(value: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON value
    yield from value if isinstance(value, list) else [value]


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether two JSON values are the same: 1 is 1.0, and is not true."""
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)
