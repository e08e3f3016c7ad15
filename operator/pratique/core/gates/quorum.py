"""Decides how far the rules of a gate are: how many of those who approve count for each, and what it lacks still. Pure.

A gate has one rule, or several of which one must be met. Whose decision counts at all, `tally` knows; that the API server
comes to the same result is the business of `admission/decision.py`, and `tests/unit/core/gates/test_seal.py` holds the two
together.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pratique.api.v1alpha1.approval import ApprovalSpec, GateRule
from pratique.api.v1alpha1.decisions import RecordedDecision, Verdict
from pratique.api.v1alpha1.stages import Approvers
from pratique.core.kernel.identity import is_service_account
from pratique.core.telling.wording import groups_phrase


@dataclass(frozen=True)
class Progress:
    """How far one rule of a gate is: its approvals, and of which groups how many are lacking still."""

    way: GateRule
    approvals: int
    lacking: tuple[tuple[str, int], ...] = ()

    @property
    def missing(self) -> int:
        """How many people must approve still, at least."""
        return max(self.way.required - self.approvals, 0, *(count for _, count in self.lacking))

    @property
    def is_met(self) -> bool:
        """Whether nobody is missing."""
        return self.missing == 0


def is_listed(approvers: Approvers, username: str, groups: Iterable[str]) -> bool:
    """Whether somebody is one of these: by name, or by a group; a ServiceAccount by its exact name only."""
    if username in approvers.users:
        return True
    return not is_service_account(username) and any(group in approvers.groups for group in groups)


def progress(spec: ApprovalSpec, counted: Iterable[RecordedDecision]) -> list[Progress]:
    """Return how far each rule of a gate is with these decisions; of a group those count whose stamp has it."""
    approving = [each for each in counted if each.verdict is Verdict.APPROVE]
    # a stand-in counts as the one for whom they decided, whose groups the API server stamped
    stamps = {each.for_ or each.by: tuple(spec.decisions[each.by].groups or ()) for each in approving}
    if not spec.policy.alternatives:  # all who count do so for the one rule, whom a step has added too
        return [_progress(way, list(stamps.values())) for way in spec.policy.ways]
    return [
        _progress(way, [groups for who, groups in stamps.items() if is_listed(way.approvers, who, groups)])
        for way in spec.policy.ways
    ]


def _progress(way: GateRule, mine: list[tuple[str, ...]]) -> Progress:
    wanted = {each.group: each.count for each in way.require_from or ()}
    lacking = {group: count - sum(group in groups for groups in mine) for group, count in wanted.items()}
    return Progress(way, len(mine), tuple((group, count) for group, count in lacking.items() if count > 0))


def say_missing(one: Progress, able: tuple[str, ...]) -> str:
    """Return what a rule lacks: `2 more of lead, group ops, of them 1 of group ops`; `able` are who may still decide."""
    of_groups = groups_phrase(one.lacking)
    if one.missing == sum(count for _, count in one.lacking) and len(one.lacking) == 1:
        return f"{one.missing} more of group {one.lacking[0][0]}"
    among = f", of them {of_groups}" if of_groups else ""
    return f"{one.missing} more of {', '.join(able)}{among}"
