"""What all kinds share: how one is looked at, what it tells, whom its changes wake, and what its cache is filed under."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from pratique.api.v1alpha1.action_run import Phase
from pratique.api.v1alpha1.meta import ApiModel, KubeObject
from pratique.api.v1alpha1.notifications import Notification
from pratique.cluster.store import Store
from pratique.core.kernel.effects import Deliveries, Json, Outcomes, Plan
from pratique.core.kernel.limits import OPEN_RUNS_PER_REQUESTER
from pratique.core.telling.messages import Message
from pratique.core.telling.recipients import Routing
from pratique.handlers.memory import Parsed, Vouched
from pratique.handlers.routes import Routes

Stores = Mapping[str, Store]
Look = tuple[KubeObject, Plan[Any]]
Key = tuple[str, str, str]
"""Plural, namespace ("" for cluster-scoped), name."""


def label(label: str, body: Json) -> list[str]:
    """File an object under the value of a label, if it has it."""
    value = (body["metadata"].get("labels") or {}).get(label)
    return [value] if value else []


def uid(body: Json) -> list[str]:
    """File an object under its uid."""
    return [body["metadata"]["uid"]]


def phase(body: Json) -> list[str]:
    """File an object under what has become of it."""
    status = body.get("status") or {}
    return [status.get("phase") or status.get("state") or Phase.PENDING.value]


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

    @classmethod
    def store(cls) -> Store:
        """Return its empty cache, with what its objects are filed under."""
        return Store()

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
