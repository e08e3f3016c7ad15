"""The sandbox as the operator sees it: async calls, answered by worker processes that may be killed at any time.

A request that takes too long, or more memory than any may, costs its worker its life and raises EvaluationLimitError;
those that wait behind it are answered by the next worker. It raises EvaluationError for what cannot be evaluated.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from pratique.api.v1alpha1 import Action, ActionRun
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.core.effects import Evaluation, Json
from pratique.core.errors import EvaluationLimitError
from pratique.core.objects import without_secrets
from pratique.sandbox.process import Worker

DEFAULT_TIMEOUT = 2.0
"""Seconds of CPU that one evaluation may take."""
DEFAULT_MEMORY = 768 * 1024 * 1024
"""Bytes of address space of a worker; about 70 MB of it are mapped before it has done anything."""


class Sandbox:
    """A few worker processes, each started when needed and replaced when killed. Questions wait in line for them."""

    def __init__(self, *, workers: int = 1, timeout: float = DEFAULT_TIMEOUT, memory: int = DEFAULT_MEMORY) -> None:
        self._workers = [Worker(timeout=timeout, memory=memory) for _ in range(workers)]
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        for worker in self._workers:
            self._idle.put_nowait(worker)

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that live."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    async def start(self) -> None:
        """Start the workers and wait until they answer."""
        taken = [await self._idle.get() for _ in self._workers]
        try:
            await asyncio.gather(*(worker.start() for worker in taken))
        finally:
            for worker in taken:
                self._idle.put_nowait(worker)

    async def close(self) -> None:
        """End the workers, each when it has answered."""
        taken = [await self._idle.get() for _ in self._workers]
        for worker in taken:
            await worker.end()
            self._idle.put_nowait(worker)

    async def evaluate_run(self, action: Action, run: ActionRun) -> Evaluation:
        """Return what the Action makes of a run."""
        try:
            value = await self._ask({"do": "run", "action": action.to_wire(), "run": _without_status(run)})
        except EvaluationLimitError as error:
            text = f"Action {action.metadata.name}: judging this run by its form and expressions {error}; simplify them"
            raise EvaluationLimitError(text) from None
        plan = None if value["plan"] is None else RunPlan.model_validate(value["plan"])
        return Evaluation(tuple(value["refusals"]), plan)

    async def evaluate_ready(self, expression: str, target: Json) -> bool:
        """Return whether a live object is ready."""
        return bool(await self._ask({"do": "ready", "expression": expression, "target": without_secrets(target)}))

    async def evaluate_outputs(self, plan: RunPlan, run: ActionRun, resources: Mapping[str, Json]) -> Json:
        """Return the outputs of a run."""
        seen = {name: without_secrets(live) for name, live in resources.items()}
        question = {"do": "outputs", "plan": plan.to_wire(), "run": _without_status(run), "resources": seen}
        return dict(await self._ask(question))

    async def check_action(self, action: Action) -> tuple[str, ...]:
        """Return what is wrong with an Action."""
        try:
            return tuple(await self._ask({"do": "check", "action": action.to_wire()}))
        except EvaluationLimitError as error:
            raise EvaluationLimitError(f"checking the form, expressions and templates {error}; simplify them") from None

    async def _ask(self, question: Json) -> Any:  # noqa: ANN401 - any JSON value
        worker = await self._idle.get()
        try:
            return await worker.ask(question)
        finally:
            self._idle.put_nowait(worker)


def _without_status(run: ActionRun) -> Json:
    return run.model_copy(update={"status": type(run.status)()}).to_wire()
