"""One worker process and its pipes: starts it, asks it one question at a time, kills it when an answer does not come.

It says what an absent answer means: too slow, or a process that ended. It must never hand out the answer to another
question: whatever goes wrong between a question and its answer costs the process its life. What a process answers is not
known here: `evaluator` has those that evaluate, and the channel of type apprise those that load its library.
"""

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pratique
from pratique.core.kernel.effects import Json
from pratique.core.kernel.errors import SandboxError
from pratique.core.kernel.frames import short_path
from pratique.core.kernel.text import clean
from pratique.sandbox.wire import HEADER, MAX_FRAME, pack

log = logging.getLogger(__name__)
START_TIMEOUT = 30.0
"""Seconds that a worker may take to import what it needs, on a machine that is busy."""
_DYING_SECONDS = 2.0
_LATER = 2.0
"""Seconds after which a process is killed that its own timer should have ended."""
_LAST_WORDS, _TRACE, _SHOWN = 4000, 16_000, 300
_MOST_FRAMES = 12
_FRAME = re.compile(r'^  File "([^"]+)", line (\d+) in (\S+)$', re.MULTILINE)
"""What `faulthandler` writes; all else that a dying process says may quote what it was at."""


@dataclass(frozen=True)
class Program:
    """What a process runs, and its limits: bytes of address space, and seconds of CPU and by the clock for one answer."""

    module: str
    memory: int
    cpu: float
    patience: float


class NotStartedError(SandboxError):
    """There is no process that answers; the message says why."""


class DiedError(SandboxError):
    """The worker ended before it answered. `where` says where it was, if that is known: files, lines and functions."""

    where: str = ""


class SlowError(DiedError):
    """The worker was ended, for its answer took longer than any may."""


class Process:
    """A process that answers, replaced by a new one when it was killed. Not for two callers at once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._asked = 0
        self._said: int | None = None

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the process unless it runs, and wait until it answers."""
        if self._process is not None and self._process.returncode is None:
            return
        await self.end()
        with contextlib.ExitStack() as failed:
            said = os.memfd_create("stderr")
            failed.callback(os.close, said)
            await self._begin(said)
            failed.pop_all()
        self._said = said

    async def _begin(self, said: int) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT):
                self._process = await _spawn(self._program, said)
                await self._exchange(*self._numbered({"do": "hello"}))
        except (TimeoutError, OSError, DiedError) as error:
            process = self._process
            await self.end()
            why = _last_words(said) or str(error) or "no answer"
            code = "" if process is None else f" (exit code {process.returncode})"
            log.error("A process did not start, %s%s: %s", self._program.module, code, why)
            raise NotStartedError(clean(why.splitlines()[-1], _SHOWN)) from None
        except BaseException:
            await self.end()  # cancelled while starting: the greeting must not be taken for an answer
            raise

    async def put(self, question: Json) -> Json:
        """Return the reply to one question; NotStartedError, or SlowError or DiedError, which leave no process behind."""
        return await self._put(*self._numbered(question))

    async def end(self) -> None:
        """Kill the process."""
        process, self._process = self._process, None
        said, self._said = self._said, None
        if said is not None:
            os.close(said)
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())

    async def _put(self, number: int, frame: bytes) -> Json:
        await self.start()
        try:
            async with asyncio.timeout(self._program.patience + _LATER):
                return await self._exchange(number, frame)
        except TimeoutError:
            await self.end()
            raise SlowError("no answer in time") from None
        except DiedError as error:
            raise await self._buried(error) from None
        except BaseException:
            await self.end()  # cancelled half-way: an answer to this question must not meet the next one
            raise

    async def _buried(self, error: DiedError) -> DiedError:
        """End what is left of the process; return what it died of."""
        process, said = self._process, self._said
        self._said = None
        if process is not None and said is not None:
            # It is ending by itself; to kill it meanwhile would lose, in asyncio, what it ended of.
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_DYING_SECONDS):
                        await process.wait()
                error.where = _where(_last_words(said, _TRACE))
            finally:
                os.close(said)
        await self.end()
        if process is not None and process.returncode in (-signal.SIGPROF, -signal.SIGALRM):
            slow = SlowError("its own timer ended it")
            slow.where = error.where
            return slow
        return error

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
        except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
            raise DiedError("it ended") from error
        if reply.get("id") != number:
            raise DiedError("it answered another question")
        return reply


async def _spawn(program: Program, stderr: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # nothing is imported from the folder that the operator happens to stand in
        "-m",
        program.module,
        str(program.memory),
        str(program.cpu),
        str(program.patience),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,  # until it has started, and for where it was when it died; see `serving.main`
        env=_environment(),
        limit=MAX_FRAME,
        start_new_session=True,
    )


def _last_words(file: int, most: int = _LAST_WORDS) -> str:
    """Return what a process wrote before it had started, of its imports, and as it died; it is of nobody's request."""
    return os.pread(file, most, max(0, os.fstat(file).st_size - most)).decode(errors="replace").strip()


def _where(words: str) -> str:
    """Return the last calls of a process that is gone, the outermost first."""
    frames = _FRAME.findall(words)[:_MOST_FRAMES]
    return " > ".join(f"{short_path(file)}:{line} {name}" for file, line, name in reversed(frames))


def _environment() -> dict[str, str]:
    """Return the worker's environment: how to find our code, and nothing else of ours."""
    found = str(Path(pratique.__file__).parent.parent)
    # The libraries may be found by PYTHONPATH only; names of folders are no secrets.
    path = os.pathsep.join([found, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
