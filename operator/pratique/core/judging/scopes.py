"""The names that expressions of an Action see, and what they hold. Pure; called by `policy`, `targets` and `checks`."""

from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.judging.expressions import EACH
from pratique.core.judging.forms import as_declared
from pratique.core.kernel.identity import person_of

Json = dict[str, Any]
SCOPE = ("inputs", "run", "action")
OUTPUT_SCOPE = (*SCOPE, "resources")
CHOSEN = "chosen"
OPTION_SCOPE = ("object", *SCOPE)


def option_scope(entries: bool) -> tuple[str, ...]:
    """Return the names that expressions of options see; those of entries see each of them."""
    return (*OPTION_SCOPE, EACH) if entries else OPTION_SCOPE


FILTER_SCOPE = ("target", "run", "action")
"""No inputs: for which objects an Action is meant is known before anybody has filled in its form."""


def names_in_scope(action: Action) -> tuple[str, ...]:
    """Return the names that conditions and templates of an Action see."""
    target = () if action.spec.acts_on is None else ("target",)
    return (*SCOPE, *target, *((CHOSEN,) if action.spec.inputs.offers else ()))


def names_for_fields(action: Action) -> tuple[str, ...]:
    """Return the names that computed fields see: what is chosen in the form is known only later."""
    return tuple(name for name in names_in_scope(action) if name != CHOSEN)


def scope_of(action: Action, run: ActionRun, inputs: Json, target: Json | None = None) -> Json:
    """Return the names that expressions of an Action see; the target only where it acts on one.

    What was chosen comes in once the form is known to be filled in properly.
    """
    scope = {
        "inputs": as_declared(action.spec.inputs.schema_, inputs),
        "run": run_scope(run),
        "action": {"name": action.metadata.name, "title": action.spec.title},
    }
    return scope if target is None else {**scope, "target": target}


def scope_of_plan(plan: RunPlan, run: ActionRun, **more: Json) -> Json:
    """Return the names that the expressions of a plan see, as it was made."""
    return {
        "inputs": plan.inputs,
        "run": run_scope(run),
        "action": {"name": plan.action.name, "title": plan.action.title},
        **more,
    }


def run_scope(run: ActionRun) -> Json:
    """Return a run as expressions read it."""
    requester = run.spec.requested_by
    return {
        "name": run.metadata.name,
        "namespace": run.metadata.namespace,
        "uid": run.metadata.uid,
        "createdAt": format_time(run.metadata.creation_timestamp),
        "reason": run.spec.reason,
        "requestedBy": {
            "username": requester.username if requester else "",
            "groups": list(requester.groups) if requester else [],
        },
        # always there, so that no expression has to test for it: who asks for themselves asks on their own behalf
        "onBehalfOf": {"username": person_of(run.spec)},
    }
