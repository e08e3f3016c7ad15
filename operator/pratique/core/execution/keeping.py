"""Keeps of the answer to a call what the Action asks for: with that the call is done. Pure; for `request` and `polling`."""

from typing import Any

from pratique.api.v1alpha1.calling import RunRequest
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import PlannedRequest
from pratique.core.execution.awaiting import Progress, Step
from pratique.core.execution.replies import status_phrase
from pratique.core.kernel.calling import EvaluateAnswer, Reply
from pratique.core.kernel.effects import Failure, Outcomes
from pratique.core.kernel.text import clean
from pratique.core.plans.requests import say_call


def keep_answer(planned: PlannedRequest, call: RunRequest, reply: Reply, outcomes: Outcomes) -> Progress:
    """Return that a call was done, with what is kept of its answer."""
    request, kept = planned.request, {}
    if request.answer:
        evaluate = EvaluateAnswer(f"answer/{planned.id}", request.answer, reply.as_seen())
        values = evaluate.outcome(outcomes)
        if values is None:
            return Progress(Step.NEEDS, request=call, effects=(evaluate,))
        if isinstance(values, Failure):
            done = f"{say_call(request)} answered {status_phrase(reply.status)}, so it was done"
            long = "; only 64 KiB of an answer are read, and it is longer" if reply.too_long else ""
            text = f"{done}, but request.answer of {planned.id} failed: {values.message}{long}"
            return Progress(Step.FAILED, request=amend(call, message=clean(text, 512)), message=text)
        kept = values
    return Progress(Step.DONE, request=amend(call, answer=kept, done=True, message=""))


def seen_answer(call: RunRequest) -> dict[str, Any]:
    """Return what outputs and later calls see of a call: its status code, and what was kept of its answer."""
    return {"status": call.code, **call.answer}
