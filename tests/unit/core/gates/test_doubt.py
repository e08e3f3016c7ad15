"""Which gates are asked anew after a gap: those that may be forged and that still matter, also where a status is odd."""

from typing import Any

import pytest

from pratique.core.gates.doubt import doubt, may_be_forged

DECIDED = {"lead@example.com": {"verdict": "Approve"}}


def approval(state: str | None, *, decisions: Any = None, generation: int | None = 1) -> dict[str, Any]:
    metadata = {} if generation is None else {"generation": generation}
    spec = {"subject": {"kind": "ActionRun"}} | ({"decisions": decisions} if decisions else {})
    body: dict[str, Any] = {"metadata": metadata, "spec": spec}
    return body if state is None else {**body, "status": {"state": state}}


def of(*phases: str | None) -> list[dict[str, Any]]:
    return [{"status": None} if phase is None else {"status": {"phase": phase}} for phase in phases]


@pytest.mark.parametrize(
    ("gate", "runs", "forged"),
    [
        (approval(None), of("WaitingForApproval"), False),
        (approval("Pending", generation=None), of("WaitingForApproval"), False),
        (approval("Pending", decisions=DECIDED), [], True),
        (approval(None, decisions=DECIDED), of("WaitingForApproval"), True),
        (approval("Pending", generation=2), of("WaitingForApproval"), True),
        (approval("Approved"), of("WaitingForApproval"), True),
        (approval("Approved"), of(None), True),
        (approval("Declined"), of("Pending"), True),
        (approval("Expired"), of("Running", "WaitingForApproval"), True),
        (approval("Approved"), of("Running"), False),
        (approval("Approved"), [], False),
        (approval("Withdrawn", decisions=DECIDED, generation=3), of("WaitingForApproval"), False),
        (approval("Superseded", decisions=DECIDED, generation=3), of("WaitingForApproval"), False),
        (approval("OfALaterVersion"), of("WaitingForApproval"), True),
        (approval("Approved"), of("OfALaterVersion"), False),
    ],
)
def test_a_gate_is_in_doubt_if_it_may_be_forged_and_still_matters(
    gate: dict[str, Any], runs: list[dict[str, Any]], forged: bool
) -> None:
    assert may_be_forged(gate, runs) is forged


@pytest.mark.parametrize(
    ("state", "settled", "forged"),
    [
        (None, None, False),
        ("Approved", None, True),
        ("Approved", True, False),
        ("Declined", None, True),
        ("Superseded", None, False),
    ],
)
def test_a_signature_is_in_doubt_whatever_its_run_does_until_all_is_said_of_it(
    state: str | None, settled: bool | None, forged: bool
) -> None:
    review = approval(state)
    review["spec"]["purpose"] = "Review"
    if state is not None:
        review["status"] |= {} if settled is None else {"settled": settled}
    for runs in (of("Running"), of("Succeeded"), of("WaitingForApproval"), []):
        assert may_be_forged(review, runs) is forged


@pytest.mark.parametrize(
    ("held", "forged"), [([], True), (["gate"], True), (["gate-2"], False)], ids=["none yet", "this one", "a later one"]
)
def test_an_offer_is_in_doubt_until_its_run_has_asked_for_it(held: list[str], forged: bool) -> None:
    offered = {**approval("Offered"), "metadata": {"name": "gate", "generation": 2}}
    status = {"phase": "WaitingForApproval", "approvals": [{"name": each} for each in held]}
    assert may_be_forged(offered, [{"status": status}]) is forged
    assert not may_be_forged(offered, of("Running"))


def test_the_doubt_says_what_happened_and_what_follows() -> None:
    assert "for 3 s" in doubt("a policy was gone for 3 s") and doubt("x").endswith("What was decided does not count")
