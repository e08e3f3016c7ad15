"""What all kinds share: how one is looked at, what it tells, whom its changes wake, and what its cache is filed under."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar

from pratique.api.v1alpha1.action_run import Phase
from pratique.api.v1alpha1.meta import ApiModel, KubeObject
from pratique.api.v1alpha1.notifications import Notification
from pratique.cluster.store import Name, Store
from pratique.core.gates.standalone import GateChannels
from pratique.core.kernel.effects import Deliveries, Json, Outcomes, Plan
from pratique.core.kernel.limits import OPEN_RUNS_PER_REQUESTER
from pratique.core.telling.messages import Message
from pratique.core.telling.recipients import Routing
from pratique.handlers.memory import Parsed, Vouched
from pratique.handlers.routing_cache import RoutingCache

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


UNSETTLED: Mapping[str, str] = MappingProxyType({"fieldSelector": "status.settled!=true"})
"""What to list of a kind that says what is settled."""


def is_settled(body: Json) -> bool:
    """Whether an object says that nothing is left to do for it."""
    return (body.get("status") or {}).get("settled") is True


@dataclass(frozen=True)
class Limits:
    """What an installation allows, or chose."""

    open_runs: int = OPEN_RUNS_PER_REQUESTER
    gate_channels: GateChannels = field(default_factory=GateChannels)


@dataclass(frozen=True)
class Watched:
    """Base: a kind whose changes wake others."""

    stores: Stores
    parsed: Parsed
    limits: Limits = Limits()
    taints: Mapping[str, str] = field(default_factory=dict)
    """By uid of an Approval: why its decisions and its end are not believed. Filled by the sweep alone."""
    vouched: Vouched = field(default_factory=Vouched)
    routes: RoutingCache = field(default_factory=RoutingCache)
    plural: ClassVar[str]
    listed: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What of a kind is listed, as parameters, where that is not all of it: what the cache need not know is left out."""

    @classmethod
    def store(cls) -> Store:
        """Return its empty cache, with what its objects are filed under."""
        return Store()

    @property
    def routing(self) -> Routing:
        """How people are reached, as it is known now."""
        return self.routes.routing

    def keeps(self, body: Json) -> bool:
        """Return whether the cache must know an object: nobody looks any more at what has ended and is settled."""
        return True

    def needs(self, body: Json) -> list[Key]:
        """Return the objects that looks at this one need, though a list may leave them out."""
        return []

    def lets_go(self, body: Json) -> list[Key]:
        """Take in that it leaves the cache; return the objects that may have been kept for this one alone."""
        return []

    def note_foreign(self, body: Json, *, gone: bool = False) -> bool:
        """Take in an object that another shard sees to; return False if nothing of it matters here any more."""
        return True

    def forget_foreign(self, present: Collection[Name], listed_at: int) -> None:
        """Take in which objects a list has, as of this version: of other shards, too."""

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

    def overlook(self, body: Json) -> None:
        """Take in a version of an object that another shard decides about."""

    def writes(self, before: KubeObject, status: ApiModel) -> None:
        """Take in that this process is about to write the status that it has planned for `before`."""

    def wrote(self, before: KubeObject, body: Json) -> None:
        """Take in that it has; `body` is what is there now."""
