"""The grounds on which a run may start. One more is a module beside this one, and a line in `GROUNDS`. Pure."""

from datetime import datetime

from pratique.api.v1alpha1.action_run import Phase
from pratique.core.gates import free, granted
from pratique.core.gates.port import Answer, Ended, Ground, Question

GROUNDS: tuple[Ground, ...] = (
    free.GROUND,
    granted.GROUND,
)


def ask(question: Question, now: datetime) -> Answer:
    """Return what the first ground says that has something to say; a run that stands on none of them ends."""
    for ground in GROUNDS:
        answer = _put(question, ground, now)
        if answer is not None:
            return answer
    if question.run.status.phase is Phase.RUNNING:
        text = "The plan of this run is gone: it is not known any more what was started; what was made stays"
        return Ended(Phase.FAILED, text, only_here=True)
    text = "What was approved is not known any more, since its plan is gone: apply the request again under another name"
    return Ended(Phase.SUPERSEDED, text, only_here=True)


def prove(question: Question, now: datetime) -> Answer | None:
    """Return what shows that a plan was allowed, wherever its run stands now; None if no ground knows of it."""
    return next((found for each in GROUNDS if (found := each.prove(question, now)) is not None), None)


def _put(question: Question, ground: Ground, now: datetime) -> Answer | None:
    if question.fresh is not None:
        return ground.enter(question, question.fresh, now)
    if question.run.status.phase is Phase.RUNNING:
        return ground.prove(question, now)
    return ground.follow(question, now)
