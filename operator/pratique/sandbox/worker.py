"""The worker: reads requests from stdin, evaluates, writes answers to stdout. Started by `pool`, ended by end of file.

It holds no credentials and talks to nothing: what it runs are expressions and patterns that other people wrote.
"""

import json
import resource
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from pratique.api.v1alpha1 import Action, ActionRun
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.core.checks import check_action
from pratique.core.errors import EvaluationError
from pratique.core.policy import evaluate_outputs, evaluate_ready, evaluate_run
from pratique.sandbox.wire import HEADER, pack


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one request; what cannot be evaluated is an answer too."""
    try:
        return {"value": _ANSWERS[request["do"]](request)}
    except EvaluationError as error:
        return {"error": str(error)}
    except RecursionError:
        return {"error": "is nested too deeply to be evaluated"}


def _run(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    evaluation = evaluate_run(Action.model_validate(request["action"]), ActionRun.model_validate(request["run"]))
    return {
        "refusals": list(evaluation.refusals),
        "plan": None if evaluation.plan is None else evaluation.plan.to_wire(),
    }


def _outputs(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    plan, run = RunPlan.model_validate(request["plan"]), ActionRun.model_validate(request["run"])
    return evaluate_outputs(plan, run, request["resources"])


_ANSWERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "run": _run,
    "ready": lambda request: evaluate_ready(request["expression"], request["target"]),
    "outputs": _outputs,
    "check": lambda request: list(check_action(Action.model_validate(request["action"]))),
}


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the end of file."""
    while len(header := source.read(HEADER.size)) == HEADER.size:
        (length,) = HEADER.unpack(header)
        sink.write(pack(answer(json.loads(source.read(length)))))
        sink.flush()


def main() -> None:
    """Set the limits, then serve. An allocation beyond them ends this process, and nothing else."""
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
