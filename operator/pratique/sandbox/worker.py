"""The worker: reads requests from stdin, evaluates, writes answers to stdout. Started by `process`, ended by end of file.

It holds no credentials and talks to nothing: what it runs are expressions and patterns that other people wrote.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from pratique.api.v1alpha1 import Action, ActionRun
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.core.judging.checks import check_action
from pratique.core.judging.policy import evaluate_outputs, evaluate_ready, evaluate_run
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.frames import frames_of
from pratique.core.kernel.text import clean
from pratique.sandbox.wire import HEADER, pack

MAX_SENTENCE = 2000
"""Characters of an error: it may quote what an expression made, and goes into a status."""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one request; what cannot be evaluated is an answer too."""
    try:
        return {"value": _ANSWERS[request["do"]](request)}
    except EvaluationError as error:
        return {"error": clean(str(error), MAX_SENTENCE)}
    except RecursionError:
        return {"error": "is nested too deeply to be evaluated"}
    except MemoryError:
        return {"limit": "took more memory than an evaluation may and was cut off"}
    except Exception as error:  # a mistake of ours must not look like a hostile expression, nor end the worker
        bug = f"could not be evaluated: {type(error).__name__}: a bug of the operator, whose log says where"
        return {"error": bug, "bug": frames_of(error)}


def _run(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    evaluation = evaluate_run(Action.model_validate(request["action"]), ActionRun.model_validate(request["run"]))
    return {
        "refusals": list(evaluation.refusals),
        "plan": None if evaluation.plan is None else evaluation.plan.to_wire(),
    }


def _outputs(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    plan, run = RunPlan.model_validate(request["plan"]), ActionRun.model_validate(request["run"])
    return asdict(evaluate_outputs(plan, run, request["resources"]))


def _ready(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    return asdict(evaluate_ready(request["ready"], request["failed"], request["target"]))


_ANSWERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "hello": lambda request: True,
    "run": _run,
    "ready": _ready,
    "outputs": _outputs,
    "check": lambda request: list(check_action(Action.model_validate(request["action"]), request["schemas"])),
}


def serve(source: BinaryIO, sink: BinaryIO, seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
    """Answer requests until the end of file; one that takes more than `seconds` of CPU time ends the process.

    It ends after an answer when it has had `enough`: what it keeps of other people's expressions fills its memory, and
    the next question would be blamed for it.

    CPU time, since a busy machine is nobody's fault. The timer is in here, since a worker whose operator was killed would
    otherwise never see the end of file while it is at a regular expression that never ends.
    """
    while len(header := source.read(HEADER.size)) == HEADER.size:
        (length,) = HEADER.unpack(header)
        body = source.read(length)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        request = json.loads(body)
        reply = pack({**answer(request), "id": request["id"]})
        signal.setitimer(signal.ITIMER_PROF, 0)
        sink.write(reply)
        sink.flush()
        if enough():
            return


def main() -> None:
    """Set the limits, then serve. An allocation beyond them ends this process, and nothing else."""
    memory, seconds = int(sys.argv[1]), float(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process even inside C code
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stderr.fileno())  # it has started: what is said from now on may quote requests
    serve(sys.stdin.buffer, sys.stdout.buffer, seconds, lambda: _mapped() > memory // 2)


def _mapped() -> int:
    """Return how much of the address space that is limited is in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
