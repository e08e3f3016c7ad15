"""Compares what an Action makes of a request with what was expected: each difference is a sentence with its field. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pratique.api.v1alpha1.action_run import RunPlan
from pratique.api.v1alpha1.break_glass import BreakGlass
from pratique.api.v1alpha1.counter_offer import CounterOffer, Offered
from pratique.api.v1alpha1.delegations import DelegationRule
from pratique.api.v1alpha1.escalation import Added, EscalationStep
from pratique.api.v1alpha1.stages import Quorum, Stage
from pratique.core.kernel.form import FormField
from pratique.core.kernel.text import clean
from pratique.core.plans.requests import sent_of
from pratique.testing.cases import (
    ConsentAsked,
    Expected,
    ExpectedField,
    ExpectedGate,
    ExpectedGlass,
    ExpectedOffers,
    ExpectedRule,
    ExpectedSkip,
    Outcome,
)
from pratique.testing.judgement import Judgement, Later

_SHOWN = 200


def compare(expect: Expected, found: Judgement) -> tuple[str, ...]:
    """Return the differences; none means that the case passes."""
    if found.outcome is None:
        return (str(found),)
    wanted = _outcome(expect)
    if found.denied is not None and expect.denied is None:
        return (f"{found.denied}; expected that it is taken",)
    if wanted is not None and wanted is not found.outcome:
        return (f"outcome: is {found}; expected {wanted}",)
    if found.plan is None and wanted is None:
        return (f"outcome: is {found}; expected a plan",)
    return tuple(_differences(expect, found))


def _outcome(expect: Expected) -> Outcome | None:
    if expect.refused is not None:
        return Outcome.REFUSED
    if expect.gates is not None:
        return Outcome.HELD if expect.gates else Outcome.FREE
    return expect.outcome


def _differences(expect: Expected, found: Judgement) -> Iterator[str]:
    for part in expect.denied or ():
        if found.denied is None:
            yield f"denied: all offers are taken; expected a sentence with {_shown(part)}"
        elif part not in found.denied:
            yield f"denied: is {_shown(found.denied)}; expected {_shown(part)} in it"
    if expect.consent is not None:
        yield from _same(expect.consent, _consent(found.offered), "consent")
    for part in expect.refused or ():
        if not any(part in sentence for sentence in found.refusals):
            yield f"refused: no sentence has {_shown(part)}; it is {found}"
    for name, field in (expect.fields or {}).items():
        yield from _field(field, next((each for each in found.fields if each.name == name), None), f"fields.{name}")
    if found.plan is None:
        return
    if expect.gates is not None:
        yield from _gates(expect.gates, found.plan.stages)
    if expect.skipped is not None:
        yield from _skipped(expect.skipped, found.skipped)
    yield from _plan(expect, found.plan)
    if found.later is not None:
        yield from _later(expect, found.later)


def _field(want: ExpectedField, field: FormField | None, path: str) -> Iterator[str]:
    if field is None:
        yield f"{path}: the request was refused before its form was looked at; expected a field"
        return
    for what in want.model_fields_set - {"options", "labels"}:
        yield from _part(getattr(want, what), getattr(field, what), f"{path}.{what}")
    offered = field.options or ()
    yield from _same(want.options, [each.value for each in offered], f"{path}.options")
    yield from _same(want.labels, [each.label for each in offered], f"{path}.labels")


def _gates(expected: Sequence[ExpectedGate], stages: Sequence[Stage]) -> Iterator[str]:
    names = [each.name for each in stages]
    wanted = [each.stage for each in expected]
    if len(names) != len(wanted) or any(want not in (None, name) for want, name in zip(wanted, names, strict=True)):
        listed = ", ".join(each or "any" for each in wanted)
        yield f"gates: are {', '.join(names)}; expected {listed}"
        return
    for index, (want, stage) in enumerate(zip(expected, stages, strict=True)):
        yield from _gate(want, stage, f"gates[{index}]")


def _gate(want: ExpectedGate, stage: Stage, path: str) -> Iterator[str]:
    yield from _rule(want, stage, path)
    if want.message is not None and want.message not in stage.message:
        yield f"{path}.message: is {_shown(stage.message)}; expected {_shown(want.message)} in it"
    yield from _names(want.excluded, stage.exclude or (), f"{path}.excluded")
    for field in ("decline_threshold", "comment", "deadline"):
        yield from _same(getattr(want, field), getattr(stage, field), f"{path}.{_camel(field)}")
    if want.break_glass is not None:
        yield from _glass(want.break_glass, stage.break_glass or BreakGlass(), f"{path}.breakGlass")
    asked = DelegationRule.ALLOW if stage.allows_stand_ins else DelegationRule.FORBID
    yield from _same(want.delegation, asked, f"{path}.delegation")
    if want.escalation is not None:
        yield from _steps(want.escalation, stage.escalation, f"{path}.escalation")
    if want.counter_offer is not None:
        yield from _offers(want.counter_offer, stage.counter_offer, f"{path}.counterOffer")
    if want.alternatives is not None:
        others = stage.alternatives or []
        if len(others) != len(want.alternatives):
            yield f"{path}.alternatives: are {len(others)}; expected {len(want.alternatives)}"
            return
        for index, (each, other) in enumerate(zip(want.alternatives, others, strict=True)):
            yield from _rule(each, other, f"{path}.alternatives[{index}]")


def _glass(want: ExpectedGlass, glass: BreakGlass, path: str) -> Iterator[str]:
    yield from _names(want.users, glass.users, f"{path}.users")
    yield from _names(want.groups, glass.groups, f"{path}.groups")
    yield from _same(want.requester, glass.requester, f"{path}.requester")


def _steps(want: Sequence[EscalationStep], steps: Sequence[EscalationStep] | None, path: str) -> Iterator[str]:
    """Yield where the steps of a ladder are others: all of them are compared, and with `to` whom each adds."""
    if steps is None:
        yield f"{path}: is the usual one, a reminder at half of the deadline; expected {len(want)} steps"
        return
    if len(want) != len(steps):
        yield f"{path}: has {len(steps)} steps; expected {len(want)}"
        return
    for index, (each, step) in enumerate(zip(want, steps, strict=True)):
        yield from _same(each.after, step.after, f"{path}[{index}].after")
        added, expected = step.to or Added(), each.to or Added()
        yield from _names(expected.users, added.users, f"{path}[{index}].to.users")
        yield from _names(expected.groups, added.groups, f"{path}[{index}].to.groups")


def _offers(want: ExpectedOffers, rule: CounterOffer | None, path: str) -> Iterator[str]:
    if want.inputs is not None:
        offered = rule.inputs if rule is not None else {}
        yield from _names(list(want.inputs), list(offered), f"{path}.inputs")
        for name in (each for each in want.inputs if each in offered):
            yield from _part(want.inputs[name].to_wire(), offered[name].to_wire(), f"{path}.inputs.{name}")
    yield from _same(want.consent, _consent(rule), f"{path}.consent")


def _consent(rule: CounterOffer | Offered | None) -> ConsentAsked:
    asked = rule is not None and rule.consent is not None
    return ConsentAsked.REQUIRED if asked else ConsentAsked.NOT_REQUIRED


def _rule(want: ExpectedRule, rule: Quorum, path: str) -> Iterator[str]:
    if want.approvers is not None:
        yield from _names(want.approvers.users, rule.approvers.users, f"{path}.approvers.users")
        yield from _names(want.approvers.groups, rule.approvers.groups, f"{path}.approvers.groups")
    yield from _same(want.mode, rule.mode, f"{path}.mode")
    yield from _same(want.required, rule.needed, f"{path}.required")
    if want.require_from is not None:
        counts = {each.group: each.count for each in rule.require_from or ()}
        yield from _same({each.group: each.count for each in want.require_from}, counts, f"{path}.requireFrom")


def _names(want: Sequence[str] | None, names: Sequence[str], path: str) -> Iterator[str]:
    if want is not None and set(want) != set(names):
        yield f"{path}: are {', '.join(names) or 'none'}; expected {', '.join(want) or 'none'}"


def _same(want: object, value: object, path: str) -> Iterator[str]:
    if want is not None and want != value:
        yield f"{path}: is {_shown(value)}; expected {_shown(want)}"


def _skipped(expected: Sequence[ExpectedSkip], skipped: Sequence[Stage]) -> Iterator[str]:
    found = {each.name: each.when for each in skipped}
    wanted = [each.stage for each in expected]
    if set(found) != set(wanted):
        yield f"skipped: are {', '.join(found) or 'none'}; expected {', '.join(wanted) or 'none'}"
        return
    for index, each in enumerate(expected):
        yield from _same(each.when, found[each.stage], f"skipped[{index}].when")


def _plan(expect: Expected, plan: RunPlan) -> Iterator[str]:
    lines = list(plan.summary)
    for index, part in enumerate(expect.plan or ()):
        at = next((place for place, line in enumerate(lines) if part in line), None)
        if at is None:
            yield f"plan[{index}]: no line has {_shown(part)}; the lines are: {' | '.join(plan.summary)}"
        else:
            del lines[at]
    made = {each.id: sent_of(each) for each in plan.resources}
    for name, wanted in (expect.objects or {}).items():
        if wanted is None and name in made:
            yield f"objects.{name}: is made; expected none"
        elif wanted is not None and name not in made:
            yield f"objects.{name}: is not made, since its `when` is false; made are: {', '.join(made)}"
        elif wanted is not None:
            yield from _part(wanted, made[name], f"objects.{name}")
    if expect.inputs is not None:
        yield from _part(expect.inputs, plan.inputs, "inputs")
    if expect.cost is not None and expect.cost not in (plan.cost or ""):
        yield f"cost: is {_shown(plan.cost or '')}; expected {_shown(expect.cost)} in it"


def _later(expect: Expected, later: Later) -> Iterator[str]:
    for name, wanted in (expect.ready or {}).items():
        if name not in later.standing:
            yield f"ready.{name}: is not made, or has no readyWhen, failedWhen or until; expected {wanted}"
            continue
        state, missing = later.standing[name]
        if state is not wanted:
            yield f"ready.{name}: is {state}{f', since {missing} is not there' if missing else ''}; expected {wanted}"
    if expect.outputs is not None and later.outputs.missing:
        yield f"outputs: are not there yet: {later.outputs.missing}; say what the object is like in `live`"
    elif expect.outputs is not None:
        yield from _part(expect.outputs, later.outputs.outputs, "outputs")


def _part(want: Any, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield where a value is not as wanted: of maps the wanted fields only, lists entry by entry."""
    if isinstance(want, Mapping) and isinstance(value, Mapping):
        for key, each in want.items():
            here = f"{path}.{key}"
            if each is None and value.get(key) is None:
                continue
            if key not in value:
                yield f"{here}: is not there; expected {_json(each)}"
            else:
                yield from _part(each, value[key], here)
    elif isinstance(want, list) and isinstance(value, list) and len(want) == len(value):
        for index, (each, other) in enumerate(zip(want, value, strict=True)):
            yield from _part(each, other, f"{path}[{index}]")
    elif want != value or isinstance(want, bool) is not isinstance(value, bool):
        yield f"{path}: is {_json(value)}; expected {_json(want)}"


def _shown(value: object) -> str:
    return clean(value, _SHOWN) if isinstance(value, str) else _json(value)


def _json(value: object) -> str:
    """Return a value as JSON: a text that looks like a number is told from the number."""
    return clean(json.dumps(value, ensure_ascii=False), _SHOWN)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(each.title() for each in rest)
