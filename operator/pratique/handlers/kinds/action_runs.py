"""ActionRuns: looked at with their Action and the gate that they follow."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from pydantic import ValidationError

from pratique.api.v1alpha1 import Action, ActionRun, Approval
from pratique.api.v1alpha1.action_run import Phase
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.api.v1alpha1.notifications import Notification
from pratique.cluster.store import Name, Store, name_of
from pratique.core.gates.entries import choose_followed
from pratique.core.kernel.effects import Deliveries, Json, Outcomes
from pratique.core.kernel.parking import explain
from pratique.core.plans.objects import ENDS_OBJECTS
from pratique.core.runs.open_runs import OpenRuns, is_let_in
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.telling.envelope import put_in_envelope
from pratique.core.telling.messages import Message, compose_run
from pratique.handlers import open_runs
from pratique.handlers.kinds.base import UNSETTLED, Key, Kind, Look, is_settled, phase, uid
from pratique.handlers.kinds.delegations import delegations_in
from pratique.handlers.memory import Memory


@dataclass(frozen=True)
class ActionRuns(Kind):
    """ActionRun: the main job."""

    plural = "actionruns"
    listed = UNSETTLED
    memory: Memory = field(default_factory=Memory)
    elsewhere: Store = field(default_factory=open_runs.store_elsewhere)
    """The open runs that other shards see to, as far as their people are counted."""

    @classmethod
    def store(cls) -> Store:
        """Return its empty cache."""
        return Store(uid=uid, action=_waits_for_action, phase=phase, let_in=open_runs.let_in, new=open_runs.new)

    def keeps(self, body: Json) -> bool:
        """Keep a run until it has ended and nothing is left; one that only says so has not, nor one that we still hold."""
        return not (is_settled(body) and not open_runs.is_open(body)) or ENDS_OBJECTS in (
            body["metadata"].get("finalizers") or []
        )

    def needs(self, body: Json) -> list[Key]:
        """The gates that it follows, and the reviews of their break-glasses, which may be settled."""
        gates = (body.get("status") or {}).get("approvals") or []
        names = [name for each in gates for name in (each["name"], each.get("review")) if name]
        return [("approvals", body["metadata"]["namespace"], name) for name in names]

    def lets_go(self, body: Json) -> list[Key]:
        """Remember how it ended, since no look will show it again; return its gates."""
        if not open_runs.is_open(body):
            self.memory.remember_end(body["metadata"]["uid"], Phase(body["status"]["phase"]))
        reviews = self.stores["approvals"].by("review", body["metadata"]["uid"])
        return [*self._gates(body), *(("approvals", *name) for name in reviews)]

    def _gates(self, body: Json) -> list[Key]:
        return [("approvals", *name) for name in self.stores["approvals"].by("run", body["metadata"]["uid"])]

    def _approvals(self, run: ActionRun) -> tuple[Approval, ...]:
        """Return the gates that the run follows."""
        names = choose_followed(run, self.stores["approvals"].by("run", run.metadata.uid))
        bodies = [self.stores["approvals"].get(name) for name in names]
        return tuple(self.parsed(Approval, body) for body in bodies if body is not None)

    def _reviews(self, run: ActionRun) -> tuple[Approval, ...]:
        """Return the reviews of its break-glasses."""
        names = sorted(self.stores["approvals"].by("review", run.metadata.uid))
        bodies = [self.stores["approvals"].get(name) for name in names]
        return tuple(self.parsed(Approval, body) for body in bodies if body is not None)

    def _others(self, run: ActionRun, body: Json, approvals: tuple[Approval, ...]) -> OpenRuns | None:
        """Return what else is open for its person, while it is not decided whether it is let in."""
        if is_let_in(run, asked=bool(approvals)):
            return None
        return open_runs.others_of((self.stores["actionruns"], self.elsewhere), run, body, self.limits.open_runs)

    def note_foreign(self, body: Json, *, gone: bool = False) -> bool:
        """Keep of an open run whose it is: the limit for each person is one for all namespaces."""
        if gone or not open_runs.is_open(body):
            self.elsewhere.drop(name_of(body), body["metadata"]["uid"])
            return False
        self.elsewhere.put(open_runs.counted_of(body))
        return True

    def forget_foreign(self, present: Collection[Name], listed_at: int) -> None:
        """Drop those that have ended or are gone while nobody watched."""
        for name in self.elsewhere.names():
            if name not in present and self.elsewhere.version(name) <= listed_at:
                self.elsewhere.drop(name)

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look with its Action and its Approval."""
        run = self.parsed(ActionRun, body)
        found = self.stores["actions"].get(("", run.spec.action_ref.name))
        action = self.parsed(Action, found) if found else None
        held = ENDS_OBJECTS in run.metadata.finalizers or any(each.held for each in run.status.resources)
        needed = held or not run.status.phase.is_end
        approvals = self._approvals(run) if needed else ()
        proven, ended = self.memory.proven(run.metadata.uid), self.memory.ended(run.metadata.uid)
        others = self._others(run, body, approvals)
        known = RunSnapshot(run, action, approvals, outcomes, deliveries, proven, ended, others, self.routing)
        _check_document(known, body)
        vouched = bool(approvals) and all(approval in self.vouched for approval in approvals)
        names = () if action is not None else tuple(name for _, name in self.stores["actions"].names())
        away = tuple(delegations_in(self.stores["delegations"])) if _may_open(run, approvals) else ()
        known = replace(known, vouched=vouched, actions=names, reviews=self._reviews(run), away=away)
        plan = plan_action_run(known, now)
        self.memory.looked_at(run, plan, known.approval)
        return run, plan

    def message(self, body: Json, entry: Notification) -> Message | None:
        """Tell with the Approval's words, where there is one; a request waits until it is known how it is decided."""
        run = self.parsed(ActionRun, body)
        gates = self._approvals(run)
        approval = next((each for each in reversed(gates) if entry.stage in (None, each.spec.stage)), None)
        if approval is None and run.status.phase is Phase.WAITING_FOR_APPROVAL:
            return None
        compose = partial(compose_run, run, approval)
        return put_in_envelope(entry, run.status.notifications, compose, self.routing)

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """Its gates look whether it was withdrawn, deleted, ended, or asks anew: nothing else about a run concerns them."""
        over = gone or body["spec"].get("withdrawn") or "deletionTimestamp" in body["metadata"]
        return self._gates(body) if over or _leaves_gates(body) else []


def _check_document(known: RunSnapshot, body: Json) -> None:
    """Raise UnreadableError where a later version has written a plan that this one does not know."""
    document = known.document
    try:
        _ = document.plan if document is not None else None
    except ValidationError as error:
        raise explain("ActionRun", body, error) from None


def _may_open(run: ActionRun, approvals: tuple[Approval, ...]) -> bool:
    """Whether this look may open a gate: the run has none, or its last one has ended."""
    waits = run.status.phase in (Phase.PENDING, Phase.WAITING_FOR_APPROVAL)
    return waits and not (approvals and approvals[-1].status.state is ApprovalState.PENDING)


def _leaves_gates(body: Json) -> bool:
    """Whether a gate of a run may be open that it does not follow any more: it has several, and has ended or asks anew."""
    gates = body.get("status", {}).get("approvals", [])
    return (len(gates) > 1 and not open_runs.is_open(body)) or any(each.get("round", 1) > 1 for each in gates)


def _waits_for_action(body: Json) -> list[str]:
    """File a run under its Action while that says whether it goes on: it is to be judged, or granted and in a freeze."""
    status = body.get("status", {})
    gates = status.get("approvals") or [{}]
    phase, granted = status.get("phase", Phase.PENDING), gates[-1].get("state") == ApprovalState.APPROVED
    waits = phase == Phase.PENDING or (phase == Phase.WAITING_FOR_APPROVAL and granted)
    return [body["spec"]["actionRef"]["name"]] if waits else []
