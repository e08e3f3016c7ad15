"""Faults at random moments, under load: after each one every kind is watched again within a bound, by the same process."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.chaos.world import COLLECTIONS, SPACE, World, actions
from tools.codegen.manifests import install
from tools.controlplane.processes import alive
from tools.faultproxy import Fault, Request

from pratique.cluster.client import Api, ApiError
from pratique.handlers.kinds import WATCHED

BOUND_SECONDS = 15.0
"""How long after the last wrong answer a kind may be unwatched: docs/concepts/reliability.md promises it."""
OPTIONS = ("--guard-every", "1", "--guard-settle", "0.3")
"""How such an operator is run: what a gap in the guard costs is told apart from what is not watched."""
_DECIDES_SECONDS = 60.0
_STAYS_SECONDS = 2.5
_LOAD_SECONDS = 0.3
_CODES = (0, 401, 403, 404, 410, 429, 500, 503)
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_DEFINITIONS = {
    each["spec"]["names"]["plural"]: each for each in install() if each["kind"] == "CustomResourceDefinition"
}
Probe = Callable[[], Awaitable[bool]]
_numbers = itertools.count(1)


@dataclass
class Storm:
    """What one fault did: how long some kind was unwatched after it, and how long until a run was done."""

    name: str
    blind: float = 0.0
    done: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return it as a line."""
        word = "FAILED " if self.problems else "ok     "
        return (
            f"{word} {self.name}: all watched after {self.blind:.1f} s, a run done after {self.done:.1f} s"
            + "".join(f"\n        {problem}" for problem in self.problems)
        )


async def storms(world: World, number: int, chance: random.Random, say: Callable[[str], None]) -> list[Storm]:
    """Plant so many faults, one after another; stop at one after which the operator does not come back."""
    seen: list[Storm] = []
    async with _load(world):
        for _ in range(number):
            seen.append(await _storm(world, chance))
            say(str(seen[-1]))
            if seen[-1].problems:
                break
    return seen


async def _storm(world: World, chance: random.Random) -> Storm:
    process = world.operator.process
    await asyncio.sleep(chance.uniform(0.0, 2.0))
    if chance.random() < 0.25:
        plural = chance.choice(sorted(_DEFINITIONS))
        storm = Storm(f"the CRD of {plural} is deleted and made again")
        await _made_again(world, plural)
    else:
        storm = Storm(_fault(world, chance))
        for _ in range(chance.randint(1, 4)):
            world.proxy.break_watches()
            await asyncio.sleep(chance.uniform(0.0, 1.0))
        world.proxy.faults = []
    loop = asyncio.get_running_loop()
    over = loop.time()
    bound, problem = BOUND_SECONDS + _STAYS_SECONDS, "not all kinds are watched"
    storm.blind = await _within(world, bound, _all_watched(world), storm, problem) - over - _STAYS_SECONDS
    storm.done = await _within(world, _DECIDES_SECONDS, lambda: _runs(world), storm, "no run is done") - over
    if process is None or not alive(process) or world.operator.process is not process:
        storm.problems.append(f"the operator ended: {world.operator.log.read_text()[-1500:]}")
    return storm


def _fault(world: World, chance: random.Random) -> str:
    """Plant a kind of answer for some kinds of requests; return what it is."""
    code, times = chance.choice(_CODES), chance.randint(1, 12)
    plurals = tuple(chance.sample([kind.plural for kind in WATCHED], chance.randint(1, len(WATCHED))))
    methods = chance.choice((("WATCH",), ("GET",), ("GET", "WATCH")))

    def matches(request: Request) -> bool:
        return request.method in methods and request.path.partition("?")[0].endswith(plurals)

    headers = {"Retry-After": "1"} if code == 429 else {}
    world.proxy.faults = [Fault(matches, code, headers, times)]
    return f"{code or 'broken off'} to {times} of {'/'.join(methods)} {','.join(sorted(plurals))}"


async def _made_again(world: World, plural: str) -> None:
    """Delete a CRD and everything of it, and install it again, with the Actions that stories need."""
    admin = world.people["admin"]
    path = f"{_CRDS}/{plural}.pratique.dev"
    await admin.request("DELETE", path)

    async def is_gone() -> bool:
        return not await _found(admin, path)

    await world.until(f"the CRD of {plural} is gone", is_gone, _DECIDES_SECONDS)
    await admin.request("POST", _CRDS, _DEFINITIONS[plural])

    async def is_served() -> bool:
        return await _found(admin, f"/apis/pratique.dev/v1alpha1/{plural}")

    await world.until(f"{plural} are served", is_served)
    if plural == "actions":
        for action in actions():
            await world.create("admin", "actions", action)


async def _found(api: Api, path: str) -> bool:
    try:
        await api.request("GET", path)
    except ApiError as error:
        if error.code != 404:
            raise
        return False
    return True


async def _within(world: World, seconds: float, probe: Probe, storm: Storm, problem: str) -> float:
    """Return when it was so."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            while not await probe():
                await asyncio.sleep(0.05)
    except TimeoutError:
        said = await asyncio.to_thread(world.operator.readyz)
        log = world.operator.log.read_text()[-3000:]
        storm.problems.append(f"{problem} within {seconds:g} s: {dict(world.proxy.watched)}; {said}; log: {log}")
    return loop.time()


def _all_watched(world: World) -> Probe:
    """Return whether each kind is watched, and was for a while: the watch of a CRD that is gone stays open for a moment."""
    loop = asyncio.get_running_loop()
    since = loop.time()

    async def watched() -> bool:
        nonlocal since
        if not all(world.proxy.watched.get(kind.plural) for kind in WATCHED):
            since = loop.time()
        return loop.time() - since >= _STAYS_SECONDS

    return watched


async def _runs(world: World) -> bool:
    """Ask for a note; whether it is made within a second or three."""
    name = f"storm-{next(_numbers)}"
    with contextlib.suppress(ApiError, AssertionError):
        await world.create("developer", "actionruns", _asked(name))
        return bool(await world.until(f"{name} is done", lambda: _done(world, name), 3.0))
    return False


async def _done(world: World, name: str) -> bool:
    found = await world.get("actionruns", name) or {}
    return bool(found.get("status", {}).get("phase") == "Succeeded")


def _asked(name: str) -> dict[str, object]:
    return {
        "apiVersion": "pratique.dev/v1alpha1",
        "kind": "ActionRun",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"actionRef": {"name": "note"}, "inputs": {}},
    }


@asynccontextmanager
async def _load(world: World) -> AsyncIterator[None]:
    """Ask for notes, one after another, and delete those that are done."""

    async def ask() -> None:
        for number in itertools.count(1):
            with contextlib.suppress(ApiError):
                await world.create("developer", "actionruns", _asked(f"load-{number}"))
            if number > 20:
                with contextlib.suppress(ApiError):
                    path = f"{COLLECTIONS['actionruns']}/load-{number - 20}"
                    await world.people["developer"].request("DELETE", path)
            await asyncio.sleep(_LOAD_SECONDS)

    task = asyncio.create_task(ask())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
