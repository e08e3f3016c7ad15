"""Turns an answer of the API server into the failure that a plan gets to know."""

from pratique.core.kernel.answers import Answer, Standing
from pratique.core.kernel.effects import Failure


def as_failure(answer: Answer) -> Failure:
    """Return what a plan gets to know of a refusal."""
    passes = answer.standing is Standing.PASSES
    return Failure(answer.reason, answer.message, passes, answer.cause, answer.missing)
