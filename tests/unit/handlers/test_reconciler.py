"""What a look makes of an expression that cannot be evaluated: a failure that quotes no object."""

from typing import Any

import pytest
from tests.builders.models import action, run, run_plan

from pratique.core.kernel.effects import AnyEffect, EvaluateRun, EvaluateTarget, Failure, Json
from pratique.core.kernel.errors import EvaluationError, EvaluationLimitError
from pratique.core.kernel.hiding import hide
from pratique.handlers.reconciler import Reconciler

LIVE: Json = {"data": {"k": "Grey-heron 4711"}}
LISTED = {"size": ({"data": {"k": "Some-egret 4712"}},) * 500}


class Failing:
    """Fails whatever it is asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def evaluate_run(self, *_: object, **__: object) -> None:
        raise self.error

    evaluate_target = evaluate_run


def looking(error: Exception) -> Reconciler:
    parts: dict[str, Any] = dict.fromkeys(
        ("api", "kinds", "stores", "outbox", "check_channel", "desk", "verify_guard", "clock", "changed")
    )
    return Reconciler(sandbox=Failing(error), identity="x", **parts)  # type: ignore[arg-type]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "effect",
    [
        EvaluateRun("evaluate", action(), run(), LIVE, LISTED),
        EvaluateTarget("again", run_plan(), run(), LIVE, LISTED),
    ],
)
async def test_only_what_an_expression_may_have_seen_is_searched(
    effect: AnyEffect, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = list[Any]()

    def note(words: str, *objects: Any) -> str:
        searched.extend(objects)
        return hide(words, *objects)

    monkeypatch.setattr("pratique.handlers.reconciler.hide", note)
    quoting = looking(EvaluationError("cpu: Grey-heron 4711 is no number"))
    assert await quoting._perform(effect, ()) == Failure("EvaluationFailed", "cpu: (hidden) is no number")
    assert searched == [LIVE], "what a form offers is hidden in the sandbox, by what was seen of it"
    cut = looking(EvaluationLimitError("took longer than 2 s and was cut off"))
    assert await cut._perform(effect, ()) == Failure("EvaluationFailed", "took longer than 2 s and was cut off")
    assert searched == [LIVE], "what was cut off quotes nothing"
