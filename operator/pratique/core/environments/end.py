"""Decides how an Environment that is being deleted goes: its namespace first, its finalizer last. Pure.

The namespace is deleted only if it carries this Environment's uid, and by its own uid; whatever else has that name is left
alone and holds nothing up, so that deleting the surrounding namespace never hangs on us. `environment` is the only caller.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.environment import Environment, EnvironmentPhase, EnvironmentStatus
from pratique.api.v1alpha1.notifications import EventType
from pratique.core.environments.status import (
    FINALIZER,
    is_going,
    is_ours,
    namespace_ref,
    set_finalizers,
    try_again,
    write,
)
from pratique.core.kernel.effects import Delete, Failure, Json, Outcomes, Plan, Read, object_of
from pratique.core.kernel.happened import Happened
from pratique.core.telling.outbox import has_pending
from pratique.core.telling.recorder import is_news
from pratique.core.telling.stakeholders import stakeholders_of_environment
from pratique.core.telling.wording import moment

POLL = timedelta(seconds=2)
_LONGEST_POLL = timedelta(seconds=30)
_LAST_WORDS = timedelta(seconds=60)
_GONE = "NotFound", "Conflict"
"""The answers to a delete by uid that mean: that very namespace is not there any more."""
_OBSTACLES = ("NamespaceDeletionDiscoveryFailure", "NamespaceDeletionContentFailure", "NamespaceFinalizersRemaining")
"""The conditions by which a namespace says why it does not go. That content remains is no obstacle: it is the work."""


def take_down(environment: Environment, outcomes: Outcomes, now: datetime) -> Plan[EnvironmentStatus]:
    """Delete the namespace, wait until it is really gone, then let the Environment go."""
    if FINALIZER not in environment.metadata.finalizers:
        return Plan(environment.status)
    return _remove(environment, outcomes, now) or _let_go(environment, now)


def stay(
    environment: Environment, outcomes: Outcomes, mark: str, at: datetime, now: datetime
) -> Plan[EnvironmentStatus]:
    """Delete the namespace, and let the Environment stay as Expired: Git would make another, with fresh days."""
    going = _remove(environment, outcomes, now)
    if going is not None:
        return going
    text = (
        f"Its time was up at {moment(at)}, and namespace {environment.spec.target.namespace.name} is gone. It stays, since"
        f" Git holds it ({mark}) and would make it again: remove it there"
    )
    stays = write(environment, EnvironmentPhase.EXPIRED, Reason.EXPIRED, text, now)
    return stays if environment.status.phase is EnvironmentPhase.EXPIRED else stays.and_that(_gone(environment))


def _remove(environment: Environment, outcomes: Outcomes, now: datetime) -> Plan[EnvironmentStatus] | None:
    """Delete the namespace; None once it is gone, or was never there."""
    ref, phase = namespace_ref(environment), EnvironmentPhase.DELETING
    find = Read("find", ref)
    found = find.outcome(outcomes)
    if found is None:
        return Plan(environment.status, effects=(find,))
    if isinstance(found, Failure) and found.reason != "NotFound":
        return try_again(environment, phase, f"{ref} could not be looked for", found, now)
    live = object_of(found)
    if live is None or not is_ours(live, environment):
        return None
    delete = Delete("delete", ref, live["metadata"]["uid"])
    deleted = delete.outcome(outcomes)
    if deleted is None and not is_going(live):
        return Plan(environment.status, effects=(delete,))
    if isinstance(deleted, Failure) and deleted.reason not in _GONE:
        return try_again(environment, phase, f"{ref} could not be deleted", deleted, now)
    going = write(environment, phase, Reason.DELETING, _going(environment, live), now)
    return replace(going, wake_at=now + _pause(environment, now))


def _going(environment: Environment, live: Json) -> str:
    """Say that the namespace goes, and what it says itself about why it does not."""
    text = f"Namespace {environment.spec.target.namespace.name} is being deleted, with everything in it"
    conditions = live.get("status", {}).get("conditions") or []
    obstacles = [each for each in conditions if each["type"] in _OBSTACLES and each["status"] == "True"]
    return "; ".join([text, *(str(each.get("message", each["type"])) for each in obstacles)])


def _pause(environment: Environment, now: datetime) -> timedelta:
    """Return how long to wait before looking again: a namespace that hangs for hours is not asked every other second."""
    since = environment.metadata.deletion_timestamp or environment.status.expires_at or now
    return min(max(POLL, (now - since) / 10), _LONGEST_POLL)


def _gone(environment: Environment) -> Happened:
    name = environment.spec.target.namespace.name
    return Happened(f"Namespace {name} is gone, with everything that was in it", (EventType.ENVIRONMENT_GONE,))


def _let_go(environment: Environment, now: datetime) -> Plan[EnvironmentStatus]:
    """Remove the finalizer, once what is still to be told was told, or a minute has passed since it was all gone."""
    status, news = environment.status, _gone(environment)
    told_before = status.phase is EnvironmentPhase.EXPIRED
    if not told_before and is_news(status, news, stakeholders_of_environment(environment), now):
        return Plan(status, wake_at=now, happened=(news,))
    gone = [each.at for each in status.notifications if each.event is EventType.ENVIRONMENT_GONE]
    last_words = max([environment.metadata.deletion_timestamp or now, *gone]) + _LAST_WORDS
    if has_pending(list(environment.status.notifications)) and now < last_words:
        return Plan(environment.status, wake_at=min(now + POLL, last_words))
    rest = [finalizer for finalizer in environment.metadata.finalizers if finalizer != FINALIZER]
    return Plan(environment.status, after=(set_finalizers(environment, rest, "let-go"),), wake_at=now + POLL)
