"""Tries a plan before anybody is asked, and again before it starts: server-side dry runs under the account that runs it.

What the API server refuses is known at once. What an earlier object of the plan makes cannot be there yet: that is
`Deferred`, and tried once it is. Pure; called by `lifecycle`, `start` and `execution`. It decides nothing about the run.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.api.v1alpha1.planned import (
    DryRun,
    DryRunResult,
    Planned,
    PlannedDeletion,
    PlannedRequest,
    PlannedResource,
)
from pratique.core.execution.adoption import is_made_by, ref_of, uid_of
from pratique.core.execution.deleting import try_deletion
from pratique.core.execution.ending import try_end
from pratique.core.execution.entitlement import check_rights
from pratique.core.execution.namespace_trial import try_namespace
from pratique.core.execution.outgoing import outgoing_of
from pratique.core.execution.patching import Seen, is_listed_as_first, look_for, show_passed, try_change
from pratique.core.execution.prerequisites import is_custom_before, provider
from pratique.core.execution.vanishing import as_sent
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.calling import TryCall
from pratique.core.kernel.effects import (
    AnyEffect,
    AskRights,
    Create,
    Failure,
    ObjectRef,
    Outcomes,
    Read,
    Stored,
    object_of,
)
from pratique.core.kernel.text import clean
from pratique.core.plans.changes import changes_of_new
from pratique.core.plans.deletions import line_of_deletion, ref_of_deletion
from pratique.core.plans.first_changes import first_changes
from pratique.core.plans.late import without_late
from pratique.core.plans.late_values import fill
from pratique.core.plans.listing import list_changes
from pratique.core.plans.objects import without_secrets
from pratique.core.plans.requests import line_of_call, name_of_step
from pratique.core.plans.rollback import with_rollback
from pratique.core.plans.summary import MAX_LINE, settings, summarize_tried

_ENOUGH = 300
_READS = "it reads what is not there yet"
_UNFILLED = ("AlreadyExists", "NotFound", "UnknownKind")
"""What is answered to a new object whatever its values are: its name is taken; its namespace, or its kind, is not there."""
_CHANGING = (Cause.CHANGED, Cause.REPLACED)
"""The answers when an object was changed or replaced between the look for it and its dry run."""


@dataclass(frozen=True)
class Tried:
    """What the dry run of one object showed; `problem` if it was refused, `begun` if this run has made it already.

    `given_by` says which object that is there already gives what it lacks: that may be on its way.
    """

    dry_run: DryRun | None = None
    problem: Failure | None = None
    begun: bool = False
    given_by: str | None = None


@dataclass(frozen=True)
class _Around:
    """The other objects of the plan: those before this one that are not made yet or still to go, and those that are."""

    account: ServiceAccountRef
    there: Sequence[PlannedResource]
    earlier: list[PlannedResource] = field(default_factory=list)
    going: set[ObjectRef] = field(default_factory=set)
    rolls_back: bool = False


@dataclass(frozen=True)
class Trial:
    """The dry runs of a plan: `effects` that must come first, or what each object showed, by its id."""

    effects: tuple[AnyEffect, ...] = ()
    tried: tuple[tuple[Planned, Tried], ...] = ()

    @property
    def begun(self) -> bool:
        """Whether an object of the plan is there, made by this very run before a crash."""
        return any(tried.begun for _, tried in self.tried)

    @property
    def transient(self) -> Failure | None:
        """The first failure that may pass: nothing is known then."""
        return next((each.problem for _, each in self.tried if each.problem and each.problem.transient), None)

    @property
    def failures(self) -> list[Failure]:
        """What was refused."""
        return [tried.problem for _, tried in self.tried if tried.problem]

    @property
    def given(self) -> bool:
        """Whether all that is lacking is given by objects that are there: it may be on its way."""
        refused = [tried for _, tried in self.tried if tried.problem]
        return bool(refused) and all(tried.given_by for tried in refused)

    @property
    def problems(self) -> list[str]:
        """What was refused, as sentences: so many as people read at a glance, and how many more there are."""
        told: list[str] = []
        refused = [(planned, tried.problem) for planned, tried in self.tried if tried.problem]
        for planned, problem in refused:
            if told and sum(map(len, told)) > _ENOUGH:
                return [*told, f"and {len(refused) - len(told)} more"]
            told.append(_sentence(planned, problem))
        return told


def try_plan(
    run: ActionRun,
    plan: RunPlan,
    outcomes: Outcomes,
    what: str,
    made: Iterable[str] = (),
    going: Collection[str] = (),
) -> Trial:
    """Return the dry runs of all objects but those that are `made`; `what` tells apart several trials in one look.

    `going` are deletions among the `made` whose objects are still there.
    """
    made = set(made)
    there = [each for each in plan.objects if each.id in made]
    around = _Around(plan.service_account_ref, there, rolls_back=plan.rolls_back)
    needed: list[AnyEffect] = []
    tried: list[tuple[Planned, Tried]] = []
    for planned in plan.resources:
        if planned.id in made:
            if isinstance(planned, PlannedDeletion) and planned.id in going:
                around.going.add(ref_of_deletion(planned))
            continue
        key = f"{what}/{planned.id}"
        if isinstance(planned, PlannedRequest):
            shown = _try_call(run, plan, planned, around, outcomes, key)
        elif isinstance(planned, PlannedDeletion):
            shown = _try_deletion(run, planned, around, outcomes, key)
            around.going.add(ref_of_deletion(planned))
        else:
            shown = _try(run, planned, around, outcomes, key)
            around.earlier.append(planned)
        if isinstance(shown, Tried):
            tried.append((planned, shown))
        else:
            needed.append(shown)
    return Trial(effects=tuple(needed)) if needed else Trial(tried=tuple(tried))


def with_results(plan: RunPlan, trial: Trial) -> RunPlan:
    """Return the plan as approvers see it: with what its dry runs showed, and that in its summary."""
    shown = [_with_result(planned, tried.dry_run) for planned, tried in trial.tried]
    lines = dict(zip((each.id for each in plan.resources), plan.summary, strict=False))
    summary = [_line(each, lines.get(each.id)) for each in shown]
    return amend(plan, resources=shown, summary=with_rollback(summary, plan))


def without_results(plan: RunPlan) -> RunPlan:
    """Return the plan as it was evaluated."""
    bare = [_with_result(each, None) for each in plan.resources]
    return amend(plan, resources=bare)


def _with_result(planned: Planned, found: DryRun | None) -> Planned:
    match planned:
        case PlannedRequest():
            return amend(planned, dry_run=found)
        case PlannedDeletion():
            return amend(planned, dry_run=found)
        case _:
            return amend(planned, dry_run=found)


def _line(planned: Planned, line: str | None) -> str:
    if isinstance(planned, PlannedResource):
        return summarize_tried(planned, line)
    if isinstance(planned, PlannedDeletion):
        return line_of_deletion(planned)
    line, tried = line or line_of_call(planned.request), planned.dry_run
    deferred = tried is not None and tried.result is DryRunResult.DEFERRED
    return clean(f"{line} (not checked yet: {tried.message})", MAX_LINE) if tried is not None and deferred else line


def _try_call(
    run: ActionRun, plan: RunPlan, planned: PlannedRequest, around: _Around, outcomes: Outcomes, key: str
) -> Tried | AnyEffect:
    """Look whether a call could be made, which sends nothing. What its Secret holds, an earlier object may make first."""
    outgoing = outgoing_of(run, plan, planned)
    look = TryCall(key, replace(outgoing, url=without_late(outgoing.url)))
    could = look.outcome(outcomes)
    if could is None:
        return look
    if not isinstance(could, Failure):
        return Tried(DryRun(result=DryRunResult.PASSED))
    if around.earlier and could.cause in (Cause.MISSING, Cause.RIGHTS):
        why = f"{name_of_step(around.earlier[0])} may make first what it needs: {could.message}"
        return Tried(DryRun(result=DryRunResult.DEFERRED, message=clean(why, 512)))
    return Tried(problem=could)


def _try_deletion(
    run: ActionRun, planned: PlannedDeletion, around: _Around, outcomes: Outcomes, key: str
) -> Tried | AnyEffect:
    seen = try_deletion(run, planned, around.account.username, outcomes, key)
    if isinstance(seen, DryRun):
        return Tried(seen)
    return Tried(problem=may_pass(seen)) if isinstance(seen, Failure) else seen


def _may_change(
    run: ActionRun, planned: PlannedResource, found: Stored | Failure | None, outcomes: Outcomes, key: str
) -> AskRights | Failure | None:
    """Return what must be asked first, or why who asked may not have it changed; what is not there is nobody's."""
    if not isinstance(found, Stored):
        return None
    return check_rights(run, ref_of(planned.manifest), "extend", found.object, outcomes, f"{key}/rights")


def _try(run: ActionRun, planned: PlannedResource, around: _Around, outcomes: Outcomes, key: str) -> Tried | AnyEffect:
    account, filled = around.account.username, fill(planned, run.status.late)
    sent = filled or planned
    if not planned.patch:
        create = Create(key, as_sent(sent), account, dry_run=True)
        made = create.outcome(outcomes)
        if made is None:
            return create
        if filled is None:
            return _shown_unfilled(run, planned, around, made, outcomes, key)
        return _shown(run, sent, around, made, outcomes, key)
    find = look_for(planned, account, key)
    found = find.outcome(outcomes)
    asked = _may_change(run, planned, found, outcomes, key)
    if asked is not None:
        return Tried(problem=asked) if isinstance(asked, Failure) else asked
    if filled is None and isinstance(found, Stored):
        return Tried(DryRun(result=DryRunResult.DEFERRED, message=_READS, target_uid=uid_of(found.object)))
    seen = try_change(sent, account, outcomes, key)
    if isinstance(seen, Seen):
        return Tried(seen.dry_run)
    return _refused(planned, around, seen, outcomes, key) if isinstance(seen, Failure) else seen


def _shown_unfilled(
    run: ActionRun,
    planned: PlannedResource,
    around: _Around,
    made: Stored | Failure,
    outcomes: Outcomes,
    key: str,
) -> Tried | AnyEffect:
    """Judge of what still reads what others will say its name, the rights to it and its end: those are known already."""
    is_known = isinstance(made, Failure) and (
        made.transient or made.reason in _UNFILLED or made.cause in (Cause.RIGHTS, Cause.TERMINATING)
    )
    shown = _shown(run, planned, around, made if is_known else Stored(planned.manifest), outcomes, key)
    if not isinstance(shown, Tried) or shown.problem is not None or shown.dry_run is None or shown.begun:
        return shown
    if shown.dry_run.result is DryRunResult.DEFERRED:
        return shown
    return Tried(DryRun(result=DryRunResult.DEFERRED, message=_READS))


def _shown(
    run: ActionRun,
    planned: PlannedResource,
    around: _Around,
    made: Stored | Failure,
    outcomes: Outcomes,
    key: str,
) -> Tried | AnyEffect:
    if not isinstance(made, Failure):
        inside = try_namespace(planned.manifest, made.object, outcomes, f"{key}/namespace")
        if inside is not None:
            return Tried(problem=inside) if isinstance(inside, Failure) else inside
        endless = try_end(planned, around.account, outcomes, f"{key}/end", rolls_back=around.rolls_back)
        if endless is not None:
            return _refused(planned, around, endless, outcomes, key) if isinstance(endless, Failure) else endless
        sent, stored = settings(as_sent(planned)), without_secrets(made.object)
        old = is_listed_as_first(planned)
        shown = first_changes(sent, sent, stored) if old else list_changes(changes_of_new(sent, stored))
        return Tried(show_passed(shown, old=old))
    if made.reason == "AlreadyExists" and is_made_by(run, planned, object_of(made)):
        return Tried(DryRun(result=DryRunResult.PASSED), begun=True)
    if made.reason == "AlreadyExists" and ref_of(planned.manifest) in around.going:
        return Tried(DryRun(result=DryRunResult.DEFERRED, message="the one that has its name is deleted first"))
    return _refused(planned, around, made, outcomes, key)


def _refused(
    planned: PlannedResource, around: _Around, failure: Failure, outcomes: Outcomes, key: str
) -> Tried | AnyEffect:
    """Return that it cannot be tried yet, where an earlier object makes what is missing, or why it is refused."""
    if failure.cause is Cause.NO_DRY_RUN:
        why: str | None = "an admission webhook of this cluster takes no dry runs"
    else:
        why = provider(planned, around.earlier, failure, around.account)
    custom = is_custom_before(around.earlier) if failure.cause is Cause.RIGHTS else None
    space = planned.manifest["metadata"].get("namespace")
    if why is None and custom is not None and space:
        look = Read(f"{key}/space", ObjectRef("v1", "Namespace", space))
        seen = look.outcome(outcomes)
        if seen is None:  # nobody has a right in a namespace that is not there yet
            return look
        if isinstance(seen, Failure) and seen.reason == "NotFound":
            why = f"{custom} may make its namespace first"
    if why is not None:
        return Tried(DryRun(result=DryRunResult.DEFERRED, message=clean(why, 512)))
    failure = may_pass(failure)
    given_by = provider(planned, around.there, failure, around.account, there=True)
    if given_by is None and failure.cause is Cause.RIGHTS:
        given_by = is_custom_before(around.there)  # its controller makes the namespace, and then the rights in it
    return Tried(problem=failure, given_by=given_by)


def may_pass(failure: Failure) -> Failure:
    """Return the failure; one that says no more than that the object was changed at the same moment, may pass."""
    return replace(failure, transient=True) if failure.cause in _CHANGING else failure


def _sentence(planned: Planned, failure: Failure) -> str:
    name = name_of_step(planned)
    if isinstance(planned, PlannedRequest):
        return f"{name} could not be sent: {failure.message}"
    if isinstance(planned, PlannedDeletion):
        if failure.reason == "NotFound":
            return f"{name} is not there: there is nothing to delete"
        return f"{name} could not be deleted: {failure.message}"
    if failure.reason == "AlreadyExists":
        return f"{name} exists and was not made by this run: choose another name"
    verb = "changed" if planned.patch else "created"
    return f"{name} could not be {verb}: {failure.message}"
