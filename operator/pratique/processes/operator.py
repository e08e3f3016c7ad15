"""The operator process: connects the parts, starts them in the right order, and stops them cleanly.

Order matters: guard first (no decision is believed before), then Kopf's watches, then the cache, then workers.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Coroutine, Mapping
from typing import Any

from pratique.calling.desk import Desk
from pratique.calling.sending import Sender
from pratique.channels.delivery import Channels
from pratique.channels.kit.egress import Egress
from pratique.clock import Clock, SystemClock
from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import Connection
from pratique.cluster.perform import failure_of
from pratique.cluster.secrets import SecretReader
from pratique.cluster.store import Store, name_of
from pratique.core.kernel.effects import CheckChannel, Checked, Failure
from pratique.core.kernel.errors import Ending, EvaluationError
from pratique.core.telling.recipients import Routing
from pratique.delivering.outbox import Outbox
from pratique.delivering.teller import Teller
from pratique.delivering.traces import Traces
from pratique.guarding.events import guard_event
from pratique.guarding.guard import Guard, until_guarded
from pratique.handlers.clearing import Clearing
from pratique.handlers.informers import Informers
from pratique.handlers.kinds import Key, Limits, counts, decided, new_stores, watched_kinds
from pratique.handlers.kinds.approvals import waiting
from pratique.handlers.kinds.base import Stores, Watched
from pratique.handlers.memory import Parsed, Vouched
from pratique.handlers.queue import KeyedQueue
from pratique.handlers.reconciler import Reconciler, Verdict
from pratique.handlers.routing_cache import CachedChannels, RoutingCache
from pratique.handlers.scope import Scope
from pratique.handlers.sweep import Sweep
from pratique.handlers.watchdog import stuck_look
from pratique.handlers.watches import Watches
from pratique.handlers.workers import Workers
from pratique.processes.gate_metrics import GateMetrics
from pratique.processes.health import Health
from pratique.processes.metrics import Metrics
from pratique.processes.metrics_site import metrics_site
from pratique.processes.settings import SANDBOX_WORKERS, Settings
from pratique.processes.sharded import guard_of, leadership_of
from pratique.sandbox.pool import Sandbox
from pratique.signals import ProcessEnds

log = logging.getLogger(__name__)

_STOP_SECONDS = 5.0
_RETRY_SECONDS = 2.0
_DIRECTORY_SECONDS = 15.0


class _Stopped(Ending):
    """The process was asked to stop, and the watches are down."""


class Operator:
    """One operator. `run` returns after `stop` was set and everything is down."""

    def __init__(self, connection: Connection, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.connection = connection
        self.metrics = Metrics()
        self.api = Api(connection, may_write=self._may_write, observe=self.metrics.requested)
        self.sandbox = Sandbox(workers=SANDBOX_WORKERS)
        self.queue: KeyedQueue[Key] = KeyedQueue(jitter=random.random, late=self.metrics.woke_late)
        self.workers = Workers(self.queue, self._look, self.clock, settings.workers, self.metrics.reconciled)
        self.leadership = leadership_of(self.api, settings, self.clock)
        self.scope = Scope(settings.shard)
        self.secrets = SecretReader(self.api, settings.namespace)
        self.channels = Channels(
            self.secrets.read,
            self._post_event,
            self.secrets.annotation,
            namespace=settings.namespace,
            allowed=settings.channel_egress,
        )
        self.desk = Desk(
            Sender(self.api, Egress(settings.request_egress)),
            wake=self.workers.add,
            may_send=self._may_write,
            called=self.metrics.called,
        )
        self.traces = Traces(settings.tracing, self.metrics.traced)
        stores, parsed, taints = new_stores(), Parsed(), dict[str, str]()
        self.workers.exists = lambda key: key[1:] in stores[key[0]]
        known, counted = stores["notificationchannels"], self.metrics.delivered
        self.teller = Teller(self.channels, known, lambda: self.routes.routing, counted, settings.shard.of)
        self.outbox = Outbox(
            deliver=self.teller.deliver,
            wake=self.workers.add,
            busy=lambda: self.workers.busy,
            rate=self.teller.rate,
            clock=self.clock,
            renew=lambda job: self.reconciler.renew(job),  # noqa: PLW0108 - it is made below
        )
        routing = Routing(CachedChannels(known, parsed))
        self.routes = RoutingCache(routing, traffic=self.outbox.traffic, retry=self.outbox.retry)
        gates = GateMetrics(self.metrics.registry, lambda: waiting(stores["approvals"]), self.clock.now)
        watched = watched_kinds(
            stores=stores,
            parsed=parsed,
            limits=Limits(settings.open_runs_per_requester, settings.gate_channels),
            taints=taints,
            vouched=Vouched(told=gates.ended),
            routes=self.routes,
        )
        self.informers = Informers(stores, watched, self.workers.add, self._forget, self.clock.steady, self.scope)
        self.watches = Watches(connection, self.informers, self.clock, self.api)
        cleared = (stores, self.informers.seen, self._look)
        self.clearing = Clearing(self.api, settings.guard, *cleared, settings.guard_settle)
        self.guard = self._guard_of(stores, taints)
        self.reconciler = self._reconciler_of(stores, watched)
        self._stores = stores
        self._posting: set[asyncio.Task[Failure | None]] = set()
        self.health = self._shown()

    def _guard_of(self, stores: Stores, taints: dict[str, str]) -> Guard:
        """Put together what proves that the API server guards, and what is done after a gap."""
        sweep = Sweep(
            stores=stores,
            taints=taints,
            relist=lambda: self.informers.relist(self.api, everything=True),
            look=self._look,
            add=self.workers.add,
            superseded=self.metrics.superseded,
            scope=self.scope,
            drop_foreign=self.informers.drop_foreign,
        )
        parts = (self.metrics.verified, sweep.relist, self.clock.steady)
        return guard_of(self.api, self.settings, sweep, self._guarded, self.clearing, *parts)

    def _reconciler_of(self, stores: dict[str, Store], watched: Mapping[str, Watched]) -> Reconciler:
        """Put together what looks at objects."""
        return Reconciler(
            api=self.api,
            kinds=decided(watched),
            stores=stores,
            sandbox=self.sandbox,
            outbox=self.outbox,
            check_channel=self._check_channel,
            desk=self.desk,
            verify_guard=self.guard.verify,
            clock=self.clock.now,
            identity=self.settings.identity,
            changed=self.informers.written,
            writing=self.informers.writing,
            read=self.informers.read,
            wrote=self.traces.wrote,
            given_up=lambda entry: self.teller.count(entry, "GivenUp"),
            tells=self.scope.shard.owns,
            untold=lambda entry: self.teller.count(entry, "NoRoom"),
        )

    def _may_write(self) -> bool:
        leads = self.leadership is None or self.leadership.valid()
        return leads and self.guard.fresh()

    def _shown(self) -> Health:
        """Show in metrics what this process is doing; return what probes see of it."""
        metrics, queue, now = self.metrics, self.queue, self.workers.now
        metrics.gauge("queue_depth", "Objects that wait for a look.", lambda: queue.depth)
        metrics.gauge("queue_oldest_seconds", "How long the next of them has waited.", lambda: queue.oldest(now()))
        metrics.gauge("queue_scheduled", "Times that are set for later looks.", lambda: queue.waiting)
        metrics.gauge("outbox_depth", "Messages that are being delivered, or wait for it.", lambda: self.outbox.depth)
        metrics.gauge("calls_under_way", "Calls of runs that wait for an answer.", lambda: self.desk.depth)
        metrics.gauge(
            "tasks", "Tasks of this process; a number that only grows is a leak.", lambda: len(asyncio.all_tasks())
        )
        metrics.gauge("guarded", "Whether the API server refused all canaries.", lambda: not self.health.unguarded)
        shard = self.settings.shard
        metrics.gauge("shard", "The number of this process's shard.", lambda: shard.number)
        metrics.gauge("shards", "How many shards it knows of; 1: there are none.", lambda: shard.of)
        metrics.gauge("leader", "Whether this process leads.", lambda: self.leading)
        reviews = self._stores["approvals"]
        metrics.gauge(
            "reviews_open", "Break-glasses that nobody has signed.", lambda: reviews.count("open_review", "open")
        )
        metrics.objects(lambda: counts(self._stores))
        presence, steady = self.watches.presence, self.clock.steady
        metrics.gauge("watches_missing", "Kinds that are not watched now.", lambda: len(presence.missing(steady())))
        return Health(
            None if self.settings.metrics else metrics.text,
            problems={
                "watches": lambda: presence.not_healthy(steady()) or self.informers.watchdog.dead_watch(steady()),
                "workers": lambda: stuck_look(queue.longest_active(now())),
            },
            waits={"watches": lambda: presence.not_ready(steady())},
        )

    @property
    def leading(self) -> bool:
        """Whether this process decides and tells."""
        return self.leadership.leading if self.leadership else self.health.reason is None

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set."""
        server = await self.health.serve(self.settings.health_host, self.settings.health_port)
        try:
            async with self.api, metrics_site(self.settings.metrics, self.api, self.metrics.text, self.clock):
                await self._until(stop, self._serve(stop))
        finally:
            await server.cleanup()

    async def _until(self, stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until it ends by itself; once `stop` is set it has a few seconds to do so."""
        task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        await asyncio.wait({task}, timeout=_STOP_SECONDS if stop.is_set() and self.health.reason is None else 0)
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

    async def _serve(self, stop: asyncio.Event) -> None:
        self.health.reason = "asking the API server whether it guards"
        await until_guarded(self.api, self.settings.username, self._waiting, self._clear)
        self.health.reason = "starting the sandbox"
        try:
            await self.sandbox.start()
        except EvaluationError as error:
            raise ProcessEnds(str(error)) from None
        self.health.reason = "filling the cache"
        ended: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch(stop))
                await self._fill()
                await self.routes.read(self.api, self.settings.namespace)
                await self.guard.prepare()
                self.health.reason = None
                tasks.create_task(self.traces.run())
                tasks.create_task(self._relist())
                tasks.create_task(self._read_directory())
                tasks.create_task(self.leadership.run(self._lead) if self.leadership else self._lead())
        except* _Stopped:
            log.info("Stopped")
        except* ProcessEnds as errors:
            ended = errors.exceptions[0]
        finally:
            self.health.reason = "stopping"
            await self.sandbox.close()
            await self.channels.close()
            await self.desk.close()
        if ended is not None:
            raise ended

    def _waiting(self, why: str) -> None:
        self.health.reason = f"waiting for the guard: {why}"

    async def _clear(self) -> None:
        """While CRDs go, and all else guards, lead so far that what is being deleted is worked off; no cache is needed."""
        if await self._goes() is None:
            return
        await self.routes.read(self.api, self.settings.namespace)
        run = self.clearing.run
        work = asyncio.ensure_future(self.leadership.run(run) if self.leadership else run())
        try:
            while not work.done() and (why := await self._goes()) is not None:
                self._waiting(why)
                await asyncio.wait({work}, timeout=_RETRY_SECONDS)
            if work.done():
                work.result()
        finally:
            work.cancel()
            await asyncio.wait({work})
            await self.outbox.close()

    async def _goes(self) -> str | None:
        try:
            return await self.clearing.goes()
        except ApiError:
            return None  # `until_guarded` says what the API server answers

    async def _fill(self) -> None:
        """List everything, once the watches have begun."""
        await self.informers.watching.wait()
        while not await self._listed():  # noqa: ASYNC110 - nothing can tell us when the API server is back
            await asyncio.sleep(_RETRY_SECONDS)
        log.info("Cache filled: %s", ", ".join(f"{len(store)} {name}" for name, store in self._stores.items()))

    async def _watch(self, stop: asyncio.Event) -> None:
        await self.watches.run(stop)
        raise _Stopped

    async def _relist(self) -> None:
        """List again now and then, and soon after a watch had a gap; never in a hurry."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.settings.relist_every):
                    await self.informers.gap.wait()
            await asyncio.sleep(_RETRY_SECONDS)
            if self.informers.gap.is_set():
                self.metrics.watch_had_a_gap()
            self.informers.gap.clear()
            if not await self._listed():
                self.informers.gap.set()

    async def _read_directory(self) -> None:
        """Read the directory again now and then: it is one object, and changes seldom."""
        while True:
            await asyncio.sleep(_DIRECTORY_SECONDS)
            before = self.routes.problem
            await self.routes.read(self.api, self.settings.namespace)
            if self.routes.problem != before:
                for name in self.routes.routing.channels:
                    self.workers.add(("notificationchannels", "", name))

    async def _listed(self) -> bool:
        """List everything; an API server that is away is no reason to end."""
        try:
            await self.informers.relist(self.api)
        except ApiError as error:
            log.warning("The objects could not be listed: %s", error.message)
            return False
        return True

    async def _lead(self) -> None:
        """Decide and tell while the API server guards, until cancelled. A standby may have waited for weeks."""
        self.guard.begin()
        try:
            while True:
                await self.guard.restored()
                await self._decide()
        finally:
            await self.outbox.close()  # a look may be taken, and something told, also while nothing is decided

    async def _decide(self) -> None:
        """Work until the API server does not guard any more."""
        work = asyncio.ensure_future(self.workers.run())
        watch = asyncio.ensure_future(self.guard.until_lapsed())
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
                return
            self._guarded(await watch)
            self.metrics.guard_had_a_gap()
        finally:
            work.cancel()
            watch.cancel()
            await asyncio.wait({work, watch})
            await self.outbox.close()

    def _guarded(self, why_not: str | None) -> None:
        before, self.health.unguarded = self.health.unguarded, why_not
        if (before is None) != (why_not is None):
            event = guard_event(self.settings.namespace, why_not, self.clock.now(), self.settings.identity)
            task = asyncio.create_task(self._post_event(event))  # nothing waits for it, and it may fail
            self._posting.add(task)
            task.add_done_callback(self._posting.discard)

    async def _look(self, key: Key) -> Verdict:
        kind = self.reconciler.kinds.get(key[0])
        if kind is None or self.scope.decides(key[1]):
            return await self.reconciler.look(key) if kind is not None else Verdict()
        body = self._stores[key[0]].get(key[1:])
        if body is not None:
            kind.overlook(body)
        return Verdict()

    def _forget(self, plural: str, body: dict[str, Any]) -> None:
        """An object is gone: drop what is kept for it."""
        self.outbox.forget(body["metadata"]["uid"])
        self.workers.forget((plural, *name_of(body)))

    async def _check_channel(self, effect: CheckChannel) -> Checked:
        return Checked(await self.channels.check(effect.channel.spec))

    async def _post_event(self, manifest: dict[str, Any]) -> Failure | None:
        namespace = manifest["metadata"]["namespace"]
        try:
            await self.api.request("POST", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", manifest)
        except ApiError as error:
            return failure_of(error)
        return None
