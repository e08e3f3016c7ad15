"""Approvals: looked at with the run that they hold."""

from datetime import datetime
from functools import partial

from pratique.api.v1alpha1 import ActionRun, Approval
from pratique.api.v1alpha1.approval import ApprovalState, ApprovalStatus, Purpose
from pratique.api.v1alpha1.meta import ApiModel, KubeObject
from pratique.api.v1alpha1.notifications import Notification
from pratique.cluster.store import Store
from pratique.core.gates.guarded import ends_now
from pratique.core.gates.plan import ApprovalSnapshot, plan_approval
from pratique.core.kernel.effects import Deliveries, Json, Outcomes
from pratique.core.telling.envelope import put_in_envelope
from pratique.core.telling.messages import Message, compose_approval
from pratique.handlers.kinds.base import UNSETTLED, Key, Kind, Look, is_settled, phase


class Approvals(Kind):
    """Approval: the gate."""

    plural = "approvals"
    listed = UNSETTLED

    @classmethod
    def store(cls) -> Store:
        """Return its empty cache."""
        return Store(run=_gate_of, review=_review_of, phase=phase, waiting=_waiting, open_review=_open_review)

    def keeps(self, body: Json) -> bool:
        """Keep a gate until it has ended and nothing is left, and for as long as its run is kept."""
        over = is_settled(body) and phase(body) != [ApprovalState.PENDING.value]
        return not over or bool(self.stores["actionruns"].by("uid", body["spec"]["subject"]["uid"]))

    def look(self, body: Json, outcomes: Outcomes, deliveries: Deliveries, now: datetime) -> Look:
        """Look with its run, if the cache has the very one."""
        approval = self.parsed(Approval, body)
        subject = approval.spec.subject
        found = self.stores["actionruns"].get((approval.metadata.namespace or "", subject.name))
        run = self.parsed(ActionRun, found) if found and found["metadata"]["uid"] == subject.uid else None
        tainted = self.taints.get(approval.metadata.uid)
        rules = self.limits.gate_channels.rules_for(approval.metadata.namespace or "")
        known = ApprovalSnapshot(approval, run, outcomes, deliveries, self.routing, rules, tainted)
        return approval, plan_approval(known, now)

    def writes(self, before: KubeObject, status: ApiModel) -> None:
        """An open gate that we end, we end under guard: its run need not ask again."""
        if isinstance(before, Approval) and isinstance(status, ApprovalStatus) and ends_now(before.status, status):
            self.vouched.remember(before, status)

    def message(self, body: Json, entry: Notification) -> Message:
        """Tell the approvers."""
        approval = self.parsed(Approval, body)
        return put_in_envelope(entry, approval.status.notifications, partial(compose_approval, approval), self.routing)

    def wakes(self, body: Json, *, gone: bool = False) -> list[Key]:
        """Its run follows it, once somebody has decided or taken it back: else an open gate says nothing new to its run."""
        if not body["spec"]["subject"].get("kind"):
            return []
        status = body.get("status", {})
        said = status.get("decisions") or status.get("timeline")
        if not (gone or said or status.get("state", ApprovalState.PENDING) != ApprovalState.PENDING):
            return []
        return [("actionruns", body["metadata"]["namespace"], body["spec"]["subject"]["name"])]


def _waiting(body: Json) -> list[str]:
    """File an open gate under when it was opened, and its stage."""
    waits = phase(body) == [ApprovalState.PENDING.value] and not _is_review(body)
    opened = body["metadata"].get("creationTimestamp")
    return [f"{opened} {body['spec'].get('stage', '')}"] if waits and opened else []


def waiting(store: Store) -> dict[tuple[str, datetime], int]:
    """Return how many gates wait, by stage and by when they were opened."""
    counted = ((each.partition(" "), number) for each, number in store.counts("waiting").items())
    return {(stage, datetime.fromisoformat(opened)): number for (opened, _, stage), number in counted}


def _gate_of(body: Json) -> list[str]:
    """File a gate under its run."""
    return [] if _is_review(body) else [body["spec"]["subject"]["uid"]]


def _review_of(body: Json) -> list[str]:
    """File the review of a break-glass under its run."""
    return [body["spec"]["subject"]["uid"]] if _is_review(body) else []


def _open_review(body: Json) -> list[str]:
    """File a review that nobody has signed, for whoever counts them."""
    return ["open"] if _is_review(body) and phase(body) == [ApprovalState.PENDING.value] else []


def _is_review(body: Json) -> bool:
    return bool(body["spec"].get("purpose") == Purpose.REVIEW.value)
