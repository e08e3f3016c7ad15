"""The effects by which what a run made for a time is deleted again. Performed by `cluster.ending`."""

from dataclasses import dataclass

from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.core.kernel.effects import Effect, ObjectRef, Stored


@dataclass(frozen=True)
class DeleteAs(Effect[Stored]):
    """Delete the object with this uid, and no other of that name, as an account.

    It comes to the object as long as it is still there, being deleted, and to a Failure NotFound once it is gone.
    """

    ref: ObjectRef
    uid: str
    run_as: str


@dataclass(frozen=True)
class MayDelete(Effect[str]):
    """Ask the API server whether an account may delete an object; it comes to what it lacks as a phrase, "" for nothing."""

    ref: ObjectRef
    account: ServiceAccountRef
