"""Works off what is being deleted while CRDs of ours are gone or going, and nothing else: else they could never go.

Whoever deletes a CRD deletes all objects of it. Of our kinds only Environments hold on to something: each is held by our
finalizer until its namespace is gone. An API server without one of the kinds cannot prove that it guards, so nothing is
decided (`guarding.guard`). But ending what is being deleted needs no decision: which namespace goes is told by uid
(`core.environments.end`). So it goes on while everything else is as installed, and refuses every canary that can be sent.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pratique.admission.expected import expected, without_prose
from pratique.admission.values import GuardValues
from pratique.cluster.client import Api, ApiError
from pratique.cluster.store import Name, Store
from pratique.core.environments.status import FINALIZER
from pratique.guarding.guard import unguarded
from pratique.guarding.reads import installed, webhook_stamps
from pratique.guarding.record import going
from pratique.handlers.informers import path_of
from pratique.handlers.kinds import Key

log = logging.getLogger(__name__)
_PAUSE = 1.0
_GONE = 404
_CHANNELS, _ENVIRONMENTS = "notificationchannels", "environments"
_ONLY_THAT = "what is being deleted is worked off, and nothing else is decided until all CRDs are installed again"


@dataclass(frozen=True)
class Clearing:
    """`seen` takes a version into the cache, of which `environments` is a part; `look` looks, as the workers do."""

    api: Api
    values: GuardValues
    environments: Store
    seen: Callable[[str, dict[str, Any]], bool]
    look: Callable[[Key], Awaitable[Any]]
    settle: float = 2.0
    """Seconds: as `Guard.settle`."""

    async def goes(self) -> str | None:
        """Return which CRDs are gone or being deleted, if all else guards as it should; else None. Raises ApiError."""
        manifests = expected(self.values, older=await webhook_stamps(self.api))
        there = [(manifest, await installed(self.api, manifest)) for manifest in manifests]
        kinds = going((manifest, without_prose(live)) for manifest, live in there)
        if not kinds or await unguarded(self.api, self.values.operator, frozenset(kinds)) is not None:
            return None
        return f"CustomResourceDefinition {', '.join(kinds.values())}: {_ONLY_THAT}"

    async def work(self) -> None:
        """Look once at each Environment that is being deleted, if it is still so after a while. Raises ApiError."""
        await asyncio.sleep(self.settle)
        if await self.goes() is None:
            return
        async for channel in self._list_all(
            _CHANNELS
        ):  # which may not be in the cache yet, and their people are to be told
            self.seen(_CHANNELS, channel)
        async for environment in self._list_all(_ENVIRONMENTS):
            self.seen(_ENVIRONMENTS, environment)
        for name in self.environments.names():
            if _is_held(self.environments.get(name)):  # asked at the last moment: another may have taken its name
                await self._look(name)

    async def _look(self, name: Name) -> None:
        try:
            await self.look((_ENVIRONMENTS, *name))
        except ValueError:
            log.exception("Environment %s/%s cannot be read", *name)

    async def _list_all(self, plural: str) -> AsyncIterator[dict[str, Any]]:
        """List what there is of a kind: nothing, if the kind is gone."""
        try:
            async for items, _ in self.api.pages(path_of(plural)):
                for body in items:
                    yield body
        except ApiError as error:
            if error.code != _GONE:
                raise

    async def run(self) -> None:
        """Work until cancelled, for a process whose cache cannot be filled while a kind is not there."""
        while True:
            try:
                await self.work()
            except ApiError as error:
                log.warning("What is being deleted could not be looked at: %s", error.message)
            await asyncio.sleep(_PAUSE)


def _is_held(body: dict[str, Any] | None) -> bool:
    """Whether it is being deleted, and held by us."""
    metadata = body["metadata"] if body is not None else {}
    return bool(metadata.get("deletionTimestamp")) and FINALIZER in (metadata.get("finalizers") or [])
