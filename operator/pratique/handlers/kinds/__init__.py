"""What each kind needs to be looked at: how its snapshot is gathered from the cache, and who plans for it.

A new kind is one module here and one line in `WATCHED`. Its store, with what its objects are filed under, is its own.
"""

from collections.abc import Mapping

from pratique.cluster.store import Store
from pratique.handlers.kinds.action_runs import ActionRuns
from pratique.handlers.kinds.actions import Actions
from pratique.handlers.kinds.approvals import Approvals
from pratique.handlers.kinds.base import Key, Kind, Limits, Look, Stores, Watched
from pratique.handlers.kinds.channels import Channels
from pratique.handlers.kinds.delegations import Delegations
from pratique.handlers.kinds.environments import Environments
from pratique.handlers.kinds.namespaces import Namespaces
from pratique.handlers.memory import Parsed, Vouched
from pratique.handlers.routing_cache import RoutingCache

__all__ = [
    "WATCHED",
    "ActionRuns",
    "Actions",
    "Approvals",
    "Channels",
    "Delegations",
    "Environments",
    "Key",
    "Kind",
    "Limits",
    "Look",
    "Namespaces",
    "Watched",
    "counts",
    "decided",
    "new_stores",
    "watched_kinds",
]

WATCHED: tuple[type[Watched], ...] = (
    Namespaces,  # listed first: an Environment looks whether its own is there
    Actions,
    Delegations,  # before the runs: a gate that opens takes them in
    ActionRuns,
    Approvals,
    Environments,
    Channels,
)


def new_stores() -> dict[str, Store]:
    """Return the empty cache of a process: one store per watched kind."""
    return {kind.plural: kind.store() for kind in WATCHED}


def counts(stores: Mapping[str, Store]) -> dict[tuple[str, str], int]:
    """Return how many objects there are, by kind and phase."""
    counted = {("actions", ""): len(stores["actions"])}
    for plural in ("actionruns", "approvals", "environments"):
        counted |= {(plural, phase): count for phase, count in stores[plural].counts("phase").items()}
    return counted


def watched_kinds(
    *, stores: Stores, parsed: Parsed, limits: Limits, taints: Mapping[str, str], vouched: Vouched, routes: RoutingCache
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
