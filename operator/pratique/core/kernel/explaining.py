"""The effect of looking why an object failed, and what it comes to. Performed by `cluster.explaining`."""

from dataclasses import dataclass

from pratique.core.kernel.effects import Effect, Json


@dataclass(frozen=True)
class Circumstances:
    """What was found beside an object that failed: other people's words, none of which is shown as it is.

    `pod` is the one of its pods that says most, `events` are warnings about the object or that pod, the newest first, `log`
    is the end of what that pod's container wrote. `unread` names what the account may not read, as `list on pods`. What the
    pod's `secrets` hold must not be in any words: those are the Secrets that the account may read.
    """

    pod: Json | None = None
    events: tuple[Json, ...] = ()
    log: str = ""
    unread: tuple[str, ...] = ()
    secrets: tuple[Json, ...] = ()


@dataclass(frozen=True)
class Explain(Effect[Circumstances]):
    """Look, as the account, what the pods of an object and its Events say; of a log the last `logs` lines.

    Whatever cannot be read is left out: it is no failure.
    """

    live: Json
    run_as: str
    logs: int = 0
