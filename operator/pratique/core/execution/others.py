"""Finds what a request rests on and others may change: the object that it acts on, the objects that its form offers. Pure.

All is read as the Action's account, and counts only if the API server says that who asked may read it themselves. At the
start both are looked at again: who was chosen must be offered still, and every condition that read them must say what it
said. Called by `runs`, `gates` and `outset`.

Fields are looked up one after the other, each within what those before it left of the room for all: whoever writes such
objects must not fill the memory of the operator. Who writes too many of them stops requests, never what was granted: that
waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.options import OptionSource
from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.core.execution.targets import (
    TARGET,
    Again,
    Found,
    Unfit,
    evaluate_again,
    find_again,
    find_target,
    replaced,
)
from pratique.core.kernel.effects import (
    AnyEffect,
    EvaluateTarget,
    Failure,
    Json,
    Listing,
    ListOptions,
    LookAtTarget,
    Outcomes,
)
from pratique.core.kernel.limits import MAX_OFFERED_BYTES
from pratique.core.kernel.places import holders, place_of, schema_of

_Target = LookAtTarget | Failure | Unfit | Found
_Offered = tuple[ListOptions, ...] | Failure | Unfit | dict[str, tuple[Json, ...]]
OPTIONS = "options"
_MISTAKES = ("UnknownKind", "BadRequest")


@dataclass(frozen=True)
class TooMany(Unfit):
    """More is offered than can be looked at, as `fact` says: what was chosen may well be among it."""

    fact: str = ""


def find_others(run: ActionRun, action: Action, outcomes: Outcomes) -> tuple[AnyEffect, ...] | Failure | Unfit | Found:
    """Return what a request rests on, or the effects that must come first; a Failure is no answer.

    A field that was left empty costs nothing, nor does one that is an empty list.
    """
    form = action.spec.inputs
    filled = {name: options.from_ for name, options in form.offers.items() if _is_filled(run, action, name)}
    account = action.spec.execution.service_account_ref
    return _both(find_target(run, action, outcomes), _list(OPTIONS, run, account, filled, outcomes))


def _is_filled(run: ActionRun, action: Action, name: str) -> bool:
    """Whether a field holds anything, by what was written or by a default: of a row, if there are rows."""
    form, place = action.spec.inputs, place_of(name)
    inputs = run.spec.inputs
    if place.inside and place.root not in inputs:
        computed = form.fields.get(place.root)
        if computed is not None and computed.default is not None:
            return True
        default = schema_of(form.schema_, place.root).get("default")
        inputs = {place.root: default}
    has_default = form.fields[name].default is not None
    otherwise = [None] if has_default else schema_of(form.schema_, name).get("default", [])
    return any(held.get(place.key, otherwise) != [] for _, held in holders(inputs, place))


def look_again(run: ActionRun, plan: RunPlan, outcomes: Outcomes, key: str = TARGET) -> Again:
    """Return whether what was granted may still be done: target and choices are the same objects, and conditions hold.

    `key` tells apart several looks in one look at the run.
    """
    chosen = plan.choices.fields if plan.choices is not None else []
    sources = {each.field: each.options.from_ for each in chosen if each.chosen}
    offered = _list(f"{key}/{OPTIONS}", run, plan.service_account_ref, sources, outcomes)
    found = _both(find_again(run, plan, outcomes, key), offered)
    match found:
        case tuple():
            return Again(effects=found)
        case Failure():
            return Again(unknown=found)
        case TooMany():
            return Again(held=f"{found.fact}; delete some of them, or take it back and ask again")
        case Unfit():
            return Again(different=found.why)
        case _:
            return _check(run, plan, found, outcomes, f"{key}/recheck")


def _check(run: ActionRun, plan: RunPlan, found: Found, outcomes: Outcomes, key: str) -> Again:
    if plan.target is not None and (gone := replaced(plan.target, found.live or {})):
        return Again(different=gone)
    if plan.choices is None and (plan.target is None or plan.target.rechecks is None):
        return Again()
    return evaluate_again(EvaluateTarget(key, plan, run, found.live, found.listed), outcomes)


def _both(target: _Target, offered: _Offered) -> tuple[AnyEffect, ...] | Failure | Unfit | Found:
    more = offered if isinstance(offered, tuple) else ()
    if isinstance(target, LookAtTarget):
        return target, *more
    if isinstance(offered, tuple):
        return offered
    if isinstance(target, Found):
        return offered if isinstance(offered, Failure | Unfit) else Found(target.live, offered)
    return target


def _list(
    key: str,
    run: ActionRun,
    account: ServiceAccountRef,
    sources: Mapping[str, OptionSource],
    outcomes: Outcomes,
) -> _Offered:
    """Return the objects that each field offers, or why one of them cannot be known."""
    who = run.spec.requested_by
    if who is None:  # who asks nobody knows is judged by nothing else
        return {}
    space, groups, room = run.metadata.namespace or "", tuple(who.groups), MAX_OFFERED_BYTES
    offered = {}
    for field, source in sources.items():
        ask = ListOptions(f"{key}/{field}", source, space, account.username, who.username, groups, room)
        seen = ask.outcome(outcomes)
        if seen is None:
            return (ask,)
        found = _offered(f"spec.inputs.{field}", seen, account)
        if isinstance(found, Failure | Unfit):
            return found
        offered[field] = found
        room -= seen.size if isinstance(seen, Listing) else 0
    return offered


def _offered(path: str, seen: Listing | Failure, account: ServiceAccountRef) -> tuple[Json, ...] | Failure | Unfit:
    if isinstance(seen, Failure):
        return Unfit(f"{path}: {seen.message}", seen) if seen.reason in _MISTAKES else seen
    if not seen.may_list:
        return Unfit(f"{path}: it offers {seen.what}, which you may not list: it takes the RBAC verb list on them")
    if isinstance(seen.found, Failure):
        who = f"as ServiceAccount {account.namespace}/{account.name}"
        text = f"{path}: {seen.what} could not be listed ({who}): {seen.found.message}"
        return seen.found if seen.found.transient else Unfit(text, seen.found)
    if seen.too_many:
        fact = f"{path}: {seen.too_many}"
        return TooMany(f"{fact}: the Action has to narrow options.from.selector", fact=fact)
    return seen.found
