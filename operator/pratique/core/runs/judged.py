"""What may be in the way of a request, be it meant or a dry run: there is no Action, or the API server refuses the plan.

Each answer is what is waited for, or the sentence that it ends with. Pure; called by `plan` and `answer`.
"""

import difflib
from collections.abc import Collection
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, RunPlan
from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.meta import amend
from pratique.core.execution.dry_run import Trial
from pratique.core.execution.patience import POLL, allowed, mark
from pratique.core.kernel.effects import Plan
from pratique.core.runs import transitions

_ACTION_MAY_COME = timedelta(minutes=1)


def wait_for_action(run: ActionRun, actions: Collection[str], now: datetime) -> Plan[ActionRunStatus] | str:
    """Wait a minute for an Action that may be applied together with its run; then say which one may be meant."""
    name, known_by = run.spec.action_ref.name, run.metadata.creation_timestamp + _ACTION_MAY_COME
    if now < known_by:
        text = f"There is no Action named {name} yet: waiting a minute for it"
        return Plan(transitions.hold(run, Reason.ACTION_NOT_FOUND, text, now, stalled=False), wake_at=known_by)
    close = difflib.get_close_matches(name, sorted(actions), n=3)
    if not close:
        return f"There is no Action named {name}; `kubectl get actions` lists what there is"
    return (
        f"There is no Action named {name}; did you mean {' or '.join(close)}?"
        " (actionRef cannot be changed: apply the run again under another name)"
    )


def wait_for_trial(run: ActionRun, plan: RunPlan, trial: Trial, now: datetime) -> Plan[ActionRunStatus] | str | None:
    """Return what refuses a plan that was tried, unless what is lacking may be on its way; None if nothing does."""
    if trial.transient is not None:
        text = f"The dry run gave no answer: {trial.transient.message}"
        return Plan(transitions.hold(run, Reason.RETRYING, text, now), retry=True)
    if not trial.problems:
        return None
    account = plan.service_account_ref
    text = f"As ServiceAccount {account.namespace}/{account.name}: {'; '.join(trial.problems)}"
    return wait_for_lacking(run, text, allowed(trial.failures, approved=False), now)


def wait_for_lacking(run: ActionRun, why: str, limit: timedelta | None, now: datetime) -> Plan[ActionRunStatus] | str:
    """Wait for what is lacking, such as a right, while that may be on its way; then return why."""
    lacks = mark(run.status, "", limit, now)
    if lacks is None:
        return why
    status = transitions.hold(run, Reason.RETRYING, f"{why}; it is tried again, as this may pass", now)
    return Plan(amend(status, held_up=lacks), wake_at=now + POLL)
