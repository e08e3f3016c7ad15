"""One process that evaluates: asks it again when it died before it was asked, and words what was cut off."""

import logging
from typing import Any

from pratique.core.kernel.effects import Json
from pratique.core.kernel.errors import EvaluationError, EvaluationLimitError
from pratique.sandbox.process import DiedError, NotStartedError, Process, Program, SlowError
from pratique.sandbox.wire import MAX_FRAME

log = logging.getLogger(__name__)
_TRIES = 2
_PATIENCE = 5
"""The limit is CPU time, which the worker watches itself; on a busy machine it takes longer by the clock."""


class Worker(Process):
    """A process that evaluates, replaced by a new one when it was killed. Not for two callers at once."""

    def __init__(self, *, timeout: float, memory: int) -> None:
        super().__init__(Program("pratique.sandbox.worker", memory, cpu=timeout, patience=_PATIENCE * timeout))

    async def start(self) -> None:
        """Start the process unless it runs, and wait until it answers."""
        try:
            await super().start()
        except NotStartedError as error:
            raise EvaluationError(f"the sandbox did not start ({error}); it is tried again") from None

    async def ask(self, question: Json) -> Any:  # noqa: ANN401 - any JSON value
        """Return the answer. A worker that dies is asked again once: it may have died before this question came."""
        number, frame = self._numbered(question)
        if len(frame) > MAX_FRAME:
            raise EvaluationLimitError(f"is larger than the {MAX_FRAME} bytes that can be evaluated")
        for _ in range(_TRIES):
            try:
                reply = await self._put(number, frame)
            except SlowError:
                raise EvaluationLimitError(f"took longer than {self._program.cpu:g} s and was cut off") from None
            except DiedError:
                continue
            return await self._read(reply)
        raise EvaluationLimitError("ended its worker twice, most likely by taking more memory than an evaluation may")

    async def _read(self, reply: Json) -> Any:  # noqa: ANN401 - any JSON value
        if "limit" in reply:
            await self.end()  # its memory is full of what it could not finish
            raise EvaluationLimitError(reply["limit"])
        if "bug" in reply:
            log.error("A bug while evaluating: %s", reply["bug"])
        if "error" in reply:
            raise EvaluationError(reply["error"])
        return reply["value"]
