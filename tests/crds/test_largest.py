"""The largest gates that there can be: a decision on them still passes, within the API server's limits of cost and of time.

A policy that costs more than the API server allows denies everything, so a gate must never grow to where nobody can decide.
What people may add over months is put there at once: while no policy is bound, on a control plane of its own.
"""

import copy
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.support.cluster import wait_for
from tests.support.http import Callers, Reply
from tests.support.own_plane import own_plane
from tools.codegen.manifests import install
from tools.controlplane.identities import known

from pratique.api.v1alpha1.scalars import format_time

SPACE = "largest"
GATES = f"/apis/pratique.dev/v1alpha1/namespaces/{SPACE}/approvals"
POLICIES = "/apis/admissionregistration.k8s.io/v1"
BINDINGS = ("validatingadmissionpolicybindings", "mutatingadmissionpolicybindings")
MERGE = "application/merge-patch+json"
ONCALL = known("oncall").username
LEAD, LEADS = known("lead-1").username, "platform-leads"
SECONDS = 30.0
"""How long a decision may take, on a machine however busy: half of what an API server gives a request."""
NOW = datetime.now(UTC)


def moment(minutes: float) -> str:
    return format_time(NOW + timedelta(minutes=minutes))


def name(number: int, length: int) -> str:
    return f"u{number:02}-{'n' * (length - 16)}@example.com"


def entry(verdict: str, groups: list[str], comment: str, minute: float, changes: int) -> dict[str, Any]:
    """Return what somebody said, after so many changes of mind."""
    said = {"verdict": verdict, "comment": comment, "groups": groups, "decidedAt": moment(minute)}
    before = [{**said, "verdict": "Undecided", "decidedAt": moment(minute - 10 + n)} for n in range(changes)]
    return {**said, **({"history": before} if before else {})}


def gate(
    ident: str, *, people: int, comment: int, groups: int, length: int, steps: int, required: int
) -> dict[str, Any]:
    """Return a gate of which all but one of `people` have said something as often as they may; lead-1 has, once less."""
    listed = [LEADS, *(f"g{n:02}-{'n' * (length - 4)}" for n in range(groups - 1))]
    names = [name(n, length) for n in range(people - 2)]
    ladder = [
        {
            "at": moment(60 + step),
            "to": {"users": [f"s{step}-{n:02}-{'n' * (length - 6)}" for n in range(16)]},
        }
        for step in range(steps)
    ]
    made = make.approval(SPACE, ident, groups=tuple(listed[:32]), deadline=timedelta(days=1))
    spec = made["spec"]
    glass = {"users": [f"b{n:02}-{'n' * (length - 4)}" for n in range(16)], "groups": ["sre-oncall", *listed[1:16]]}
    spec["policy"] |= {"required": required, "escalation": ladder, "breakGlass": {**glass, "requester": "Forbid"}}
    offers = {f"i{n:02}": {"values": [f"{'v' * (length - 2)}{v:02}" for v in range(16)]} for n in range(16)}
    spec["policy"]["counterOffer"] = {"inputs": offers}
    spec["policy"]["delegation"] = "Allow"
    # as many stand-ins as there may be, of 16 groups each; oncall decides for the first of them
    owners = [f"o{n:02}-{'n' * (length - 4)}" for n in range(31)]
    stamped = {"until": moment(24 * 60 * 20), "at": moment(-60), "groups": listed[:16]}
    spec["delegations"] = {owner: {"to": f"t-{owner}", **stamped} for owner in owners}
    spec["delegations"]["away@example.com"] = {"to": ONCALL, **stamped}
    spec["excluded"] = [f"x{n:02}-{'n' * (length - 4)}" for n in range(64)]
    spec["decisions"] = {
        **{who: entry("Undecided", listed, "c" * comment, -30, 3) for who in names},
        LEAD: entry("Undecided", [LEADS], "c" * comment, -30, 2),
    }
    return made


SIZES = {
    "usual": {"people": 8, "comment": 60, "groups": 2, "length": 30, "steps": 2},
    "every list full": {"people": 64, "comment": 200, "groups": 16, "length": 40, "steps": 8},
    "as large as is stored": {"people": 64, "comment": 1024, "groups": 16, "length": 190, "steps": 4},
}


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    """A plane that guards again, with the gates that were put there before."""
    with own_plane(SPACE, tmp_path_factory.mktemp("largest")) as (plane, _), Callers(plane) as callers:
        admin = callers["admin"]
        for plural in BINDINGS:
            for each in admin.send("GET", f"{POLICIES}/{plural}").body["items"]:
                assert admin.send("DELETE", f"{POLICIES}/{plural}/{each['metadata']['name']}").ok
        for size, parts in SIZES.items():
            manifest = gate(size.replace(" ", "-"), required=3, **parts)
            wait_for(f"{size} to be made", lambda manifest=manifest: made(callers, manifest))  # type: ignore[misc]
        for each in install(older=False):
            if each["kind"].endswith("Binding") and each["apiVersion"].startswith("admissionregistration"):
                plural = f"{each['kind'].lower()}s"
                assert admin.send("POST", f"{POLICIES}/{plural}", each).ok
        wait_for("the policies to guard again", lambda: not opened(callers).ok)
        # those that stamp are loaded apart from those that guard, and without them no decision is taken
        wait_for("the policies to stamp again", lambda: say(callers, "lead-1", "usual", "Approve")[0].ok)
        yield callers


def opened(callers: Callers) -> Reply:
    return callers["admin"].send("POST", f"{GATES}?dryRun=All", make.approval(SPACE, "probe"))


def made(callers: Callers, manifest: dict[str, Any]) -> bool:
    reply = callers["admin"].send("POST", GATES, copy.deepcopy(manifest))
    assert reply.ok or "pratique" in reply.message, reply.message[:2000]
    return reply.ok


def say(callers: Callers, who: str, gate: str, verdict: str, *, dry: bool = True) -> tuple[Reply, float]:
    entry: dict[str, Any] = {"verdict": verdict, "comment": "so"}
    if verdict == "Offer":
        rule = callers["admin"].send("GET", f"{GATES}/{gate}").body["spec"]["policy"]["counterOffer"]["inputs"]
        entry["proposal"] = {name: each["values"][-1] for name, each in rule.items()}
    body = {"spec": {"decisions": {known(who).username: entry}}}
    began = time.monotonic()
    reply = callers[who].send("PATCH", f"{GATES}/{gate}{'?dryRun=All' if dry else ''}", body, content_type=MERGE)
    return reply, time.monotonic() - began


@pytest.mark.parametrize("size", SIZES)
def test_a_decision_passes(callers: Callers, size: str) -> None:
    ident = size.replace(" ", "-")
    said = (
        ("lead-1", "Approve"),
        ("lead-2", "Approve"),
        ("lead-2", "Decline"),
        ("lead-2", "Offer"),
        ("oncall", "BreakGlass"),
    )
    for who, verdict in said:
        reply, took = say(callers, who, ident, verdict)
        assert reply.ok, reply.message[:2000]
        assert took < SECONDS, f"{who}: {took:.1f} s"
    body = {"spec": {"decisions": {ONCALL: {"verdict": "Approve", "comment": "so", "for": "away@example.com"}}}}
    began = time.monotonic()
    reply = callers["oncall"].send("PATCH", f"{GATES}/{ident}?dryRun=All", body, content_type=MERGE)
    assert reply.ok, f"a stand-in: {reply.message[:2000]}"
    assert time.monotonic() - began < SECONDS
    reply, _ = say(callers, "security", ident, "Approve")
    assert reply.code == 403 and "an approver" in reply.message, "told so, not that it cost too much"
