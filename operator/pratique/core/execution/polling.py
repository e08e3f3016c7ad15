"""Decides how a call with `until` proceeds: asked again until what was started is done. Pure; called by `request`.

A GET may be made twice, so nothing is on record before it: who was killed asks at once, and goes on from there. How an
outside system answers now and then is no verdict about what it was asked to do: only what says no for several times ends
the run. Its status is written when people are told something else, not at each answer.
"""

from datetime import timedelta

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.calling import RunRequest, Until
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import PlannedRequest
from pratique.api.v1alpha1.scalars import duration_of
from pratique.core.execution.awaiting import Progress, Step
from pratique.core.execution.keeping import keep_answer
from pratique.core.execution.outgoing import outgoing_of
from pratique.core.execution.replies import Say, judge_call
from pratique.core.kernel.calling import EvaluateUntil, Poll, Polled, Reply
from pratique.core.kernel.effects import Failure, Outcomes
from pratique.core.kernel.text import clean
from pratique.core.plans.requests import say_call

NOES = 3
"""So often in a row an answer has to say no: tokens are renewed, and what was just started is not known everywhere."""
GOES_ON = "what was started there may go on all the same: look there before you ask again"
_NOT_YET, _NO_ROOM = "it has not answered yet", "it is asked when there is room: many calls are waited for"


def advance_until(
    run: ActionRun, plan: RunPlan, planned: PlannedRequest, until: Until, call: RunRequest, outcomes: Outcomes
) -> Progress:
    """Return whether what was started is done, or when it is asked again."""
    request, every = planned.request, duration_of(until.every)
    poll = Poll(
        f"poll/{planned.id}",
        (run.metadata.uid, planned.id),
        outgoing_of(run, plan, planned),
        every,
        request,
        (run.metadata.namespace or "", run.metadata.name),
        run.spec.action_ref.name,
    )
    polled = poll.outcome(outcomes)
    if polled is None:
        return Progress(Step.NEEDS, request=call, effects=(poll,))
    if isinstance(polled, Failure):
        return _waits(planned, call, polled.message, every)
    if polled.called is None:
        ours = _NOT_YET if polled.asked else _NO_ROOM
        told_before = "" if call.message in (_NOT_YET, _NO_ROOM) else call.message
        return _waits(planned, call, told_before or ours, polled.again)
    judged = judge_call(request, polled.called)
    code = polled.called.reply.status if polled.called.reply is not None else None
    told = amend(call, code=code)
    if judged.say is Say.DONE and polled.called.reply is not None:
        return _judge(planned, until, told, polled, polled.called.reply, outcomes)
    if judged.say is Say.FAILED and polled.noes >= NOES:
        text = f"{judged.message}, {NOES} times in a row; {GOES_ON}"
        failed = amend(told, message=clean(text, 512))
        return Progress(Step.FAILED, request=failed, message=f"{say_call(request)} {text}")
    return _waits(planned, told, f"it {judged.message}; it is asked again", polled.again)


def _judge(
    planned: PlannedRequest, until: Until, call: RunRequest, polled: Polled, reply: Reply, outcomes: Outcomes
) -> Progress:
    """Follow what the rules of `until` come to."""
    evaluate = EvaluateUntil(f"until/{planned.id}", until, reply.as_seen())
    found = evaluate.outcome(outcomes)
    if found is None:
        return Progress(Step.NEEDS, request=call, effects=(evaluate,))
    if isinstance(found, Failure):
        long = "; only 64 KiB of an answer are read, and it is longer" if reply.too_long else ""
        return _waits(planned, call, f"cannot say whether it is done: {found.message}{long}", polled.again)
    said = f": {found.said}" if found.said else ""
    if found.failed:
        text = f"says that it has failed{said}"
        failed = amend(call, message=clean(text, 512))
        return Progress(Step.FAILED, request=failed, message=f"{say_call(planned.request)} {text}")
    if found.done:
        return keep_answer(planned, call, reply, outcomes)
    if found.said:
        return _waits(planned, call, found.said, polled.again)
    missing = f"{found.missing} is not there yet" if found.missing else "it is not done yet"
    return _waits(planned, call, missing, polled.again)


def _waits(planned: PlannedRequest, call: RunRequest, why: str, pause: timedelta) -> Progress:
    text = f"Waiting for {say_call(planned.request)}: {clean(why, 512)}"
    told = amend(call, message=clean(why, 512))
    return Progress(Step.WAITS, request=told, message=text, remedy=GOES_ON, pause=pause)
