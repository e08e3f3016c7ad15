"""What each kind needs to be looked at: how its snapshot is gathered from the cache, and who plans for it.

A new kind is one class here, its store, and one line in `KINDS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from pratique.api.v1alpha1 import Action, ActionRun, Approval, Environment, NotificationChannel
from pratique.api.v1alpha1.action_run import Phase
from pratique.api.v1alpha1.common import KubeObject, Notification
from pratique.cluster.store import Store
from pratique.core.catalogue import ActionSnapshot, ChannelSnapshot, plan_action, plan_channel
from pratique.core.effects import Deliveries, Json, Outcomes, Plan
from pratique.core.environment import EnvironmentSnapshot, plan_environment
from pratique.core.gate import ApprovalSnapshot, plan_approval
from pratique.core.lifecycle import plan_action_run
from pratique.core.messages import Message, compose_approval, compose_environment, compose_run
from pratique.core.namespace_objects import ENVIRONMENT_UID_LABEL
from pratique.core.objects import RUN_UID_LABEL
from pratique.core.snapshot import RunSnapshot

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


def new_stores() -> dict[str, Store]:
    """Return the empty cache of a process: one store per watched kind."""
    return {
        "actions": Store(),
        "actionruns": Store(uid=lambda body: [body["metadata"]["uid"]], action=_waits_for_action),
        "approvals": Store(run=lambda body: [body["spec"]["subject"]["uid"]]),
        "environments": Store(uid=lambda body: [body["metadata"]["uid"]], run=lambda body: _label(RUN_UID_LABEL, body)),
        "notificationchannels": Store(),
        "namespaces": Store(),
    }


@dataclass(frozen=True)
class Watched:
    """Base: a kind whose changes wake others."""

    stores: Stores
    plural: ClassVar[str]

    def wakes(self, body: Json) -> list[Key]:
        """Return the other objects that must look when this one changed."""
        return []


class Kind(Watched, ABC):
    """Base: a kind that something is decided for."""

    @abstractmethod
    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Return the object as parsed, and what is decided for it."""

    def message(self, body: Json, entry: Notification) -> Message | None:
        """Return the message that an entry of this object's outbox stands for; None for kinds that tell nobody."""
        return None


class Actions(Kind):
    """Action: checked once per generation."""

    plural = "actions"

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Check it against the channels that exist."""
        action = Action.model_validate(body)
        channels = [name for _, name in self.stores["notificationchannels"].names()]
        return action, plan_action(ActionSnapshot(action, channels, outcomes), now)

    def wakes(self, body: Json) -> list[Key]:
        """Runs that nobody could judge yet look again."""
        runs = self.stores["actionruns"].by("action", body["metadata"]["name"])
        return [("actionruns", *name) for name in runs]


class ActionRuns(Kind):
    """ActionRun: the main job."""

    plural = "actionruns"

    def _approval(self, uid: str) -> Approval | None:
        for name in self.stores["approvals"].by("run", uid):
            body = self.stores["approvals"].get(name)
            if body is not None:
                return Approval.model_validate(body)
        return None

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look with its Action and its Approval."""
        run = ActionRun.model_validate(body)
        found = self.stores["actions"].get(("", run.spec.action_ref.name))
        action = Action.model_validate(found) if found else None
        approval = None if run.status.phase.is_end else self._approval(run.metadata.uid)
        return run, plan_action_run(RunSnapshot(run, action, approval, outcomes, deliveries), now)

    def message(self, body: Json, entry: Notification) -> Message:
        """Tell with the Approval's words, where there is one."""
        run = ActionRun.model_validate(body)
        return compose_run(run, self._approval(run.metadata.uid), entry)

    def wakes(self, body: Json) -> list[Key]:
        """The gate looks whether its run was withdrawn or deleted."""
        return [("approvals", *name) for name in self.stores["approvals"].by("run", body["metadata"]["uid"])]


class Approvals(Kind):
    """Approval: the gate."""

    plural = "approvals"

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look with its run, if the cache has the very one."""
        approval = Approval.model_validate(body)
        subject = approval.spec.subject
        found = self.stores["actionruns"].get((approval.metadata.namespace or "", subject.name))
        run = ActionRun.model_validate(found) if found and found["metadata"]["uid"] == subject.uid else None
        return approval, plan_approval(ApprovalSnapshot(approval, run, outcomes, deliveries), now)

    def message(self, body: Json, entry: Notification) -> Message:
        """Tell the approvers."""
        return compose_approval(Approval.model_validate(body), entry)

    def wakes(self, body: Json) -> list[Key]:
        """Its run follows it."""
        return [("actionruns", body["metadata"]["namespace"], body["spec"]["subject"]["name"])]


class Environments(Kind):
    """Environment: a namespace for a while."""

    plural = "environments"

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look."""
        environment = Environment.model_validate(body)
        return environment, plan_environment(EnvironmentSnapshot(environment, outcomes, deliveries), now)

    def message(self, body: Json, entry: Notification) -> Message:
        """Tell the requester."""
        return compose_environment(Environment.model_validate(body), entry)

    def wakes(self, body: Json) -> list[Key]:
        """The run that made it waits for it."""
        runs = self.stores["actionruns"]
        return [("actionruns", *name) for uid in _label(RUN_UID_LABEL, body) for name in runs.by("uid", uid)]


class Channels(Kind):
    """NotificationChannel: checked at every look."""

    plural = "notificationchannels"

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look whether its Secrets are there."""
        channel = NotificationChannel.model_validate(body)
        return channel, plan_channel(ChannelSnapshot(channel, outcomes), now)

    def wakes(self, body: Json) -> list[Key]:
        """Actions that name it may have become sound."""
        return [("actions", *name) for name in self.stores["actions"].names()]


class Namespaces(Watched):
    """Namespaces that Environments made: nothing is decided for them, but their Environment looks."""

    plural = "namespaces"

    def wakes(self, body: Json) -> list[Key]:
        """Its Environment waits for it to be gone."""
        environments = self.stores["environments"]
        return [
            ("environments", *name)
            for uid in _label(ENVIRONMENT_UID_LABEL, body)
            for name in environments.by("uid", uid)
        ]


KINDS: tuple[type[Kind], ...] = (Actions, ActionRuns, Approvals, Environments, Channels)
WATCHED: tuple[type[Watched], ...] = (*KINDS, Namespaces)
