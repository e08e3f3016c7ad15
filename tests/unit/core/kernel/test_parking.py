"""What a later version wrote is left alone, alone: each enum of each status, and nothing else waits for it."""

from typing import Any

import pytest
from tests.builders.models import NOW

from pratique.api.v1alpha1 import Action, ActionRun, Approval, Environment
from pratique.api.v1alpha1.meta import KubeObject
from pratique.core.kernel.errors import UnreadableError
from pratique.core.kernel.frames import frames_of, trace_of
from pratique.core.kernel.parking import parked_conditions
from pratique.handlers import open_runs
from pratique.handlers.memory import Parsed

Json = dict[str, Any]
META = {"name": "one", "namespace": "team-a", "uid": "u1", "generation": 3, "resourceVersion": "7"}
RUN = {"actionRef": {"name": "create"}, "requestedBy": {"username": "Dev@example.com"}}
TARGET = {"ttl": "1h", "target": {"namespace": {"name": "env-one"}}}


def body(kind: str, spec: Json, status: Json) -> Json:
    return {"kind": kind, "metadata": dict(META), "spec": spec, "status": status}


def refusal(model: type[KubeObject], made: Json) -> UnreadableError:
    with pytest.raises(UnreadableError) as caught:
        Parsed()(model, made)
    return caught.value


@pytest.mark.parametrize(
    ("model", "made", "says"),
    [
        (ActionRun, body("ActionRun", RUN, {"phase": "Bananas"}), 'status.phase is "Bananas"'),
        (Environment, body("Environment", TARGET, {"phase": "Asleep"}), 'status.phase is "Asleep"'),
        (ActionRun, body("ActionRun", RUN, {"phase": "\u202e" + "x" * 99}), 'status.phase is "' + "x" * 63 + '…"'),
        (ActionRun, body("ActionRun", RUN, {"phase": {"secret": "s3cret"}}), "status.phase is of another shape"),
        (ActionRun, body("ActionRun", {**RUN, "reason": ["s3cret"]}, {}), "spec.reason is of another shape"),
    ],
)
def test_what_is_not_known_is_said(model: type[Any], made: dict[str, Any], says: str) -> None:
    error = refusal(model, made)
    assert str(error) == f"{model.__name__} team-a/one: {says}, which this version of the operator does not know"
    (stalled,) = parked_conditions(made, error, NOW) or []
    assert (stalled["type"], stalled["status"], stalled["reason"]) == ("Stalled", "True", "UnknownVersion")
    assert stalled["message"] == f"{says}, which this version of the operator does not know: upgrade the operator"
    assert stalled["observedGeneration"] == 3
    made["status"]["conditions"] = [stalled]
    assert parked_conditions(made, error, NOW) is None


def test_conditions_that_cannot_be_read_stay() -> None:
    made = body("ActionRun", RUN, {"phase": "Bananas", "conditions": [{"type": "Ready", "status": "Perhaps"}]})
    assert parked_conditions(made, refusal(ActionRun, made), NOW) is None


def test_other_conditions_stay() -> None:
    ready = {"type": "Ready", "status": "True", "reason": "Yes", "lastTransitionTime": "2026-11-24T12:00:00Z"}
    made = body("ActionRun", RUN, {"phase": "Bananas", "conditions": [ready]})
    after = parked_conditions(made, refusal(ActionRun, made), NOW) or []
    assert [each["type"] for each in after] == ["Ready", "Stalled"]


def test_a_kind_without_namespace_and_status_is_named_too() -> None:
    made = {"kind": "Action", "metadata": {"name": "one", "uid": "u1", "resourceVersion": "1"}, "spec": {"title": 5}}
    error = refusal(Action, made)
    assert str(error).startswith("Action one: spec.")
    assert parked_conditions(made, error, NOW) is not None


def test_the_index_of_open_runs_files_a_run_in_a_phase_that_nobody_knows() -> None:
    unknown = body("ActionRun", RUN, {"phase": "Bananas", "observedGeneration": 1})
    assert (open_runs.let_in(unknown), open_runs.new(unknown)) == (["dev@example.com"], [])
    assert open_runs.let_in(body("ActionRun", RUN, {"phase": "Succeeded", "observedGeneration": 1})) == []


def test_a_verdict_that_nobody_knows_holds_its_gate() -> None:
    decided = {"lead": {"verdict": "Perhaps", "decidedAt": "2026-11-24T12:00:00Z"}}
    spec = {
        "subject": {"kind": "ActionRun", "name": "one", "uid": "r1"},
        "stage": "s",
        "action": "a",
        "requestedBy": {"username": "dev"},
        "plan": {"digest": "sha256:0"},
        "policy": {"approvers": {"groups": ["g"]}, "deadline": "2026-11-24T12:00:00Z"},
        "decisions": decided,
    }
    assert 'spec.decisions.lead.verdict is "Perhaps"' in str(refusal(Approval, body("Approval", spec, {})))


def test_frames_say_where_and_never_what() -> None:
    def inner() -> None:
        raise ValueError("s3cret")

    try:
        try:
            inner()
        except ValueError as error:
            raise RuntimeError("s3cret") from error
    except RuntimeError as error:
        told = frames_of(error)
    assert "s3cret" not in told
    assert told.startswith("RuntimeError at ")
    assert "; from ValueError at " in told
    assert "core/kernel/test_parking.py:" in told
    assert frames_of(KeyError("s3cret")) == "KeyError at an unknown place"
    quiet = RuntimeError()
    quiet.__context__ = ValueError()
    assert "ValueError" in frames_of(quiet)
    quiet.__suppress_context__ = True
    assert "ValueError" not in frames_of(quiet)


def test_a_trace_has_the_words_of_our_own_exceptions_only() -> None:
    secret = "".join(("s3", "cret"))  # a traceback shows the lines of the program, and this is none of them
    try:
        try:
            raise ValueError(secret)
        except ValueError as error:
            raise UnreadableError("Action", "a", "u", "spec.x", "odd") from error
    except UnreadableError as error:
        told = trace_of(error)
    assert told.startswith("Traceback") and "spec.x" in told and "ValueError" in told and "s3cret" not in told
    quiet = RuntimeError(secret)
    quiet.__context__ = KeyError(secret)
    assert trace_of(quiet).endswith("KeyError") and "s3cret" not in trace_of(quiet)
    quiet.__suppress_context__ = True
    assert trace_of(quiet).endswith("RuntimeError")
