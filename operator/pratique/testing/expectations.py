"""Finds what no request can meet: expectations that contradict each other, or name what the Action does not have. Pure."""

from collections.abc import Iterable, Iterator

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.scalars import JsonObject
from pratique.core.kernel.places import name_of, place_of
from pratique.core.kernel.text import clean, nearest
from pratique.core.plans.unfolded import entry_of
from pratique.testing.cases import Case, Expected, Outcome
from pratique.testing.documents import Place

_OF_A_PLAN = ("gates", "skipped", "plan", "objects", "inputs", "cost", "ready", "outputs")


def find_contradictions(expect: Expected, action: Action) -> Iterator[tuple[Place, str]]:
    """Yield the place of what is wrong, and the sentence about it."""
    given = {name for name in type(expect).model_fields if getattr(expect, name) is not None}
    if not given:
        yield (), "expects nothing, so it would always pass; say at least the outcome: Free, Held or Refused"
    refused = expect.refused is not None or expect.outcome is Outcome.REFUSED
    if refused and expect.outcome not in (None, Outcome.REFUSED):
        yield ("outcome",), f"is {expect.outcome}, and refused is expected as well; leave one out"
    elif refused and (others := [each for each in _OF_A_PLAN if each in given]):
        yield (others[0],), "what is refused has no gates and no plan; leave it out, or the refusal"
    elif expect.outcome is Outcome.FREE and expect.gates:
        yield ("gates",), "outcome: Free means that there are none; leave one of the two out"
    elif expect.outcome is Outcome.HELD and expect.gates == []:
        yield ("gates",), "outcome: Held means that there is one; leave one of the two out"
    if expect.denied is not None and refused:
        yield ("denied",), "an offer is made in a gate, and what is refused has none; leave one of the two out"
    yield from _find_unknown(expect, action)


def _find_unknown(expect: Expected, action: Action) -> Iterator[tuple[Place, str]]:
    stages = [each.name for each in action.spec.approval.stages]
    for index, gate in enumerate(expect.gates or ()):
        if gate.stage is not None:
            yield from _unknown(gate.stage, stages, "stage", ("gates", index, "stage"))
    for index, skip in enumerate(expect.skipped or ()):
        yield from _unknown(skip.stage, stages, "stage", ("skipped", index, "stage"))
    for field in ("objects", "ready"):
        for name in getattr(expect, field) or ():
            yield from find_unknown_resource(name, action, (field, name))
    for name in expect.outputs or ():
        yield from _unknown(name, action.spec.execution.outputs, "output", ("outputs", name))
    form = action.spec.inputs.schema_.get("properties")
    for field in ("inputs", "fields"):
        for name in getattr(expect, field) or ():
            known = list(form) if isinstance(form, dict) else []
            known += [each for each in action.spec.inputs.fields if field == "fields" and place_of(each).inside]
            found = name if name in known else name_of(name)
            yield from _unknown(found, known, "input", (field, name))


def find_other_kind(given: JsonObject | None, case: Case, action: Action) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with the object that a case acts on: no Action acts on what its own does not name."""
    acts_on, target = action.spec.acts_on, case.target
    if acts_on is None:
        if given is not None or target is not None:
            yield ("target",), f"Action {action.metadata.name} acts on no object (spec.actsOn): leave it out"
        return
    for field, wanted in (("apiVersion", acts_on.api_version), ("kind", acts_on.kind)):
        said = {**(given or {}), **(target or {})}.get(field, wanted)
        if said != wanted:
            yield ("target", field), f"is {clean(str(said), 64)}; the Action acts on {wanted}: leave it out"
    for each in (given, target):
        name = (each or {}).get("metadata", {})
        if not isinstance(name, dict) or not isinstance(name.get("name", ""), str):
            yield ("target", "metadata"), "has to be a map, with a text as its name"


def find_wrong_offers(case: Case, action: Action) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with the offers of a case: no such stage, or something expected of offers that are not there."""
    stages = [each.name for each in action.spec.approval.stages]
    for index, offer in enumerate(case.offers):
        if offer.stage is not None:
            yield from _unknown(offer.stage, stages, "stage", ("offers", index, "stage"))
    for field in ("denied", "consent"):
        if not case.offers and getattr(case.expect, field) is not None:
            yield ("expect", field), "is about offers, and the case has none: say in `offers` what an approver offers"


def find_unknown_options(given: Iterable[str], action: Action) -> Iterator[tuple[Place, str]]:
    """Yield that an Action has no field of this name that offers objects."""
    for name in given:
        yield from _unknown(name, action.spec.inputs.offers, "field that offers objects", ("options", name))


def find_unknown_sources(given: Iterable[JsonObject], action: Action) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with objects in which approvers are found: the Action looks into no others."""
    every = [source for stage in action.spec.approval.stages for _, source in stage.sources]
    known = sorted({f"{each.api_version} {each.kind}" for each in every})
    for index, each in enumerate(given):
        metadata, place = each.get("metadata"), ("sources", index)
        if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
            yield (*place, "metadata"), "has to be a map, with a text as its name"
        elif (said := f"{each.get('apiVersion')} {each.get('kind')}") not in known:
            there = f"it looks into: {', '.join(known)}" if known else "it looks into none (approvers.from)"
            yield place, f"is of {clean(said, 128)}, in which the Action looks for no approvers; {there}"


def find_unknown_resource(name: str, action: Action, place: Place) -> Iterator[tuple[Place, str]]:
    """Yield that an Action has no template of this id."""
    yield from _unknown(entry_of(name), [each.id for each in action.spec.execution.resources], "resource", place)


def _unknown(name: str, known: Iterable[str], what: str, place: Place) -> Iterator[tuple[Place, str]]:
    names = list(known)
    if name not in names:
        meant = nearest(name, names)
        hint = f"did you mean {meant}?" if meant else f"known are: {', '.join(names) or 'none'}"
        yield place, f"the Action has no {what} named {clean(name, 64)}; {hint}"
