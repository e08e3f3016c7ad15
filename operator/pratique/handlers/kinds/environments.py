"""Environments: looked at with their namespace."""

from datetime import datetime
from functools import partial

from pratique.api.v1alpha1 import Environment
from pratique.api.v1alpha1.notifications import Notification
from pratique.cluster.store import Store
from pratique.core.environments.plan import EnvironmentSnapshot, plan_environment
from pratique.core.environments.status import stands
from pratique.core.kernel.effects import Deliveries, Json, Outcomes
from pratique.core.plans.objects import RUN_UID_LABEL
from pratique.core.telling.envelope import put_in_envelope
from pratique.core.telling.messages import Message, compose_environment
from pratique.handlers.kinds.base import Key, Kind, Look, label, phase, uid


class Environments(Kind):
    """Environment: a namespace for a while."""

    plural = "environments"

    @classmethod
    def store(cls) -> Store:
        """Return its empty cache."""
        return Store(uid=uid, run=lambda body: label(RUN_UID_LABEL, body), phase=phase)

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look."""
        environment = self.parsed(Environment, body)
        missing = not stands(self.stores["namespaces"].get(("", environment.spec.target.namespace.name)), environment)
        known = EnvironmentSnapshot(environment, outcomes, deliveries, self.routing, missing)
        return environment, plan_environment(known, now)

    def message(self, body: Json, entry: Notification) -> Message:
        """Tell the requester."""
        environment = self.parsed(Environment, body)
        compose = partial(compose_environment, environment)
        return put_in_envelope(entry, environment.status.notifications, compose, self.routing)

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """The run that made it waits for it."""
        runs = self.stores["actionruns"]
        return [("actionruns", *name) for uid in label(RUN_UID_LABEL, body) for name in runs.by("uid", uid)]
