"""Tries a plan before anybody is asked, and again before it starts: server-side dry runs under the account that runs it.

What the API server refuses is known at once. What an earlier object of the plan makes cannot be there yet: that is
`Deferred`, and tried once it is. Pure; called by `lifecycle`, `start` and `execution`. It decides nothing about the run.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pratique.api.v1alpha1 import GROUP
from pratique.api.v1alpha1.action_run import ActionRun, DryRun, DryRunResult, PlannedResource, RunPlan
from pratique.core.adoption import is_made_by, ref_of, uid_of
from pratique.core.changes import changes
from pratique.core.digest import plan_digest
from pratique.core.effects import Create, Effect, Failure, Json, MergePatch, Outcome, Outcomes, Read
from pratique.core.objects import without_secrets
from pratique.core.summary import name_of, settings, summarize_tried
from pratique.core.text import clean
from pratique.core.vanishing import as_sent

_NO_DRY_RUNS = "does not support dry run"
"""The API server's own words for an admission webhook that cannot say what it would do."""
_CHANGING = ("Conflict",)
"""The answer when an object was replaced between the look for it and its dry run."""


@dataclass(frozen=True)
class Tried:
    """What the dry run of one object showed; `problem` if it was refused, `begun` if this run has made it already."""

    dry_run: DryRun | None = None
    problem: Failure | None = None
    begun: bool = False


@dataclass(frozen=True)
class Trial:
    """The dry runs of a plan: `effects` that must come first, or what each object showed, by its id."""

    effects: tuple[Effect, ...] = ()
    tried: tuple[tuple[PlannedResource, Tried], ...] = ()

    @property
    def begun(self) -> bool:
        """Whether an object of the plan is there, made by this very run before a crash."""
        return any(tried.begun for _, tried in self.tried)

    @property
    def transient(self) -> Failure | None:
        """The first failure that may pass: nothing is known then."""
        return next((each.problem for _, each in self.tried if each.problem and each.problem.transient), None)

    @property
    def problems(self) -> list[str]:
        """What was refused, as sentences."""
        return [_sentence(planned, tried.problem) for planned, tried in self.tried if tried.problem]


def try_plan(run: ActionRun, plan: RunPlan, outcomes: Outcomes, what: str, made: Iterable[str] = ()) -> Trial:
    """Return the dry runs of all objects but those that are `made`; `what` tells apart several trials in one look."""
    account = plan.service_account_ref.username
    needed: list[Effect] = []
    tried: list[tuple[PlannedResource, Tried]] = []
    earlier: list[PlannedResource] = []
    for planned in plan.resources:
        if planned.id in made:
            continue
        shown = _try(run, planned, earlier, account, outcomes, f"{what}/{planned.id}")
        if isinstance(shown, Tried):
            tried.append((planned, shown))
        else:
            needed.append(shown)
        earlier.append(planned)
    return Trial(effects=tuple(needed)) if needed else Trial(tried=tuple(tried))


def with_results(plan: RunPlan, trial: Trial) -> RunPlan:
    """Return the plan as approvers see it: with what its dry runs showed, in its summary and in its digest."""
    shown = [planned.model_copy(update={"dry_run": tried.dry_run}) for planned, tried in trial.tried]
    tried = plan.model_copy(update={"resources": shown, "summary": [summarize_tried(each) for each in shown]})
    return tried.model_copy(update={"digest": plan_digest(tried)})


def without_results(plan: RunPlan) -> RunPlan:
    """Return the plan as it was evaluated, with the digest that it had then."""
    bare = [each.model_copy(update={"dry_run": None}) for each in plan.resources]
    evaluated = plan.model_copy(update={"resources": bare})
    return evaluated.model_copy(update={"digest": plan_digest(evaluated)})


def _try(
    run: ActionRun, planned: PlannedResource, earlier: list[PlannedResource], account: str, outcomes: Outcomes, key: str
) -> Tried | Effect:
    if not planned.patch:
        outcome = outcomes.get(key)
        if outcome is None:
            return Create(key, as_sent(planned), account, dry_run=True)
        return _shown(run, planned, earlier, outcome)
    ref = ref_of(planned.manifest)
    found = outcomes.get(f"{key}/find")
    if found is None:
        return Read(f"{key}/find", ref, account)
    if found.failure is not None:
        return _refused(planned, earlier, found.failure)
    uid = uid_of(found.object or {})
    changed = outcomes.get(key)
    if changed is None:
        return MergePatch(key, ref, uid, planned.manifest, account, dry_run=True)
    if changed.failure is not None:
        return _refused(planned, earlier, changed.failure)
    before, after = without_secrets(found.object or {}), without_secrets(changed.object or {})
    listed = changes(settings(planned.manifest), before, after)
    return Tried(DryRun(result=DryRunResult.PASSED, target_uid=uid, changes=listed))


def _shown(run: ActionRun, planned: PlannedResource, earlier: list[PlannedResource], outcome: Outcome) -> Tried:
    if outcome.failure is None:
        sent = as_sent(planned)
        listed = changes(settings(sent), sent, without_secrets(outcome.object or {}))
        return Tried(DryRun(result=DryRunResult.PASSED, changes=listed))
    if outcome.failure.reason == "AlreadyExists" and is_made_by(run, planned, outcome.object):
        return Tried(DryRun(result=DryRunResult.PASSED), begun=True)
    return _refused(planned, earlier, outcome.failure)


def _refused(planned: PlannedResource, earlier: list[PlannedResource], failure: Failure) -> Tried:
    """Return that it cannot be tried yet, where an earlier object makes what is missing, or why it is refused."""
    why = None
    if _NO_DRY_RUNS in failure.message:
        why = "an admission webhook of this cluster takes no dry runs"
    elif failure.reason in ("NotFound", "UnknownKind", "Forbidden"):
        why = _made_by_an_earlier_one(planned, earlier, failure)
    if why is not None:
        return Tried(DryRun(result=DryRunResult.DEFERRED, message=clean(why, 512)))
    if failure.reason in _CHANGING:
        failure = Failure(failure.reason, failure.message, transient=True)
    return Tried(problem=failure)


def _made_by_an_earlier_one(planned: PlannedResource, earlier: list[PlannedResource], failure: Failure) -> str | None:
    """Say which earlier object makes what this one needs: its namespace, its kind, or the very object to be changed."""
    made = [each.manifest for each in earlier if not each.patch]
    space = planned.manifest["metadata"].get("namespace")
    for manifest in made:
        if space and space in _namespaces_of(manifest):
            return f"{name_of(manifest)} makes its namespace first"
        if failure.reason == "UnknownKind" and _defines(manifest, planned.manifest):
            return f"{name_of(manifest)} makes its kind first"
        if failure.reason == "NotFound" and planned.patch and ref_of(manifest) == ref_of(planned.manifest):
            return f"{name_of(manifest)} is made first"
    custom = next((each for each in made if _is_custom(each)), None)
    if failure.reason == "NotFound" and custom is not None and f'namespaces "{space}" not found' in failure.message:
        return f"{name_of(custom)} may make its namespace first"
    return None


def _namespaces_of(manifest: Json) -> tuple[str, ...]:
    """Return the namespaces that an object is known to make."""
    if manifest["kind"] == "Namespace" and manifest["apiVersion"] == "v1":
        return (str(manifest["metadata"]["name"]),)
    if manifest["kind"] == "Environment" and manifest["apiVersion"].startswith(f"{GROUP}/"):
        target = manifest.get("spec", {}).get("target", {})
        return (str(target.get("namespace", {}).get("name", "")),)
    return ()


def _defines(manifest: Json, other: Json) -> bool:
    if manifest["kind"] != "CustomResourceDefinition":
        return False
    spec = manifest.get("spec", {})
    group = str(other["apiVersion"]).rpartition("/")[0]
    return (spec.get("group"), spec.get("names", {}).get("kind")) == (group, other["kind"])


def _is_custom(manifest: Json) -> bool:
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    return "." in group and group != GROUP and not group.endswith(".k8s.io")


def _sentence(planned: PlannedResource, failure: Failure) -> str:
    if failure.reason == "AlreadyExists":
        return f"{name_of(planned.manifest)} exists and was not made by this run: choose another name"
    verb = "changed" if planned.patch else "created"
    return f"{name_of(planned.manifest)} could not be {verb}: {failure.message}"
