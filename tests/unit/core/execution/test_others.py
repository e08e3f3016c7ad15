"""What a request rests on is looked at as its account, for who may read it, and once more when it starts."""

from typing import Any

import pytest
from tests.builders.models import action, failed, run, run_plan

from pratique.api.v1alpha1.options import ChosenObject, Options, PlannedChoice, PlannedChoices
from pratique.api.v1alpha1.target import PlannedTarget
from pratique.core.execution.awaiting import Step
from pratique.core.execution.others import find_others, look_again
from pratique.core.execution.outset import answer_of
from pratique.core.execution.targets import Again, Found, Unfit
from pratique.core.kernel.effects import (
    EvaluateTarget,
    Failure,
    Json,
    Listing,
    ListOptions,
    LookAtTarget,
    ObjectRef,
    Stored,
    TargetSeen,
)
from pratique.core.kernel.limits import MAX_OFFERED_BYTES

SOURCE = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "catalogue"}
FIELDS = {"size": {"options": {"from": SOURCE}}, "region": {"options": {"from": SOURCE}}}
SCHEMA = {"type": "object", "properties": {"size": {"type": "string"}, "region": {"type": "string", "default": "eu"}}}
ACTS = {"apiVersion": "v1", "kind": "ConfigMap"}
OFFERS = action(inputs={"schema": SCHEMA, "fields": FIELDS})
ONE: Json = {"metadata": {"name": "small", "uid": "u1"}}
REF = ObjectRef("v1", "ConfigMap", "x", "team-a")
LIVE: Json = {"metadata": {"name": "x", "uid": "t1"}}
CHOICES = PlannedChoices(
    fields=[
        PlannedChoice(
            field="size",
            options=Options.model_validate({"from": SOURCE}),
            chosen=[ChosenObject(value="small", name="small", uid="u1")],
        )
    ]
)


def listing(found: Any = (ONE,), *, may_list: bool = True, too_many: str = "", size: int = 0) -> Listing:
    return Listing("objects of kind ConfigMap in namespace catalogue", may_list, found, too_many, size)


def asks(**inputs: Any) -> Any:
    return run(spec={"inputs": inputs, "target_ref": {"name": "x"}})


def test_only_a_field_that_is_filled_in_is_looked_up() -> None:
    found = find_others(asks(), OFFERS, {})
    assert isinstance(found, tuple)
    (only,) = found
    assert isinstance(only, ListOptions) and only.key == "options/region"
    assert (only.run_as, only.run_namespace, only.source.namespace) == (
        "system:serviceaccount:pratique-actions:maker",
        "team-a",
        "catalogue",
    )
    both = find_others(asks(size="small"), OFFERS, {})
    assert isinstance(both, tuple) and [each.key for each in both] == ["options/size"]
    rest = find_others(asks(size="small"), OFFERS, {"options/size": listing(size=1000)})
    assert isinstance(rest, tuple) and [each.key for each in rest] == ["options/region"], "one after the other"
    assert isinstance(rest[0], ListOptions) and rest[0].room == MAX_OFFERED_BYTES - 1000, "within what is left"
    plain = action(inputs={"schema": SCHEMA})
    assert find_others(asks(size="small"), plain, {}) == Found()
    worked_out = action(
        inputs={"fields": {"size": {**FIELDS["size"], "default": "'small'"}, "note": {"visible": "true"}}}
    )
    computed = find_others(asks(), worked_out, {})
    assert isinstance(computed, tuple) and [each.key for each in computed] == ["options/size"]
    bare = action(inputs={"fields": {"size": FIELDS["size"]}})
    assert find_others(asks(), bare, {}) == Found()
    none = {"type": "object", "properties": {"size": {"type": "array", "items": {"type": "string"}, "default": []}}}
    assert find_others(asks(), action(inputs={"schema": none, "fields": {"size": FIELDS["size"]}}), {}) == Found()


def test_target_and_options_are_looked_at_side_by_side() -> None:
    acting = action(inputs={"schema": SCHEMA, "fields": FIELDS}, actsOn=ACTS)
    found = find_others(asks(), acting, {})
    assert isinstance(found, tuple) and [type(each) for each in found] == [LookAtTarget, ListOptions]
    seen = {"target": TargetSeen(REF, may_get=True, found=Stored(LIVE)), "options/region": listing()}
    assert find_others(asks(), acting, seen) == Found(LIVE, {"region": (ONE,)})
    hidden = seen | {"target": TargetSeen(REF, may_get=False, found=Stored(LIVE))}
    assert isinstance(find_others(asks(), acting, hidden), Unfit)


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (
            listing(may_list=False),
            "it offers objects of kind ConfigMap in namespace catalogue, which you may not list: it",
        ),
        (
            listing(failed("NotFound"), may_list=False),
            "it offers objects of kind ConfigMap in namespace catalogue, which",
        ),
        (failed("UnknownKind", "the cluster has no kind X"), "the cluster has no kind X"),
        (failed("BadRequest", "Node is not in a namespace"), "Node is not in a namespace"),
        (listing(failed("Forbidden", "no")), "could not be listed (as ServiceAccount pratique-actions/maker): no"),
    ],
)
def test_what_cannot_be_offered_is_said_of_the_field(seen: Any, found: str) -> None:
    unfit = find_others(asks(), OFFERS, {"options/region": seen})
    assert isinstance(unfit, Unfit) and unfit.why.startswith("spec.inputs.region: ") and found in unfit.why
    plan = run_plan(choices=CHOICES)
    again = look_again(asks(), plan, {"target/options/size": seen})
    assert again.different is not None and again.different.startswith("spec.inputs.size: ")


def test_too_many_stop_a_request_and_not_what_was_granted() -> None:
    seen = listing((), too_many="there are more than 500 objects")
    unfit = find_others(asks(), OFFERS, {"options/region": seen})
    fact = "there are more than 500 objects"
    assert isinstance(unfit, Unfit)
    assert unfit.why == f"spec.inputs.region: {fact}: the Action has to narrow options.from.selector"
    again = look_again(asks(), run_plan(choices=CHOICES), {"target/options/size": seen})
    held = f"spec.inputs.size: {fact}; delete some of them, or take it back and ask again"
    assert again == Again(held=held)
    waits = answer_of(again)
    assert waits is not None and waits.step is Step.RETRIES
    assert waits.message == f"What it rests on cannot be judged: {held}"


@pytest.mark.parametrize("seen", [failed("Timeout", transient=True), listing(failed("Timeout", transient=True))])
def test_no_answer_is_no_verdict(seen: Any) -> None:
    assert isinstance(find_others(asks(), OFFERS, {"options/region": seen}), Failure)
    assert look_again(asks(), run_plan(choices=CHOICES), {"target/options/size": seen}).unknown is not None


def test_what_was_chosen_is_judged_again_at_the_start() -> None:
    plan = run_plan(choices=CHOICES)
    (look,) = look_again(asks(), plan, {}).effects
    assert isinstance(look, ListOptions) and look.key == "target/options/size"
    seen: dict[str, Any] = {look.key: listing()}
    (ask,) = look_again(asks(), plan, seen).effects
    assert ask == EvaluateTarget("target/recheck", plan, asks(), None, {"size": (ONE,)})
    assert look_again(asks(), plan, seen | {ask.key: ()}) == Again()
    assert look_again(asks(), plan, seen | {ask.key: ("gone", "dear")}).different == "gone; dear"
    assert look_again(asks(), plan, seen | {ask.key: failed("EvaluationFailed")}).held == "no"
    nobody = run(spec={"requested_by": None})
    assert [each.key for each in look_again(nobody, plan, {}).effects] == ["target/recheck"], (
        "which finds nothing offered"
    )


def test_a_target_that_was_replaced_needs_no_judgement_of_choices() -> None:
    target = PlannedTarget(api_version="v1", kind="ConfigMap", namespace="team-a", name="x", uid="other")
    plan = run_plan(choices=CHOICES, target=target)
    seen = {"target": TargetSeen(REF, may_get=True, found=Stored(LIVE)), "target/options/size": listing()}
    assert look_again(asks(), plan, seen).different == "ConfigMap team-a/x was deleted and made again"
