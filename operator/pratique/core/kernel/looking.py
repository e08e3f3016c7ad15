"""The effect of looking at an object that says who may approve, and what it comes to. Performed by `cluster.sources`."""

from collections.abc import Mapping
from dataclasses import dataclass

from pratique.core.kernel.effects import Effect, Failure, Json, ObjectRef, Stored

Sources = Mapping[str, Json]
"""The objects in which people are found, by `key_of`."""


@dataclass(frozen=True)
class Asker:
    """Somebody who asks, as the API server knows them."""

    username: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Power:
    """That somebody who asks may write an object: who, and by which verb of RBAC on what, as people read it."""

    username: str
    verb: str


@dataclass(frozen=True)
class SourceSeen:
    """An object that says who may approve, as the Action's account sees it; `power` if who asks may write it."""

    ref: ObjectRef
    power: Power | None
    found: Stored | Failure


@dataclass(frozen=True)
class LookAtSource(Effect[SourceSeen]):
    """Read an object that says who may approve as the Action's account, and ask whether who asks may write it.

    Without a namespace it is in that of the run, if its kind is in namespaces at all.
    """

    ref: ObjectRef
    run_namespace: str
    run_as: str
    askers: tuple[Asker, ...]


def key_of(ref: ObjectRef) -> str:
    """Return what tells an object that is looked at from all others."""
    return f"{ref.api_version} {ref.kind} {ref.namespace or '-'}/{ref.name}"
