"""Decides what is said of an Environment that is protected when its time is up: it stays, and its people hear so daily.

Pure. `environment` is the only caller.
"""

from dataclasses import replace
from datetime import datetime

from pratique.api.v1alpha1.conditions import Reason
from pratique.api.v1alpha1.environment import Environment, EnvironmentPhase, EnvironmentStatus
from pratique.api.v1alpha1.notifications import EventType
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.environments.status import write
from pratique.core.environments.ttl import FOREVER, Judgement, wall
from pratique.core.kernel.effects import Plan
from pratique.core.telling.wording import moment


def stay_protected(environment: Environment, at: Judgement, now: datetime) -> Plan[EnvironmentStatus]:
    """Keep it, and say so at its end and each day after."""
    last = wall(environment)
    most = f", at {moment(last)} at the latest" if last < FOREVER else ""
    text = (
        f"Its time was up at {moment(at.expires_at)}, but it is protected: namespace"
        f" {environment.spec.target.namespace.name} is deleted once spec.protected is taken away{most}"
    )
    key = f"{format_time(at.expires_at)}/{at.days_over}"
    phase, event, end = EnvironmentPhase.EXPIRING, EventType.ENVIRONMENT_PROTECTED, at.expires_at
    held = write(environment, phase, Reason.PROTECTED, text, now, event, key=key, expires_at=end)
    return replace(held, wake_at=at.wake_at)
