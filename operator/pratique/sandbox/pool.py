"""The sandbox as the operator sees it: async calls, answered by worker processes that may be killed at any time.

A request that takes too long, or more memory than any may, costs its worker its life and raises EvaluationLimitError;
those that wait behind it are answered by the next worker. It raises EvaluationError for what cannot be evaluated.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pratique.api.v1alpha1 import Action, ActionRun
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.api.v1alpha1.calling import Until
from pratique.api.v1alpha1.meta import amend
from pratique.core.kernel.calling import Waited
from pratique.core.kernel.effects import Evaluation, Json, Judged, Listed, ObjectRef, Rendered
from pratique.core.kernel.errors import EvaluationLimitError
from pratique.core.kernel.form import field_from
from pratique.core.kernel.looking import Sources
from pratique.core.plans.objects import as_target, without_secrets
from pratique.sandbox.evaluator import Worker
from pratique.sandbox.line import Line, Owners

DEFAULT_TIMEOUT = 2.0
"""Seconds of CPU that one evaluation may take."""
DEFAULT_MEMORY = 384 * 1024 * 1024
"""Bytes of address space of a worker; about 70 MB of it are mapped before it has done anything."""


@dataclass(frozen=True)
class Traced:
    """What is made of a run, and which fields were evaluated: whether a condition held, or that it was rendered."""

    evaluation: Evaluation
    seen: tuple[tuple[str, bool], ...] = ()


class Sandbox:
    """A few worker processes, each started when needed and replaced when killed. Questions wait in line for them.

    `owners` are those on whose account a question goes, an Action and a person: what one of them costs, others do not wait
    for. Every question may raise BusyError: those of its owners take long, and some wait already.
    """

    def __init__(self, *, workers: int = 1, timeout: float = DEFAULT_TIMEOUT, memory: int = DEFAULT_MEMORY) -> None:
        self._workers = [Worker(timeout=timeout, memory=memory) for _ in range(workers)]
        self._line = Line(self._workers)

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that live."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    async def start(self) -> None:
        """Start the workers and wait until they answer."""
        taken = [await self._line.take(()) for _ in self._workers]
        try:
            await asyncio.gather(*(use.member.start() for use in taken))
        finally:
            for use in taken:
                self._line.give_back(use)

    async def close(self) -> None:
        """End the workers, each when it has answered."""
        taken = [await self._line.take(()) for _ in self._workers]
        for use in taken:
            await use.member.end()
            self._line.give_back(use)

    async def evaluate_run(
        self,
        action: Action,
        run: ActionRun,
        owners: Owners = (),
        *,
        target: Json | None = None,
        listed: Listed | None = None,
        kept: str = "",
        sources: Sources | None = None,
    ) -> Evaluation:
        """Return what the Action makes of a run, of the object that it acts on, and of those that its form offers.

        The stage `kept` is asked whatever its condition says; `sources` are the objects in which people are found.
        """
        question = _question(action, run, target, listed, sources)
        return (await self._evaluate({**question, "kept": kept} if kept else question, owners))[0]

    async def trace_run(
        self,
        action: Action,
        run: ActionRun,
        *,
        target: Json | None = None,
        listed: Listed | None = None,
        sources: Sources | None = None,
        kept: str = "",
    ) -> Traced:
        """Return what the Action makes of a run, and which of its expressions that took."""
        question = {**_question(action, run, target, listed, sources), "trace": True}
        question |= {"kept": kept} if kept else {}
        evaluation, seen = await self._evaluate(question, ())
        return Traced(evaluation, tuple((path, held) for path, held in seen))

    async def _evaluate(self, question: Json, owners: Owners) -> tuple[Evaluation, list[tuple[str, bool]]]:
        try:
            value = await self._ask(question, owners)
        except EvaluationLimitError as error:
            name = question["action"]["metadata"]["name"]
            text = f"Action {name}: judging this run by its form and expressions {error}; simplify them"
            raise EvaluationLimitError(text) from None
        plan = None if value["plan"] is None else RunPlan.model_validate(value["plan"])
        fields = tuple(field_from(each) for each in value["fields"])
        wanted = tuple(ObjectRef(**each) for each in value["wanted"])
        return Evaluation(tuple(value["refusals"]), plan, fields, wanted), value["seen"]

    async def evaluate_ready(
        self, ready_when: str | None, target: Json, owners: Owners = (), *, failed_when: str | None = None
    ) -> Judged:
        """Return what an Action's rules say of a live object."""
        question = {"do": "ready", "ready": ready_when, "failed": failed_when, "target": without_secrets(target)}
        return Judged(**await self._ask(question, owners))

    async def evaluate_outputs(
        self, plan: RunPlan, run: ActionRun, resources: Mapping[str, Json], owners: Owners = ()
    ) -> Rendered:
        """Return the outputs of a run, or what is not there yet."""
        seen = {name: without_secrets(live) for name, live in resources.items()}
        question = {"do": "outputs", "plan": plan.to_wire(), "run": _without_status(run), "resources": seen}
        return Rendered(**await self._ask(question, owners))

    async def evaluate_target(
        self,
        plan: RunPlan,
        run: ActionRun,
        target: Json | None,
        owners: Owners = (),
        *,
        listed: Listed | None = None,
    ) -> tuple[str, ...]:
        """Return what a plan's conditions say of its target and choices now and did not say when it was made."""
        question = {"do": "target", "plan": plan.to_wire(), "run": _without_status(run), **_seen(target, listed)}
        return tuple(await self._ask(question, owners))

    async def evaluate_answer(self, rules: Mapping[str, str], seen: Json, owners: Owners = ()) -> Json:
        """Return what an Action keeps of the answer to a call."""
        return dict(await self._ask({"do": "answer", "rules": dict(rules), "seen": seen}, owners))

    async def evaluate_until(self, until: Until, seen: Json, owners: Owners = ()) -> Waited:
        """Return what an answer says of what was started."""
        return Waited(**await self._ask({"do": "until", "until": until.to_wire(), "seen": seen}, owners))

    async def check_action(
        self,
        action: Action,
        schemas: Mapping[str, Json] | None = None,
        owners: Owners = (),
        *,
        unadmitted: bool = False,
    ) -> tuple[str, ...]:
        """Return what is wrong with an Action, by itself and beside the schemas of its kinds.

        One that is `unadmitted` was read from a file: no API server has held it to the rules of its CRD yet.
        """
        question = {"do": "check", "action": action.to_wire(), "schemas": dict(schemas or {}), "unadmitted": unadmitted}
        try:
            return tuple(await self._ask(question, owners))
        except EvaluationLimitError as error:
            raise EvaluationLimitError(f"checking the form, expressions and templates {error}; simplify them") from None

    async def _ask(self, question: Json, owners: Owners) -> Any:  # noqa: ANN401 - any JSON value
        if self._line.has_cut_off and (why := self._line.refusal(_digest(question))) is not None:
            raise EvaluationLimitError(why)
        use, cut_off = await self._line.take(owners), False
        try:
            return await use.member.ask(question)
        except EvaluationLimitError as error:
            cut_off = True
            self._line.was_cut_off(_digest(question), str(error))
            raise
        finally:
            self._line.give_back(use, cut_off=cut_off)


def _digest(question: Json) -> str:
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()


def _question(
    action: Action, run: ActionRun, target: Json | None, listed: Listed | None, sources: Sources | None
) -> Json:
    question = {"do": "run", "action": action.to_wire(), "run": _without_status(run), **_seen(target, listed)}
    if sources is None:
        return question
    return {**question, "sources": {key: as_target(each) for key, each in sources.items()}}


def _seen(target: Json | None, listed: Listed | None) -> Json:
    """Return live objects as expressions may see them."""
    seen: Json = {} if target is None else {"target": as_target(target)}
    if listed is None:
        return seen
    return {**seen, "listed": {field: [as_target(each) for each in found] for field, found in listed.items()}}


def _without_status(run: ActionRun) -> Json:
    return amend(run, status=type(run.status)()).to_wire()
