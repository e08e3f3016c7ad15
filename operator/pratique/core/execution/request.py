"""Decides how one call of a run proceeds: reserved, on record, made, judged. Pure; called by `advance`.

Exactly once, as far as that can be: the ticket of a call is in the run's status before the call is made, the process that
gave it makes one call for it, and only after it has read the run again. What a process that died has left open is made
again where that is safe, with the same idempotency key; else the run ends, and says that it may have been done.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.calling import RunRequest
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import PlannedRequest
from pratique.core.execution.adoption import uid_of
from pratique.core.execution.awaiting import Progress, Step
from pratique.core.execution.keeping import keep_answer, seen_answer
from pratique.core.execution.outgoing import outgoing_of
from pratique.core.execution.polling import advance_until
from pratique.core.execution.replies import Say, judge_call
from pratique.core.execution.vanishing import confirm
from pratique.core.kernel.calling import Call, Fate, Reserve
from pratique.core.kernel.effects import Failure, Outcomes, object_of
from pratique.core.kernel.errors import UnsendableError
from pratique.core.kernel.text import clean
from pratique.core.plans.late import fill, names_of
from pratique.core.plans.requests import say_call

_FIRST_PAUSE, _LAST_PAUSE = timedelta(seconds=0.5), timedelta(seconds=15)
_AT_ONCE = timedelta()
_MAX_PAUSE = timedelta(hours=1)


def advance_request(
    run: ActionRun,
    plan: RunPlan,
    planned: PlannedRequest,
    calls: Mapping[str, RunRequest],
    outcomes: Outcomes,
    now: datetime,
) -> Progress:
    """Return where a call stands, or the effects that must come first; `calls` are those of which something is known."""
    call = calls.get(planned.id) or RunRequest(id=planned.id)
    if call.done:
        return Progress(Step.DONE, request=call)
    try:
        planned = filled(planned, calls)
    except UnsendableError as error:
        text = f"{say_call(planned.request)} cannot be made: {error}"
        return Progress(Step.FAILED, request=amend(call, message=clean(text, 512)), message=text)
    if planned.request.until is not None:
        if _is_news(run, calls):
            text = f"Waiting for {say_call(planned.request)}: it is asked next"
            return Progress(Step.WAITS, request=call, message=text, pause=_AT_ONCE)
        return advance_until(run, plan, planned, planned.request.until, call, outcomes)
    if call.ticket is None:
        return _reserve(planned, call, outcomes, now)
    again = confirm(run)
    confirmed = again.outcome(outcomes)
    if confirmed is None:
        return Progress(Step.NEEDS, request=call, effects=(again,))
    what = say_call(planned.request)
    if uid_of(object_of(confirmed) or {}) != run.metadata.uid:
        why = confirmed.message if isinstance(confirmed, Failure) else "it was deleted"
        return Progress(Step.RETRIES, request=call, message=f"{what} waits: the run could not be read again: {why}")
    return _make(run, plan, planned, call, outcomes, now)


def _reserve(planned: PlannedRequest, call: RunRequest, outcomes: Outcomes, now: datetime) -> Progress:
    """Get a ticket, and have it written down before anything else."""
    if call.not_before is not None and now < call.not_before:
        text = f"{say_call(planned.request)} {call.message}; it is tried again"
        return Progress(Step.WAITS, request=call, message=text, pause=call.not_before - now)
    reserve = Reserve(f"reserve/{planned.id}")
    ticket = reserve.outcome(outcomes)
    if not isinstance(ticket, str):
        return Progress(Step.NEEDS, request=call, effects=(reserve,))
    reserved = amend(call, ticket=ticket, attempt=call.attempt + 1, not_before=None, message="")
    return Progress(Step.WAITS, request=reserved, message=f"{say_call(planned.request)} is next", pause=_AT_ONCE)


def _make(
    run: ActionRun, plan: RunPlan, planned: PlannedRequest, call: RunRequest, outcomes: Outcomes, now: datetime
) -> Progress:
    request, what = planned.request, say_call(planned.request)
    place = run.metadata.namespace or "", run.metadata.name
    action = run.spec.action_ref.name
    made = Call(f"call/{planned.id}", call.ticket or "", outgoing_of(run, plan, planned), place, action)
    called = made.outcome(outcomes)
    if called is None:
        return Progress(Step.NEEDS, request=call, effects=(made,))
    if isinstance(called, Failure):
        return Progress(Step.RETRIES, request=call, message=f"{what} waits: {called.message}")
    if called.fate is Fate.UNDER_WAY:
        text = f"Waiting for the answer to {what}, which may have been done already"
        return Progress(Step.WAITS, request=call, message=text)
    judged = judge_call(request, called)
    code = called.reply.status if called.reply is not None else None
    told = amend(call, code=code, message=clean(judged.message, 512))
    if judged.say is Say.DONE and called.reply is not None:
        return keep_answer(planned, told, called.reply, outcomes)
    text = f"{what} {judged.message}"
    if judged.say is Say.FAILED:
        return Progress(Step.FAILED, request=told, message=text)
    asked = min(timedelta(seconds=judged.after or 0), _MAX_PAUSE)
    pause = max(asked, min(_FIRST_PAUSE * 2 ** min(call.attempt, 6), _LAST_PAUSE))
    waiting = amend(told, ticket=None, not_before=now + pause)
    return Progress(Step.WAITS, request=waiting, message=f"{text}; it is tried again", pause=pause)


def _is_news(run: ActionRun, calls: Mapping[str, RunRequest]) -> bool:
    """Whether an answer of this very look is on record yet: who is killed while it waits for the next must know of it."""
    recorded = {each.id for each in run.status.requests if each.done}
    return any(each.done and each.id not in recorded for each in calls.values())


def filled(planned: PlannedRequest, calls: Mapping[str, RunRequest]) -> PlannedRequest:
    """Return a call with what earlier ones have answered in its address; raises UnsendableError."""
    if not names_of(planned.request.url):
        return planned
    url = fill(planned.request.url, {ident: seen_answer(each) for ident, each in calls.items()})
    return amend(planned, request=amend(planned.request, url=url))
