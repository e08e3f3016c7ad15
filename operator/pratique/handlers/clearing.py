"""Works off what is being deleted while CRDs of ours are gone or going, and nothing else: else they could never go.

Whoever deletes a CRD deletes all objects of it. Of our kinds two hold on to something: an Environment is held by our
finalizer until its namespace is gone, a run until what it made for a time is. An API server without one of the kinds cannot
prove that it guards, so nothing is decided (`guarding.guard`). But ending what is being deleted needs no decision: which
namespace goes is told by uid (`core.environments.end`); what a run made is not proven then, so it is told and let go after
ten minutes (`core.runs.ending`). So it goes on while everything else is as installed, and refuses every canary that can be
sent.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pratique.admission.expected import expected, without_prose
from pratique.admission.values import GuardValues
from pratique.cluster.client import Api, ApiError
from pratique.cluster.store import Name, Store
from pratique.core.environments.status import FINALIZER
from pratique.core.plans.objects import ENDS_OBJECTS
from pratique.guarding.guard import unguarded
from pratique.guarding.reads import installed, webhook_stamps
from pratique.guarding.record import going
from pratique.handlers.informers import path_of
from pratique.handlers.kinds import Key

log = logging.getLogger(__name__)
_PAUSE = 1.0
_GONE = 404
_CHANNELS, _ENVIRONMENTS, _RUNS = "notificationchannels", "environments", "actionruns"
_FINALIZERS = (FINALIZER, ENDS_OBJECTS)
_ONLY_THAT = "what is being deleted is worked off, and nothing else is decided until all CRDs are installed again"


@dataclass(frozen=True)
class Clearing:
    """`seen` takes a version into the cache, of which `stores` are the parts; `look` looks, as the workers do."""

    api: Api
    values: GuardValues
    stores: Mapping[str, Store]
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
        """Look once at each object that is being deleted and held, if it is still so after a while. Raises ApiError."""
        await asyncio.sleep(self.settle)
        if await self.goes() is None:
            return
        async for channel in self._list_all(
            _CHANNELS
        ):  # which may not be in the cache yet, and their people are to be told
            self.seen(_CHANNELS, channel)
        for plural in (_RUNS, _ENVIRONMENTS):
            async for body in self._list_all(plural):
                self.seen(plural, body)
            for name in list(self.stores[plural].names()):
                if _is_held(self.stores[plural].get(name)):  # asked at the last moment: another may have taken its name
                    await self._look(plural, name)

    async def _look(self, plural: str, name: Name) -> None:
        try:
            await self.look((plural, *name))
        except ValueError:
            log.exception("%s %s/%s cannot be read", plural, *name)

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
    finalizers = metadata.get("finalizers") or []
    return bool(metadata.get("deletionTimestamp")) and any(each in finalizers for each in _FINALIZERS)
