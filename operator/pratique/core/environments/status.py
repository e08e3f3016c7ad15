"""Writes an Environment's status, and says what happened: phase, message and conditions in one value, none is forgotten.

Also what its planners share: the reference to it, its finalizers, and whether an object was made for it. What is decided,
`plan`, `make` and `end` know; nobody else calls this.
"""

from dataclasses import replace
from datetime import datetime

from pratique.api.v1alpha1 import API_VERSION
from pratique.api.v1alpha1.conditions import ConditionStatus, Reason
from pratique.api.v1alpha1.environment import Environment, EnvironmentPhase, EnvironmentStatus
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.notifications import EventType
from pratique.core.environments.objects import ENVIRONMENT_UID_LABEL
from pratique.core.kernel.conditions import set_kstatus
from pratique.core.kernel.effects import Failure, Json, MergePatch, ObjectRef, Plan
from pratique.core.kernel.happened import Happened
from pratique.core.kernel.text import clean

FINALIZER = "pratique.dev/environment"
MADE = (EnvironmentPhase.ACTIVE, EnvironmentPhase.EXPIRING)
_AT_WORK = (EnvironmentPhase.CREATING, EnvironmentPhase.DELETING)
_STUCK = (EnvironmentPhase.FAILED, EnvironmentPhase.EXPIRED)
_MAX_MESSAGE = 2048


def write(
    environment: Environment,
    phase: EnvironmentPhase,
    reason: Reason,
    message: str,
    now: datetime,
    *events: EventType,
    key: str = "",
    expires_at: datetime | None = None,
) -> Plan[EnvironmentStatus]:
    """Return the status of an Environment that is in this phase; one that is new has happened, and so have the events."""
    text, status = clean(message, _MAX_MESSAGE), environment.status
    conditions = set_kstatus(
        list(status.conditions),
        ready=ConditionStatus.TRUE if phase in MADE else ConditionStatus.FALSE,
        reconciling=phase in _AT_WORK,
        stalled=phase in _STUCK,
        reason=reason,
        message=text,
        now=now,
        generation=environment.metadata.generation,
    )
    written = amend(
        status,
        phase=phase,
        message=text,
        conditions=conditions,
        observed_generation=environment.metadata.generation,
        expires_at=expires_at or status.expires_at,
    )
    happened = Happened(text, events, "" if phase is status.phase else phase.value, key)
    return Plan(written, happened=(happened,) if events or happened.word else ())


def try_again(
    environment: Environment, phase: EnvironmentPhase, what: str, failure: Failure, now: datetime
) -> Plan[EnvironmentStatus]:
    """Say what failed, and ask for another look."""
    text = f"{what}: {failure.message}; it is tried again"
    return replace(write(environment, phase, Reason.RETRYING, text, now), retry=True)


def is_ours(live: Json | None, environment: Environment) -> bool:
    """Say whether an object was made for this very Environment: its uid cannot be known, or copied, before it exists."""
    labels = (live or {}).get("metadata", {}).get("labels") or {}
    return bool(labels.get(ENVIRONMENT_UID_LABEL) == environment.metadata.uid)


def stands(live: Json | None, environment: Environment) -> bool:
    """Say whether a namespace is the one that was made for this Environment, and is not being deleted."""
    made = environment.status.namespace_uid
    same = made is None or (live or {}).get("metadata", {}).get("uid") == made
    return same and is_ours(live, environment) and not is_going(live)


def is_going(live: Json | None) -> bool:
    """Say whether an object is being deleted."""
    return bool((live or {}).get("metadata", {}).get("deletionTimestamp"))


def set_finalizers(environment: Environment, finalizers: list[str], key: str) -> MergePatch:
    """Return the patch; a merge patch replaces the list, so the version seen is its precondition: others hold it too."""
    metadata = {"finalizers": finalizers, "resourceVersion": environment.metadata.resource_version}
    return MergePatch(key, ref_of(environment), environment.metadata.uid, {"metadata": metadata})


def ref_of(environment: Environment) -> ObjectRef:
    """Return the reference to the Environment itself."""
    return ObjectRef(API_VERSION, "Environment", environment.metadata.name, environment.metadata.namespace)


def namespace_ref(environment: Environment) -> ObjectRef:
    """Return the reference to the namespace that it asks for."""
    return ObjectRef("v1", "Namespace", environment.spec.target.namespace.name)
