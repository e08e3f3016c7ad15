"""The exceptions of Pratique: the whole tree on this page, and those of the core. A test holds the tree to the code.

An exception says that somebody cannot go on; who catches it says what becomes of it. What is expected is none: an answer
of the API server that a plan has to deal with is a `Failure`, an expression that says no is a verdict. Packages at the
edge have their own, where they are raised; each descends from here, and its message is one sentence for people: the field,
why, the remedy.

- PratiqueError: all of ours
    - EvaluationError: an expression, pattern or template could not be evaluated; its author mends it
        - NotThereError: it reads what is not there, and may be later
        - ImpossibleNameError: it gave an object a name that its kind cannot have
        - UnsendableError: a call cannot carry what the requester chose: their run is refused
        - EvaluationLimitError: it took more time or memory than any evaluation may
        - LifetimeError: an object would stay for longer than its Action allows, or for no time at all: the run is refused
        - NamedByRequesterError: the requester chose a name that no object can have, or too many: their run is refused
    - NoApproverError: an object in which approvers are found gives what is no name of one: the run is refused
    - UnreadableError: an object holds what this version does not know; it is left alone, and all others go on
    - UnstampableError: a request cannot be stamped, and is refused
    - ConfigurationError: what the platform team set cannot be used
        - AddressError: where a process is to listen
        - ConnectionConfigError: no usable credentials for an API server
        - DirectoryError: the directory of people
        - EgressError: what channels may reach
        - GateChannelsError: through which channels gates without a run tell
        - GuardValuesError: what the admission policies were installed with
        - MetricsCertificateError: what /metrics is to be served with
        - ShardError: which shard a process is
        - TracingError: where traces are to go
        - UnreadableFileError: a file of `pratique test`
    - ApiError: what the API server answered, or that it did not
    - CallError: a call of a run cannot be made; nothing was sent
    - FullError: so many calls are under way that no other is begun
    - ChannelError: a message cannot be sent
        - NotReadyError: the channel lacks something, such as its Secret
        - NotAllowedError: no address of the receiver may be connected to
        - NoAnswerError: the process that sends did not answer
        - UnmetError: the mail server lacks what is needed
    - SandboxError: a worker process did not answer
        - BusyError: too many wait already
        - NotStartedError: there is no process that answers
        - DiedError: the worker ended before it answered
            - SlowError: it was ended, for it took too long
    - CommandError: a command for people cannot do anything at all
    - Ending: not what went wrong but what happens next
        - ProcessEnds: only a new process can go on
        - _Stopped: the process was asked to stop
"""


class PratiqueError(Exception):
    """Base of all of ours."""


class ConfigurationError(PratiqueError):
    """What the platform team set cannot be used; the message says what and how to write it."""


class ChannelError(PratiqueError):
    """A message cannot be sent; the message is one sentence for people."""


class SandboxError(PratiqueError):
    """A worker process did not answer, by no fault of what was asked."""


class Ending(PratiqueError):  # noqa: N818 - what happens next, not what went wrong
    """Who raises it ends something on purpose."""


class EvaluationError(PratiqueError):
    """An expression, pattern or template could not be evaluated. Never a verdict: what depends on it is held.

    The message is one sentence for people: it names the field and the reason.
    """


class LifetimeError(EvaluationError):
    """What was asked for would stay for longer than the Action allows, or for no time that there is: a verdict."""


class NotThereError(EvaluationError):
    """An expression reads what is not there: a key of a map, or an element of a list. It may be there later.

    `path` is what it reads, as the expression has it; empty where that cannot be told.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class ImpossibleNameError(EvaluationError):
    """A template gave an object a name that its kind cannot have; what the requester chose of it is theirs to mend."""


class NamedByRequesterError(EvaluationError):
    """What the requester chose cannot be made: a verdict, since no author has to mend anything."""


class UnsendableError(EvaluationError):
    """A call cannot carry what it was given, such as a line break in a header: the requester has to choose otherwise."""


class NoApproverError(PratiqueError):
    """An object in which approvers are found gives something that is no name of one: the request is refused."""


class EvaluationLimitError(EvaluationError):
    """An evaluation was cut off: it took more time or memory than any evaluation may."""


class UnreadableError(PratiqueError):
    """An object holds what this version does not know, such as a phase of a later version.

    `uid` says of which object, `field` and `value` where and what: it is left alone, and all others go on.
    """

    def __init__(self, kind: str, name: str, uid: str, field: str, value: str) -> None:
        super().__init__(f"{kind} {name}: {field} is {value}, which this version of the operator does not know")
        self.uid, self.field, self.value = uid, field, value
