"""All attacks, and the page that shows them."""

from collections.abc import Mapping

from tests.attacks import (
    absence,
    actions,
    bounds,
    breaking,
    changing,
    climbing,
    deciding,
    delegating,
    dry_runs,
    elsewhere,
    encoding,
    ending,
    environments,
    filling,
    forging,
    gate_frozen,
    gate_removed,
    impersonating,
    leash,
    levels,
    offering,
    pace,
    requesting,
    run_frozen,
    sizes,
    spelling,
    standalone,
    statuses,
    talking,
)
from tests.attacks.judge import stopped_by, written
from tests.attacks.model import Attack, Denial, Proven
from tests.support.http import Reply

ATTACKS: tuple[Attack, ...] = (
    *requesting.ATTACKS,
    *run_frozen.ATTACKS,
    *dry_runs.ATTACKS,
    *gate_frozen.ATTACKS,
    *gate_removed.ATTACKS,
    *standalone.ATTACKS,
    *deciding.ATTACKS,
    *forging.ATTACKS,
    *climbing.ATTACKS,
    *changing.ATTACKS,
    *breaking.ATTACKS,
    *delegating.ATTACKS,
    *absence.ATTACKS,
    *talking.ATTACKS,
    *offering.ATTACKS,
    *actions.ATTACKS,
    *environments.ATTACKS,
    *ending.ATTACKS,
    *bounds.ATTACKS,
    *pace.ATTACKS,
    *spelling.ATTACKS,
    *leash.ATTACKS,
    *filling.ATTACKS,
    *levels.ATTACKS,
    *statuses.ATTACKS,
    *impersonating.ATTACKS,
    *encoding.ATTACKS,
    *sizes.ATTACKS,
    *elsewhere.ATTACKS,
)
TRIED = tuple(each for each in ATTACKS if not isinstance(each.answer, Proven))
ELSEWHERE = tuple(each for each in ATTACKS if isinstance(each.answer, Proven))
BY_ID = {each.id: each for each in ATTACKS}

POINTS = {
    1: "Nothing is created before every gate is granted",
    2: "Identity comes from the authenticated caller",
    3: "No one decides their own request",
    4: "A pending gate cannot be weakened, removed or forged",
    5: "What was approved is what runs",
    6: "The plan has passed a dry run before an approver is woken",
    7: "The operator is no confused deputy",
    8: "Status is never believed",
    9: "The guard guards itself",
    10: "Clusters before 1.36",
    11: "Break-glass is open, loud and reviewed",
    12: "Every decision is in the audit stream",
    13: "Rights are per Action",
    14: "Machines do not approve",
    15: "Late is late",
    16: "Only the requester withdraws",
    17: "Text from people is text",
}

_INTRO = """\
# Attacks

What somebody may try to get around a gate, and what the API server answers. The tests write this page (`tests/attacks`):
each line is sent to a real API server by a real identity, the answer is verbatim, and beside each denial its allowed twin
is accepted. Each rule of each admission policy, and each rule beside a field, is also taken away, alone, on an API server
of its own: then its attacks are accepted, or stopped by the next rule, and accepted without both.

*Who*: `developer` requests, `lead-1` and `lead-2` approve, `security` may approve other things, `author` writes Actions,
`namespace-admin` has Kubernetes' role `admin` in the namespace, `mallory` was given every right on objects there by mistake
but no verb on Actions, `lead-1-upper` is `lead-1` in other letter case, `lead-1-moved` is `lead-1` who has left the group,
`robot` is a ServiceAccount, `nobody` has no right, `admin` is cluster-admin, `operator` is the operator's own account.
*Peer* names a product in which this was seen to work.
"""


def page(replies: Mapping[str, Reply]) -> str:
    """Return docs/concepts/attacks.md."""
    parts = [_INTRO]
    for point, title in POINTS.items():
        found = [each for each in ATTACKS if each.point == point]
        if found:
            rows = "\n".join(_row(each, replies.get(each.id)) for each in found)
            head = "| attack | who | what is tried | answer | stopped by | allowed instead | peer |"
            parts.append(f"## {point}. {title}\n\n{head}\n|{' --- |' * 7}\n{rows}\n")
    return "\n".join(parts)


def _row(attack: Attack, reply: Reply | None) -> str:
    before, after = around(attack)
    return f"{before}{_cell(written(attack, reply))}{after}"


def around(attack: Attack) -> tuple[str, str]:
    """Return what its line of the page holds before the answer, and after it."""
    twin = f"{attack.twin.who}: {attack.twin.what}" if attack.twin else ""
    before = (f'<a id="{attack.id}"></a>`{attack.id}`', attack.who, attack.what)
    after = (stopped_by(attack), twin, attack.peer)
    return f"| {' | '.join(map(_cell, before))} | ", f" | {' | '.join(map(_cell, after))} |"


def told(attack: Attack) -> str:
    """Return what its line holds at least of the answer: our own sentence, as the page writes it."""
    return _cell(attack.answer.told if isinstance(attack.answer, Denial) else written(attack, None))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip()
