"""The exceptions of Pratique, hierarchy first."""


class PratiqueError(Exception):
    """Base of all of ours."""


class EvaluationError(PratiqueError):
    """An expression, pattern or template could not be evaluated. Never a verdict: what depends on it is held.

    The message is one sentence for people: it names the field and the reason.
    """


class EvaluationLimitError(EvaluationError):
    """An evaluation was cut off: it took more time or memory than any evaluation may."""
