"""Puts a case to an Action, as the operator puts a request to it: the same run, the same sandbox, the same answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRef, ActionRun, ActionRunSpec, RunPlan
from pratique.api.v1alpha1.calling import Until
from pratique.api.v1alpha1.counter_offer import Offered
from pratique.api.v1alpha1.meta import ObjectMeta
from pratique.api.v1alpha1.options import OptionSource
from pratique.api.v1alpha1.people import Requester
from pratique.api.v1alpha1.planned import PlannedRequest
from pratique.api.v1alpha1.stages import Stage
from pratique.api.v1alpha1.target import ActsOn, TargetRef
from pratique.core.gates.offers import say_refused, with_offered
from pratique.core.kernel.calling import Waited
from pratique.core.kernel.effects import Json, Listed, ObjectRef, Rendered
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.form import FormField
from pratique.core.kernel.looking import key_of
from pratique.core.plans.late_values import NOTHING, fill, look_up, reads_of, source_of
from pratique.core.plans.unfolded import entry_of
from pratique.core.telling.wording import stage_phrase
from pratique.sandbox.pool import Sandbox
from pratique.testing.cases import Asked, Case, Offer, Outcome, RunName, Standing
from pratique.testing.offering import put_offer

_TARGET_UID = "00000000-0000-4000-8000-000000000001"
_SOURCE_UID = "00000000-0000-4000-8000-000000000002"
_CLUSTER_SCOPED = {
    "": ("Namespace", "Node", "PersistentVolume"),
    "apiextensions.k8s.io": ("CustomResourceDefinition",),
    "networking.k8s.io": ("IngressClass",),
    "node.k8s.io": ("RuntimeClass",),
    "rbac.authorization.k8s.io": ("ClusterRole", "ClusterRoleBinding"),
    "scheduling.k8s.io": ("PriorityClass",),
    "storage.k8s.io": ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"),
}
"""Kinds of Kubernetes' own without a namespace; of any other a case says `namespace: null`."""
SOMEONE = Requester(username="someone@example.com")


@dataclass(frozen=True)
class Later:
    """What the Action says once its objects are there: how each stands, and the outputs, or what they wait for."""

    standing: dict[str, tuple[Standing, str]]
    outputs: Rendered
    seen: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What an Action makes of a request. `error` says that it cannot be judged: the operator would leave it Pending."""

    refusals: tuple[str, ...] = ()
    plan: RunPlan | None = None
    fields: tuple[FormField, ...] = ()
    skipped: tuple[Stage, ...] = ()
    seen: tuple[tuple[str, bool], ...] = ()
    later: "Later | None" = None
    error: str | None = None
    denied: str | None = None
    """Why the last offer was not taken: all else is then as it was before."""
    offered: Offered | None = None

    @property
    def outcome(self) -> Outcome | None:
        """What becomes of it at once; None if it cannot be judged."""
        if self.error is not None:
            return None
        if self.plan is None:
            return Outcome.REFUSED
        return Outcome.HELD if self.plan.stages else Outcome.FREE

    def __str__(self) -> str:
        """Say it in one line."""
        if self.error is not None:
            return f"cannot be judged, so that the operator would hold it: {self.error}"
        if self.plan is None:
            return f"Refused: {'; '.join(self.refusals)}"
        gates = ", then ".join(f"{each.name} ({stage_phrase(each)})" for each in self.plan.stages)
        return f"Held for {gates}" if gates else "Free"


def target_of(action: Action, given: Asked, case: Case) -> Json | None:
    """Return the live object that a case acts on: what it does not say is as `given`, and its uid and the like made up."""
    acts_on, said = action.spec.acts_on, (given.target, case.target)
    if acts_on is None or said == (None, None):
        return None
    run = case.run or given.run or RunName()
    named = {"name": "example", **_space(acts_on, run.namespace), "uid": _TARGET_UID}
    made_up = {"apiVersion": acts_on.api_version, "kind": acts_on.kind, "metadata": named}
    return merged(merged(made_up, given.target or {}), case.target or {})


def listed_of(action: Action, given: Asked, case: Case) -> dict[str, tuple[Json, ...]]:
    """Return the objects that each field of the form offers; what a case does not say of one is made up.

    Each has the labels by which it is found; where it is from all namespaces, only the case can say from which one.
    """
    run, said = case.run or given.run or RunName(), {**given.options, **case.options}
    listed = {}
    for name, options in action.spec.inputs.offers.items():
        source, found = options.from_, list[Json]()
        for number, each in enumerate(said.get(name, ())):
            named: Json = {"name": f"example-{number}", "uid": f"00000000-0000-4000-9000-{number:012}"}
            named |= {} if source.all_namespaces else _space(source, source.namespace or run.namespace)
            named |= {"labels": dict(source.selector)} if source.selector else {}
            made_up = {"apiVersion": source.api_version, "kind": source.kind, "metadata": named}
            found.append(merged(made_up, each))
        listed[name] = tuple(found)
    return listed


def sources_of(given: Asked, case: Case) -> tuple[Json, ...]:
    """Return the objects in which approvers are found: what a case says of one comes before what is given."""
    return (*case.sources, *given.sources)


def find_sources(
    wanted: Sequence[ObjectRef], sources: Sequence[Json], run: ActionRun
) -> tuple[dict[str, Json], list[str]]:
    """Return the objects that are wanted, by their keys, and a sentence for each that is not there."""
    found, missing = dict[str, Json](), list[str]()
    for ref in wanted:
        space = ref.namespace or next(iter(_space(ref, run.metadata.namespace or "").values()), None)
        there = next((each for each in sources if _is(each, ref, space)), None)
        if there is None:
            name = ObjectRef(ref.api_version, ref.kind, ref.name, space)
            missing.append(f"spec.approval: who may approve is looked up in {name}, which is not there")
            continue
        named: Json = {"name": ref.name, "uid": _SOURCE_UID, **({"namespace": space} if space else {})}
        found[key_of(ref)] = merged({"apiVersion": ref.api_version, "kind": ref.kind, "metadata": named}, there)
    return found, missing


def _is(live: Json, ref: ObjectRef, space: str | None) -> bool:
    metadata = live["metadata"]
    same = (live["apiVersion"], live["kind"], metadata["name"]) == (ref.api_version, ref.kind, ref.name)
    return same and metadata.get("namespace", space) == space


def _space(source: ActsOn | OptionSource | ObjectRef, namespace: str) -> Json:
    """Return the namespace of a made-up object, if its kind has any."""
    group = source.api_version.rpartition("/")[0]
    return {} if source.kind in _CLUSTER_SCOPED.get(group, ()) else {"namespace": namespace}


def run_of(action: str, given: Asked, case: Case, target: Json | None = None) -> ActionRun:
    """Return the run of a case: what it does not say is as `given`, inputs one by one."""
    run = case.run or given.run or RunName()
    reason = case.reason if case.reason is not None else given.reason
    named = {key: (target or {}).get("metadata", {}).get(key) for key in ("namespace", "name")}
    return ActionRun(
        metadata=ObjectMeta(name=run.name, namespace=run.namespace, uid=run.uid, creation_timestamp=run.created_at),
        spec=ActionRunSpec(
            action_ref=ActionRef(name=action),
            target_ref=TargetRef.model_validate(named) if target is not None else None,
            inputs={**given.inputs, **case.inputs},
            reason=reason or "",
            requested_by=case.requester or given.requester or SOMEONE,
            on_behalf_of=case.on_behalf_of or given.on_behalf_of,
        ),
    )


async def judge(
    sandbox: Sandbox,
    action: Action,
    run: ActionRun,
    case: Case | None = None,
    target: Json | None = None,
    listed: Listed | None = None,
    sources: Sequence[Json] = (),
) -> Judgement:
    """Return what the Action makes of a run; and of its live objects, where the case says what these are like.

    `sources` are the objects in which approvers are found; whether who asks could write one, only a cluster knows.
    """
    offers, seen = case.offers if case is not None else [], list[tuple[str, bool]]()
    found = await _judge_once(sandbox, action, run, case, target, listed, sources)
    for index, offer in enumerate(offers):
        if found.plan is None:
            break
        asked = with_offered(run, found.offered)
        offered = put_offer(offer, asked, action, found.plan, found.offered)
        if isinstance(offered, str):
            found = replace(found, denied=f"offers[{index}]: {offered}")
            break
        seen += [*found.seen, *_offered_on_record(action, offer, offered)]
        found = await _judge_once(sandbox, action, run, case, target, listed, sources, offered)
    return replace(found, seen=(*seen, *found.seen))


async def _judge_once(
    sandbox: Sandbox,
    action: Action,
    run: ActionRun,
    case: Case | None,
    target: Json | None,
    listed: Listed | None,
    sources: Sequence[Json],
    offered: Offered | None = None,
) -> Judgement:
    """Judge a run, or what was offered in its place: the stage that offered is asked then in any case."""
    run, kept = with_offered(run, offered), offered.stage if offered is not None else ""
    try:
        traced = await sandbox.trace_run(action, run, target=target, listed=listed, kept=kept)
        if traced.evaluation.wanted:
            found, missing = find_sources(traced.evaluation.wanted, sources, run)
            if missing:
                return Judgement(tuple(missing), fields=traced.evaluation.fields, seen=traced.seen, offered=offered)
            traced = await sandbox.trace_run(action, run, target=target, listed=listed, sources=found, kept=kept)
        plan = traced.evaluation.plan
        later = await _look_later(sandbox, plan, run, case) if plan is not None and case is not None else None
    except EvaluationError as error:
        return Judgement(error=str(error))
    applying = {each.name for each in plan.stages} if plan is not None else set[str]()
    skipped = tuple(each for each in action.spec.approval.stages if each.name not in applying) if plan else ()
    seen = (*traced.seen, *(_on_record(action, later) if later is not None else ()))
    refusals = traced.evaluation.refusals
    if offered is not None and refusals:
        refusals = (say_refused("; ".join(refusals), offered),)
    return Judgement(refusals, plan, traced.evaluation.fields, skipped, seen, later, offered=offered)


def _offered_on_record(action: Action, offer: Offer, offered: Offered) -> Iterator[tuple[str, bool]]:
    """Yield the fields of the rule by which something was offered."""
    index = next(place for place, each in enumerate(action.spec.approval.stages) if each.name == offered.stage)
    for name in offer.inputs:
        yield f"spec.approval.stages[{index}].counterOffer.inputs.{name}", True


async def _look_later(sandbox: Sandbox, plan: RunPlan, run: ActionRun, case: Case) -> Later | None:
    """Put the live objects to the Action's rules, as the operator does at each look at a run that is under way."""
    if not case.live and case.expect.ready is None and case.expect.outputs is None:
        return None
    live = _live_objects(plan, case)
    standing, seen = dict[str, tuple[Standing, str]](), list[tuple[str, bool]]()
    for call in (each for each in plan.resources if isinstance(each, PlannedRequest)):
        answered = await _look_at_answer(sandbox, call, case)
        live[call.id] = answered.live
        seen += [(f"{call.id}.request.{what}", held) for what, held in answered.seen]
        if answered.standing is not None:
            standing[call.id] = answered.standing
    for each in plan.objects:
        if each.ready_when is None and each.failed_when is None:
            continue
        found = await sandbox.evaluate_ready(each.ready_when, live[each.id], failed_when=each.failed_when)
        seen += [(f"{each.id}.failedWhen", found.failed)] if each.failed_when is not None else []
        seen += [(f"{each.id}.readyWhen", found.ready)] if each.ready_when is not None and not found.failed else []
        state = Standing.FAILED if found.failed else Standing.READY if found.ready else Standing.WAITING
        standing[each.id] = state, found.missing
    outputs = await sandbox.evaluate_outputs(plan, run, live)
    seen += [(name, True) for name in outputs.outputs]
    return Later(standing, outputs, tuple(seen))


def _live_objects(plan: RunPlan, case: Case) -> dict[str, Json]:
    """Return the objects as they are once made; what one reads of another is filled in as far as the case says it."""
    live = dict[str, Json]()
    for each in plan.objects:
        seen = {read: look_up(live.get(source_of(read), {}), read) for read in reads_of(each)}
        filled = fill(each, {read: value for read, value in seen.items() if value is not NOTHING}) or each
        live[each.id] = merged(filled.manifest, case.live.get(each.id, {}))
    return live


@dataclass(frozen=True)
class _Answered:
    """What outputs see of a call, and where it stands if it waits."""

    live: Json
    seen: list[tuple[str, bool]]
    standing: tuple[Standing, str] | None = None


async def _look_at_answer(sandbox: Sandbox, call: PlannedRequest, case: Case) -> _Answered:
    reply = {"status": 200, "body": None, "location": "", **case.live.get(call.id, {})}
    request, seen, standing = call.request, list[tuple[str, bool]](), None
    if request.until is not None:
        waited = await sandbox.evaluate_until(request.until, reply)
        state = Standing.FAILED if waited.failed else Standing.READY if waited.done else Standing.WAITING
        standing = state, waited.missing
        seen += [(f"until.{what}", held) for what, held in _directions(request.until, waited)]
        if not waited.done:
            return _Answered({"status": reply["status"]}, seen, standing)
    kept = await sandbox.evaluate_answer(request.answer, reply)
    seen += [(f"answer.{name}", True) for name in kept]
    return _Answered({"status": reply["status"], **kept}, seen, standing)


def _directions(until: Until, waited: Waited) -> Iterator[tuple[str, bool]]:
    """Yield what was tried of `until`, and in which direction."""
    if until.failed is not None:
        yield "failed", waited.failed
    if not waited.failed:
        yield "done", waited.done
    if waited.said:
        yield "message", True


def _on_record(action: Action, later: Later) -> Iterator[tuple[str, bool]]:
    """Yield what was evaluated of live objects, with the fields that it stands in."""
    places = {each.id: index for index, each in enumerate(action.spec.execution.resources)}
    for what, held in later.seen:
        ident, _, field = what.partition(".")
        yield (
            (
                f"spec.execution.resources[{places[entry_of(ident)]}].{field}"
                if field
                else f"spec.execution.outputs.{what}"
            ),
            held,
        )


def merged(made: Json, live: Json) -> Json:
    """Return an object with what became of it: maps are merged, null takes a field away, all else is as it is later."""
    found = {key: merged(made[key], value) if _both(made.get(key), value) else value for key, value in live.items()}
    return {key: value for key, value in {**made, **found}.items() if key not in live or value is not None}


def _both(one: object, other: object) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)
