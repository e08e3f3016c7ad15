"""What of the operator process depends on whether it is one shard of several: who leads, and how the guard is proven."""

from collections.abc import Awaitable, Callable

from pratique.clock import Clock
from pratique.cluster.client import Api
from pratique.core.operating.leadership import LEADER_ROLE, LEASE_NAME
from pratique.core.operating.sharding import ShardError
from pratique.guarding.guard import Clears, Guard, Told
from pratique.guarding.shared import SharedGuard
from pratique.handlers.sweep import Sweep
from pratique.processes.leader import Leadership
from pratique.processes.lease import Lease
from pratique.processes.settings import Settings


def leadership_of(api: Api, settings: Settings, clock: Clock) -> Leadership | None:
    """Return how this process comes to lead; None if it need not ask."""
    shard, namespace = settings.shard, settings.namespace
    if not settings.leader_election:
        if not shard.is_alone:
            raise ShardError("--no-leader-election: leave it out, shards know of each other by their Leases")
        return None
    if settings.identity.startswith("shards-of-"):
        raise ShardError(f"--identity: {settings.identity} is the name of a number of shards: choose another")
    own = Lease(api, namespace, shard.lease_name, LEADER_ROLE)
    layout = None if shard.is_alone else (Lease(api, namespace, LEASE_NAME, LEADER_ROLE), shard.layout)
    return Leadership(own, settings.identity, clock, settings.lease, layout)


def guard_of(
    api: Api,
    settings: Settings,
    sweep: Sweep,
    told: Told,
    clearing: Clears,
    counted: Callable[[str], None],
    relist: Callable[[], Awaitable[None]],
    steady: Callable[[], float],
) -> Guard:
    """Return what proves that the API server guards."""
    every, settle, shard = settings.guard_every, settings.guard_settle, settings.shard
    if shard.is_alone:
        return Guard(api, settings.guard, sweep, told, clearing, every, settle, counted)
    return SharedGuard(
        api,
        settings.guard,
        sweep,
        told,
        clearing,
        every,
        settle,
        counted,
        keeps=shard.is_first,
        relist=relist,
        steady=steady,
        times=settings.guard_times,
    )
