"""A few processes for a library that blocks: questions go in by a pipe, and answers come out, or the process dies.

The first question starts the first of them. Each answers one question at a time, and each receiver has one of them at a
time: what one does to its process, or how long it lets it wait, costs no other receiver more than a turn. A question is
never asked twice here: the message may have arrived. Secrets go by the pipe alone.
"""

import asyncio
import logging
from collections import defaultdict, deque

from pratique.core.kernel.effects import Json
from pratique.core.kernel.errors import ChannelError
from pratique.sandbox.process import DiedError, NotStartedError, Process, Program, SlowError

log = logging.getLogger(__name__)
MOST = 2
"""Each has the memory of its library; one receiver that lets them wait leaves the other to all others."""
LOG_SAYS_MORE = "the operator's log has more"
_NOWHERE = "an unknown place"


class NoAnswerError(ChannelError):
    """A process did not answer. The message is the end of a sentence for people."""


class Processes:
    """Some processes that run the same program, which holds the `library`. Close it when done."""

    def __init__(self, library: str, program: Program) -> None:
        self.seconds = program.patience
        self._library = library
        self._processes = [Process(program) for _ in range(MOST)]
        self._idle = deque(self._processes)
        self._free = asyncio.Semaphore(MOST)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that live."""
        return tuple(each.pid for each in self._processes if each.pid is not None)

    async def ask(self, lane: str, question: Json) -> Json:
        """Return what a process answers, or raise NoAnswerError. `lane` is the receiver, which waits for its own turn."""
        async with self._turns[lane], self._free:
            process = self._idle.pop()  # the one that was used last has been started
            try:
                return await self._answer(process, question)
            finally:
                self._idle.append(process)

    async def close(self) -> None:
        """End them all, and start none any more."""
        self._closed = True
        for process in self._processes:
            await process.end()

    async def _answer(self, process: Process, question: Json) -> Json:
        if self._closed:
            raise NoAnswerError("the operator is ending")
        try:
            reply = await process.put(question)
        except NotStartedError:  # the log has it already, with the process's last words
            raise NoAnswerError(f"the process of {self._library} did not start: {LOG_SAYS_MORE}") from None
        except SlowError as error:
            log.warning("The process of %s took too long and was ended, at %s", self._library, error.where or _NOWHERE)
            raise NoAnswerError(f"no answer within {self.seconds:g} s") from None
        except DiedError as error:
            where = error.where or _NOWHERE
            log.error("The process of %s died before it answered (%s), at %s", self._library, error, where)
            raise NoAnswerError(f"the process of {self._library} died before it answered: {LOG_SAYS_MORE}") from None
        if "bug" in reply:
            log.error("A bug in the process of %s: %s", self._library, reply["bug"])
            await process.end()  # nobody knows what it is left with
            raise NoAnswerError(f"{reply['error']} in the process of {self._library}: {LOG_SAYS_MORE}")
        return dict(reply["value"])
