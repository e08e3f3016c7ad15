"""What a look at a run proves: nothing that is only stored, and nothing while something is left to ask."""

import pytest
from tests.builders.models import NOW, planned, run, run_plan, running

from pratique.api.v1alpha1.action_run import Phase
from pratique.core.execution.adoption import ref_of
from pratique.core.kernel.effects import Plan, Read
from pratique.core.plans.document import document
from pratique.core.runs.open_runs import is_let_in
from pratique.core.runs.proof import end_of, is_running, proof_of

PLAN = run_plan(planned("one"))
GOES_ON = running(PLAN).status
ASKS = (Read("read", ref_of(PLAN.objects[0].manifest)),)


def test_what_goes_on_with_nothing_left_to_ask_is_proven() -> None:
    assert proof_of(Plan(GOES_ON), None) == document(PLAN).digest
    assert proof_of(Plan(GOES_ON, effects=ASKS), None) is None


def test_what_has_no_plan_any_more_is_proven_by_nothing() -> None:
    bare = GOES_ON.model_copy(update={"plan": None, "document": None})
    assert is_running(Plan(bare)) and proof_of(Plan(bare), None) is None


@pytest.mark.parametrize("phase", list(Phase))
def test_only_what_runs_is_proven_and_only_what_is_stored_has_ended(phase: Phase) -> None:
    subject = run(phase=phase, plan=PLAN, started_at=NOW)
    assert is_running(Plan(subject.status)) is (phase is Phase.RUNNING)
    assert (proof_of(Plan(subject.status), None) is not None) is (phase is Phase.RUNNING)
    assert end_of(subject) is (phase if phase.is_end else None)


def test_who_was_looked_at_is_let_in() -> None:
    assert not is_let_in(run(), asked=False)
    assert is_let_in(run(), asked=True) and is_let_in(run(observed_generation=1), asked=False)
    assert is_let_in(run(phase=Phase.RUNNING), asked=False)
