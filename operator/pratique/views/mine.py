"""Decides what somebody is shown of what is theirs: runs that they asked for, and Environments. Pure; called by `inbox`."""

import json
from collections.abc import Mapping
from datetime import datetime

from pratique.api.v1alpha1.action_run import ActionRun, Phase
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.api.v1alpha1.environment import Environment
from pratique.core.environments.ttl import expires_at, lifetime
from pratique.core.kernel.identity import asked_by, is_among
from pratique.core.kernel.text import clean
from pratique.core.telling.commands import consent_command, talk_command
from pratique.views.rows import Env, Run, Viewer
from pratique.views.told import LINE, TEXT, history, last_change, undelivered, words

Gates = Mapping[tuple[str, str], Approval]
"""By namespace and name."""


def run_row(run: ActionRun, gates: Gates, since: datetime, viewer: Viewer, kubectl: str) -> Run:
    """Return how a run stands."""
    spec, status, meta = run.spec, run.status, run.metadata
    gate, told = _open_gate(run), history(run, since)
    open_ = gates.get((meta.namespace or "", gate)) if gate is not None else None
    accept, reject = _answers(run, gates, viewer, kubectl)
    head = status.head
    title = head.action.title if head is not None else ""
    return Run(
        name=meta.name,
        namespace=meta.namespace or "",
        action=spec.action_ref.name,
        title=clean(title, 100) or spec.action_ref.name,
        requested_by=clean(asked_by(spec), LINE),
        reason=clean(spec.reason),
        phase=status.phase.value,
        ended=status.phase.is_end,
        message=clean(status.message, TEXT),
        until=_until(run, open_),
        approval=clean(gate, LINE) if gate is not None else None,
        accept=accept,
        reject=reject,
        thread=words(open_),
        answer=talk_command(open_, viewer.username, kubectl) if open_ is not None and open_.spec.messages else None,
        outputs=_outputs(status.outputs),
        created_at=meta.creation_timestamp,
        last=told[-1] if told else None,
        unread=last_change(run) > since,
        undelivered=undelivered(status.notifications),
    )


def environment_row(environment: Environment, since: datetime) -> Env:
    """Return how long an Environment still lives. Its end is counted as the operator counts it, not read from status."""
    spec, status, meta = environment.spec, environment.status, environment.metadata
    told, kept_for = history(environment, since), lifetime(environment)
    return Env(
        name=meta.name,
        namespace=meta.namespace or "",
        target=clean(status.namespace or spec.target.namespace.name),
        phase=status.phase.value,
        message=clean(status.message, TEXT),
        kept_for=kept_for,
        ends_at=expires_at(meta.creation_timestamp, kept_for),
        warned=tuple(status.warned),
        last=told[-1] if told else None,
        unread=last_change(environment) > since,
        undelivered=undelivered(status.notifications),
    )


def lives_for(environment: Environment, username: str, runs: list[ActionRun]) -> bool:
    """Whether an Environment is this person's: it says so, or it names nobody and one of their runs made it."""
    named = environment.spec.requested_by
    if named is not None:
        return is_among(username, (named,))
    made = {resource.uid for run in runs for resource in run.status.resources}
    return environment.metadata.uid in made


def _open_gate(run: ActionRun) -> str | None:
    if run.status.phase is not Phase.WAITING_FOR_APPROVAL:
        return None
    return next((each.name for each in run.status.approvals if each.state is ApprovalState.PENDING), None)


def _answers(run: ActionRun, gates: Gates, viewer: Viewer, kubectl: str) -> tuple[str | None, str | None]:
    """Return the lines for a shell that accept what an approver offered instead, and reject it; none where none is due."""
    names = [each.name for each in run.status.approvals] if run.status.phase is Phase.WAITING_FOR_APPROVAL else []
    found = [gates.get((run.metadata.namespace or "", name)) for name in names]
    for gate in found:
        pending = gate is not None and gate.status.state is ApprovalState.PENDING
        if gate is not None and pending and gate.spec.policy.consent is not None and gate.spec.consent is None:
            accept, reject = (consent_command(gate, each, viewer.username, kubectl) for each in ("Accept", "Reject"))
            return accept, reject
    return None, None


def _until(run: ActionRun, gate: Approval | None) -> datetime | None:
    """Return until when somebody may decide, or its resources may take; None if nothing has to be done by then."""
    status = run.status
    head = status.head if status.phase is Phase.RUNNING else None
    if head is not None and status.started_at is not None:
        return expires_at(status.started_at, head.timeout)
    return gate.spec.policy.deadline if gate is not None else None


def _outputs(outputs: Mapping[str, object]) -> dict[str, str]:
    """Return outputs as text: what is no text, as JSON."""
    texts = {
        name: each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for name, each in outputs.items()
    }
    return {clean(name, LINE): clean(text, TEXT, multiline=True) for name, text in sorted(texts.items())}
