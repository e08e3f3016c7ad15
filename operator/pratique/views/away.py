"""Decides which open gates somebody who goes away writes a stand-in into, and which who is back takes theirs from. Pure.

The API server has the last word on each: what it refuses, the command shows. Called by `cli.away`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.delegation import Delegation
from pratique.api.v1alpha1.delegations import DelegationRule
from pratique.api.v1alpha1.scalars import format_time
from pratique.core.gates.quorum import is_listed
from pratique.core.gates.standing_in import is_out
from pratique.core.kernel.effects import Json
from pratique.views.gates import is_open
from pratique.views.rows import Viewer


@dataclass(frozen=True)
class Absence:
    """Who decides for somebody, from when on and until when."""

    to: str
    until: datetime
    begin: datetime | None = None
    reason: str = ""

    def manifest(self) -> Json:
        """Return the Delegation to create; the API server writes whose it is."""
        spec = {"to": self.to, "until": format_time(self.until)}
        spec |= {"reason": self.reason} if self.reason else {}
        spec |= {"notBefore": format_time(self.begin)} if self.begin is not None else {}
        metadata = {"generateName": "away-"}
        return {"apiVersion": "pratique.dev/v1alpha1", "kind": "Delegation", "metadata": metadata, "spec": spec}


def to_lend(approvals: Iterable[Approval], viewer: Viewer, absence: Absence, now: datetime) -> Iterator[Approval]:
    """Yield the open gates that ask somebody, take stand-ins, and end after they have gone."""
    for each in approvals:
        spec = each.spec
        asked = spec.policy.approvers_after(step.at for step in spec.policy.escalation or ())
        takes = spec.policy.delegation is DelegationRule.ALLOW and spec.policy.until > (absence.begin or now)
        mine = is_listed(asked, viewer.username, viewer.groups) and not is_out(spec, viewer.username)
        if is_open(each) and takes and mine and spec.policy.until > now:
            yield each


def lending(approval: Approval, viewer: Viewer, absence: Absence, now: datetime) -> Json:
    """Return the patch that names the stand-in in a gate, in place of whoever is named there."""
    before = approval.spec.stand_ins.get(viewer.username)
    begin = absence.begin
    if begin is None and before is not None and before.not_before is not None:
        begin = now  # a beginning is replaced, not removed
    entry = {"to": absence.to, "until": format_time(absence.until), "source": None}
    entry |= {"notBefore": format_time(begin)} if begin is not None else {}
    return {"spec": {"delegations": {viewer.username: entry}}}


def to_take_back(approvals: Iterable[Approval], viewer: Viewer, now: datetime, *, later: bool) -> Iterator[Approval]:
    """Yield the open gates in which somebody stands in for them; with `later` also where that has not begun."""
    for each in approvals:
        lent = each.spec.stand_ins.get(viewer.username)
        if is_open(each) and lent is not None and lent.until > now and _has_begun(lent.not_before, now, later=later):
            yield each


def taking_back(viewer: Viewer) -> Json:
    """Return the patch that ends it."""
    return {"spec": {"delegations": {viewer.username: None}}}


def to_end(delegations: Sequence[Delegation], viewer: Viewer, now: datetime, *, later: bool) -> list[Delegation]:
    """Return the Delegations of somebody that hold now, or are over; with `later` also those that have not begun."""
    mine = [each for each in delegations if each.spec.from_ is not None and each.spec.from_.username == viewer.username]
    return [each for each in mine if _has_begun(each.spec.not_before, now, later=later)]


def _has_begun(begin: datetime | None, now: datetime, *, later: bool) -> bool:
    return later or begin is None or begin <= now
