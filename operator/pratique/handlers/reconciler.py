"""One look at one object: gather, plan, perform, plan again, write the status once. No business rules.

Every look ends in at most one status write, conditional on the version that was looked at. What happens after a crash at
any line is the next look's business: it sees the same world and plans the same effects.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from pratique.api.v1alpha1 import API_VERSION, KINDS, Action, ActionRun
from pratique.api.v1alpha1.meta import ApiModel, KubeObject, amend
from pratique.api.v1alpha1.notifications import DeliveryState, Notification
from pratique.api.v1alpha1.outbox import Telling, outbox_of
from pratique.calling.desk import Desk
from pratique.cluster.client import Api, ApiError
from pratique.cluster.perform import ClusterEffect, perform
from pratique.cluster.store import Store
from pratique.core.kernel.calling import Call, EvaluateAnswer, EvaluateUntil, Poll, Reserve, TryCall
from pratique.core.kernel.effects import (
    AnyEffect,
    CheckAction,
    CheckChannel,
    Checked,
    Create,
    EvaluateOutputs,
    EvaluateReady,
    EvaluateRun,
    EvaluateTarget,
    Failure,
    Read,
    Stored,
    Verified,
    VerifyGuard,
    object_of,
)
from pratique.core.kernel.errors import EvaluationError, EvaluationLimitError, UnreadableError
from pratique.core.kernel.hiding import hide
from pratique.core.kernel.limits import EFFECT_ROUNDS
from pratique.core.kernel.parking import parked_conditions
from pratique.core.telling import outbox
from pratique.core.telling.capacity import find_untold
from pratique.core.telling.messages import Message
from pratique.delivering.lane import Job
from pratique.delivering.outbox import Outbox
from pratique.handlers.kinds import Key, Kind
from pratique.logs import looking_at
from pratique.sandbox.line import BusyError
from pratique.sandbox.pool import Sandbox

log = logging.getLogger(__name__)
Owners = tuple[str, ...]
_PLURALS = {(API_VERSION, kind.__name__): kind.plural for kind in KINDS}
_SOON = timedelta(milliseconds=200)
"""When to look again for what a message cannot do without: the cache has it any moment now."""


@dataclass(frozen=True)
class Verdict:
    """What the queue has to know after a look."""

    wake_at: datetime | None = None
    failed: bool = False


@dataclass
class Reconciler:
    """Looks at objects of all kinds."""

    api: Api
    kinds: dict[str, Kind]
    stores: dict[str, Store]
    sandbox: Sandbox
    outbox: Outbox
    check_channel: Callable[[CheckChannel], Awaitable[Checked]]
    desk: Desk
    verify_guard: Callable[[], Awaitable[Verified | Failure]]
    clock: Callable[[], datetime]
    identity: str
    """Names this process among its replicas: the sender of what it tells."""
    changed: Callable[[str, dict[str, Any]], None]
    """Called with plural and body when our own write made a newer version."""
    writing: Callable[[Key], AbstractContextManager[object]] = lambda key: nullcontext()
    """Around a write of our own: what a watch shows of it meanwhile is no news."""
    read: Callable[[str, dict[str, Any]], None] = lambda plural, body: None
    """Called with plural and body of what a look found of our own kinds: the cache may have been short of it."""
    wrote: Callable[[KubeObject, dict[str, Any]], None] = lambda before, body: None
    """Called with an object as it was looked at, and as it is since its status was written."""
    given_up: Callable[[Notification], None] = lambda entry: None
    """Called for each message that will not be tried again."""
    tells: Callable[[str], bool] = lambda namespace: True
    """Whether this process tells of what is in a namespace: of another shard's, that one does."""
    untold: Callable[[Notification], None] = lambda entry: None
    """Called for each event that an outbox has no room to tell everybody of through a channel."""

    async def look(self, key: Key) -> Verdict:
        """Look at one object; a refusal by the API server means: look again later."""
        plural, namespace, name = key
        body = self.stores[plural].get((namespace, name))
        if body is None:
            return Verdict()
        with looking_at(plural, namespace, name, body["metadata"]["uid"]):
            try:
                return await self._look(key, self.kinds[plural], body)
            except ApiError as error:
                if error.reason != "NotFound":
                    log.info("Looking again: %s", error.message)
                return Verdict(failed=error.reason != "NotFound")
            except BusyError as error:
                log.info("Looking again: %s", error)
                return Verdict(failed=True)
            except UnreadableError as error:
                return await self._park(key, body, error)

    async def _park(self, key: Key, body: dict[str, Any], error: UnreadableError) -> Verdict:
        """Leave alone what a later version wrote, and say so; an object that only waits for such a one comes again."""
        log.warning("Left alone: %s", error)
        if error.uid != body["metadata"]["uid"]:
            return Verdict(failed=True)
        conditions = parked_conditions(body, error, self.clock())
        if conditions is not None:
            version = body["metadata"]["resourceVersion"]
            try:
                self.changed(key[0], await self.api.write_status(_path(key, body), version, conditions, "conditions"))
            except ApiError as refused:
                log.info("Looking again: %s", refused.message)
                return Verdict(failed=refused.reason != "NotFound")
        return Verdict()

    async def _look(self, key: Key, kind: Kind, body: dict[str, Any]) -> Verdict:
        uid = body["metadata"]["uid"]
        deliveries = self.outbox.results(uid)
        outcomes: dict[str, object] = {}
        for _ in range(EFFECT_ROUNDS):
            now = self.clock()
            obj, plan = kind.look(body, outcomes, deliveries, now)
            todo = [effect for effect in plan.effects if effect.key not in outcomes]
            if not todo:
                break
            done = await self._perform_all(todo, _owners(obj))
            outcomes |= done
            self._take_in(todo, done)
            body = self._newest(key[0], body, done.values())
        else:
            raise RuntimeError(f"{key}: no end after {EFFECT_ROUNDS} rounds of effects")
        tells = self.tells(key[1])
        status = self._claim(obj.status, plan.status, tells=tells)  # type: ignore[attr-defined]  # every kind has one
        if status != obj.status:  # type: ignore[attr-defined]
            kind.writes(obj, status)
            body = await self._write(key, body, status)
            kind.wrote(obj, body)
            self.wrote(obj, body)
        self.outbox.forget_marked(uid, deliveries)
        self._notice(uid, obj.status, status)  # type: ignore[attr-defined]
        later = self._tell(key, kind, body, status, now) if tells else None
        for effect in plan.after:
            await self._perform(effect, _owners(obj))
        return Verdict(min((when for when in (plan.wake_at, later) if when), default=None), plan.retry)

    def _claim(self, before: ApiModel, status: ApiModel, *, tells: bool) -> ApiModel:
        """Return the status with this process named as the sender of what is told first by this write."""
        if not isinstance(before, Telling) or not isinstance(status, Telling):
            return status
        if status.notifications == before.notifications or not tells:
            return status
        claimed = outbox.claim(status.notifications, before.notifications, self.identity)
        return amend(status, notifications=claimed)

    def _notice(self, uid: str, before: ApiModel, status: ApiModel) -> None:
        """Have counted what waits, and what this write has given up or had no room for."""
        if not isinstance(before, Telling) or not isinstance(status, Telling):
            return
        self.outbox.count_waiting(uid, status.notifications)
        for entry in outbox.find_given_up(before.notifications, status.notifications):
            self.given_up(entry)
        for entry in find_untold(before.notifications, status.notifications):
            self.untold(entry)

    def _take_in(self, effects: Iterable[AnyEffect], done: Mapping[str, object]) -> None:
        """Have taken into the cache what this process itself has read or made of our kinds, such as a gate."""
        for effect in effects:
            match effect:
                case Read(run_as=None) | Create(run_as=None, dry_run=False):
                    found = object_of(effect.outcome(done)) or {}
                    plural = _PLURALS.get((found.get("apiVersion", ""), found.get("kind", "")))
                    if plural is not None:
                        self.read(plural, found)
                case _:
                    pass

    def _newest(self, plural: str, body: dict[str, Any], done: Iterable[object]) -> dict[str, Any]:
        """Return the object as our own effects left it: a status is written for the newest version."""
        for outcome in done:
            if isinstance(outcome, Stored) and outcome.object["metadata"].get("uid") == body["metadata"]["uid"]:
                body = outcome.object
                self.changed(plural, body)
        return body

    async def _write(self, key: Key, body: dict[str, Any], status: ApiModel) -> dict[str, Any]:
        version = body["metadata"]["resourceVersion"]
        with self.writing(key):
            written = await self.api.write_status(_path(key, body), version, status.to_wire())
            self.changed(key[0], written)
        return written

    def _tell(self, key: Key, kind: Kind, body: dict[str, Any], status: ApiModel, now: datetime) -> datetime | None:
        """Hand what is due to the outbox; return when something that another process has claimed may be delivered."""
        due, later, uid = [], [], body["metadata"]["uid"]
        for entry in outbox.list_due(list(getattr(status, "notifications", ())), now):
            when = outbox.deliverable_at(entry, self.identity, now)
            if when > now:
                later.append(when)
            elif self.outbox.wants(uid, entry):
                message = kind.message(body, entry)
                if message is None:
                    later.append(now + _SOON)
                else:
                    due.append((entry, message))
        self.outbox.offer(key, uid, due)
        return min(later, default=None)

    def renew(self, job: Job) -> Message | None:
        """Return the message of a job as it is true now; None if its entry is settled meanwhile.

        The last words of an object that is gone stay as they were.
        """
        plural, namespace, name = job.key
        body = self.stores[plural].get((namespace, name))
        if body is None or body["metadata"]["uid"] != job.uid:
            return job.message
        try:
            entry = next((each for each in outbox_of(body.get("status") or {}) if each.id == job.entry.id), None)
        except ValidationError:  # a later version has written it: the object is left alone
            return None
        if entry is None or entry.state is DeliveryState.PENDING:
            return self.kinds[plural].message(body, job.entry) or job.message
        return None

    async def _perform_all(self, effects: Sequence[AnyEffect], owners: Owners) -> dict[str, object]:
        """Perform effects side by side; return what each did, by its key."""
        done = await asyncio.gather(*(self._perform(effect, owners) for effect in effects))
        return dict(zip((effect.key for effect in effects), done, strict=True))

    async def _perform(self, effect: AnyEffect, owners: Owners) -> object:
        """Perform one effect, wherever it belongs."""
        try:
            match effect:
                case EvaluateRun():
                    return await self.sandbox.evaluate_run(
                        effect.action,
                        effect.run,
                        owners,
                        target=effect.target,
                        listed=effect.listed,
                        kept=effect.kept,
                        sources=effect.sources,
                    )
                case EvaluateTarget():
                    return await self.sandbox.evaluate_target(
                        effect.plan, effect.run, effect.target, owners, listed=effect.listed
                    )
                case EvaluateReady():
                    rules = {"failed_when": effect.failed_when}
                    return await self.sandbox.evaluate_ready(effect.ready_when, effect.target, owners, **rules)
                case EvaluateOutputs():
                    return await self.sandbox.evaluate_outputs(effect.plan, effect.run, effect.resources, owners)
                case EvaluateAnswer() | EvaluateUntil():
                    return await self._judge_answer(effect, owners)
                case Reserve() | Call() | TryCall() | Poll():
                    return await self.desk.perform(effect)
                case CheckAction():
                    return await self.sandbox.check_action(effect.action, effect.schemas, owners)
                case CheckChannel():
                    return await self.check_channel(effect)
                case VerifyGuard():
                    return await self.verify_guard()
                case _ if isinstance(effect, ClusterEffect):
                    return await perform(self.api, effect)
                case _:
                    raise TypeError(f"nobody performs {type(effect).__name__}")
        except EvaluationError as error:
            return await _failed(effect, error)

    async def _judge_answer(self, effect: EvaluateAnswer | EvaluateUntil, owners: Owners) -> object:
        if isinstance(effect, EvaluateUntil):
            return await self.sandbox.evaluate_until(effect.until, effect.seen, owners)
        return await self.sandbox.evaluate_answer(effect.rules, effect.seen, owners)


def _path(key: Key, body: dict[str, Any]) -> str:
    plural, namespace, name = key
    space = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{body['apiVersion']}{space}/{plural}/{name}"


async def _failed(effect: AnyEffect, error: EvaluationError) -> Failure:
    """Return what is told of an evaluation that failed; that one was cut off is all there is to say, and quotes nothing."""
    if isinstance(error, EvaluationLimitError):
        return Failure("EvaluationFailed", str(error))
    # beside the loop: an object may have a megabyte, and whoever asks for something sets this off
    return Failure("EvaluationFailed", await asyncio.to_thread(hide, str(error), _objects_of(effect)))


def _objects_of(effect: AnyEffect) -> object:
    """Return the live objects that an expression saw: what it complains about may be a value of them.

    Of those that a form offers the sandbox knows which it saw, and hides them itself (`judging.choices`).
    """
    match effect:
        case EvaluateReady() | EvaluateRun() | EvaluateTarget():
            return effect.target
        case EvaluateOutputs():
            return effect.resources
        case EvaluateAnswer() | EvaluateUntil():
            return effect.seen
        case _:
            return None


def _owners(obj: KubeObject) -> Owners:
    """Return on whose account an evaluation goes: the Action's, and the one's who asked."""
    match obj:
        case ActionRun():
            who = obj.spec.requested_by.username if obj.spec.requested_by else ""
            return (f"action {obj.spec.action_ref.name}", f"user {who}")
        case Action():
            return (f"action {obj.metadata.name}",)
        case _:
            return ()
