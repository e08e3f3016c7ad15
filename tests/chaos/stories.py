"""The stories that are cut at every request. Each acts as the real people, and returns once all is over and told."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.invariants import accepted, created_once
from tests.chaos.receivers import LEADS, PEOPLES, PLACES, REQUESTER
from tests.chaos.world import COLLECTIONS, SPACE, World
from tests.support.runs import finished_job

from pratique.api.v1alpha1.scalars import format_time
from pratique.cluster.client import ApiError

ENDS = ("Succeeded", "Failed", "Refused", "Declined", "Expired", "Withdrawn", "Superseded")
LEAD = LEADS[0]


@dataclass(frozen=True)
class Story:
    """What is played, how it must end, and what it makes (plural of the kind; empty for nothing)."""

    name: str
    play: Callable[[World, str], Awaitable[None]]
    end: str
    makes: str = ""
    tells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Each receiver and what it must be told, in this order, each once; nobody else is told anything."""
    changes: str = ""
    """The plural of the kind of the object `RUN-there` that is changed."""
    deletes: str = ""
    """The plural of the kind of the object `RUN-there` that is deleted."""
    calls: bool = False
    """Whether something outside is called."""


async def ask(world: World, name: str, action: str, *, target: str = "", **inputs: Any) -> None:
    """Ask as the developer, for an object that is there if it is named."""
    spec = {"actionRef": {"name": action}, "inputs": inputs, **({"targetRef": {"name": target}} if target else {})}
    metadata = {"name": name, "namespace": SPACE}
    await world.create(
        "developer",
        "actionruns",
        {"apiVersion": "pratique.dev/v1alpha1", "kind": "ActionRun", "metadata": metadata, "spec": spec},
    )


async def status(world: World, name: str, plural: str = "actionruns") -> dict[str, Any]:
    """Return the status of an object; empty if there is none."""
    return dict((await world.get(plural, name) or {}).get("status") or {})


async def gate_of(world: World, name: str) -> str:
    """Return the name of the gate once the run waits."""

    async def waiting() -> str:
        seen = await status(world, name)
        return str(seen["approvals"][0]["name"]) if seen.get("phase") == "WaitingForApproval" else ""

    return str(await world.until(f"{name} waits", waiting))


async def decide(world: World, name: str, verdict: str, who: str = "lead-1") -> None:
    """Decide as a lead, or as somebody else, once the run waits."""
    gate, decision = await gate_of(world, name), {"verdict": verdict, "comment": "for a test"}
    await world.patch(who, "approvals", gate, {"spec": {"decisions": {f"{who}@example.com": decision}}})


async def ended(world: World, name: str, *, told: bool = True) -> None:
    """Wait until the run has ended and everybody is told, on the run and on its gate."""

    async def over() -> bool:
        seen = await status(world, name)
        if seen.get("phase") not in ENDS:
            return False
        outboxes = [seen] + [await status(world, each["name"], "approvals") for each in seen.get("approvals", [])]
        entries = [entry for each in outboxes for entry in each.get("notifications", [])]
        held = any(each.get("held") for each in seen.get("resources", []))
        return not held and (not told or all(entry["state"] == "Sent" for entry in entries))

    await world.until(f"{name} has ended and is told", over)


async def free(world: World, name: str) -> None:
    await ask(world, name, "note")
    await ended(world, name)


async def granted(world: World, name: str) -> None:
    await ask(world, name, "note", gated=True)
    await decide(world, name, "Approve")
    await ended(world, name)


async def declined(world: World, name: str) -> None:
    await ask(world, name, "note", gated=True)
    await decide(world, name, "Decline")
    await ended(world, name)


async def expired(world: World, name: str) -> None:
    await ask(world, name, "hasty", gated=True)
    await ended(world, name)


async def withdrawn(world: World, name: str) -> None:
    await ask(world, name, "note", gated=True)
    await gate_of(world, name)
    await world.patch("developer", "actionruns", name, {"spec": {"withdrawn": True}})
    await ended(world, name)


async def deleted(world: World, name: str) -> None:
    """Deleted while it waits, once its approvers are asked: what it had not told yet would go with it."""
    await ask(world, name, "note", gated=True)
    gate = await gate_of(world, name)
    await world.until("the approvers are asked", lambda: _told(world, name))
    await world.people["admin"].request("DELETE", f"{COLLECTIONS['actionruns']}/{name}")

    async def over() -> bool:
        seen = await status(world, gate, "approvals")
        told = [entry["state"] for entry in seen.get("notifications", [])]
        return seen.get("state") == "Withdrawn" and bool(told) and set(told) == {"Sent"}

    await world.until(f"{gate} has ended and is told", over)


async def _told(world: World, name: str) -> bool:
    return all(entry["state"] == "Sent" for entry in (await status(world, name))["notifications"])


async def failed(world: World, name: str) -> None:
    await ask(world, name, "doomed", gated=True)
    await decide(world, name, "Approve")
    await ended(world, name)


async def job(world: World, name: str) -> None:
    """A Job that vanishes as soon as it is done; there is no kubelet here, so the test says that it is done."""
    await ask(world, name, "job")
    made: dict[str, Any] = await world.until("the Job is there", lambda: world.get("jobs", name))

    async def finish() -> bool:
        now = await world.get("jobs", name)
        if now is None or now["metadata"]["uid"] != made["metadata"]["uid"] or _is_done(now):
            return True
        if "startTime" not in now.get("status", {}):
            return False  # the Job controller has not seen it yet
        try:
            await world.patch("admin", "jobs", name, {"status": finished_job(now["status"]["startTime"])}, "/status")
        except ApiError as error:
            return error.reason == "NotFound"
        return True

    await world.until("the Job is done", finish)
    await ended(world, name)


def _is_done(job: dict[str, Any]) -> bool:
    return "completionTime" in job.get("status", {})


_LIFE = "EnvironmentReady EnvironmentExpired EnvironmentGone"


async def ask_environment(world: World, name: str, ttl: str) -> None:
    """Ask for an Environment that tells of its life."""
    told = {"channels": ["hook", "teams", "slack", "mail"], "events": _LIFE.split()}
    spec: dict[str, Any] = {"ttl": ttl, "target": {"namespace": {"name": f"env-{SPACE}-{name}"}}}
    spec |= {"requestedBy": REQUESTER, "notifications": [told]}
    kind = {"apiVersion": "pratique.dev/v1alpha1", "kind": "Environment"}
    await world.create("admin", "environments", {**kind, "metadata": {"name": name, "namespace": SPACE}, "spec": spec})


async def environment(world: World, name: str) -> None:
    """An Environment whose time is up, with its namespace."""
    await ask_environment(world, name, "6s")

    async def gone() -> bool:
        return await world.get("environments", name) is None

    await world.until("the Environment is gone", gone, 60)


async def superseded(world: World, name: str) -> None:
    """Granted while its Action is suspended: nothing is made, also when the operator is killed on the way to that end."""
    await ask(world, name, "stopped", gated=True)
    await gate_of(world, name)
    await world.patch("admin", "actions", "stopped", {"spec": {"suspend": True}})
    try:
        await decide(world, name, "Approve")
        await ended(world, name)
    finally:
        await world.patch("admin", "actions", "stopped", {"spec": {"suspend": False}})


async def called(world: World, name: str) -> None:
    """What was granted is outside of the cluster, and honours the key."""
    await ask(world, name, "calling", gated=True)
    await decide(world, name, "Approve")
    await ended(world, name)


async def waited(world: World, name: str) -> None:
    """What was granted is started outside of the cluster, and done there once somebody has asked twice."""
    await ask(world, name, "waiting", gated=True)
    await decide(world, name, "Approve")
    await ended(world, name)


async def aimed(world: World, name: str) -> None:
    """What is there already is changed."""
    there = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-there", "namespace": SPACE}}
    await world.create("admin", "configmaps", there)
    await ask(world, name, "aimed", target=f"{name}-there", gated=True)
    await decide(world, name, "Approve")
    await ended(world, name)


async def removed(world: World, name: str) -> None:
    """What is there goes."""
    there = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-there", "namespace": SPACE}}
    await world.create("admin", "configmaps", there)
    await ask(world, name, "removing", gated=True)
    await decide(world, name, "Approve")
    await ended(world, name)


async def filled(world: World, name: str) -> None:
    """What is made reads what an object before it says only later, and goes by what was put on record of it."""
    offset = world.audit_offset
    await ask(world, name, "filled", gated=True)
    await decide(world, name, "Approve")
    await world.until(f"{name} is made", lambda: world.get("configmaps", name))
    await world.patch("admin", "configmaps", name, {"data": {"host": "first"}})

    async def on_record() -> bool:
        return bool((await status(world, name)).get("late"))

    await world.until(f"{name} has read it", on_record)
    await world.patch("admin", "configmaps", name, {"data": {"host": "second"}})
    await ended(world, name)
    note = await world.get("configmaps", f"{name}-note") or {}
    assert note["data"] == {"host": "first"}, f"{note['data']} is not what was on record"
    assert not (broken := created_once(world.audit(offset), "configmaps", f"{name}-note")), broken


async def undone(world: World, name: str) -> None:
    """What was made before one fails is deleted again: the last first, each once, and all of it."""
    offset = world.audit_offset
    await ask(world, name, "undone", gated=True)
    await decide(world, name, "Approve")
    await ended(world, name)
    log, made = world.audit(offset), (f"{name}-last", f"{name}-note", name)
    deletes = [accepted(log, "delete", "configmaps", each) for each in made]
    assert [len(each) for each in deletes] == [1, 1, 1] and deletes == sorted(deletes), f"deleted at {deletes}"
    broken = [problem for each in made for problem in created_once(log, "configmaps", each)]
    assert not broken, broken
    said = (await status(world, name))["message"]
    assert said.endswith(" were removed"), said


async def found(world: World, name: str) -> None:
    """Approvers are found in an object that is written again and again, for reasons of its own."""
    owners = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-owners", "namespace": SPACE}}
    await world.create("admin", "configmaps", {**owners, "data": {"who": "platform-leads"}})
    await ask(world, name, "owned", gated=True)
    for turn in range(5):
        await world.patch("admin", "configmaps", f"{name}-owners", {"metadata": {"annotations": {"turn": str(turn)}}})
    await decide(world, name, "Approve")
    await ended(world, name)


async def broken(world: World, name: str) -> None:
    """Somebody on call breaks the glass: a review is opened before anything starts."""
    await ask(world, name, "urgent", gated=True)
    await decide(world, name, "BreakGlass", "oncall")
    await ended(world, name)


async def frozen(world: World, name: str) -> None:
    """Nothing starts before the freeze of its Action has ended, whoever leads by then."""
    now = datetime.now(UTC).replace(microsecond=0)
    window = {"from": format_time(now - timedelta(minutes=1)), "until": format_time(now + timedelta(seconds=4))}
    await world.patch("admin", "actions", "frozen", {"spec": {"freeze": [window]}})
    await ask(world, name, "frozen")
    await ended(world, name)
    made = (await world.get("configmaps", name) or {})["metadata"]["creationTimestamp"]
    assert made >= window["until"], f"{name} started at {made}, in a freeze until {window['until']}"


async def lent(world: World, name: str) -> None:
    """Made for some seconds: deleted once these are over, and not before, whoever leads by then."""
    offset = world.audit_offset
    await ask(world, name, "lent")
    await ended(world, name)

    async def let_go() -> bool:
        run = await world.get("actionruns", name) or {}
        return bool(run["status"].get("settled")) and "finalizers" not in run["metadata"]

    await world.until(f"{name} is let go", let_go)
    assert await world.get("configmaps", name) is None, "it is still there"
    (made,) = (await status(world, name))["resources"]
    log = [each for each in world.audit(offset) if each["verb"] == "delete"]
    deletes = [
        each for each in log if (each["objectRef"]["resource"], each["objectRef"].get("name")) == ("configmaps", name)
    ]
    done = [each for each in deletes if each["responseStatus"]["code"] < 300]
    early = [
        each["requestReceivedTimestamp"]
        for each in deletes
        if each["requestReceivedTimestamp"] < made["expiresAt"][:-1]
    ]
    assert (len(done), early) == (1, []), f"deleted {len(done)} times; too early: {early}"


def tells(place: str, asked: str = "", requester: str = "", handled: str = "") -> dict[str, tuple[str, ...]]:
    """Return what a story tells to whom: places, leads, the developer; `handled` is for the lead who did not decide."""
    people = {
        LEADS[0]: asked.split(),
        LEADS[1]: [*asked.split(), *handled.split()],
        REQUESTER: requester.split(),
    }
    told = {name: tuple(place.split()) for name in PLACES}
    return told | {f"{channel}:{who}": tuple(what) for channel in PEOPLES for who, what in people.items() if what}


ASK, HANDLED = "ApprovalRequested", "Handled"
STORIES = {
    story.name: story
    for story in (
        Story("free", free, "Succeeded", "configmaps", tells("Succeeded", "", "Succeeded")),
        Story(
            "granted",
            granted,
            "Succeeded",
            "configmaps",
            tells(f"{ASK} Approved Succeeded", ASK, "Approved Succeeded", HANDLED),
        ),
        Story("declined", declined, "Declined", tells=tells(f"{ASK} Declined", ASK, "Declined", HANDLED)),
        Story("expired", expired, "Expired", tells=tells(f"{ASK} Expired", f"{ASK} {HANDLED}", "Expired")),
        Story("withdrawn", withdrawn, "Withdrawn", tells=tells(f"{ASK} Withdrawn", f"{ASK} Withdrawn")),
        Story(
            "failed", failed, "Failed", "configmaps", tells(f"{ASK} Approved Failed", ASK, "Approved Failed", HANDLED)
        ),
        Story("superseded", superseded, "Superseded", tells=tells(f"{ASK} Superseded", ASK, "Superseded", HANDLED)),
        Story("deleted", deleted, "", tells=tells(f"{ASK} Withdrawn", f"{ASK} Withdrawn")),
        Story("job", job, "Succeeded", "jobs", tells("Succeeded", "", "Succeeded")),
        Story(
            "called",
            called,
            "Succeeded",
            calls=True,
            tells=tells(f"{ASK} Approved Succeeded", ASK, "Approved Succeeded", HANDLED),
        ),
        Story(
            "waited",
            waited,
            "Succeeded",
            calls=True,
            tells=tells(f"{ASK} Approved Succeeded", ASK, "Approved Succeeded", HANDLED),
        ),
        Story(
            "aimed",
            aimed,
            "Succeeded",
            changes="configmaps",
            tells=tells(f"{ASK} Approved Succeeded", ASK, "Approved Succeeded", HANDLED),
        ),
        Story(
            "removed",
            removed,
            "Succeeded",
            deletes="configmaps",
            tells=tells(f"{ASK} Approved Succeeded", ASK, "Approved Succeeded", HANDLED),
        ),
        Story(
            "filled",
            filled,
            "Succeeded",
            "configmaps",
            tells(f"{ASK} Approved Succeeded", ASK, "Approved Succeeded", HANDLED),
        ),
        Story(
            "undone",
            undone,
            "Failed",
            "configmaps",
            tells(f"{ASK} Approved Failed", ASK, "Approved Failed", HANDLED),
        ),
        Story(
            "found",
            found,
            "Succeeded",
            "configmaps",
            tells(f"{ASK} Approved Succeeded", ASK, "Approved Succeeded", HANDLED),
        ),
        Story(
            "broken",
            broken,
            "Succeeded",
            "configmaps",
            tells=tells(f"{ASK} GlassBroken Succeeded", f"{ASK} GlassBroken", "GlassBroken Succeeded"),
        ),
        Story("frozen", frozen, "Succeeded", "configmaps", tells=tells("Succeeded", "", "Succeeded")),
        Story("lent", lent, "Succeeded", "configmaps", tells("Succeeded ObjectEnded", "", "Succeeded ObjectEnded")),
        Story("environment", environment, "", "namespaces", tells(_LIFE, "", _LIFE)),
    )
}
