"""The exceptions of Pratique, hierarchy first."""


class PratiqueError(Exception):
    """Base of all of ours."""


class EvaluationError(PratiqueError):
    """An expression, pattern or template could not be evaluated. Never a verdict: what depends on it is held.

    The message is one sentence for people: it names the field and the reason.
    """


class NotThereError(EvaluationError):
    """An expression reads what is not there: a key of a map, or an element of a list. It may be there later.

    `path` is what it reads, as the expression has it; empty where that cannot be told.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class ImpossibleNameError(EvaluationError):
    """A template gave an object a name that its kind cannot have; what the requester chose of it is theirs to mend."""


class EvaluationLimitError(EvaluationError):
    """An evaluation was cut off: it took more time or memory than any evaluation may."""


class UnreadableError(PratiqueError):
    """An object holds what this version does not know, such as a phase of a later version.

    `uid` says of which object, `field` and `value` where and what: it is left alone, and all others go on.
    """

    def __init__(self, kind: str, name: str, uid: str, field: str, value: str) -> None:
        super().__init__(f"{kind} {name}: {field} is {value}, which this version of the operator does not know")
        self.uid, self.field, self.value = uid, field, value
