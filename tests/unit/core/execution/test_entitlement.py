"""What a dry run asks beside the dry run itself: an Environment's namespace, and whose an Environment is."""

from typing import Any

import pytest
from tests.builders.models import RUN_UID, effects, failed, live, manifest, planned, run, run_plan
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import RunPlan
from pratique.core.execution.dry_run import Trial, try_plan
from pratique.core.kernel.effects import AskRights, Create, Failure, ObjectRef, Stored

ENVIRONMENT = planned(
    "env",
    manifest(
        "Environment", "x", "pratique.dev/v1alpha1", spec={"ttl": "1h", "target": {"namespace": {"name": "env-x"}}}
    ),
)
TRIED = Stored(live(ENVIRONMENT.manifest, "dry"))
ITS_NAMESPACE = f"try/{ENVIRONMENT.id}/namespace"


def trial(plan: RunPlan, outcomes: dict[str, Any]) -> Trial:
    return try_plan(run(), plan, outcomes, "try")


def test_the_namespace_of_an_environment_is_tried_by_the_operator_itself() -> None:
    (effect,) = trial(run_plan(ENVIRONMENT), {f"try/{ENVIRONMENT.id}": TRIED}).effects
    assert isinstance(effect, Create)
    assert (effect.key, effect.run_as, effect.dry_run) == (ITS_NAMESPACE, None, True)
    assert (effect.manifest["kind"], effect.manifest["metadata"]["name"]) == ("Namespace", "env-x")
    assert effect.manifest["metadata"]["labels"]["pratique.dev/environment-uid"] == "dry"


HOOK = "admission webhook h does not support dry run"


@pytest.mark.parametrize(
    ("outcome", "problems"),
    [
        (Stored({}), []),
        (failed("BadRequest", HOOK), []),
        (
            failed(
                "AlreadyExists", found=live(manifest("Namespace", "env-x"), deletionTimestamp="2026-11-24T12:00:00Z")
            ),
            [],
        ),
        (
            failed("AlreadyExists", found=live(manifest("Namespace", "env-x"))),
            [
                "Environment team-a/x could not be created: its Namespace env-x exists already: choose another name",
            ],
        ),
        (
            failed("Forbidden", "names begin with corp-"),
            [
                "Environment team-a/x could not be created: its Namespace env-x could not be made: names begin with"
                " corp-"
            ],
        ),
    ],
)
def test_what_speaks_against_the_namespace_of_an_environment_is_known_before_anybody_is_asked(
    outcome: Failure | Stored, problems: list[Any]
) -> None:
    assert trial(run_plan(ENVIRONMENT), {f"try/{ENVIRONMENT.id}": TRIED, ITS_NAMESPACE: outcome}).problems == problems


EXTEND = planned("extend", manifest("Environment", "x", "pratique.dev/v1alpha1", spec={"ttl": "5d"}), patch=True)
ENV = ObjectRef("pratique.dev/v1alpha1", "Environment", "x", "team-a")
SENTENCE = "Environment team-a/x could not be changed: developer@example.com may not ask for that: "


def found(**changes: Any) -> dict[str, Any]:
    owned = {"ttl": "3d", **changes}
    return {"try/extend/find": Stored(live({**EXTEND.manifest, "spec": owned}, "e1", labels={}))}


def test_the_owner_of_an_environment_may_ask_for_its_change() -> None:
    assert effects(trial(run_plan(EXTEND), found(requestedBy="developer@example.com"))) == ["try/extend"]
    mine = live({**EXTEND.manifest, "spec": {}}, labels={"pratique.dev/run-uid": RUN_UID})
    assert effects(trial(run_plan(EXTEND), {"try/extend/find": Stored(mine)})) == ["try/extend"]


@pytest.mark.parametrize(
    ("owner", "told"),
    [("other@example.com", "it is for other@example.com"), (None, "its spec.requestedBy names nobody")],
)
def test_others_need_the_verb_that_the_api_server_is_asked_for(owner: str | None, told: str) -> None:
    known = found(**({"requestedBy": owner} if owner else {}))
    (asked,) = trial(run_plan(EXTEND), known).effects
    requester = certain(run().spec.requested_by)
    groups, who = tuple(requester.groups), requester.username
    assert asked == AskRights("try/extend/rights", who, groups, "extend", "environments", ENV)
    assert effects(trial(run_plan(EXTEND), known | {asked.key: True})) == ["try/extend"]
    refused = trial(run_plan(EXTEND), known | {asked.key: False})
    assert refused.problems == [f"{SENTENCE}{told}; it needs the RBAC verb extend on environments"]
    unknown = trial(run_plan(EXTEND), known | {asked.key: failed("Timeout", "slow", transient=True)})
    assert unknown.transient is not None


def test_a_run_that_nobody_asked_for_may_change_no_environment() -> None:
    nobody = run(spec={"requested_by": None})
    (asked,) = try_plan(nobody, run_plan(EXTEND), found(), "try").effects
    assert isinstance(asked, AskRights)
    assert (asked.username, asked.groups) == ("", ())
