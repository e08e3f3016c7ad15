"""The finalizer by which a run stays until what it made for a time has ended. Pure."""

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, RunPlan
from pratique.core.execution.ending import temporaries
from pratique.core.kernel.effects import Failure, MergePatch, ObjectRef, Outcomes, Plan
from pratique.core.plans.objects import ENDS_OBJECTS
from pratique.core.runs import transitions


def is_held_by_us(run: ActionRun) -> bool:
    """Whether a run stays until what it made for a time has ended."""
    return ENDS_OBJECTS in run.metadata.finalizers


def hold_first(run: ActionRun, plan: RunPlan, outcomes: Outcomes) -> Plan[ActionRunStatus] | None:
    """Return what sets the finalizer, which is there before the first object that ends; None once it is."""
    if is_held_by_us(run) or not temporaries(plan):
        return None
    hold = set_finalizer(run, "hold", held=True)
    held = hold.outcome(outcomes)
    if held is None:
        return Plan(run.status, effects=(hold,))
    if isinstance(held, Failure):
        why = f"It waits for its finalizer, without which nothing is made for a time: {held.message}"
        return Plan(transitions.retry_start(run, why), retry=True)
    return None


def set_finalizer(run: ActionRun, key: str, *, held: bool) -> MergePatch:
    """Return the patch; a merge patch replaces the list, so the version seen is its precondition: others hold it too."""
    metadata = run.metadata
    others = [each for each in metadata.finalizers if each != ENDS_OBJECTS]
    ref = ObjectRef(API_VERSION, "ActionRun", metadata.name, metadata.namespace)
    patch = {"finalizers": [*others, ENDS_OBJECTS] if held else others, "resourceVersion": metadata.resource_version}
    return MergePatch(key, ref, metadata.uid, {"metadata": patch})
