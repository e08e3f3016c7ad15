"""The sandbox as the operator sees it: async calls, answered by a worker process that may be killed at any time.

A request that takes too long, or more memory than any may, costs its worker its life and raises EvaluationLimitError;
those that wait behind it are answered by the next worker. It raises EvaluationError for what cannot be evaluated.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pratique
from pratique.api.v1alpha1 import Action, ActionRun
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.core.effects import Evaluation, Json
from pratique.core.errors import EvaluationError, EvaluationLimitError
from pratique.sandbox.wire import HEADER, MAX_FRAME, pack

DEFAULT_TIMEOUT = 2.0
"""Seconds that one evaluation may take."""
DEFAULT_MEMORY = 768 * 1024 * 1024
"""Bytes of address space of a worker; about 300 MB of it are mapped before it has done anything."""
_START_TIMEOUT = 30.0


class Sandbox:
    """One worker process, started when needed and replaced when killed."""

    def __init__(self, *, timeout: float = DEFAULT_TIMEOUT, memory: int = DEFAULT_MEMORY) -> None:
        self._timeout, self._memory = timeout, memory
        self._turn = asyncio.Lock()
        self._worker: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the worker and wait until it answers."""
        async with self._turn:
            await self._ready()

    async def close(self) -> None:
        """End the worker."""
        async with self._turn:
            await self._end()

    async def evaluate_run(self, action: Action, run: ActionRun) -> Evaluation:
        """Return what the Action makes of a run."""
        wire = run.model_copy(update={"status": type(run.status)()}).to_wire()
        value = await self._ask({"do": "run", "action": action.to_wire(), "run": wire})
        plan = None if value["plan"] is None else RunPlan.model_validate(value["plan"])
        return Evaluation(tuple(value["refusals"]), plan)

    async def evaluate_ready(self, expression: str, target: Json) -> bool:
        """Return whether a live object is ready."""
        return bool(await self._ask({"do": "ready", "expression": expression, "target": target}))

    async def evaluate_outputs(self, plan: RunPlan, run: ActionRun, resources: Mapping[str, Json]) -> Json:
        """Return the outputs of a run."""
        wire = run.model_copy(update={"status": type(run.status)()}).to_wire()
        question = {"do": "outputs", "plan": plan.to_wire(), "run": wire, "resources": dict(resources)}
        return dict(await self._ask(question))

    async def check_action(self, action: Action) -> tuple[str, ...]:
        """Return what is wrong with an Action."""
        return tuple(await self._ask({"do": "check", "action": action.to_wire()}))

    async def _ask(self, question: Json) -> Any:  # noqa: ANN401 - any JSON value
        frame = pack(question)
        if len(frame) > MAX_FRAME:
            raise EvaluationLimitError(f"is larger than the {MAX_FRAME} bytes that can be evaluated")
        async with self._turn:
            worker = await self._ready()
            try:
                async with asyncio.timeout(self._timeout):
                    reply = await _exchange(worker, frame)
            except TimeoutError:
                await self._end()
                raise EvaluationLimitError(f"took longer than {self._timeout:g} s and was cut off") from None
            except (asyncio.IncompleteReadError, ConnectionError):
                await self._end()
                raise EvaluationLimitError("took more memory than an evaluation may and was cut off") from None
            except BaseException:
                await self._end()  # cancelled half-way: an answer to this question must not meet the next one
                raise
        if "error" in reply:
            raise EvaluationError(reply["error"])
        return reply["value"]

    async def _ready(self) -> asyncio.subprocess.Process:
        if self._worker is not None and self._worker.returncode is None:
            return self._worker
        self._worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pratique.sandbox.worker",
            str(self._memory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
            limit=MAX_FRAME,
            start_new_session=True,
        )
        async with asyncio.timeout(_START_TIMEOUT):
            await _exchange(self._worker, pack({"do": "ready", "expression": "true", "target": {}}))
        return self._worker

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None and worker.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await asyncio.shield(worker.wait())


def _environment() -> dict[str, str]:
    """Return the worker's environment: how to find our code, and nothing else of ours."""
    found = str(Path(pratique.__file__).parent.parent)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": found, "PYTHONDONTWRITEBYTECODE": "1"}


async def _exchange(worker: asyncio.subprocess.Process, frame: bytes) -> Json:
    if worker.stdin is None or worker.stdout is None:
        raise ConnectionError("the worker has no pipes")
    worker.stdin.write(frame)
    await worker.stdin.drain()
    (length,) = HEADER.unpack(await worker.stdout.readexactly(HEADER.size))
    return dict(json.loads(await worker.stdout.readexactly(length)))
