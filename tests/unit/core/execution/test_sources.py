"""An object that names approvers counts only if nobody who asks can write it; what gives no answer is no verdict."""

from typing import Any

import pytest
from tests.builders.models import failed, run

from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.core.execution.sources import look_at_sources
from pratique.core.execution.targets import Unfit
from pratique.core.kernel.effects import Failure, Json, ObjectRef, Stored
from pratique.core.kernel.looking import Asker, Power, SourceSeen, key_of

ACCOUNT = ServiceAccountRef(namespace="makers", name="maker")
SPACE, MAP = ObjectRef("v1", "Namespace", "team-a"), ObjectRef("v1", "ConfigMap", "owners")
THERE = ObjectRef("v1", "ConfigMap", "owners", "team-a")
LIVE: Json = {"metadata": {"name": "owners"}}
WHERE = "spec.approval: who may approve is looked up in"


def look(map_: Any, space: Any = None, **spec: Any) -> Any:
    outcomes = {
        f"source/{key_of(SPACE)}": space or SourceSeen(SPACE, None, Stored({})),
        f"source/{key_of(MAP)}": map_,
    }
    known = {key: each for key, each in outcomes.items() if each is not None}
    return look_at_sources(run(spec=spec), ACCOUNT, (SPACE, MAP), known)


def seen(found: Any = None, power: Power | None = None) -> SourceSeen:
    return SourceSeen(THERE, power, found or Stored(LIVE))


def test_all_are_looked_at_side_by_side_for_everybody_who_asks() -> None:
    todo: Any = look_at_sources(run(spec={"on_behalf_of": {"username": "ann"}}), ACCOUNT, (SPACE, MAP), {})
    first, second = todo
    assert (first.ref, second.ref, second.run_as) == (SPACE, MAP, ACCOUNT.username)
    requester, person = second.askers
    assert requester.username == "developer@example.com" and second.run_namespace == "team-a"
    assert person == Asker("ann", ("system:authenticated",))
    (only,) = look(None)
    assert only.ref == MAP
    unknown: Any = look_at_sources(run(spec={"requested_by": None}), ACCOUNT, (SPACE, MAP), {})
    assert [each.askers for each in unknown] == [(), ()]


def test_what_is_there_and_sound_is_known_by_its_key() -> None:
    assert look(seen()) == {key_of(SPACE): {}, key_of(MAP): LIVE}


FORBIDDEN = failed("Forbidden", 'configmaps "owners" is forbidden: User "x" cannot get resource "configmaps"')


@pytest.mark.parametrize(
    ("map_", "sentence"),
    [
        (
            seen(power=Power("dev", "patch configmaps")),
            f"{WHERE} ConfigMap team-a/owners, and dev asks and may patch configmaps, so they could name their own"
            " approver: let somebody ask who may not, or take another object in the Action",
        ),
        (
            seen(failed("NotFound")),
            f"{WHERE} ConfigMap team-a/owners, which is not there (as ServiceAccount makers/maker)",
        ),
        (
            seen(Failure("TooLarge", "ConfigMap team-a/owners has more than 524288 bytes")),
            f"{WHERE} ConfigMap team-a/owners, which could not be read (as ServiceAccount makers/maker): ConfigMap"
            " team-a/owners has more than 524288 bytes",
        ),
        (failed("UnknownKind", "the cluster has no kind X"), f"{WHERE} ConfigMap owners: the cluster has no kind X"),
    ],
)
def test_why_it_is_not_believed_is_said_with_the_object(map_: Any, sentence: str) -> None:
    found = look(map_)
    assert isinstance(found, Unfit) and found.why == sentence


def test_a_right_of_the_account_may_be_on_its_way() -> None:
    found = look(seen(FORBIDDEN))
    assert isinstance(found, Unfit) and found.failure == FORBIDDEN and "could not be read" in found.why


@pytest.mark.parametrize(
    "map_", [failed("Timeout", "slow", transient=True), seen(failed("Timeout", "slow", transient=True))]
)
def test_no_answer_is_no_verdict_unless_there_is_one_already(map_: Any) -> None:
    found = look(map_)
    assert isinstance(found, Failure) and found.message == "slow"
    verdict = look(map_, SourceSeen(SPACE, Power("dev", "update namespaces"), Stored({})))
    assert isinstance(verdict, Unfit) and "may update namespaces" in verdict.why
