"""The sandbox when things go wrong between a question and its answer: each question gets its own answer, or an error."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.builders.models import action, run

from pratique.core.kernel.effects import Judged
from pratique.core.kernel.errors import EvaluationError, EvaluationLimitError
from pratique.sandbox import process, worker
from pratique.sandbox.pool import Sandbox

HOSTILE = {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}}
ENDLESS = run(spec={"inputs": {"x": "a" * 60 + "!"}})
IS_TWO = "self.n == 2"


@contextlib.asynccontextmanager
async def sandbox(**limits: Any) -> AsyncIterator[Sandbox]:
    made = Sandbox(**limits)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


async def gone(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    for _ in range(200):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        await asyncio.sleep(0.05)
    return False


async def test_who_stops_waiting_for_the_start_leaves_no_answer_behind() -> None:
    unstarted = Sandbox(timeout=20)
    try:
        for delay in (0, 0.01, 0.05, 0.1):
            asked = asyncio.create_task(unstarted.evaluate_ready("true", {}))
            await asyncio.sleep(delay)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            assert unstarted.pids == ()
        for number in (1, 2, 3):
            assert (await unstarted.evaluate_ready(IS_TWO, {"n": number})).ready is (number == 2)
    finally:
        await unstarted.close()


async def test_answers_go_to_those_who_asked() -> None:
    async with sandbox(workers=2, timeout=20) as sound:
        asked: list[Coroutine[Any, Any, Any]] = [
            sound.evaluate_ready(IS_TWO, {"n": number % 3}) for number in range(60)
        ]
        assert [each.ready for each in await asyncio.gather(*asked)] == [number % 3 == 2 for number in range(60)]
        assert len(sound.pids) == 2


async def test_a_worker_that_died_in_its_sleep_blames_nobody() -> None:
    async with sandbox(timeout=20) as sound:
        (pid,) = sound.pids
        os.kill(pid, signal.SIGKILL)
        assert (await sound.evaluate_ready(IS_TWO, {"n": 2})).ready is True
        assert sound.pids != (pid,)


async def test_a_hostile_pattern_among_others_costs_only_its_own_run() -> None:
    form = action(inputs={"schema": HOSTILE})
    async with sandbox(timeout=0.5) as sound:
        asked: list[Coroutine[Any, Any, Any]] = [sound.evaluate_ready(IS_TWO, {"n": 2}) for _ in range(5)]
        asked.insert(2, sound.evaluate_run(form, ENDLESS))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(answers.pop(2), EvaluationLimitError)
        assert answers == [Judged(ready=True)] * 5


async def test_a_worker_that_always_dies_is_asked_twice_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    died = []

    async def die(self: process.Process, number: int, frame: bytes) -> Any:
        if b'"hello"' in frame:
            return {"id": number, "value": True}
        died.append(number)
        raise process.DiedError("it ended")

    monkeypatch.setattr(process.Process, "_exchange", die)
    doomed = Sandbox()
    with pytest.raises(EvaluationLimitError, match="ended its worker twice"):
        await doomed.evaluate_ready("true", {})
    assert len(died) == 2
    await doomed.close()


async def test_a_worker_that_cannot_start_is_a_sentence_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    doomed = Sandbox(timeout=20)
    with monkeypatch.context() as broken:
        broken.setattr(process, "_environment", lambda: {"PYTHONPATH": "/nowhere"})
        broken.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(EvaluationError, match="the sandbox did not start"):
            await doomed.start()
        assert doomed.pids == ()
    assert (await doomed.evaluate_ready(IS_TWO, {"n": 2})).ready is True
    await doomed.close()


async def test_an_answer_to_another_question_is_never_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async with sandbox(timeout=20) as sound:
        (mine,) = sound._workers
        numbered = mine._numbered

        def expecting_another(question: Any) -> tuple[int, bytes]:
            number, frame = numbered(question)
            return number + 1, frame

        monkeypatch.setattr(mine, "_numbered", expecting_another)
        with pytest.raises(EvaluationError):
            await sound.evaluate_ready("true", {})


async def test_the_environment_of_a_living_worker_holds_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somewhere")
    monkeypatch.setenv("SLACK_TOKEN", "secret")
    async with sandbox(timeout=20) as sound:
        (pid,) = sound.pids
        names = {each.partition("=")[0] for each in Path(f"/proc/{pid}/environ").read_text().split("\0") if each}
        assert names == {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}


@pytest.mark.parametrize("busy", [False, True])
async def test_a_worker_ends_when_its_operator_is_killed(busy: bool) -> None:
    """Also one that is at a regular expression which never ends, and so never sees the end of file."""
    script = textwrap.dedent(
        f"""
        import asyncio
        from pratique.sandbox.pool import Sandbox
        from tests.component.sandbox.test_sandbox_recovery import ENDLESS, HOSTILE, action

        async def main():
            made = Sandbox(timeout=1)
            await made.start()
            if {busy}:
                asked = asyncio.create_task(made.evaluate_run(action(inputs={{"schema": HOSTILE}}), ENDLESS))
            await asyncio.sleep(0.2)
            print(*made.pids, flush=True)
            await asyncio.sleep(60)

        asyncio.run(main())
        """
    )
    root = Path(__file__).parents[3]
    paths = os.pathsep.join([str(root / "operator"), str(root)])
    operator = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True
    )
    assert operator.stdout is not None
    pid = int(operator.stdout.readline())
    operator.kill()
    operator.wait()
    operator.stdout.close()
    assert await gone(pid)


def test_running_out_of_memory_is_an_answer_that_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def starve(request: Any) -> Any:
        raise MemoryError

    monkeypatch.setitem(worker._ANSWERS, "ready", starve)
    assert worker.answer({"do": "ready"}) == {"limit": "took more memory than an evaluation may and was cut off"}


def test_a_mistake_of_ours_is_not_taken_for_a_hostile_expression() -> None:
    reply = worker.answer({"do": "ready"})
    assert reply["error"] == "could not be evaluated: KeyError: a bug of the operator, whose log says where"
    assert reply["bug"].startswith("KeyError at pratique/sandbox/worker.py:")


def test_an_error_is_a_sentence_and_no_more() -> None:
    reply = worker.answer({"do": "ready", "ready": "int(self.s) == 1", "failed": None, "target": {"s": "x" * 100_000}})
    assert len(reply["error"]) <= worker.MAX_SENTENCE


async def test_after_the_first_an_evaluation_is_quick() -> None:
    async with sandbox(timeout=20) as sound:
        template = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "a"},
            "data": {"why": "${run.reason}"},
        }
        execution = action().spec.execution.to_wire() | {"resources": [{"id": "made", "template": template}]}
        offered, asked = action(execution=execution), run()
        await sound.evaluate_run(offered, asked)
        started, cpu = time.monotonic(), time.process_time()
        for _ in range(50):
            await sound.evaluate_run(offered, asked)
        assert (time.process_time() - cpu) / 50 < 0.01
        assert time.monotonic() - started < 20
