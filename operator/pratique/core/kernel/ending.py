"""The effects by which what a run made for a time is deleted again. Performed by `cluster.ending`."""

from dataclasses import dataclass

from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.core.kernel.effects import Effect, ObjectRef, Stored


@dataclass(frozen=True)
class DeleteAs(Effect[Stored]):
    """Delete the object with this uid, and no other of that name, as an account.

    It comes to the object as long as it is still there, being deleted, and to a Failure NotFound once it is gone. A version
    that is not served any more is no end: it is deleted by another.
    """

    ref: ObjectRef
    uid: str
    run_as: str


@dataclass(frozen=True)
class FindToEnd(Effect[Stored]):
    """Read an object that is to end, as an account. Where only another version of its kind is served, and there it is, it
    comes to a Failure OtherVersion: what was planned cannot be compared with that."""

    ref: ObjectRef
    run_as: str


@dataclass(frozen=True)
class MayDelete(Effect[str]):
    """Ask whether an account may delete and get an object; it comes to what it lacks as a phrase, or to ""."""

    ref: ObjectRef
    account: ServiceAccountRef
