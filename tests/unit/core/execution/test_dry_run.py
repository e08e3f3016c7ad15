"""Dry runs of a plan: what is asked of the API server, what its answers mean, what waits for an earlier object."""

from typing import Any

import pytest
from tests.builders.models import MAKER, RUN_UID, effects, failed, live, manifest, planned, run, run_plan
from tests.support.certain import certain

from pratique.api.v1alpha1.action import Lists
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.api.v1alpha1.planned import DryRun, DryRunResult, FieldChange, PlannedResource
from pratique.core.execution.dry_run import Trial, try_plan, with_results, without_results
from pratique.core.kernel.effects import Create, Failure, MergePatch, ObjectRef, Read, Stored
from pratique.core.plans.document import document
from pratique.core.plans.summary import summarize_tried

ONE, TWO = planned("one"), planned("two")
DEPLOYMENT = manifest("Deployment", "web", "apps/v1", spec={"replicas": 10})
SCALE = planned("scale", DEPLOYMENT, patch=True)
REF = ObjectRef("apps/v1", "Deployment", "web", "team-a")
MISSING = failed("NotFound", 'namespaces "env-x" not found')
NO_RIGHT = failed("Forbidden", 'configmaps is forbidden: User "x" cannot create resource "configmaps" in API group ""')


def trial(plan: RunPlan, outcomes: dict[str, Any] | None = None, **options: Any) -> Trial:
    return try_plan(run(), plan, outcomes or {}, "try", **options)


def shown(plan: Any, outcomes: Any) -> Any:
    return [
        (planned.id, tried.dry_run.result.value if tried.dry_run else certain(tried.problem).reason)
        for planned, tried in (trial(plan, outcomes).tried)
    ]


def scaled(before: int, after: int = 10, uid: str = "d1") -> dict[str, object]:
    found = live({**DEPLOYMENT, "spec": {"replicas": before, "secret": "not ours to show"}}, uid)
    changed = live({**DEPLOYMENT, "spec": {"replicas": after, "secret": "not ours to show"}}, uid)
    return {"try/scale/find": Stored(found), "try/scale": Stored(changed)}


def test_all_objects_are_tried_side_by_side_under_the_account() -> None:
    asked = trial(run_plan(ONE, TWO, SCALE)).effects
    assert asked == (
        Create("try/one", ONE.manifest, MAKER, dry_run=True),
        Create("try/two", TWO.manifest, MAKER, dry_run=True),
        Read("try/scale/find", REF, MAKER),
    )
    found = {"try/scale/find": scaled(3)["try/scale/find"]}
    assert trial(run_plan(SCALE), found).effects == (
        MergePatch("try/scale", REF, "d1", DEPLOYMENT, MAKER, dry_run=True, by_entry=True),
    )


def test_what_is_made_is_not_tried_again() -> None:
    assert effects(trial(run_plan(ONE, TWO), made={"one"})) == ["try/two"]


def test_a_change_shows_what_becomes_of_the_fields_that_are_set() -> None:
    plan = with_results(run_plan(SCALE), trial(run_plan(SCALE), scaled(3)))
    (resource,) = plan.resources
    assert (certain(resource.dry_run).result, certain(resource.dry_run).target_uid) == (DryRunResult.PASSED, "d1")
    assert [each.to_wire() for each in certain(resource.dry_run).changes] == [
        {"path": "spec.replicas", "before": "3", "after": "10"}
    ]
    assert plan.summary == ["Change Deployment team-a/web: spec.replicas 3 → 10"]
    assert "not ours" not in str(plan.to_wire())
    assert document(plan).digest != document(run_plan(SCALE)).digest
    assert document(without_results(plan)) == document(run_plan(SCALE))


def test_a_change_that_changes_nothing_says_so() -> None:
    plan = with_results(run_plan(SCALE), trial(run_plan(SCALE), scaled(10)))
    assert plan.summary == ["Change Deployment team-a/web: nothing, it is so already"]


def test_what_the_cluster_makes_of_a_new_object_is_shown() -> None:
    image = planned("pod", manifest("Pod", "web", spec={"image": "web:1"}))
    answer = live({**image.manifest, "spec": {"image": "mirror/web:1", "injected": True}})
    plan = with_results(run_plan(image), trial(run_plan(image), {"try/pod": Stored(answer)}))
    assert plan.summary == ['Pod team-a/web (the cluster makes of it: spec.image "web:1" → "mirror/web:1")']


def test_without_a_dry_run_the_line_is_the_plain_one() -> None:
    assert summarize_tried(ONE) == "ConfigMap team-a/one"


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (failed("Forbidden", "no rights"), "ConfigMap team-a/one could not be created: no rights"),
        (failed("Invalid", "spec.x: no"), "ConfigMap team-a/one could not be created: spec.x: no"),
        (MISSING, 'ConfigMap team-a/one could not be created: namespaces "env-x" not found'),
        (failed("AlreadyExists"), "ConfigMap team-a/one exists and was not made by this run: choose another name"),
        (
            failed("AlreadyExists", found=live(ONE.manifest, labels={"pratique.dev/run-uid": "another"})),
            "ConfigMap team-a/one exists and was not made by this run: choose another name",
        ),
    ],
)
def test_what_is_refused_is_a_problem_at_once(outcome: Failure, sentence: str) -> None:
    found = trial(run_plan(ONE), {"try/one": outcome})
    assert (found.problems, found.transient, found.begun) == ([sentence], None, False)


def test_what_this_run_made_before_a_crash_is_no_problem() -> None:
    exists = failed("AlreadyExists", found=live(ONE.manifest, labels={"pratique.dev/run-uid": RUN_UID}))
    found = trial(run_plan(ONE), {"try/one": exists})
    assert (found.problems, found.begun) == ([], True)


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        ({"try/scale/find": failed("NotFound", "no web")}, "Deployment team-a/web could not be changed: no web"),
        (scaled(3) | {"try/scale": failed("Forbidden", "no")}, "Deployment team-a/web could not be changed: no"),
    ],
)
def test_a_change_that_is_refused(outcomes: dict[str, Any], sentence: str) -> None:
    assert trial(run_plan(SCALE), outcomes).problems == [sentence]


def test_many_problems_are_told_at_a_glance() -> None:
    many = [planned(f"o{at}") for at in range(9)]
    found = trial(run_plan(*many), {f"try/{each.id}": failed("Invalid", "x" * 100) for each in many}).problems
    assert len(found) == 4 and found[-1] == "and 6 more"


@pytest.mark.parametrize(
    "outcomes",
    [
        {"try/scale/find": failed("Timeout", "slow", transient=True)},
        scaled(3) | {"try/scale": failed("Conflict", "Precondition failed: UID in precondition: a")},
        scaled(3)
        | {"try/scale": failed("Conflict", 'Operation cannot be fulfilled on resourcequotas "busy": changed')},
    ],
)
def test_no_answer_is_no_verdict(outcomes: dict[str, Any]) -> None:
    found = trial(run_plan(SCALE), outcomes)
    assert found.transient is not None


ENVIRONMENT = planned(
    "env",
    manifest(
        "Environment", "x", "pratique.dev/v1alpha1", spec={"ttl": "1h", "target": {"namespace": {"name": "env-x"}}}
    ),
)
NAMESPACE = planned("space", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "env-x"}})
DEFINITION = planned(
    "crd",
    {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Thing"}},
    },
)
TENANT = planned("tenant", manifest("Tenant", "x", "capsule.example.com/v1"))
INSIDE = planned("inside", {**manifest(name="inside"), "metadata": {"name": "inside", "namespace": "env-x"}})
THING = planned("inside", manifest("Thing", "t", "example.com/v1"))
MADE_LATER = planned("inside", {**DEPLOYMENT, "metadata": {"name": "made", "namespace": "team-a"}}, patch=True)
MADE = planned("made", {**DEPLOYMENT, "metadata": {"name": "made", "namespace": "team-a"}})
UNKNOWN = failed("UnknownKind", "no kind Thing")


def passed(each: PlannedResource) -> dict[str, Any]:
    return {f"try/{each.id}": Stored(live(each.manifest)), f"try/{each.id}/namespace": Stored({})}


@pytest.mark.parametrize(
    ("maker", "needs", "outcome", "why"),
    [
        (ENVIRONMENT, INSIDE, MISSING, "Environment team-a/x makes its namespace first"),
        (ENVIRONMENT, INSIDE, NO_RIGHT, "Environment team-a/x makes its namespace first"),
        (NAMESPACE, INSIDE, MISSING, "Namespace env-x makes its namespace first"),
        (DEFINITION, THING, UNKNOWN, "CustomResourceDefinition things.example.com makes its kind first"),
        (MADE, MADE_LATER, failed("NotFound"), "Deployment team-a/made is made first"),
        (TENANT, INSIDE, MISSING, "Tenant team-a/x may make its namespace first"),
    ],
)
def test_what_an_earlier_object_makes_is_deferred(
    maker: PlannedResource, needs: PlannedResource, outcome: Failure, why: str
) -> None:
    key = "try/inside/find" if needs.patch else "try/inside"
    plan = run_plan(maker, needs)
    found = trial(plan, passed(maker) | {key: outcome})
    assert (found.problems, found.transient) == ([], None)
    _, tried = found.tried[1]
    assert (certain(tried.dry_run).result, certain(tried.dry_run).message) == (DryRunResult.DEFERRED, why)
    assert with_results(plan, found).summary[1].endswith(f"(not checked yet: {why})")
    # once the maker is there, or if it comes later, nothing is deferred
    assert trial(plan, {key: outcome}, made={maker.id}).problems
    assert trial(run_plan(needs, maker), passed(maker) | {key: outcome}).problems


@pytest.mark.parametrize(
    ("maker", "needs", "outcome"),
    [
        (ENVIRONMENT, ONE, failed("NotFound", 'namespaces "team-a" not found')),
        (ENVIRONMENT, INSIDE, failed("Invalid")),
        (NAMESPACE.model_copy(update={"patch": True}), INSIDE, MISSING),
        (DEFINITION, planned("inside", manifest("Other", "t", "example.com/v1")), UNKNOWN),
        (NAMESPACE, THING, UNKNOWN),
        (MADE, SCALE, failed("NotFound")),
        (TENANT, INSIDE, failed("NotFound", "something else")),
        (TENANT, INSIDE, failed("Forbidden")),
        (planned("role", manifest("Role", "r", "rbac.authorization.k8s.io/v1")), INSIDE, MISSING),
    ],
)
def test_what_no_earlier_object_makes_is_refused(
    maker: PlannedResource, needs: PlannedResource, outcome: Failure
) -> None:
    key = f"try/{needs.id}/find" if needs.patch else f"try/{needs.id}"
    before = passed(maker) | {f"try/{maker.id}/find": Stored(live(NAMESPACE.manifest))}
    assert trial(run_plan(maker, needs), before | {key: outcome}).problems


def test_a_webhook_that_takes_no_dry_runs_defers_it() -> None:
    words = 'admission webhook "x.example.com" does not support dry run'
    found = trial(run_plan(ONE), {"try/one": failed("BadRequest", words)})
    assert certain(found.tried[0][1].dry_run).message == "an admission webhook of this cluster takes no dry runs"


# ---- lists

PODS = manifest("Deployment", "web", "apps/v1", spec={"containers": [{"name": "web", "image": "web:2"}]})
LIVE = manifest(
    "Deployment", "web", "apps/v1", spec={"containers": [{"name": "web", "image": "web:1"}, {"name": "proxy"}]}
)
MERGED = manifest(
    "Deployment", "web", "apps/v1", spec={"containers": [{"name": "web", "image": "web:2"}, {"name": "proxy"}]}
)
IMAGE = planned("scale", PODS, patch=True)
REPLACED = IMAGE.model_copy(update={"lists": Lists.REPLACE})
LOSES = (
    "Deployment team-a/web could not be changed: spec.containers would lose proxy: write out in the template what must"
    " stay, or set lists: Replace beside patch in the Action if it should go"
)


def answers(after: dict[str, Any], *, replaced: bool) -> dict[str, Any]:
    return {"try/scale/find": Stored(live(LIVE)), "try/scale": Stored(live(after), whole_lists=replaced)}


@pytest.mark.parametrize("replaced", [True, False])
def test_a_change_that_would_take_entries_out_of_a_list_is_refused(replaced: bool) -> None:
    assert trial(run_plan(IMAGE), answers(PODS, replaced=replaced)).problems == [LOSES]


def test_a_list_that_is_merged_shows_what_changes_in_it() -> None:
    plan = run_plan(IMAGE)
    shown = with_results(plan, trial(plan, answers(MERGED, replaced=False)))
    assert shown.summary == ['Change Deployment team-a/web: spec.containers[web].image "web:1" → "web:2"']
    assert certain(shown.resources[0].dry_run).listing == "ByEntry"


def test_a_list_that_the_action_replaces_shows_what_goes_first() -> None:
    plan = run_plan(REPLACED)
    (patch,) = trial(plan, {"try/scale/find": Stored(live(LIVE))}).effects
    assert isinstance(patch, MergePatch) and not patch.by_entry
    shown = with_results(plan, trial(plan, answers(PODS, replaced=True)))
    gone = 'spec.containers: proxy is removed, spec.containers[web].image "web:1" → "web:2"'
    assert shown.summary == [f"Change Deployment team-a/web: {gone}"]


def test_what_nobody_can_compare_is_not_changed() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    change = planned("scale", manifest("Thing", "t", "example.com/v1", spec=[{"name": "a"}]), patch=True)
    before = manifest("Thing", "t", "example.com/v1", spec=[{"name": "a", "deep": deep}])
    after = manifest("Thing", "t", "example.com/v1", spec=[{"name": "a", "deep": deep[0]}])
    known = {"try/scale/find": Stored(live(before)), "try/scale": Stored(live(after), whole_lists=True)}
    assert "nested too deeply" in trial(run_plan(change), known).problems[0]


def test_of_many_losses_three_are_told() -> None:
    lists = {f"l{n}": ["x"] for n in range(5)}
    change = planned("scale", manifest("Thing", "t", "example.com/v1", spec=lists), patch=True)
    before = manifest("Thing", "t", "example.com/v1", spec={key: ["y"] for key in lists})
    known = {
        "try/scale/find": Stored(live(before)),
        "try/scale": Stored(live(change.manifest), whole_lists=True),
    }
    (said,) = trial(run_plan(change), known).problems
    assert "spec.l0 would lose y, spec.l1 would lose y, spec.l2 would lose y, and 2 more: write out" in said


HELD_SINCE = DryRun(
    result="Passed",
    target_uid="u1",
    changes=[FieldChange(path="spec.containers[0].image", before='"web:1"', after='"web:2"')],
)


def test_what_waits_since_the_last_version_is_merged_and_listed_as_then() -> None:
    """What was approved is a list that takes the place of another; where that takes something out, it is refused now."""
    alone = manifest("Deployment", "web", "apps/v1", spec={"containers": [{"name": "web", "image": "web:1"}]})
    plan = run_plan(IMAGE.model_copy(update={"dry_run": HELD_SINCE}))
    (patch,) = trial(plan, {"try/scale/find": Stored(live(alone))}).effects
    assert isinstance(patch, MergePatch) and not patch.by_entry
    known = {"try/scale/find": Stored(live(alone)), "try/scale": Stored(live(PODS), whole_lists=True)}
    assert trial(plan, known).tried[0][1].dry_run == HELD_SINCE
    assert trial(plan, answers(PODS, replaced=True)).problems == [LOSES]


def test_a_new_object_that_waits_since_the_last_version_is_listed_as_then() -> None:
    held = DryRun(result="Passed", changes=[FieldChange(path="data", before='["a"]', after='["a", "b"]')])
    one = planned("one", manifest(data=["a"]), dry_run=held)
    stored = {"try/one": Stored(live(manifest(data=["a", "b"])))}
    assert trial(run_plan(one), stored).tried[0][1].dry_run == held
    assert certain(trial(run_plan(one.model_copy(update={"dry_run": None})), stored).tried[0][1].dry_run).changes == []


def test_a_summary_that_is_too_long_says_how_much_more_there_is() -> None:
    long = planned("scale", manifest("Thing", "t", spec={f"{'k' * 60}{n}": 1 for n in range(12)}), patch=True)
    known = {
        "try/scale/find": Stored(live(manifest("Thing", "t"))),
        "try/scale": Stored(live(long.manifest)),
    }
    (line,) = with_results(run_plan(long), trial(run_plan(long), known)).summary
    assert (len(line) <= 512, line[-12:]) == (True, ", and 6 more")


@pytest.mark.parametrize(
    "words", ["map: map[image:x] does not contain declared merge key: name", "unknown patch type: x"]
)
def test_a_template_that_names_no_entry_is_refused_though_the_api_server_says_that_it_failed(words: str) -> None:
    known = {"try/scale/find": Stored(live(LIVE)), "try/scale": failed("InternalError", words)}
    found = trial(run_plan(IMAGE), known)
    assert found.transient is None
    assert found.problems[0].endswith(
        "each entry of a list in the template must have the field that names it, such as name"
    )
