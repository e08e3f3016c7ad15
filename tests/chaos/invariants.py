"""What must hold however the operator was cut, read from the API server's audit log and the receiver's. Pure functions.

Each returns sentences about what is broken; none of them means that all holds.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

Entry = dict[str, Any]
ENDS = ("Succeeded", "Failed", "Refused", "Declined", "Expired", "Withdrawn", "Superseded")


def accepted(entries: Sequence[Entry], verb: str, resource: str, name: str, subresource: str = "") -> list[int]:
    """Return the places in the log where this was done to an object, dry runs left out."""
    found = []
    for at, entry in enumerate(entries):
        ref = entry.get("objectRef") or {}
        named = ref.get("name") or (entry.get("requestObject") or {}).get("metadata", {}).get("name")
        same = (ref.get("resource"), named, ref.get("subresource") or "") == (resource, name, subresource)
        if (
            same
            and entry["verb"] == verb
            and entry["responseStatus"]["code"] < 300
            and "dryRun" not in entry["requestURI"]
        ):
            found.append(at)
    return found


def created_once(entries: Sequence[Entry], resource: str, name: str) -> list[str]:
    """An approved run's resource is created exactly once."""
    times = len(accepted(entries, "create", resource, name))
    return [] if times == 1 else [f"{resource}/{name} was created {times} times"]


def never_created(entries: Sequence[Entry], name: str) -> list[str]:
    """Nothing is ever created for a run that was not granted."""
    made = [each for each in ("configmaps", "jobs", "secrets") if accepted(entries, "create", each, name)]
    return [f"{name} ended without approval, but {', '.join(made)} were created"] if made else []


def not_before_granted(entries: Sequence[Entry], resource: str, name: str, gate: str) -> list[str]:
    """No resource is created before the gate is on record as granted.

    Judged by the versions that the API server gave: the lines of its log stand in the order in which answers were finished.
    """
    made = [_version(entries[at]) for at in accepted(entries, "create", resource, name)]
    grants = [
        _version(entries[at])
        for at in accepted(entries, "patch", "approvals", gate, "status")
        if (entries[at].get("responseObject") or {}).get("status", {}).get("state") == "Approved"
    ]
    if made and (not grants or min(made) < min(grants)):
        return [f"{resource}/{name} was created before {gate} was granted"]
    return []


def _version(entry: Entry) -> int:
    return int(entry["responseObject"]["metadata"]["resourceVersion"])


def phases(entries: Sequence[Entry], name: str) -> list[str]:
    """Return the phases of a run as they were written, repeats left out."""
    written: list[str] = []
    for at in accepted(entries, "patch", "actionruns", name, "status"):
        phase = (entries[at].get("responseObject") or {}).get("status", {}).get("phase")
        if phase and phase != (written or [None])[-1]:
            written.append(phase)
    return written


def one_end(entries: Sequence[Entry], name: str, end: str) -> list[str]:
    """A run ends once, and an end never changes."""
    seen = phases(entries, name)
    ends = [phase for phase in seen if phase in ENDS]
    if ends == [end] and seen[-1] == end:
        return []
    return [f"{name} should have ended as {end} once, but its phases were {seen}"]


def told(received: Sequence[tuple[str, str]], events: Sequence[str], kills: int) -> list[str]:
    """Each event is told at least once, and again only after a kill, under the same key. `received`: event and key."""
    problems = []
    for event in events:
        keys = [key for kind, key in received if kind == event]
        if not keys:
            problems.append(f"{event} was never told")
        elif len(set(keys)) > 1:
            problems.append(f"{event} was told under {len(set(keys))} different keys")
        elif len(keys) > 1 + kills:
            problems.append(f"{event} was told {len(keys)} times with {kills} kills")
    unexpected = Counter(kind for kind, _ in received if kind not in events)
    return problems + [f"{event} was told {times} times and never happened" for event, times in unexpected.items()]


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds from one RFC 3339 time to another."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
