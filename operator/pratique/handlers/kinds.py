"""What each kind needs to be looked at: how its snapshot is gathered from the cache, and who plans for it.

A new kind is one class here, its store, and one line in `KINDS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from pydantic import ValidationError

from pratique.api.v1alpha1 import Action, ActionRun, Approval, Environment, NotificationChannel
from pratique.api.v1alpha1.action_run import Phase
from pratique.api.v1alpha1.approval import ApprovalState, ApprovalStatus
from pratique.api.v1alpha1.common import ApiModel, KubeObject, Notification
from pratique.api.v1alpha1.conditions import ConditionType, Reason
from pratique.cluster.store import Store
from pratique.core.actions.plan import ActionSnapshot, plan_action
from pratique.core.channels.plan import ChannelSnapshot, plan_channel
from pratique.core.environments.objects import ENVIRONMENT_UID_LABEL
from pratique.core.environments.plan import EnvironmentSnapshot, plan_environment
from pratique.core.environments.status import stands
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.kernel.effects import Deliveries, Json, Outcomes, Plan
from pratique.core.kernel.limits import OPEN_RUNS_PER_REQUESTER
from pratique.core.kernel.parking import explain
from pratique.core.plans.objects import RUN_UID_LABEL
from pratique.core.runs.open_runs import OpenRuns
from pratique.core.runs.plan import plan_action_run
from pratique.core.runs.snapshot import RunSnapshot
from pratique.core.telling.envelope import enveloped
from pratique.core.telling.messages import Message, compose_approval, compose_channel, compose_environment, compose_run
from pratique.core.telling.reach import reach_of
from pratique.core.telling.recipients import Routing
from pratique.handlers import open_runs
from pratique.handlers.memory import Memory, Parsed, Vouched
from pratique.handlers.routes import Routes

Stores = Mapping[str, Store]
Look = tuple[KubeObject, Plan[Any]]
Key = tuple[str, str, str]
"""Plural, namespace ("" for cluster-scoped), name."""


def _label(label: str, body: Json) -> list[str]:
    value = (body["metadata"].get("labels") or {}).get(label)
    return [value] if value else []


def _waits_for_action(body: Json) -> list[str]:
    """File a run under its Action while it may still have to be judged by it."""
    phase = body.get("status", {}).get("phase", Phase.PENDING)
    return [body["spec"]["actionRef"]["name"]] if phase == Phase.PENDING else []


def _uid(body: Json) -> list[str]:
    return [body["metadata"]["uid"]]


def _phase(body: Json) -> list[str]:
    status = body.get("status") or {}
    return [status.get("phase") or status.get("state") or Phase.PENDING.value]


def new_stores() -> dict[str, Store]:
    """Return the empty cache of a process: one store per watched kind."""
    return {
        "namespaces": Store(),  # listed first: an Environment looks whether its own is there
        "actions": Store(),
        "actionruns": Store(
            uid=_uid, action=_waits_for_action, phase=_phase, let_in=open_runs.let_in, new=open_runs.new
        ),
        "approvals": Store(run=lambda body: [body["spec"]["subject"]["uid"]], phase=_phase),
        "environments": Store(uid=_uid, run=lambda body: _label(RUN_UID_LABEL, body), phase=_phase),
        "notificationchannels": Store(),
    }


@dataclass(frozen=True)
class Limits:
    """What an installation allows."""

    open_runs: int = OPEN_RUNS_PER_REQUESTER


@dataclass(frozen=True)
class Watched:
    """Base: a kind whose changes wake others."""

    stores: Stores
    parsed: Parsed
    limits: Limits = Limits()
    taints: Mapping[str, str] = field(default_factory=dict)
    """By uid of an Approval: why its decisions and its end are not believed. Filled by the sweep alone."""
    vouched: Vouched = field(default_factory=Vouched)
    routes: Routes = field(default_factory=Routes)
    plural: ClassVar[str]

    @property
    def routing(self) -> Routing:
        """How people are reached, as it is known now."""
        return self.routes.routing

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """Return the other objects that must look, since this one changed in a way that concerns them, or is gone."""
        return []


class Kind(Watched, ABC):
    """Base: a kind that something is decided for."""

    @abstractmethod
    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Return the object as parsed, and what is decided for it."""

    def message(self, body: Json, entry: Notification) -> Message | None:
        """Return the message that an entry of this object's outbox stands for; None if it cannot be told yet."""
        return None

    def writes(self, before: KubeObject, status: ApiModel) -> None:
        """Take in that this process is about to write the status that it has planned for `before`."""

    def wrote(self, before: KubeObject, body: Json) -> None:
        """Take in that it has; `body` is what is there now."""


class Actions(Kind):
    """Action: checked once per generation."""

    plural = "actions"

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Check it against the channels that exist."""
        action = self.parsed(Action, body)
        channels = self.routing.channels
        reaching = [name for name, spec in channels.items() if reach_of(spec) is not None]
        return action, plan_action(ActionSnapshot(action, list(channels), reaching, outcomes), now)

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """Runs that nobody could judge yet look again."""
        runs = self.stores["actionruns"].by("action", body["metadata"]["name"])
        return [("actionruns", *name) for name in runs]


@dataclass(frozen=True)
class ActionRuns(Kind):
    """ActionRun: the main job."""

    plural = "actionruns"
    memory: Memory = field(default_factory=Memory)

    def _approval(self, run: ActionRun) -> Approval | None:
        """Return the gate that the run follows; there may be older ones, that were superseded."""
        names = self.stores["approvals"].by("run", run.metadata.uid)
        followed = [name for name in names if name[1] in {each.name for each in run.status.approvals}]
        body = self.stores["approvals"].get((followed or names)[0]) if names else None
        return self.parsed(Approval, body) if body is not None else None

    def _others(self, run: ActionRun, body: Json, approval: Approval | None) -> OpenRuns | None:
        """Return what else is open for its person, while it is not decided whether it is let in."""
        status = run.status
        if status.phase is not Phase.PENDING or status.observed_generation or approval is not None:
            return None
        return open_runs.others_of(self.stores["actionruns"], run, body, self.limits.open_runs)

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look with its Action and its Approval."""
        run = self.parsed(ActionRun, body)
        found = self.stores["actions"].get(("", run.spec.action_ref.name))
        action = self.parsed(Action, found) if found else None
        needed = not run.status.phase.is_end or any(each.held for each in run.status.resources)
        approval = self._approval(run) if needed else None
        proven, ended = self.memory.proven(run.metadata.uid), self.memory.ended(run.metadata.uid)
        others = self._others(run, body, approval)
        known = RunSnapshot(run, action, approval, outcomes, deliveries, proven, ended, others, self.routing)
        _check_document(known, body)
        vouched = approval is not None and approval in self.vouched
        names = () if action is not None else tuple(name for _, name in self.stores["actions"].names())
        plan = plan_action_run(replace(known, vouched=vouched, actions=names), now)
        self.memory.looked_at(run, plan, approval)
        return run, plan

    def message(self, body: Json, entry: Notification) -> Message | None:
        """Tell with the Approval's words, where there is one; a request waits until it is known how it is decided."""
        run = self.parsed(ActionRun, body)
        approval = self._approval(run)
        if approval is None and run.status.phase is Phase.WAITING_FOR_APPROVAL:
            return None
        compose = partial(compose_run, run, approval)
        return enveloped(entry, run.status.notifications, compose, self.routing)

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """The gate looks whether its run was withdrawn or deleted; nothing else about a run concerns it."""
        if not (gone or body["spec"].get("withdrawn") or "deletionTimestamp" in body["metadata"]):
            return []
        return [("approvals", *name) for name in self.stores["approvals"].by("run", body["metadata"]["uid"])]


class Approvals(Kind):
    """Approval: the gate."""

    plural = "approvals"

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look with its run, if the cache has the very one."""
        approval = self.parsed(Approval, body)
        subject = approval.spec.subject
        found = self.stores["actionruns"].get((approval.metadata.namespace or "", subject.name))
        run = self.parsed(ActionRun, found) if found and found["metadata"]["uid"] == subject.uid else None
        tainted = self.taints.get(approval.metadata.uid)
        known = ApprovalSnapshot(approval, run, outcomes, deliveries, self.routing, tainted)
        return approval, plan_approval(known, now)

    def writes(self, before: KubeObject, status: ApiModel) -> None:
        """An open gate that we end, we end under guard: its run need not ask again."""
        if isinstance(before, Approval) and isinstance(status, ApprovalStatus):
            state, was = status.state, before.status.state
            if was is ApprovalState.PENDING and state is not ApprovalState.PENDING:
                self.vouched.remember(before, state)

    def message(self, body: Json, entry: Notification) -> Message:
        """Tell the approvers."""
        approval = self.parsed(Approval, body)
        return enveloped(entry, approval.status.notifications, partial(compose_approval, approval), self.routing)

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """Its run follows it, once somebody has decided: an open gate says nothing that its run does not know."""
        status = body.get("status", {})
        if not (gone or status.get("decisions") or status.get("state", ApprovalState.PENDING) != ApprovalState.PENDING):
            return []
        return [("actionruns", body["metadata"]["namespace"], body["spec"]["subject"]["name"])]


def _check_document(known: RunSnapshot, body: Json) -> None:
    """Raise UnreadableError where a later version has written a plan that this one does not know."""
    document = known.document
    try:
        _ = document.plan if document is not None else None
    except ValidationError as error:
        raise explain("ActionRun", body, error) from None


class Environments(Kind):
    """Environment: a namespace for a while."""

    plural = "environments"

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look."""
        environment = self.parsed(Environment, body)
        missing = not stands(self.stores["namespaces"].get(("", environment.spec.target.namespace.name)), environment)
        known = EnvironmentSnapshot(environment, outcomes, deliveries, self.routing, missing)
        return environment, plan_environment(known, now)

    def message(self, body: Json, entry: Notification) -> Message:
        """Tell the requester."""
        environment = self.parsed(Environment, body)
        compose = partial(compose_environment, environment)
        return enveloped(entry, environment.status.notifications, compose, self.routing)

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """The run that made it waits for it."""
        runs = self.stores["actionruns"]
        return [("actionruns", *name) for uid in _label(RUN_UID_LABEL, body) for name in runs.by("uid", uid)]


class Channels(Kind):
    """NotificationChannel: checked at every look."""

    plural = "notificationchannels"

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look whether its Secrets are there, and how it goes."""
        channel = self.parsed(NotificationChannel, body)
        traffic, waiting = self.routes.traffic(channel.metadata.name)
        problem = self.routes.problem
        known = ChannelSnapshot(channel, outcomes, deliveries, self.routing, problem, traffic, waiting)
        return channel, plan_channel(known, now)

    def message(self, body: Json, entry: Notification) -> Message:
        """Tell that it is a test."""
        channel = self.parsed(NotificationChannel, body)
        return enveloped(entry, (), partial(compose_channel, channel), self.routing)

    def wrote(self, before: KubeObject, body: Json) -> None:
        """What waits for a channel that was changed, or found its Secret, is tried at once."""
        channel = self.parsed(NotificationChannel, body)
        if isinstance(before, NotificationChannel) and _settings(channel) != _settings(before):
            self.routes.mended(channel.metadata.name)

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """Actions that name it may have become sound."""
        return [("actions", *name) for name in self.stores["actions"].names()]


_UNREADY = (Reason.SECRET_NOT_FOUND, Reason.NOT_ALLOWED)


def _settings(channel: NotificationChannel) -> tuple[int, str]:
    """Return what changes when a channel is changed or mended; that it fails is no such change."""
    ready = next((each for each in channel.status.conditions if each.type == ConditionType.READY), None)
    unready = ready.reason if ready is not None and ready.reason in _UNREADY else ""
    return channel.status.observed_generation, unready


class Namespaces(Watched):
    """Namespaces that Environments made: nothing is decided for them, but their Environment looks."""

    plural = "namespaces"

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """Its Environment waits for it to be gone."""
        environments = self.stores["environments"]
        return [
            ("environments", *name)
            for uid in _label(ENVIRONMENT_UID_LABEL, body)
            for name in environments.by("uid", uid)
        ]


KINDS: tuple[type[Kind], ...] = (Actions, ActionRuns, Approvals, Environments, Channels)
WATCHED: tuple[type[Watched], ...] = (*KINDS, Namespaces)


def watched_kinds(
    *, stores: Stores, parsed: Parsed, limits: Limits, taints: Mapping[str, str], vouched: Vouched, routes: Routes
) -> dict[str, Watched]:
    """Return the one instance of each kind that a process has, by its plural."""
    made = (
        kind(stores=stores, parsed=parsed, limits=limits, taints=taints, vouched=vouched, routes=routes)
        for kind in WATCHED
    )
    return {each.plural: each for each in made}


def decided(watched: Mapping[str, Watched]) -> dict[str, Kind]:
    """Return those of them that something is decided for."""
    return {plural: each for plural, each in watched.items() if isinstance(each, Kind)}
