"""After a gap: has every gate superseded whose decisions, or whose end, may be forged, before anything is decided again.

Decides nothing: which these are, `core.gates.doubt` knows, and what becomes of one, `core.gates.plan`; its run then follows
by itself. A sweep that is repeated after a crash supersedes the same ones again, and those that were decided meanwhile:
harmless, since they are asked again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pratique.cluster.store import Store
from pratique.core.gates.doubt import doubt, may_be_forged
from pratique.handlers.kinds import Key
from pratique.handlers.scope import Scope

log = logging.getLogger(__name__)
_PAUSE = 0.5


class Look(Protocol):
    """A look at one object, as the workers do it."""

    def __call__(self, key: Key) -> Awaitable[Any]:
        """Look."""


@dataclass
class Sweep:
    """`relist` lists everything from the API server into the stores, and raises ApiError.

    Whatever the shard of this process: all namespaces are swept, and what is others' is forgotten afterwards.
    """

    stores: Mapping[str, Store]
    taints: dict[str, str]
    relist: Callable[[], Awaitable[None]]
    look: Look
    add: Callable[[Key], None]
    superseded: Callable[[int], None] = lambda number: None
    scope: Scope = field(default_factory=Scope)
    drop_foreign: Callable[[], None] = lambda: None

    async def __call__(self, gap: str) -> None:
        """Supersede; decisions that are added after the list was made are made under guard, and are left alone."""
        self.scope.sweeps = True
        try:
            await self._sweep(gap)
        finally:
            self.scope.sweeps = False
            self.drop_foreign()

    async def _sweep(self, gap: str) -> None:
        await self.relist()
        found = {body["metadata"]["uid"]: _key(body) for body in self._doubtful()}
        self.taints.update(dict.fromkeys(found, doubt(gap)))
        try:
            left = dict(found)
            while left := {uid: key for uid, key in left.items() if not await self._clear(uid, key)}:
                await asyncio.sleep(_PAUSE)
                await self.relist()
        finally:
            self.taints.clear()
        if found:
            log.warning("%d gates were superseded: %s", len(found), gap)
        self.superseded(len(found))
        for key in (*found.values(), *(("delegations", *name) for name in self.stores["delegations"].names())):
            self.add(key)  # of a Delegation it has to be said that it does not count any more

    def _doubtful(self) -> Iterator[dict[str, Any]]:
        for name in list(self.stores["approvals"].names()):
            body = self.stores["approvals"].get(name)
            if body is not None and self._in_doubt(body):
                yield body

    def _in_doubt(self, approval: dict[str, Any]) -> bool:
        store = self.stores["actionruns"]
        runs = (store.get(name) for name in store.by("uid", approval["spec"]["subject"]["uid"]))
        return may_be_forged(approval, (body for body in runs if body is not None))

    async def _clear(self, uid: str, key: Key) -> bool:
        """Look once. What cannot be read is left: its spec is frozen, so it will not be granted either."""
        try:
            await self.look(key)
        except ValueError:
            log.exception("%s/%s cannot be read", *key[1:])
            return True
        body = self.stores["approvals"].get(key[1:])
        return body is None or body["metadata"]["uid"] != uid or not self._in_doubt(body)


def _key(body: dict[str, Any]) -> Key:
    return "approvals", body["metadata"]["namespace"], body["metadata"]["name"]
