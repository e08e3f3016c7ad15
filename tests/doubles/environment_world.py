"""A cluster in miniature for one Environment: it performs plans as the operator does, and can be killed at any step.

Time stands still during a look. A namespace takes `GOING` to go; messages arrive between two looks.
"""

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pratique.api.v1alpha1.environment import Environment
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.environments.plan import EnvironmentSnapshot, plan_environment
from pratique.core.environments.status import stands
from pratique.core.kernel.effects import (
    AnyEffect,
    Create,
    Delete,
    Delivery,
    Failure,
    Json,
    MergePatch,
    Plan,
    Read,
    Stored,
)
from tests.builders.models import NOW

GOING = timedelta(seconds=3)
SENT = Delivery(sent=True)
Name = tuple[str, str | None, str]


class KilledError(Exception):
    """The operator is gone, at this very step."""


class World:
    """The Environment, what was made for it, and when which object was deleted."""

    def __init__(self, spec: Json) -> None:
        self.now = NOW
        self.version = 0
        self.steps_to_live = -1
        self.deletions: list[tuple[Name, datetime]] = []
        self.objects: dict[Name, Json] = {}
        self.told: list[str] = []
        self.put(
            {
                "apiVersion": "pratique.dev/v1alpha1",
                "kind": "Environment",
                "metadata": {"name": "demo", "namespace": "team-a", "uid": "e1", "creationTimestamp": format_time(NOW)},
                "spec": spec,
                "status": deepcopy(Environment.default_status),
            }
        )

    @property
    def environment(self) -> Json | None:
        return self.objects.get(("Environment", "team-a", "demo"))

    @property
    def namespace(self) -> Json | None:
        return self.objects.get(("Namespace", None, "env-demo"))

    def put(self, body: Json) -> Json:
        """Store an object as the API server does."""
        self.version += 1
        metadata = {
            "generation": 1,
            "uid": f"u{self.version}",
            **body["metadata"],
            "resourceVersion": str(self.version),
        }
        stored = {**body, "metadata": metadata}
        self.objects[name_of(body)] = stored
        return stored

    def extend(self, ttl: str) -> None:
        body = deepcopy(self.environment)
        assert body is not None
        body["spec"]["ttl"] = ttl
        body["metadata"]["generation"] += 1
        self.put(body)

    def advance(self, **length: float) -> None:
        """Let time pass; namespaces that were told to go are gone after a while, with everything in them."""
        self.now += timedelta(**length)
        going = self.namespace and self.namespace["metadata"].get("deletionTimestamp")
        if going and self.now >= datetime.fromisoformat(going) + GOING:
            self.objects = {name: body for name, body in self.objects.items() if "env-demo" not in name}

    def look(self, steps_to_live: int = -1) -> Plan[Any] | None:
        """Look once, as the reconciler does; killed after so many requests, the last one's answer unheard."""
        self.steps_to_live = steps_to_live
        body = self.environment
        if body is None:
            return None
        outcomes: dict[str, object] = {}
        while True:
            environment = Environment.model_validate(body)
            missing = not stands(self.namespace, environment)
            pending = [entry.id for entry in environment.status.notifications if entry.state == "Pending"]
            plan = plan_environment(
                EnvironmentSnapshot(environment, outcomes, dict.fromkeys(pending, SENT), missing=missing), self.now
            )
            todo = [effect for effect in plan.effects if effect.key not in outcomes]
            if not todo:
                break
            outcomes |= {effect.key: self.perform(effect) for effect in todo}
            body = self.environment or body
        if plan.status != environment.status:
            self.write(body, plan.status.to_wire())
            self.told += pending
        for effect in plan.after:
            self.perform(effect)
        return plan

    def write(self, seen: Json, status: Json) -> None:
        current = self.environment
        assert current is not None
        assert current["metadata"]["resourceVersion"] == seen["metadata"]["resourceVersion"]
        self.put({**current, "status": status})
        self.step()

    def step(self) -> None:
        self.steps_to_live -= 1
        if self.steps_to_live == 0:
            raise KilledError

    def perform(self, effect: AnyEffect) -> object:
        outcome = self.answer(effect)
        self.step()
        return outcome

    def answer(self, effect: AnyEffect) -> object:
        match effect:
            case Create(manifest=manifest):
                existing = self.objects.get(name_of(manifest))
                if existing is not None:
                    return replace(Failure("AlreadyExists", "is there already"), found=Stored(existing))
                stored = self.put(manifest)
                if manifest["kind"] == "ResourceQuota":
                    self.objects[name_of(stored)] = {**stored, "status": {"hard": manifest["spec"]["hard"]}}
                return Stored(stored)
            case Read(ref=ref):
                found = self.objects.get((ref.kind, ref.namespace, ref.name))
                return Stored(found) if found else Failure("NotFound", "is not there")
            case MergePatch(ref=ref, patch=patch):
                return self.patch(self.objects[(ref.kind, ref.namespace, ref.name)], patch["metadata"])
            case Delete(ref=ref, uid=uid, version=version):
                current = self.objects.get((ref.kind, ref.namespace, ref.name))
                if version and current and current["metadata"]["resourceVersion"] != version:
                    return Failure("Conflict", "was changed")
                return self.delete((ref.kind, ref.namespace, ref.name), uid)
        raise AssertionError(effect)

    def patch(self, current: Json, metadata: Json) -> object:
        if metadata["resourceVersion"] != current["metadata"]["resourceVersion"]:
            return Failure("Conflict", "was changed")
        changed = self.put({**current, "metadata": {**current["metadata"], **metadata}})
        if changed["metadata"].get("deletionTimestamp") and not metadata["finalizers"]:
            del self.objects[name_of(changed)]
        return Stored(changed)

    def delete(self, name: Name, uid: str) -> object:
        current = self.objects.get(name)
        if current is None or current["metadata"]["uid"] != uid:
            return Failure("NotFound" if current is None else "Conflict", "is not there")
        self.deletions.append((name, self.now))
        metadata = {**current["metadata"], "deletionTimestamp": format_time(self.now)}
        return Stored(self.put({**current, "metadata": metadata}))


def name_of(body: Json) -> Name:
    return body["kind"], body["metadata"].get("namespace"), body["metadata"]["name"]
