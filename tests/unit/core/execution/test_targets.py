"""The object that a run acts on is found, for who may read it, and is still the same one when the run starts."""

import json
from typing import Any

import pytest
from tests.builders.models import MAKER, NOW, action, failed, live, manifest, planned, run, run_plan, running, stage
from tests.support.certain import certain

from pratique.api.v1alpha1.action import Conflict
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.api.v1alpha1.planned import DryRun, FieldChange
from pratique.api.v1alpha1.stages import Stage
from pratique.api.v1alpha1.target import PlannedTarget, Recheck
from pratique.core.execution.advance import advance
from pratique.core.execution.dry_run import try_plan, with_results
from pratique.core.execution.others import look_again
from pratique.core.execution.standing import End, Standing
from pratique.core.execution.targets import (
    TARGET,
    Again,
    Found,
    Unfit,
    check_again,
    find_target,
    is_target,
)
from pratique.core.kernel.effects import (
    EvaluateTarget,
    Failure,
    Json,
    LookAtTarget,
    MergePatch,
    ObjectRef,
    Stored,
    TargetSeen,
)
from pratique.core.kernel.identity import NOT_STAMPED
from pratique.core.plans.document import Document, document
from pratique.core.plans.summary import summarize_tried

ACTS = action(actsOn={"apiVersion": "apps/v1", "kind": "Deployment"})
ASKS = run(spec={"target_ref": {"name": "web"}})
REF = ObjectRef("apps/v1", "Deployment", "web", "team-a")
WEB = live(manifest("Deployment", "web", "apps/v1", spec={"replicas": 3}), "d1")
HIDDEN = "spec.targetRef: there is no Deployment team-a/web, or you may not read it: it takes the RBAC verb get"
WHICH: dict[str, Any] = {
    "api_version": "apps/v1",
    "kind": "Deployment",
    "namespace": "team-a",
    "name": "web",
    "uid": "d1",
}
CHECKED = PlannedTarget(**WHICH, rechecks=[Recheck(rule="target.spec.replicas == 3", message="not three")])
SCALE = planned("web", manifest("Deployment", "web", "apps/v1", spec={"replicas": 5}), patch=True)


def seen(found: Stored | Failure | None = None, *, may_get: bool = True) -> dict[str, Any]:
    return {TARGET: TargetSeen(REF, may_get, found or Stored(WEB))}


def test_it_is_looked_for_as_the_account_and_for_who_asked() -> None:
    look = certain(find_target(ASKS, ACTS, {}))
    assert isinstance(look, LookAtTarget)
    assert (look.kind, look.name, look.namespace, look.run_namespace) == ("Deployment", "web", None, "team-a")
    assert (look.run_as, look.username, look.groups) == (MAKER, "developer@example.com", ())
    nobody = run(spec={"target_ref": {"name": "web"}, "requested_by": None})
    assert find_target(nobody, ACTS, {}) == Found(), (
        "no right is asked for an empty name: the policy is missing, and said"
    )
    assert look_again(nobody, run_plan(target=CHECKED), {}) == Again(different=NOT_STAMPED)
    assert find_target(run(), ACTS, {}) == find_target(ASKS, action(), {}) == Found()


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        (seen(failed("NotFound")), HIDDEN),
        (seen(may_get=False), HIDDEN),
        (seen(failed("NotFound"), may_get=False), HIDDEN),
        (seen(failed("Forbidden", "no"), may_get=False), HIDDEN),
        (
            seen(failed("Forbidden", "no")),
            "Deployment team-a/web could not be read (as ServiceAccount pratique-actions/maker): no",
        ),
        ({TARGET: failed("UnknownKind", "no such kind")}, "spec.targetRef: no such kind"),
        ({TARGET: failed("BadRequest", "no name")}, "spec.targetRef: no name"),
    ],
)
def test_who_may_not_get_it_reads_what_they_read_if_it_is_not_there(outcomes: dict[str, Any], why: str) -> None:
    found = find_target(ASKS, ACTS, outcomes)
    assert isinstance(found, Unfit) and found.why == why
    assert look_again(ASKS, run_plan(target=CHECKED), outcomes) == Again(different=why)


def test_no_answer_is_no_verdict() -> None:
    for outcomes in ({TARGET: failed("Forbidden", "no review")}, seen(failed("Timeout", transient=True))):
        assert isinstance(find_target(ASKS, ACTS, outcomes), Failure)
        assert look_again(ASKS, run_plan(target=CHECKED), outcomes).unknown is not None


def test_it_is_found() -> None:
    assert find_target(ASKS, ACTS, seen()) == Found(WEB)


def test_at_the_start_it_must_be_the_same_object_of_which_the_conditions_say_the_same() -> None:
    plan = run_plan(target=CHECKED)
    (look,) = look_again(ASKS, plan, {}).effects
    assert isinstance(look, LookAtTarget) and look.namespace == "team-a"
    (ask,) = look_again(ASKS, plan, seen()).effects
    assert isinstance(ask, EvaluateTarget) and ask.target == WEB
    assert look_again(ASKS, plan, seen() | {ask.key: ()}) == Again()
    changed = look_again(ASKS, plan, seen() | {ask.key: ("not three", "nor four")})
    assert changed.different == "Deployment team-a/web has changed: not three; nor four"
    assert look_again(ASKS, plan, seen() | {ask.key: failed("EvaluationFailed")}).held == "no"
    replaced = Stored(live(WEB, "d2"))
    assert look_again(ASKS, plan, seen(replaced)).different == "Deployment team-a/web was deleted and made again"
    assert look_again(ASKS, run_plan(), {}) == Again()
    assert look_again(ASKS, run_plan(target=PlannedTarget(**WHICH)), seen()) == Again()


def test_which_change_of_a_plan_is_one_of_its_target() -> None:
    note = planned("note", manifest())
    again = planned("again", manifest("Deployment", "web", "apps/v1beta1"), patch=True)
    plan = run_plan(note, SCALE, again, target=CHECKED)
    assert [is_target(plan, each) for each in plan.objects] == [False, True, False]
    assert not is_target(run_plan(SCALE), SCALE)


def look(plan: RunPlan, *, found: Any = WEB, changed: Any = None) -> Standing:
    """Follow a run that changes its target, as far as what is known allows."""
    after = {**found, "spec": {"replicas": 5}}
    tried = {"before/web/find": Stored(found), "before/web": Stored(after)}
    again = {"outset": TargetSeen(REF, may_get=True, found=Stored(found)), "outset/recheck": ()}
    known: dict[str, Any] = tried | again | ({"recheck/web": changed} if changed is not None else {})
    return advance(running(plan), plan, NOW, known, NOW)


def test_the_conditions_are_held_against_the_very_version_that_is_changed() -> None:
    free, gated = run_plan(SCALE, target=CHECKED), run_plan(SCALE, target=CHECKED, gate=stage())
    for plan in (free, gated):
        (ask,) = look(plan).effects
        assert isinstance(ask, EvaluateTarget) and ask.target == WEB
        (patch,) = look(plan, changed=()).effects
        assert patch.key == "change/web"
        stopped = look(plan, changed=("not three",))
        assert (stopped.end, stopped.effects) == (End.FAILED, ())
        said = "It would not do any more what was planned: Deployment team-a/web has changed: not three"
        assert stopped.message == said
        unsure = look(plan, changed=failed("EvaluationFailed", "no"))
        assert (unsure.end, unsure.retry, unsure.message) == (None, True, "What it rests on cannot be judged: no")
    assert look(free, found=live(WEB, "d2")).message.endswith("Deployment team-a/web was deleted and made again")
    done = {**WEB, "spec": {"replicas": 5}}
    (patch,) = look(free, found=done).effects
    assert patch.key == "change/web", "done before a crash: what it has made of its target does not count against it"
    shown = [FieldChange(path="spec.replicas", before="2", after="5")]
    other = DryRun(result="Passed", target_uid="d1", changes=shown, listing="ByEntry")
    lost = look(run_plan(SCALE.model_copy(update={"dry_run": other}), target=CHECKED), changed=())
    assert "spec.replicas was 2 → 5, is 3 → 5" in lost.message
    tried = DryRun(result="Passed", target_uid="d1")
    own = run_plan(SCALE.model_copy(update={"dry_run": tried}))
    assert look(own).effects[0].key == "change/web"


def test_a_field_that_somebody_applies_is_theirs_unless_it_is_taken_by_force() -> None:
    owner = {"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    applied = live(WEB, "d1", managedFields=[owner])
    refused = look(run_plan(SCALE), found=applied)
    assert refused.message == (
        "Deployment team-a/web could not be changed: spec.replicas belongs to argocd-controller, which applies it: change"
        " it in Git; or set conflict: Force beside patch in the Action"
    )
    for conflict, keeps in ((Conflict.FORCE, True), (None, False)):
        (patch,) = look(
            run_plan(SCALE.model_copy(update={"conflict": conflict})), found=applied if keeps else WEB
        ).effects
        assert isinstance(patch, MergePatch) and patch.lets_go is keeps


def forced(*owners: str, plan: DryRun | None = None, gate: Stage | None = None) -> tuple[RunPlan, Json]:
    """Return a plan that takes replicas from whoever applies them, and the object that these apply."""
    fields: Json = {"f:spec": {"f:replicas": {}}}
    entries = [{"manager": each, "operation": "Apply", "fieldsV1": fields} for each in owners]
    scale = SCALE.model_copy(update={"conflict": Conflict.FORCE, "dry_run": plan})
    return run_plan(scale, gate=gate), live(WEB, "d1", managedFields=entries)


def test_approvers_read_what_is_taken_by_force_and_from_whom_and_the_plan_holds_it() -> None:
    plan, there = forced("helm", "argocd-controller")
    after = {**there, "spec": {"replicas": 5}}
    shown = with_results(plan, try_plan(ASKS, plan, {"try/web/find": Stored(there), "try/web": Stored(after)}, "try"))
    taken = ["spec.replicas belongs to argocd-controller", "spec.replicas belongs to helm"]
    assert shown.summary == [f"Change Deployment team-a/web: spec.replicas 3 → 5; by force: {', '.join(taken)}"]
    assert json.loads(document(shown).text)["resources"][0]["dryRun"]["forced"] == taken
    free, there = forced()
    known = {"try/web/find": Stored(there), "try/web": Stored(after)}
    assert with_results(free, try_plan(ASKS, free, known, "try")).objects[0].dry_run == REPLICAS.model_copy(
        update={"forced": []}
    )


REPLICAS = DryRun(
    result="Passed",
    target_uid="d1",
    changes=[FieldChange(path="spec.replicas", before="3", after="5")],
    listing="ByEntry",
)
"""As a plan from before holds it: from whom something is taken by force, it does not say."""
FROM_ARGO = ["spec.replicas belongs to argocd-controller"]


@pytest.mark.parametrize(
    ("approved", "owners", "news"),
    [
        (FROM_ARGO, ["argocd-controller"], None),
        (FROM_ARGO, [], None),
        (FROM_ARGO, ["argocd-controller", "helm"], "spec.replicas belongs to helm"),
        (FROM_ARGO, ["flux"], "spec.replicas belongs to flux"),
        ([], ["argocd-controller"], "spec.replicas belongs to argocd-controller"),
        (None, ["argocd-controller"], None),
    ],
)
def test_what_would_be_taken_from_somebody_else_than_was_approved_is_not_taken(
    approved: list[str] | None, owners: list[str], news: str | None
) -> None:
    tried = REPLICAS.model_copy(update={"forced": approved})
    plan, there = forced(*owners, plan=tried, gate=stage())
    at = look(Document(document(plan).text).plan, found=there)
    if news is None:
        assert [each.key for each in at.effects] == ["change/web"]
    else:
        said = f"It would not do any more what was planned: Deployment team-a/web: by force: {news}"
        assert (at.end, at.message) == (End.FAILED, said)


def test_that_it_is_by_force_is_read_however_long_the_line_is() -> None:
    name, owners = "w" * 253, [f"spec.field{index} belongs to {'m' * 40}" for index in range(9)]
    tried = REPLICAS.model_copy(update={"forced": owners, "changes": REPLICAS.changes * 16})
    change = planned("web", manifest("Deployment", name, "apps/v1"), patch=True, conflict=Conflict.FORCE)
    line = summarize_tried(change.model_copy(update={"dry_run": tried}))
    assert len(line) <= 512 and f"; by force: {owners[0]}, " in line and line.endswith("and 7 more")
    deferred = DryRun(result="Deferred", message="y" * 512)
    later = summarize_tried(change.model_copy(update={"dry_run": deferred}))
    assert len(later) <= 512 and later.endswith("; by force, whoever applies the fields")
    kind = change.model_copy(update={"dry_run": deferred, "conflict": None})
    assert "by force" not in summarize_tried(kind)


def test_the_version_that_is_changed_is_held_to_the_plan() -> None:
    """Where only the target is at hand: it is another one, or there is nothing to judge about it."""
    assert check_again(ASKS, run_plan(), WEB, {}, "it") == Again()
    gone = "Deployment team-a/web was deleted and made again"
    assert check_again(ASKS, run_plan(target=CHECKED), {"metadata": {"uid": "d2"}}, {}, "it") == Again(different=gone)
    assert check_again(ASKS, run_plan(target=PlannedTarget(**WHICH)), WEB, {}, "it") == Again()
    (ask,) = check_again(ASKS, run_plan(target=CHECKED), WEB, {}, "it").effects
    assert ask == EvaluateTarget("it", run_plan(target=CHECKED), ASKS, WEB)
