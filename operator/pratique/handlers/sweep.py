"""After a gap: has every gate superseded whose decisions, or whose end, may be forged, before anything is decided again.

Decides which these are; what becomes of one, `core.gates.plan` does, and its run then follows by itself. A
sweep that is repeated after a crash supersedes the same ones again, and those that were decided meanwhile: harmless,
since they are asked again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pratique.api.v1alpha1.action_run import Phase
from pratique.api.v1alpha1.approval import ApprovalState
from pratique.cluster.store import Store
from pratique.handlers.kinds import Key

log = logging.getLogger(__name__)
_PAUSE = 0.5
_BEFORE_IT_RUNS = (None, Phase.PENDING.value, Phase.WAITING_FOR_APPROVAL.value)
_NOT_FORGED = (ApprovalState.WITHDRAWN.value, ApprovalState.SUPERSEDED.value)


class Look(Protocol):
    """A look at one object, as the workers do it."""

    def __call__(self, key: Key) -> Awaitable[Any]:
        """Look."""


@dataclass
class Sweep:
    """`relist` lists everything from the API server into the stores, and raises ApiError."""

    stores: Mapping[str, Store]
    taints: dict[str, str]
    relist: Callable[[], Awaitable[None]]
    look: Look
    add: Callable[[Key], None]
    superseded: Callable[[int], None] = lambda number: None

    async def __call__(self, gap: str) -> None:
        """Supersede; decisions that are added after the list was made are made under guard, and are left alone."""
        await self.relist()
        why = f"The API server did not guard this decision all the time: {gap}. What was decided does not count"
        found = {body["metadata"]["uid"]: _key(body) for body in self._doubtful()}
        self.taints.update(dict.fromkeys(found, why))
        try:
            left = dict(found)
            while left := {uid: key for uid, key in left.items() if not await self._done(uid, key)}:
                await asyncio.sleep(_PAUSE)
                await self.relist()
        finally:
            self.taints.clear()
        if found:
            log.warning("%d gates were superseded: %s", len(found), gap)
        self.superseded(len(found))
        for key in found.values():
            self.add(key)

    def _doubtful(self) -> Iterator[dict[str, Any]]:
        for name in list(self.stores["approvals"].names()):
            body = self.stores["approvals"].get(name)
            if body is not None and self._may_be_forged(body):
                yield body

    def _may_be_forged(self, body: dict[str, Any]) -> bool:
        """Whether somebody may have tampered with a gate that still matters.

        The generation of an untouched gate is 1: only a change of its spec moves it, be it a decision or a lower count.
        """
        state = (body.get("status") or {}).get("state", ApprovalState.PENDING.value)
        if state == ApprovalState.PENDING:
            return bool(body["spec"].get("decisions")) or body["metadata"].get("generation", 0) > 1
        return state not in _NOT_FORGED and self._still_matters(body["spec"]["subject"]["uid"])

    def _still_matters(self, uid: str) -> bool:
        """Whether the run has not gone on yet from what its gate says."""
        bodies = (self.stores["actionruns"].get(name) for name in self.stores["actionruns"].by("uid", uid))
        return any((body.get("status") or {}).get("phase") in _BEFORE_IT_RUNS for body in bodies if body)

    async def _done(self, uid: str, key: Key) -> bool:
        """Look once. What cannot be read is left: its spec is frozen, so it will not be granted either."""
        try:
            await self.look(key)
        except ValueError:
            log.exception("%s/%s cannot be read", *key[1:])
            return True
        body = self.stores["approvals"].get(key[1:])
        return body is None or body["metadata"]["uid"] != uid or not self._may_be_forged(body)


def _key(body: dict[str, Any]) -> Key:
    return "approvals", body["metadata"]["namespace"], body["metadata"]["name"]
