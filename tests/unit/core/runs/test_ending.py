"""What a run made for a time: a finalizer first, deleted by uid when its time is up, told, and never what is unproven."""

import json
import shlex
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.builders.models import (
    MAKER,
    NOW,
    RUN_UID,
    action,
    approval_of,
    at,
    effects,
    failed,
    live,
    manifest,
    only,
    planned,
    proven,
    run,
    run_plan,
    running,
    stage,
    tried,
    waiting,
)
from tests.support.certain import certain

from pratique.api.v1alpha1.action_run import ActionRun, ActionRunStatus, Phase, RunPlan, RunResource
from pratique.api.v1alpha1.approval import Approval, ApprovalState
from pratique.api.v1alpha1.conditions import Condition
from pratique.api.v1alpha1.notifications import DeliveryState, EventType
from pratique.api.v1alpha1.planned import PlannedTemporary, as_temporary
from pratique.core.gates.free import EVALUATE
from pratique.core.gates.guarded import VERIFY
from pratique.core.kernel.effects import (
    Create,
    Delivery,
    Evaluation,
    Failure,
    MergePatch,
    ObjectRef,
    Plan,
    Stored,
    Verified,
)
from pratique.core.kernel.ending import DeleteAs, FindToEnd, MayDelete
from pratique.core.plans.document import document
from pratique.core.plans.objects import ENDS_OBJECTS
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.telling.commands import ask_again_command
from pratique.core.telling.messages import compose_run

TTL = timedelta(hours=8)
MADE = as_temporary(planned("access", manifest("RoleBinding", "access", "rbac.authorization.k8s.io/v1")), "8h")
PLAN = run_plan(MADE)
REF = ObjectRef("rbac.authorization.k8s.io/v1", "RoleBinding", "access", "team-a")
LIVE = live(MADE.manifest, "u1", creationTimestamp="2026-11-24T12:00:00Z")
ENDS_AT = NOW + TTL
AFTER = ENDS_AT + timedelta(seconds=1)
GUARDED = {VERIFY: Verified(since=NOW - timedelta(days=1))}
"""Nobody but the operator can have written the status of a run of now."""
YOUNG = {VERIFY: Verified(since=AFTER - timedelta(minutes=1))}
"""There was a gap since."""
HELD_META: dict[str, Any] = {"finalizers": [ENDS_OBJECTS], "resource_version": "7", "creation_timestamp": NOW}
GONE = failed("NotFound")
LATER, OLD = {"creationTimestamp": "2026-11-24T13:00:00Z"}, {"creationTimestamp": "2026-11-24T11:00:00Z"}


def resource(**changes: Any) -> RunResource:
    where = {"api_version": REF.api_version, "kind": REF.kind, "namespace": "team-a", "name": "access", "uid": "u1"}
    kept = {"ready": True, "held": True, "expires_at": ENDS_AT}
    return RunResource(**{"id": "access", **where, **kept, **changes})


def ended(*resources: RunResource, meta: dict[str, Any] | None = None, **status: Any) -> ActionRun:
    """Return a run that has succeeded, with what it made for a time."""
    made = list(resources) or [resource()]
    known: dict[str, Any] = {"phase": Phase.SUCCEEDED, "resources": made, "finished_at": NOW, **status}
    return running(known.pop("plan", PLAN), meta={**HELD_META, **(meta or {})}, **known)


def look(subject: ActionRun, outcomes: dict[str, Any] | None = None, now: datetime = AFTER, **known: Any) -> Plan[Any]:
    return plan_action_run(RunSnapshot(subject, outcomes=outcomes or {}, **known), now)


def condition(status: ActionRunStatus) -> Condition:
    return next(each for each in status.conditions if each.type == "Ended")


def events(status: ActionRunStatus) -> list[EventType]:
    return list(dict.fromkeys(each.event for each in status.notifications))


class TestMaking:
    def test_the_finalizer_is_there_before_the_object(self) -> None:
        bare = running(PLAN, meta={"resource_version": "7", "finalizers": ["else"]})
        hold = only(plan_action_run(proven(bare), NOW).effects)
        assert isinstance(hold, MergePatch)
        wanted = {"finalizers": ["else", ENDS_OBJECTS], "resourceVersion": "7"}
        assert (hold.uid, hold.patch, hold.ref.name) == (RUN_UID, {"metadata": wanted}, "ten-days")

    def test_nothing_is_made_while_it_cannot_be_set(self) -> None:
        plan = plan_action_run(proven(running(PLAN), {"hold": failed("Conflict")}), NOW)
        assert (plan.effects, plan.retry, plan.status.resources) == ((), True, [])
        assert "It waits for its finalizer" in plan.status.message
        granted = waiting(run_plan(MADE, gate=stage()), status={"document": None})
        gate = approval_of(waiting(run_plan(MADE, gate=stage())), ApprovalState.APPROVED)
        outcomes = {**GUARDED, **tried(PLAN), "try/access/end": "", "action": Stored(action().to_wire())}
        known: dict[str, Any] = {"approvals": (gate,), "action": action()}
        assert effects(look(granted, outcomes, NOW, **known)) == ["hold"]
        held = look(granted, {**outcomes, "hold": failed("Conflict")}, NOW, **known)
        assert (held.status.phase, held.status.timeline) == (Phase.WAITING_FOR_APPROVAL, [])

    def test_what_stays_needs_none(self) -> None:
        assert effects(plan_action_run(proven(running()), NOW)) == ["create/made"]

    def test_its_end_is_recorded_and_shown_on_it(self) -> None:
        subject = running(PLAN, meta=HELD_META)
        create = only(plan_action_run(proven(subject), at(1)).effects)
        assert isinstance(create, Create)
        assert create.manifest["metadata"]["annotations"] == {"pratique.dev/expires-at": "2026-11-24T20:01:00Z"}
        plan = plan_action_run(proven(subject, {"create/access": Stored(LIVE)}), at(1))
        assert plan.status.phase is Phase.SUCCEEDED
        assert "RoleBinding team-a/access; ends 8h after it is made" in plan.status.message
        (made,) = plan.status.resources
        assert (made.expires_at, made.held, made.ready) == (ENDS_AT, True, True)
        assert (plan.wake_at, plan.status.settled) == (ENDS_AT - timedelta(minutes=30), None)
        told = condition(plan.status)
        assert (told.status, told.reason) == ("False", "Temporary")
        assert told.message == "RoleBinding team-a/access ends at 2026-11-24 20:00 UTC"

    def test_one_whose_making_nobody_dates_ends_by_our_clock(self) -> None:
        plan = plan_action_run(
            proven(running(PLAN, meta=HELD_META), {"create/access": Stored(live(MADE.manifest))}), at(1)
        )
        assert plan.status.resources[0].expires_at == at(1) + TTL

    def test_a_version_that_ends_nothing_cannot_read_it(self) -> None:
        (wire,) = document(PLAN).plan.to_wire()["resources"]
        assert "manifest" not in wire and (wire["expiresAfter"], wire["temporary"]) == ("8h", MADE.manifest)
        assert document(PLAN).plan.resources == [MADE]


class TestTrying:
    def test_the_account_must_be_able_to_end_it(self) -> None:
        fresh = run_plan(MADE)
        judged = {EVALUATE: Evaluation(plan=fresh)}
        bare = ActionRun.model_validate({**running().to_wire(), "status": {}})
        assert effects(look(bare, judged, NOW, action=action())) == ["try/access"]
        ask = only(look(bare, judged | tried(fresh), NOW, action=action()).effects)
        assert ask == MayDelete("try/access/end", REF, fresh.service_account_ref)
        known = judged | tried(fresh)
        lacks = {"try/access/end": "the right to delete rolebindings.rbac.authorization.k8s.io in namespace team-a"}
        waits = look(bare, known | lacks, NOW, action=action())
        assert waits.status.phase is Phase.PENDING  # a right that was just given is on its way
        refused = look(amend_status(bare, waits.status), known | lacks, NOW + timedelta(seconds=6), action=action())
        assert refused.status.phase is Phase.REFUSED
        assert (
            "it could not be ended after 8h: pratique-actions/maker lacks the right to delete" in refused.status.message
        )
        unknown = look(bare, known | {"try/access/end": failed("Timeout", transient=True)}, NOW, action=action())
        assert (unknown.retry, unknown.status.phase) == (True, Phase.PENDING)
        assert effects(look(bare, known | {"try/access/end": ""}, NOW, action=action())) == ["hold"]


def amend_status(subject: ActionRun, status: ActionRunStatus) -> ActionRun:
    return subject.model_copy(update={"status": status})


class TestItsEnd:
    def test_is_not_looked_at_before(self) -> None:
        plan = look(ended(), now=ENDS_AT - timedelta(hours=2))
        assert (plan.effects, plan.wake_at) == ((), ENDS_AT - timedelta(minutes=30))

    def test_is_announced_with_a_way_to_ask_again(self) -> None:
        soon = ENDS_AT - timedelta(minutes=29)
        plan = look(ended(), now=soon)
        assert events(plan.status) == [EventType.OBJECT_ENDING]
        assert plan.status.resources[0].warned and plan.wake_at is not None and plan.wake_at <= ENDS_AT
        entry = plan.status.notifications[0]
        assert "RoleBinding team-a/access will be deleted at 2026-11-24 20:00 UTC" in entry.message
        told = compose_run(amend_status(ended(), plan.status), None, entry)
        ((label, line),) = told.how_to_decide
        assert label == "Ask again"
        assert line.startswith("printf %s '{") and line.endswith("}' | kubectl create -f -")
        assert '"generateName":"ten-days-"' in line
        again = look(amend_status(ended(), plan.status), now=soon)
        assert len(again.status.notifications) == len(plan.status.notifications)

    def test_is_not_announced_where_it_was_there_already_or_it_is_short(self) -> None:
        late = look(ended(), GUARDED | {"end/access": failed("Timeout", transient=True)})
        assert (late.status.resources[0].warned, events(late.status)) == (True, [])
        brief = as_temporary(planned("access", MADE.manifest), "30m")
        subject = ended(resource(expires_at=at(30)), plan=run_plan(brief))
        assert look(subject, now=at(10)).status.resources[0].warned is None

    def test_deletes_by_uid_as_the_account_and_lets_the_run_go(self) -> None:
        assert effects(look(ended())) == [VERIFY]
        delete = only(look(ended(), GUARDED).effects)
        assert delete == DeleteAs("end/access", REF, "u1", MAKER)
        let_go = only(look(ended(), GUARDED | {"end/access": GONE}).effects)
        assert isinstance(let_go, MergePatch) and let_go.patch["metadata"]["finalizers"] == []
        free = ended(meta={"finalizers": []})
        plan = look(free, GUARDED | {"end/access": GONE, "let-go": Stored({})})
        (gone,) = plan.status.resources
        assert (gone.held, gone.ended_at) == (False, AFTER)
        assert (plan.status.phase, condition(plan.status).status) == (Phase.SUCCEEDED, "True")
        assert events(plan.status) == [EventType.OBJECT_ENDED]
        line = plan.status.timeline[-1]
        assert line.event == "ObjectEnded"
        assert line.message == "The time was up at 2026-11-24 20:00 UTC: RoleBinding team-a/access is gone"
        told = [each.model_copy(update={"state": DeliveryState.SENT}) for each in plan.status.notifications]
        last = look(amend_status(free, plan.status.model_copy(update={"notifications": told})))
        assert (last.effects, last.status.settled) == ((), True)

    def test_is_tried_again_if_the_finalizer_stays(self) -> None:
        plan = look(ended(), GUARDED | {"end/access": GONE, "let-go": failed("Conflict")})
        assert (plan.retry, plan.status.settled, plan.status.resources[0].held) == (True, None, False)
        assert effects(look(amend_status(ended(), plan.status))) == ["let-go"]

    def test_a_run_that_made_nothing_is_let_go_as_it_ends(self) -> None:
        taken = {"create/access": failed("AlreadyExists", found=live(manifest(), "other", labels={}))}
        subject = running(PLAN, meta=HELD_META)
        assert effects(plan_action_run(proven(subject, taken), at(1))) == ["end/find/access"]
        assert effects(plan_action_run(proven(subject, taken | {"end/find/access": GONE}), at(1))) == ["let-go"]

    def test_is_refused_and_told_once_and_tried_each_hour(self) -> None:
        lost = GUARDED | {"end/access": failed("Forbidden", "cannot delete")}
        plan = look(ended(), lost)
        assert (plan.status.resources[0].held, plan.status.resources[0].message) == (
            True,
            "it could not be ended: cannot delete",
        )
        told = condition(plan.status)
        assert (told.status, told.reason) == ("False", "NotEnded")
        assert events(plan.status) == [EventType.OBJECT_NOT_ENDED]
        assert plan.status.timeline[-1].event == "ObjectNotEnded"
        later = look(amend_status(ended(), plan.status), lost, AFTER + timedelta(hours=1))
        assert len(later.status.timeline) == len(plan.status.timeline)
        assert certain(later.wake_at) <= AFTER + timedelta(hours=2)
        assert events(later.status) == events(plan.status)

    def test_no_answer_is_no_refusal(self) -> None:
        plan = look(ended(), GUARDED | {"end/access": failed("Timeout", transient=True)})
        assert (plan.retry, events(plan.status), plan.status.resources[0].message) == (True, [], "")
        kept = look(ended(), {VERIFY: failed("Timeout", transient=True)})
        assert (kept.retry, kept.effects) == (True, ())

    @pytest.mark.parametrize(
        ("finalizers", "said"), [(["a/b"], "held by its finalizers a/b"), ([], "it goes by itself")]
    )
    def test_what_hangs_is_told_once_it_has_hung(self, finalizers: list[str], said: str) -> None:
        going = {**LIVE["metadata"], "deletionTimestamp": "2026-11-24T20:00:01Z", "finalizers": finalizers}
        left = GUARDED | {"end/access": Stored({**LIVE, "metadata": going})}
        plan = look(ended(), left)
        assert plan.status.resources[0].message == f"it is being deleted: {said}"
        assert (events(plan.status), condition(plan.status).reason) == ([], "Temporary")
        assert condition(plan.status).message == f"RoleBinding team-a/access: it is being deleted: {said}"
        hangs = look(amend_status(ended(), plan.status), left, AFTER + timedelta(minutes=1))
        assert events(hangs.status) == [EventType.OBJECT_NOT_ENDED]
        assert said in hangs.status.timeline[-1].message

    def test_what_is_told_of_one_is_told_of_each_other_and_not_again(self) -> None:
        other = as_temporary(planned("other"), "9h")
        two = [resource(), other_resource(expires_at=NOW + timedelta(hours=9))]
        subject = ended(*two, plan=run_plan(MADE, other))
        lost = GUARDED | {"end/access": failed("Forbidden", "no"), "end/other": failed("Forbidden", "never")}
        first = look(subject, lost)
        blip = {key: failed("Timeout", transient=True) for key in ("end/access", "end/other")} | GUARDED
        quiet = look(amend_status(subject, first.status), blip, AFTER + timedelta(minutes=59))
        assert (quiet.retry, condition(quiet.status).reason) == (True, "NotEnded")
        second = look(amend_status(subject, quiet.status), lost, AFTER + timedelta(hours=1))
        told = [line.message for line in second.status.timeline if line.event == "ObjectNotEnded"]
        assert [("access" in each, "other" in each) for each in told] == [(True, False), (False, True)]

    def test_its_kind_may_be_gone_too(self) -> None:
        other = {"end/find/access": failed("OtherVersion", "only v2 is served")}
        told = look(ended(phase=Phase.FAILED, resources=[]), other)
        assert (told.effects, events(told.status)) == ((), [EventType.OBJECT_NOT_ENDED])
        assert effects(look(ended(), GUARDED | {"end/access": failed("UnknownKind")})) == ["let-go"]

    def test_each_ends_at_its_own_time_the_last_first(self) -> None:
        other = as_temporary(planned("other"), "1h")
        two = [resource(), other_resource(), other_resource(id="third", uid="u3", name="third")]
        subject = ended(*two, plan=run_plan(MADE, other, as_temporary(planned("third"), "1h")))
        now = at(61)
        assert effects(look(subject, GUARDED, now)) == ["end/third"]
        refused = GUARDED | {"end/third": failed("Forbidden", "no")}
        assert effects(look(subject, refused, now)) == ["end/other"]
        plan = look(subject, refused | {"end/other": GONE}, now)
        assert [each.held for each in plan.status.resources] == [True, False, True]
        assert events(plan.status) == [EventType.OBJECT_ENDED, EventType.OBJECT_NOT_ENDED]


def other_resource(**changes: Any) -> RunResource:
    where = {"api_version": "v1", "kind": "ConfigMap", "namespace": "team-a", "name": "other", "uid": "u2"}
    return RunResource(**{"id": "other", **where, "ready": True, "held": True, "expires_at": at(60), **changes})


class TestWhileItRuns:
    def test_ends_also_then(self) -> None:
        """The run waits for another object; what has been made for a time is not kept for that."""
        slow = planned("slow", manifest("Job", "slow", "batch/v1"))
        plan = run_plan(MADE, slow, timeout="3d")
        job = live(slow.manifest, "u9")
        kept = RunResource(id="slow", api_version="batch/v1", kind="Job", namespace="team-a", name="slow", uid="u9")
        subject = running(plan, meta=HELD_META, resources=[resource(), kept])
        outcomes = {"read/slow": Stored(job), **GUARDED}
        assert effects(plan_action_run(proven(subject, outcomes), AFTER)) == ["end/access"]
        done = plan_action_run(proven(subject, outcomes | {"end/access": GONE}), AFTER)
        assert (done.status.phase, done.wake_at) == (Phase.RUNNING, AFTER)
        assert [each.held for each in done.status.resources] == [False, False]

    def test_what_was_not_ready_by_then_fails_the_run(self) -> None:
        over = resource(ready=False, held=False, ended_at=AFTER)
        subject = running(run_plan(MADE, timeout="3d"), meta=HELD_META, resources=[over])
        outcomes = {"let-go": Stored({})}
        plan = plan_action_run(proven(subject, outcomes), AFTER)
        assert plan.status.phase is Phase.FAILED
        assert plan.status.message == "RoleBinding team-a/access has ended as planned before it was ready"


class TestProof:
    """After a gap of the guard the status is not believed."""

    FREE = YOUNG | {EVALUATE: Evaluation(plan=PLAN)}

    def test_a_free_run_is_proven_by_its_action_and_the_mark(self) -> None:
        assert effects(look(ended(), YOUNG, action=action())) == [EVALUATE]
        read = only(look(ended(), self.FREE, action=action()).effects)
        assert read == FindToEnd("end/check/access", REF, MAKER)
        found = self.FREE | {"end/check/access": Stored(LIVE)}
        assert effects(look(ended(), found, action=action())) == ["end/access"]

    def test_without_proof_nothing_is_deleted_and_people_are_told(self) -> None:
        plan = look(ended(), YOUNG)
        assert plan.effects == () and condition(plan.status).reason == "NotProven"
        assert condition(plan.status).status == "Unknown"
        assert "look at it, and delete it by hand" in condition(plan.status).message
        assert events(plan.status) == [EventType.OBJECT_NOT_ENDED]
        assert certain(plan.wake_at) <= AFTER + timedelta(hours=1)
        again = look(amend_status(ended(), plan.status), YOUNG)
        assert len(again.status.timeline) == len(plan.status.timeline)

    def test_an_answer_that_does_not_come_is_no_proof(self) -> None:
        plan = look(ended(), YOUNG | {EVALUATE: failed("EvaluationFailed")}, action=action())
        assert (plan.effects, plan.retry, events(plan.status)) == ((), True, [])
        late = look(
            ended(),
            YOUNG | {EVALUATE: failed("EvaluationFailed", "busy")},
            AFTER + timedelta(minutes=1),
            action=action(),
        )
        assert (late.retry, events(late.status)) == (True, [EventType.OBJECT_NOT_ENDED])
        assert "it is not known whether this run made it" in condition(late.status).message

    def test_a_gated_run_is_proven_by_its_approval(self) -> None:
        gated = run_plan(MADE, gate=stage())
        subject, gate = gated_run(gated)
        found = YOUNG | {"end/check/access": Stored(LIVE)}
        assert effects(look(subject, found, approvals=(gate,))) == ["end/access"]
        forged = gate.model_copy(update={"spec": gate.spec.model_copy(update={"decisions": {}})})
        plan = look(subject, found, approvals=(forged,))
        assert "nobody has approved it" in condition(plan.status).message

    def test_an_approval_that_is_gone_proves_nothing_but_guard_does(self) -> None:
        gated = run_plan(MADE, gate=stage())
        subject, _ = gated_run(gated)
        plan = look(subject, YOUNG)
        assert "its Approval is gone" in condition(plan.status).message
        assert effects(look(subject, GUARDED)) == ["end/access"]

    def test_a_plan_that_no_ground_knows_proves_nothing(self) -> None:
        odd = ended(plan=run_plan(MADE, gate=stage()))
        plan = look(odd, YOUNG | {"read-gate": failed("Forbidden")})
        assert plan.effects == () and condition(plan.status).reason in ("NotProven", "Temporary")

    @pytest.mark.parametrize(
        ("found", "gone"),
        [
            (GONE, True),
            (Stored(live(MADE.manifest, "another", creationTimestamp="2026-11-24T12:00:00Z")), False),
            (Stored({**LIVE, "metadata": {**LIVE["metadata"], "uid": "u2", "labels": {}, **LATER}}), True),
            (Stored({**LIVE, "metadata": {**LIVE["metadata"], "uid": "u2", "labels": {}, **OLD}}), True),
        ],
        ids=["it is gone", "forged uid: what this run made is there", "a namesake", "an older namesake"],
    )
    def test_what_is_not_its_own_is_not_touched(self, found: Stored | Failure, gone: bool) -> None:
        outcomes = self.FREE | {"end/check/access": found}
        if gone:
            assert effects(look(ended(), outcomes, action=action())) == ["let-go"]
            return
        delete = only(look(ended(), outcomes, action=action()).effects)
        assert (delete.key, delete.uid) == ("end/access", "another")

    @pytest.mark.parametrize(("labels", "when"), [({}, {}), (LIVE["metadata"]["labels"], OLD), ({}, None)])
    def test_what_may_be_its_own_under_a_forged_uid_is_held(self, labels: Any, when: Any) -> None:
        """The uid on record was forged and the mark taken off: it is still there, so nobody may read that it is gone."""
        there = Stored({**LIVE, "metadata": {**LIVE["metadata"], "uid": "u2", "labels": labels, **(when or {})}})
        subject = ended(finished_at=None if when is None else NOW)
        plan = look(subject, self.FREE | {"end/check/access": there}, action=action())
        assert (plan.effects, plan.status.resources[0].held) == ((), True)
        assert events(plan.status) == [EventType.OBJECT_NOT_ENDED]

    def test_what_is_older_is_not_deleted_under_a_forged_uid(self) -> None:
        older = Stored({**LIVE, "metadata": {**LIVE["metadata"], **OLD}})
        plan = look(ended(), self.FREE | {"end/check/access": older}, action=action())
        assert "it was there before this run made anything" in plan.status.resources[0].message

    def test_an_end_that_was_forged_to_be_far_away_is_put_right(self) -> None:
        never = ended(resource(expires_at=NOW + timedelta(days=9000)))
        assert effects(look(never, now=at(2))) == [VERIFY]
        young = {VERIFY: Verified(since=at(1)), EVALUATE: Evaluation(plan=PLAN), "end/check/access": Stored(LIVE)}
        plan = look(never, young, at(2), action=action())
        assert (plan.effects, plan.status.resources[0].expires_at) == ((), ENDS_AT)
        guarded = look(never, GUARDED, at(2))
        assert guarded.effects == ()  # the clocks differ: it is not deleted for that

    def test_one_without_the_mark_is_held(self) -> None:
        bare = Stored({**LIVE, "metadata": {**LIVE["metadata"], "labels": None}})
        plan = look(ended(), self.FREE | {"end/check/access": bare}, action=action())
        assert "it does not carry the label pratique.dev/run-uid of this run" in plan.status.resources[0].message
        unread = look(ended(), self.FREE | {"end/check/access": failed("Forbidden")}, action=action())
        assert unread.status.resources[0].held

    def test_an_end_that_was_forged_is_put_right(self) -> None:
        early = ended(resource(expires_at=at(1)))
        young = {VERIFY: Verified(since=at(1)), EVALUATE: Evaluation(plan=PLAN), "end/check/access": Stored(LIVE)}
        plan = look(early, young, at(2), action=action())
        assert (plan.effects, plan.status.resources[0].expires_at) == ((), ENDS_AT)

    @pytest.mark.parametrize("forged", [{"id": "other"}, {"name": "admins"}, {"namespace": "kube-system"}])
    def test_what_the_plan_does_not_name_is_not_deleted(self, forged: dict[str, str]) -> None:
        subject = ended(resource(**forged))
        plan = look(subject, self.FREE | {"end/find/access": GONE}, action=action())
        assert (plan.effects, plan.status.resources[0].held) == ((), True)
        assert "it is not what the plan makes for a time" in plan.status.resources[0].message


def gated_run(plan: RunPlan) -> tuple[ActionRun, Approval]:
    """Return a run that was granted and has succeeded, whose plan is in its Approval alone, with that."""
    subject = ended(plan=plan)
    gate = approval_of(subject, ApprovalState.APPROVED)
    listed = [{"stage": "approvers", "name": gate.metadata.name, "state": "Approved"}]
    status = ActionRunStatus.model_validate({**subject.status.to_wire(), "approvals": listed})
    return amend_status(subject, status.model_copy(update={"document": None})), gate


class TestCrash:
    """Killed between making it and putting that on record."""

    def test_it_is_found_by_its_mark(self) -> None:
        subject = ended(phase=Phase.FAILED, resources=[])
        assert effects(look(subject)) == ["end/find/access"]
        plan = look(subject, {"end/find/access": Stored(LIVE)}, at(1))
        (found,) = plan.status.resources
        assert (found.uid, found.expires_at, found.held) == ("u1", ENDS_AT, True)

    def test_its_plan_and_its_start_are_on_record_before_it_is_made(self) -> None:
        """Else a free run that is deleted meanwhile would not know what it made."""
        fresh = run_plan(MADE)
        bare = running(meta=HELD_META).model_copy(update={"status": ActionRunStatus()})
        judged = {EVALUATE: Evaluation(plan=fresh), **tried(fresh), "try/access/end": ""}
        plan = look(bare, judged, at(1), action=action())
        assert (plan.effects, plan.status.phase, plan.status.started_at) == ((), Phase.RUNNING, at(1))
        begun = amend_status(bare, plan.status)
        gone = begun.model_copy(update={"metadata": begun.metadata.model_copy(update={"deletion_timestamp": at(1)})})
        found = {"end/find/access": Stored(LIVE), **SPACE, **GUARDED}
        assert effects(look(gone, found, at(1))) == ["end/access"]  # its Action may be gone as well
        killed = look(begun, found | {EVALUATE: Evaluation(plan=fresh)}, at(1))
        assert (killed.status.phase, [each.uid for each in killed.status.resources]) == (Phase.FAILED, ["u1"])

    @pytest.mark.parametrize("made", ["2026-11-24T11:59:49Z", "2026-11-24T12:03:59Z", None])
    def test_what_is_older_than_its_start_is_not_taken_for_it(self, made: str | None) -> None:
        """Somebody may label an older object with the uid of a run, to have it deleted."""
        known: dict[str, Any] = {"creationTimestamp": made} if made else {}
        old = live(MADE.manifest, "u1", **known)
        started = NOW if made is not None and made < "2026-11-24T12" else at(5)
        subject = running(PLAN, meta=HELD_META, started_at=started)
        taken = {"create/access": failed("AlreadyExists", found=old), "end/find/access": Stored(old)}
        plan = plan_action_run(proven(subject, taken | {"let-go": Stored({})}), at(6))
        assert (plan.status.phase, plan.status.resources) == (Phase.FAILED, [])
        assert "exists and was not made by this run" in plan.status.message

    def test_where_its_start_is_lost_its_own_age_counts(self) -> None:
        subject = ended(phase=Phase.FAILED, resources=[], started_at=None)
        (found,) = look(subject, {"end/find/access": Stored(LIVE)}, at(1)).status.resources
        assert found.uid == "u1"

    def test_what_others_made_is_not_taken_for_it(self) -> None:
        other = Stored({**LIVE, "metadata": {**LIVE["metadata"], "labels": {}}})
        assert effects(look(ended(phase=Phase.FAILED, resources=[]), {"end/find/access": other})) == ["let-go"]

    def test_it_is_looked_for_until_there_is_an_answer(self) -> None:
        unknown = {"end/find/access": failed("Timeout", transient=True)}
        plan = look(ended(phase=Phase.FAILED, resources=[]), unknown)
        assert (plan.effects, plan.retry) == ((), True)


def deleted(*resources: RunResource, minutes: float = 0, **known: Any) -> ActionRun:
    return ended(*resources, meta={"deletion_timestamp": at(minutes)}, **known)


SPACE = {"end/space": Stored({"metadata": {"name": "team-a"}})}
GOING = {"end/space": Stored({"metadata": {"name": "team-a", "deletionTimestamp": "2026-11-24T12:00:00Z"}})}


class TestDeletedEarly:
    def test_what_was_not_recorded_is_looked_for_until_there_is_an_answer(self) -> None:
        subject = running(PLAN, meta={**HELD_META, "deletion_timestamp": NOW})
        plan = look(subject, {"end/find/access": failed("Timeout", transient=True)}, at(60))
        assert (plan.effects, plan.after, plan.retry) == ((), (), True)

    def test_what_may_not_be_looked_for_is_told_and_does_not_hold_it_for_ever(self) -> None:
        subject = running(PLAN, meta={**HELD_META, "deletion_timestamp": NOW})
        lost = {"end/find/access": failed("Forbidden", "cannot get"), **SPACE}
        first = look(subject, lost, at(60))
        assert (events(first.status), first.after) == ([EventType.OBJECT_NOT_ENDED], ())
        assert "RoleBinding team-a/access could not be ended: cannot get" in first.status.timeline[-1].message
        tried_since = amend_status(subject, first.status)
        assert look(tried_since, lost, at(69)).status.timeline == first.status.timeline
        given_back = look(tried_since, {"end/find/access": Stored(LIVE), **SPACE, **GUARDED}, at(69))
        assert effects(given_back) == ["end/access"]
        last = look(tried_since, lost, at(70))
        assert (last.status.timeline[-1].event, last.status.resources[0].held) == ("ObjectsLeft", False)
        assert only(look(amend_status(subject, last.status), now=at(72)).after).key == "let-go"

    def test_what_nothing_knows_any_more_is_told_before_it_goes(self) -> None:
        """A namespace that goes takes the Approval, which alone says what a gated run makes, before the run."""
        begun, _ = gated_run(run_plan(MADE, gate=stage()))
        status = begun.status.model_copy(update={"phase": Phase.RUNNING, "resources": []})
        meta = begun.metadata.model_copy(update={"deletion_timestamp": NOW})
        subject = begun.model_copy(update={"metadata": meta, "status": status})
        plan = look(subject, now=at(5))
        assert (plan.after, events(plan.status)) == ((), [EventType.OBJECT_NOT_ENDED])
        assert condition(plan.status).reason == "NotProven"
        assert f"the label pratique.dev/run-uid={RUN_UID}" in plan.status.timeline[-1].message
        assert only(look(amend_status(subject, plan.status), now=at(5)).after).key == "let-go"

    def test_what_may_not_be_looked_for_is_left_to_its_namespace(self) -> None:
        subject = running(PLAN, meta={**HELD_META, "deletion_timestamp": NOW})
        plan = look(subject, {"end/find/access": failed("Forbidden"), **GOING}, at(1))
        assert (events(plan.status), plan.status.resources[0].held) == ([], False)

    def test_what_we_do_not_hold_is_left(self) -> None:
        plan = look(ended(meta={"deletion_timestamp": NOW, "finalizers": []}), now=at(1))
        assert (plan.effects, plan.after) == ((), ())

    def test_it_ends_at_once_and_then_lets_go(self) -> None:
        subject = deleted()
        assert effects(look(subject, now=at(1))) == ["end/space"]
        assert effects(look(subject, SPACE, at(1))) == [VERIFY]
        assert effects(look(subject, SPACE | GUARDED, at(1))) == ["end/access"]
        plan = look(subject, SPACE | GUARDED | {"end/access": GONE}, at(1))
        assert (plan.wake_at, events(plan.status)) == (at(1), [EventType.OBJECT_ENDED])
        assert "The run was deleted: RoleBinding team-a/access is gone" in plan.status.timeline[-1].message
        after = amend_status(subject, plan.status)
        waits = look(after, now=at(1))
        assert (waits.after, waits.effects) == ((), ())
        let_go = only(look(after, now=at(3)).after)
        assert isinstance(let_go, MergePatch) and let_go.patch["metadata"]["finalizers"] == []

    def test_it_is_let_go_in_a_look_that_writes_nothing(self) -> None:
        told = look(deleted(), SPACE | GUARDED | {"end/access": GONE}, at(1))
        subject = amend_status(deleted(), told.status)
        delivered = {each.id: Delivery(sent=True) for each in told.status.notifications}
        plan = look(subject, now=at(1), deliveries=delivered)
        assert (plan.after, plan.wake_at) == ((), at(1))
        assert only(look(amend_status(subject, plan.status), now=at(1)).after).key == "let-go"

    def test_also_while_it_runs(self) -> None:
        subject = running(PLAN, meta={**HELD_META, "deletion_timestamp": NOW})
        assert effects(look(subject, now=at(1))) == ["end/find/access"]
        found = {"end/find/access": Stored(LIVE), **SPACE, **GUARDED}
        assert effects(look(subject, found, at(1))) == ["end/access"]

    def test_a_refusal_keeps_it_and_is_told(self) -> None:
        refused = SPACE | GUARDED | {"end/access": failed("Forbidden", "no right")}
        plan = look(deleted(), refused, at(30))
        assert (events(plan.status), plan.status.resources[0].held) == ([EventType.OBJECT_NOT_ENDED], True)
        assert certain(plan.wake_at) <= at(31)

    def test_in_a_namespace_that_goes_its_own_objects_are_left_to_it(self) -> None:
        plan = look(deleted(), GOING, at(1))
        assert (plan.effects, plan.status.resources[0].held) == ((), False)
        assert plan.status.resources[0].message == "left to its namespace, which is being deleted"
        assert effects(look(deleted(resource(namespace=None)), {"end/space": GONE} | GUARDED, at(1))) == ["end/access"]

    def test_it_is_looked_at_again_while_that_is_not_known(self) -> None:
        plan = look(deleted(), {"end/space": failed("Timeout", transient=True)}, at(1))
        assert (plan.effects, plan.retry) == ((), True)

    @pytest.mark.parametrize("space", [GOING, {"end/space": GONE}])
    def test_a_namespace_that_goes_is_not_held_for_long(self, space: dict[str, Any]) -> None:
        far = resource(namespace="elsewhere")
        refused = space | GUARDED | {"end/access": failed("Forbidden", "no right")}
        first = look(deleted(far), refused, at(60))  # who was off meanwhile has not tried
        assert (first.status.resources[0].held, first.status.ending_since) == (True, at(60))
        tried_since = amend_status(deleted(far), first.status)
        assert look(tried_since, refused, at(69)).status.resources[0].held
        plan = look(tried_since, refused, at(70))
        assert (plan.status.resources[0].held, plan.status.timeline[-1].event) == (False, "ObjectsLeft")
        assert events(plan.status) == [EventType.OBJECT_NOT_ENDED]
        assert only(look(amend_status(deleted(far), plan.status), now=at(72)).after).key == "let-go"

    def test_what_cannot_be_proven_does_not_hold_it_for_ever(self) -> None:
        unproven = SPACE | {VERIFY: failed("NotGuarded", transient=True)}
        first = look(deleted(), unproven, at(30))
        assert (first.status.resources[0].held, first.status.ending_since) == (True, at(30))
        tried_since = amend_status(deleted(), first.status)
        for no_answer in (failed("Timeout", transient=True), Verified(gap="it was changed", since=NOW)):
            waits = look(tried_since, SPACE | {VERIFY: no_answer}, at(50))
            assert (waits.status.resources[0].held, waits.status.ending_since) == (True, at(30))
        answered = look(tried_since, SPACE | GUARDED | {"end/access": failed("Forbidden")}, at(39))
        assert answered.status.ending_since is None
        plan = look(tried_since, unproven, at(40))
        assert "it cannot be proven that this run made it" in plan.status.timeline[-1].message
        assert plan.status.resources[0].held is False


def test_what_people_wrote_means_nothing_in_the_command_to_ask_again() -> None:
    """It goes to services whose markup nobody knows here, and is sent as it stands."""
    hostile = "hi @everyone <!channel> [renew](https://evil.example) `x` && y"
    asked = ended()
    asked = asked.model_copy(update={"spec": asked.spec.model_copy(update={"reason": hostile})})
    line = ask_again_command(asked)
    sent = json.loads(shlex.split(line)[2])
    assert sent["spec"]["reason"] == hostile
    assert not set("<>@[]`&") & set(line.rpartition(" | ")[0])


def test_the_command_to_ask_again_is_whole_or_not_there() -> None:
    assert ask_again_command(ended()).startswith("printf %s '{")
    long = run(spec={"inputs": {"text": "x" * 2000}})
    assert ask_again_command(long) == ""
    for_somebody = run(spec={"on_behalf_of": {"username": "ann@example.com"}})
    assert ask_again_command(for_somebody) == ""


def test_one_that_a_version_before_has_written_anew_gets_its_end_again() -> None:
    lost = ended(resource(expires_at=None))
    assert effects(look(lost, now=at(1))) == ["end/find/access"]
    plan = look(lost, {"end/find/access": Stored(LIVE)}, at(1))
    assert [(each.expires_at, each.held) for each in plan.status.resources] == [(ENDS_AT, True)]
    assert effects(look(lost, {"end/find/access": GONE}, at(1))) == ["let-go"]
    kept = look(lost, {"end/find/access": failed("Timeout", transient=True)}, at(1))
    assert ([each.held for each in kept.status.resources], kept.retry) == ([True], True)
    refused = look(lost, {"end/find/access": failed("Forbidden")}, at(1))
    assert ([each.held for each in refused.status.resources], refused.retry) == ([True], False)
    assert (events(refused.status), condition(refused.status).reason) == ([EventType.OBJECT_NOT_ENDED], "NotEnded")
    assert refused.wake_at == at(61)


def test_it_is_a_temporary_object_by_its_class() -> None:
    assert isinstance(MADE, PlannedTemporary)
    assert MADE.model_copy(update={"ready_when": "true"}).expires_after == "8h"
