"""One worker process and its pipes: starts it, asks it one question at a time, kills it when an answer does not come.

It decides what an absent answer means: too slow, too big, or a worker that was dead before it was asked. It must never
hand out the answer to another question: whatever goes wrong between a question and its answer costs the worker its life.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pratique
from pratique.core.kernel.effects import Json
from pratique.core.kernel.errors import EvaluationError, EvaluationLimitError, SandboxError
from pratique.core.kernel.text import clean
from pratique.sandbox.wire import HEADER, MAX_FRAME, pack

log = logging.getLogger(__name__)
START_TIMEOUT = 30.0
"""Seconds that a worker may take to import what it needs, on a machine that is busy."""
_TRIES = 2
_DYING_SECONDS = 2.0
_LAST_WORDS, _SHOWN = 4000, 300
_PATIENCE = 5
"""The limit is CPU time, which the worker watches itself; on a busy machine it takes longer by the clock."""


class DiedError(SandboxError):
    """The worker ended before it answered."""


class Worker:
    """A process that answers, replaced by a new one when it was killed. Not for two callers at once."""

    def __init__(self, *, timeout: float, memory: int) -> None:
        self._timeout, self._memory = timeout, memory
        self._process: asyncio.subprocess.Process | None = None
        self._asked = 0

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the process unless it runs, and wait until it answers."""
        if self._process is not None and self._process.returncode is None:
            return
        said = os.memfd_create("stderr")
        try:
            async with asyncio.timeout(START_TIMEOUT):
                self._process = await _spawn(self._memory, self._timeout, said)
                await self._exchange(*self._numbered({"do": "hello"}))
        except (TimeoutError, OSError, DiedError) as error:
            process = self._process
            await self.end()
            why = _last_words(said) or str(error) or "no answer"
            code = "" if process is None else f" (exit code {process.returncode})"
            log.error("A sandbox worker did not start%s: %s", code, why)
            shown = clean(why.splitlines()[-1], _SHOWN)
            raise EvaluationError(f"the sandbox did not start ({shown}); it is tried again") from None
        except BaseException:
            await self.end()  # cancelled while starting: the greeting must not be taken for an answer
            raise
        finally:
            os.close(said)

    async def ask(self, question: Json) -> Any:  # noqa: ANN401 - any JSON value
        """Return the answer. A worker that dies is asked again once: it may have died before this question came."""
        number, frame = self._numbered(question)
        if len(frame) > MAX_FRAME:
            raise EvaluationLimitError(f"is larger than the {MAX_FRAME} bytes that can be evaluated")
        for _ in range(_TRIES):
            await self.start()
            try:
                async with asyncio.timeout(_PATIENCE * self._timeout):
                    reply = await self._exchange(number, frame)
            except TimeoutError:
                await self.end()
                raise self._too_slow() from None
            except DiedError:
                if await self._end_was_slow():
                    raise self._too_slow() from None
                continue
            except BaseException:
                await self.end()  # cancelled half-way: an answer to this question must not meet the next one
                raise
            return await self._read(reply)
        raise EvaluationLimitError("ended its worker twice, most likely by taking more memory than an evaluation may")

    async def end(self) -> None:
        """Kill the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())

    def _too_slow(self) -> EvaluationLimitError:
        return EvaluationLimitError(f"took longer than {self._timeout:g} s and was cut off")

    async def _end_was_slow(self) -> bool:
        """End what is left of the process; return whether its own timer had ended it."""
        process = self._process
        if process is not None:
            # It is ending by itself; to kill it meanwhile would lose, in asyncio, what it ended of.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DYING_SECONDS):
                    await process.wait()
        await self.end()
        return process is not None and process.returncode == -signal.SIGPROF

    async def _read(self, reply: Json) -> Any:  # noqa: ANN401 - any JSON value
        if "limit" in reply:
            await self.end()  # its memory is full of what it could not finish
            raise EvaluationLimitError(reply["limit"])
        if "bug" in reply:
            log.error("A bug while evaluating: %s", reply["bug"])
        if "error" in reply:
            raise EvaluationError(reply["error"])
        return reply["value"]

    def _numbered(self, question: Json) -> tuple[int, bytes]:
        self._asked += 1
        return self._asked, pack({**question, "id": self._asked})

    async def _exchange(self, number: int, frame: bytes) -> Json:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise DiedError("it has no pipes")
        try:
            process.stdin.write(frame)
            await process.stdin.drain()
            (length,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
            if length > MAX_FRAME:
                raise DiedError("its answer is too large")
            reply = dict(json.loads(await process.stdout.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise DiedError("it ended") from error
        if reply.get("id") != number:
            raise DiedError("it answered another question")
        return reply


async def _spawn(memory: int, timeout: float, stderr: int) -> asyncio.subprocess.Process:  # noqa: ASYNC109 - for the worker's timer
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # nothing is imported from the folder that the operator happens to stand in
        "-m",
        "pratique.sandbox.worker",
        str(memory),
        str(timeout),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,  # until it has started; see `worker.main`
        env=_environment(),
        limit=MAX_FRAME,
        start_new_session=True,
    )


def _last_words(file: int) -> str:
    """Return what a worker wrote before it had started: of its interpreter, linker and imports, and of nobody's request."""
    return os.pread(file, _LAST_WORDS, max(0, os.fstat(file).st_size - _LAST_WORDS)).decode(errors="replace").strip()


def _environment() -> dict[str, str]:
    """Return the worker's environment: how to find our code, and nothing else of ours."""
    found = str(Path(pratique.__file__).parent.parent)
    # The libraries may be found by PYTHONPATH only; names of folders are no secrets.
    path = os.pathsep.join([found, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
