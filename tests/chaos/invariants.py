"""What must hold however the operator was cut, read from the API server's audit log and the receiver's. Pure functions.

Each returns sentences about what is broken; none of them means that all holds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.chaos.receivers import Heard

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
            and not (verb == "delete" and (entry.get("requestObject") or {}).get("dryRun"))
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


def changed_once(entries: Sequence[Entry], resource: str, name: str) -> list[str]:
    """An object is changed exactly once: what is applied again says what is there, and makes no other version."""
    versions = {_version(entries[at]) for at in accepted(entries, "patch", resource, name)}
    return [] if len(versions) == 1 else [f"{resource}/{name} was changed {len(versions)} times"]


def deleted_once(entries: Sequence[Entry], resource: str, name: str, gate: str) -> list[str]:
    """An object is deleted exactly once, and not before its gate is on record as granted."""
    times = accepted(entries, "delete", resource, name)
    if len(times) != 1:
        return [f"{resource}/{name} was deleted {len(times)} times"]
    granted = [entries[at]["requestReceivedTimestamp"] for at in _grants(entries, gate)]
    early = not granted or entries[times[0]]["requestReceivedTimestamp"] < min(granted)
    return [f"{resource}/{name} was deleted before {gate} was granted"] if early else []


def called_once(calls: Sequence[tuple[str, str]], name: str) -> list[str]:
    """What is outside is done once: however often it is called, it is by one key."""
    keys = {key for about, key in calls if about == name}
    return [] if len(keys) == 1 else [f"{name} called under {len(keys)} keys"]


def _grants(entries: Sequence[Entry], gate: str) -> list[int]:
    """Return where the gate was put on record as granted."""
    return [
        at
        for at in accepted(entries, "patch", "approvals", gate, "status")
        if (entries[at].get("responseObject") or {}).get("status", {}).get("state") in ("Approved", "Broken")
    ]


def not_before_granted(entries: Sequence[Entry], resource: str, name: str, gate: str) -> list[str]:
    """No resource is created before the gate is on record as granted.

    Judged by the versions that the API server gave: the lines of its log stand in the order in which answers were finished.
    """
    made = [_version(entries[at]) for at in accepted(entries, "create", resource, name)]
    grants = [_version(entries[at]) for at in _grants(entries, gate)]
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
        if phase and written[-1:] != [phase]:
            written.append(phase)
    return written


def one_end(entries: Sequence[Entry], name: str, end: str) -> list[str]:
    """A run ends once, and an end never changes."""
    seen = phases(entries, name)
    ends = [phase for phase in seen if phase in ENDS]
    if ends == [end] and seen[-1] == end:
        return []
    return [f"{name} should have ended as {end} once, but its phases were {seen}"]


def was_active(entries: Sequence[Entry], name: str) -> bool:
    """Whether it was ever on record that an Environment is there."""
    return any(
        (entries[at].get("responseObject") or {}).get("status", {}).get("phase") == "Active"
        for at in accepted(entries, "patch", "environments", name, "status")
    )


def told(received: Sequence[Heard], expected: Mapping[str, Sequence[str]], repeats: int) -> list[str]:
    """Each receiver is told what concerns it, in that order, `repeats` more times at most, by the same key; no other is."""
    by_receiver: dict[str, list[Heard]] = {name: [] for name in expected}
    for each in received:
        by_receiver.setdefault(each.receiver, []).append(each)
    return [
        f"{name}: {problem}"
        for name, heard in by_receiver.items()
        for problem in _told_one(heard, list(expected.get(name, ())), repeats)
    ]


def _told_one(heard: Sequence[Heard], events: list[str], repeats: int) -> list[str]:
    problems = []
    for event in events:
        found = [each for each in heard if each.event == event]
        keys = {each.key for each in found} - {None}
        if not found:
            problems.append(f"{event} was never told")
        if len(keys) > 1:
            problems.append(f"{event} was told under {len(keys)} different keys")
        if len(found) > 1 + repeats:
            problems.append(f"{event} was told {len(found)} times, with {repeats} reasons to repeat it")
    order = [events.index(each.event) for each in heard if each.event in events]
    if order != sorted(order):
        problems.append(f"it was told in another order: {[each.event for each in heard]}")
    unexpected = Counter(each.event for each in heard if each.event not in events)
    return problems + [f"{event} was told {times} times and does not concern it" for event, times in unexpected.items()]


def threaded(received: Sequence[Heard]) -> list[str]:
    """In Slack, what comes first to a receiver about an object begins a thread, and all that follows stands in it."""
    problems = []
    for receiver, about in {(each.receiver, each.about) for each in received if each.channel == "slack"}:
        heard = [each for each in received if (each.receiver, each.about) == (receiver, about)]
        wrong = [each.event for each in heard if each.reply == (each.event == heard[0].event)]
        problems += [f"{receiver}: {event} stands where it does not belong" for event in wrong]
    return problems


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds from one RFC 3339 time to another."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
