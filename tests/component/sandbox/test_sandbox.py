"""The sandbox with its real worker process: what is evaluated there, what ends it, and that the next is answered."""

import asyncio
import io
import os
import shutil
import signal
import struct
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.builders.models import action, planned, run, run_plan

from pratique.core.judging.judge import judge
from pratique.core.kernel.effects import Judged
from pratique.core.kernel.errors import EvaluationError, EvaluationLimitError
from pratique.sandbox import process, serving, worker
from pratique.sandbox.evaluator import Worker
from pratique.sandbox.pool import Sandbox
from pratique.sandbox.wire import HEADER, MAX_FRAME, pack

TIMEOUT = 2.0
HOSTILE = {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}}
BOMB = "[self.s].map(a, a + a + a + a).map(b, b + b + b + b).map(c, c + c + c + c + c + c + c + c)[0] == ''"
in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    made = Sandbox(timeout=TIMEOUT, memory=512 * 1024 * 1024)
    await made.start()
    yield made
    await made.close()
    assert made.pids == ()


def offered(**spec: Any) -> Any:
    template = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"why": "${run.reason}"}}
    execution = action().spec.execution.to_wire() | {"resources": [{"id": "made", "template": template}]}
    return action(execution=execution, **spec)


@in_one_loop
async def test_a_worker_answers_as_the_core_does(sandbox: Sandbox) -> None:
    evaluation = await sandbox.evaluate_run(offered(), run())
    assert evaluation == judge(offered(), run())
    assert evaluation.plan is not None
    assert evaluation.plan.objects[0].manifest["data"] == {"why": "a demo"}
    refused = await sandbox.evaluate_run(offered(), run(spec={"inputs": {"unknown": 1}}))
    assert refused.plan is None
    assert refused.refusals == ("spec.inputs.unknown: there is no such input; known are: none",)
    assert (await sandbox.evaluate_ready("self.status.ready", {"status": {"ready": True}})).ready is True
    assert (await sandbox.evaluate_ready("self.status.ready", {"status": {"ready": False}})).ready is False
    plan = run_plan(outputs={"who": "${run.requestedBy.username}", "key": "${resources.made.data.k}"})
    outputs = await sandbox.evaluate_outputs(plan, run(), {"made": {"data": {"k": "v"}}})
    assert outputs.outputs == {"who": "developer@example.com", "key": "v"}
    assert await sandbox.check_action(offered()) == ()
    broken = offered(approval={"stages": [{"name": "s", "when": "1 +", "approvers": {"users": ["a"]}}]})
    assert (await sandbox.check_action(broken))[0].startswith("spec.approval.stages[0].when: Syntax error")


@in_one_loop
async def test_what_cannot_be_evaluated_costs_no_worker(sandbox: Sandbox) -> None:
    before = sandbox.pids
    with pytest.raises(EvaluationError, match="Key not found in map"):
        await sandbox.evaluate_outputs(run_plan(outputs={"x": "${inputs.absent}"}), run(), {})
    assert sandbox.pids == before
    with pytest.raises(EvaluationLimitError, match=f"is larger than the {MAX_FRAME} bytes that can be evaluated"):
        await sandbox.evaluate_ready("true", {"s": "x" * MAX_FRAME})
    assert (await sandbox.evaluate_ready("true", {})).ready is True


@in_one_loop
async def test_what_never_ends_is_cut_off_and_the_next_is_answered(sandbox: Sandbox) -> None:
    before, started = sandbox.pids, time.monotonic()
    form = offered(inputs={"schema": HOSTILE})
    hostile = sandbox.evaluate_run(form, run(spec={"inputs": {"x": "a" * 60 + "!"}}))
    first, second = await asyncio.gather(hostile, sandbox.evaluate_ready("true", {}), return_exceptions=True)
    assert isinstance(first, EvaluationLimitError)
    assert "took longer than 2 s and was cut off; simplify them" in str(first)
    assert second == Judged(ready=True)
    assert sandbox.pids != before
    assert TIMEOUT <= time.monotonic() - started < 60
    assert (await sandbox.evaluate_run(form, run(spec={"inputs": {"x": "aaa"}}))).plan is not None


@in_one_loop
async def test_what_takes_too_much_memory_is_cut_off_and_the_next_is_answered(sandbox: Sandbox) -> None:
    with pytest.raises(EvaluationLimitError, match="more memory than an evaluation may"):
        await sandbox.evaluate_ready(BOMB, {"s": "x" * 4_000_000})
    assert (await sandbox.evaluate_ready("self.n == 1", {"n": 1})).ready is True


@in_one_loop
async def test_whoever_stops_waiting_leaves_no_answer_behind(sandbox: Sandbox) -> None:
    form = offered(inputs={"schema": HOSTILE})
    asked = asyncio.create_task(sandbox.evaluate_run(form, run(spec={"inputs": {"x": "a" * 60 + "?"}})))
    await asyncio.sleep(0.1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert (await sandbox.evaluate_ready("self.n == 2", {"n": 2})).ready is True


@in_one_loop
async def test_what_was_cut_off_is_not_tried_again_at_once(sandbox: Sandbox) -> None:
    form = offered(inputs={"schema": HOSTILE})
    said = []
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(EvaluationLimitError) as raised:
            await sandbox.evaluate_run(form, run(spec={"inputs": {"x": "a" * 60 + "."}}))
        said.append((str(raised.value), time.monotonic() - started > TIMEOUT / 2))
    assert said == [(said[0][0], True), (said[0][0], False)]
    assert (await sandbox.evaluate_ready("true", {})).ready is True


async def test_what_a_worker_keeps_of_others_is_not_blamed_on_the_next() -> None:
    small = Sandbox(timeout=20, memory=160 * 1024 * 1024)
    await small.start()
    pids = set(small.pids)
    for number in range(60):
        large = f"size([{', '.join(f'self.n + {number * 1000 + each}' for each in range(220))}]) == 220"
        assert (await small.evaluate_ready(large, {"n": 1})).ready is True
        pids.update(small.pids)
    assert len(pids) > 1
    await small.close()


@in_one_loop
async def test_a_worker_that_was_killed_from_outside_is_replaced(sandbox: Sandbox) -> None:
    (pid,) = sandbox.pids
    os.kill(pid, signal.SIGKILL)
    assert (await sandbox.evaluate_ready("self.n == 3", {"n": 3})).ready is True
    assert sandbox.pids != (pid,)


@pytest.mark.parametrize("program", ["/no/such/program", "true", "false"])
async def test_a_worker_that_does_not_start_says_so(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which(program) or program)
    never = Worker(timeout=1, memory=512 * 1024 * 1024)
    with pytest.raises(EvaluationError, match="the sandbox did not start"):
        await never.ask({"do": "ready", "ready": "true", "failed": None, "target": {}})
    assert never.pid is None


async def test_why_a_worker_does_not_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a library of the system is missing: the interpreter runs, and an import of the worker fails."""
    package = tmp_path / "pratique"
    (package / "sandbox").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "sandbox" / "__init__.py").write_text("")
    (package / "sandbox" / "worker.py").write_text(
        "raise ImportError('libstdc++.so.6: cannot open shared object file')"
    )
    monkeypatch.setattr(process, "_environment", lambda: {"PYTHONPATH": str(tmp_path)})
    never = Worker(timeout=1, memory=512 * 1024 * 1024)
    with pytest.raises(EvaluationError, match=r"did not start \(ImportError: libstdc\+\+\.so\.6: cannot open"):
        await never.start()


async def test_a_worker_that_has_started_says_nothing(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a worker writes may quote requests; the last words of one that dies at work are nobody's."""
    worker = Worker(timeout=5, memory=512 * 1024 * 1024)
    await worker.start()
    assert Path(f"/proc/{worker.pid}/fd/2").readlink() == Path(os.devnull)
    await worker.end()
    assert not caplog.text
    assert capfd.readouterr().err == ""


def test_frames_are_length_and_json() -> None:
    assert pack({"a": "é"}) == struct.pack(">I", 14) + b'{"a":"\\u00e9"}'
    assert HEADER.size == 4


ENDS = "a text ends with the quote that it begins with"


@pytest.mark.parametrize(
    ("expression", "reply"),
    [
        ("self.n > 1", {"value": {"ready": True, "failed": False, "missing": ""}}),
        ("self.n", {"error": "readyWhen: must be true or false, but is int: self.n"}),
        ("self.n > 'a", {"error": f"readyWhen: Syntax error: token recognition error at: ''a'; {ENDS}"}),
    ],
)
def test_the_worker_serves_until_the_end_of_file(expression: str, reply: dict[str, Any]) -> None:
    sink = io.BytesIO()
    question = {"do": "ready", "ready": expression, "failed": None, "target": {"n": 2}}
    asked = [pack({**question, "id": ident}) for ident in (1, 2)]
    serving.serve(io.BytesIO(b"".join(asked) + b"\x00"), sink, worker.answer, cpu=60.0, patience=60.0)
    assert sink.getvalue() == pack({**reply, "id": 1}) + pack({**reply, "id": 2})


def test_nesting_without_end_is_an_answer_too() -> None:
    deep: Any = "leaf"
    for _ in range(100_000):
        deep = [deep]
    reply = worker.answer({"do": "ready", "ready": "true", "failed": None, "target": {"deep": deep}})
    assert reply == {"error": "is nested too deeply to be evaluated"}


def test_a_mistake_of_ours_is_an_answer_and_no_verdict() -> None:
    reply = worker.answer({"do": "outputs", "plan": planned().to_wire(), "run": {}, "resources": {}})
    assert reply["error"] == "could not be evaluated: ValidationError: a bug of the operator, whose log says where"
    assert "sandbox/worker.py:" in reply["bug"]
