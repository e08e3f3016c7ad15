"""The worker that evaluates. Started by `process`, ended by end of file.

It holds no credentials and talks to nothing: what it runs are expressions and patterns that other people wrote.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from pratique.api.v1alpha1 import Action, ActionRun
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.api.v1alpha1.calling import Until
from pratique.core.judging.checks import check_action
from pratique.core.judging.crd_rules import broken_rules
from pratique.core.judging.expressions import unnoted
from pratique.core.judging.following import evaluate_until
from pratique.core.judging.judge import judge
from pratique.core.judging.policy import evaluate_outputs, evaluate_ready
from pratique.core.judging.requests import evaluate_answer
from pratique.core.judging.targets import evaluate_target
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.frames import frames_of
from pratique.core.kernel.text import clean
from pratique.sandbox import serving

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
    seen: list[tuple[str, bool]] = []
    note = (lambda path, held: seen.append((path, held))) if request.get("trace") else unnoted
    action, run = Action.model_validate(request["action"]), ActionRun.model_validate(request["run"])
    target, listed, sources = (request.get(name) for name in ("target", "listed", "sources"))
    evaluation = judge(action, run, note, target, listed, request.get("kept", ""), sources)
    return {
        "refusals": list(evaluation.refusals),
        "plan": None if evaluation.plan is None else evaluation.plan.to_wire(),
        "seen": seen,
        "wanted": [asdict(each) for each in evaluation.wanted],
        "fields": [asdict(each) for each in evaluation.fields] if request.get("trace") else [],
    }


def _outputs(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    plan, run = RunPlan.model_validate(request["plan"]), ActionRun.model_validate(request["run"])
    return asdict(evaluate_outputs(plan, run, request["resources"]))


def _ready(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    return asdict(evaluate_ready(request["ready"], request["failed"], request["target"]))


def _target(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    plan, run = RunPlan.model_validate(request["plan"]), ActionRun.model_validate(request["run"])
    return list(evaluate_target(plan, run, request.get("target"), request.get("listed")))


def _answer(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    return evaluate_answer(request["rules"], request["seen"])


def _until(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    return asdict(evaluate_until(Until.model_validate(request["until"]), request["seen"]))


def _check(request: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    action = Action.model_validate(request["action"])
    broken = list(broken_rules(action)) if request.get("unadmitted") else []
    return list(dict.fromkeys([*broken, *check_action(action, request["schemas"])]))


_ANSWERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "hello": lambda request: True,
    "run": _run,
    "ready": _ready,
    "outputs": _outputs,
    "target": _target,
    "answer": _answer,
    "until": _until,
    "check": _check,
}


def main() -> None:
    """Serve within the limits that the operator has set."""
    serving.main(answer)


if __name__ == "__main__":
    main()
