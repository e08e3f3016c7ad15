"""Many messages through channels that are away, busy, dead and back: all arrive, and nobody waits for them meanwhile.

A receiver that takes a message and does not say so gets it again: such repeats are counted, and there are no others.
"""

import asyncio
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.doubles.unsteady_receivers import Endpoint, Kept, Postbox
from tests.support.outboxes import entries
from tests.support.own_plane import note_action, own_plane
from tests.support.runs import condition
from tools.installation import OperatorProcess

from pratique.cluster.client import Api
from pratique.cluster.connection import connect

pytestmark = pytest.mark.cluster
SPACE = "many"
GROUP = "/apis/pratique.dev/v1alpha1"
RUNS = f"{GROUP}/namespaces/{SPACE}/actionruns"
NUMBER = 1000
AT_ONCE = 12
SILENT_EVERY = 100
TRIES = 30
"""Of those that a thousand messages make at a receiver that takes none."""
LATE_SECONDS = 10.0
Json = dict[str, Any]


@dataclass
class World:
    """What the tests act in."""

    developer: Api
    admin: Api
    operator: OperatorProcess
    statuses: dict[str, list[Json]] = field(default_factory=dict)
    """By channel: its status as it was seen, once a second."""

    async def ask(self, *names: str) -> None:
        """Make runs, a few at a time."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> None:
            manifest = {"apiVersion": "pratique.dev/v1alpha1", "kind": "ActionRun", "metadata": {"name": name}}
            async with gate:
                await self.developer.request("POST", RUNS, {**manifest, "spec": {"actionRef": {"name": "note"}}})

        await asyncio.gather(*(one(name) for name in names))

    async def succeeded(self) -> list[Json]:
        """Return all runs once they have succeeded; nothing before."""
        found = [item async for items, _ in self.admin.pages(RUNS) for item in items]
        return found if all(each.get("status", {}).get("phase") == "Succeeded" for each in found) else []

    async def told(self) -> list[Json]:
        """Return all runs once everything is told; nothing before."""
        found = await self.succeeded()
        return found if all(entry["state"] == "Sent" for each in found for entry in outbox(each)) else []

    async def watch(self) -> None:
        """Note what the channels say of themselves, until cancelled."""
        while True:
            for channel in (await self.admin.request("GET", f"{GROUP}/notificationchannels"))["items"]:
                self.statuses.setdefault(channel["metadata"]["name"], []).append(channel.get("status") or {})
            await asyncio.sleep(1)

    async def counts(self) -> Counter[str]:
        """Return the metrics of the operator, by name and values of labels."""
        return await asyncio.to_thread(measured, self.operator.port)


def outbox(run: Json) -> list[Json]:
    return entries(run["status"])


def measured(port: int) -> Counter[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    found = Counter[str]()
    for sample in (each for family in families for each in family.samples):
        found["/".join((sample.name, *sorted(sample.labels.values())))] += int(sample.value)
    return found


async def until(what: str, probe: Callable[[], Awaitable[Any]], seconds: float = 180.0) -> Any:
    """Return what an async probe gives once it is true; a busy machine is no fault."""
    deadline = time.monotonic() + seconds
    while not (seen := await probe()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        await asyncio.sleep(0.3)
    return seen


@asynccontextmanager
async def world(folder: Path, channels: Json, urls: dict[str, str]) -> AsyncIterator[World]:
    """Start a control plane, these channels, the Action that tells through all of them, and an operator."""
    kind = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel"}
    action = yaml.safe_load(note_action(SPACE))
    action["spec"]["notifications"] = [{"channels": list(channels), "events": ["Succeeded"]}]
    with own_plane(SPACE, folder) as (plane, cluster):
        for name, url in urls.items():
            literal = f"--from-literal=url={url}"
            cluster.kubectl("admin", "create", "secret", "generic", name, "-n", "pratique-system", literal)
        made = [{**kind, "metadata": {"name": name}, "spec": spec} for name, spec in channels.items()]
        cluster.apply("admin", yaml.safe_dump_all([*made, action]))
        arguments = ("--open-runs-per-requester", str(2 * NUMBER), "--log-level", "warning")
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log", arguments=arguments)
        operator.start()
        operator.wait_ready()
        try:
            async with (
                Api(connect(str(plane.kubeconfig("developer")))) as developer,
                Api(connect(str(plane.kubeconfig("admin")))) as admin,
            ):
                yield World(developer, admin, operator)
        finally:
            operator.stop()
        log = operator.log.read_text()
        assert " ERROR " not in log and "Traceback" not in log, log[-3000:]


def webhook(name: str) -> Json:
    return {"webhook": {"urlSecretRef": {"name": name, "key": "url"}}}


def says(status: Json) -> str:
    return str(condition(status, "Ready").get("reason"))


def delay(run: Json) -> float:
    """Return how many seconds a run took."""
    began, ended = run["metadata"]["creationTimestamp"], run["status"]["finishedAt"]
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


@pytest.mark.timeout(600)
async def test_a_thousand_messages_wait_for_receivers_that_are_down_and_arrive(tmp_path: Path) -> None:
    hook, post = Endpoint(silent_every=SILENT_EVERY), Postbox(SILENT_EVERY)
    server = {"server": f"127.0.0.1:{post.port}", "tls": "None", "from": "pratique@example.com"}
    channels = {"hook": webhook("hook"), "mail": {"email": {**server, "addressFrom": "Username"}}}
    names = [f"r-{number:04}" for number in range(NUMBER)]
    kept: dict[str, Kept] = {"webhook": hook, "email": post.kept}
    async with world(tmp_path, channels, {"hook": hook.url}) as here:
        watching = asyncio.create_task(here.watch())

        async def said() -> bool:
            return all(says(seen[-1]) == "DeliveryFailed" for seen in here.statuses.values())

        await here.ask(*names[:100])
        await until("both channels say that they fail", said)
        hook.busy, post.rude = [(503, {}), (429, {"Retry-After": "2"})], True
        hook.start()
        post.start()
        await here.ask(*names[100:])
        runs = await until("all have succeeded", here.succeeded)
        assert len(runs) == NUMBER and max(map(delay, runs)) < 60, "nobody waits for a receiver"

        async def tried() -> bool:
            return all(each.tries >= 2 for each in kept.values())

        await until("both are tried again", tried)

        async def counted_up() -> bool:
            return all(seen[-1]["waiting"] >= 900 for seen in here.statuses.values())

        await until("both channels say how many wait", counted_up)
        assert await said() and [each.taken for each in kept.values()] == [[], []]
        counted = await here.counts()
        for kind in kept:
            assert 5 <= counted[f"pratique_notifications_total/Failed/{kind}"] <= TRIES, counted

        hook.busy, post.rude = [], False
        runs = await until("everything is told", here.told, 240)
        for each in kept.values():
            assert set(each.about) == set(names) and len(set(each.taken)) == NUMBER
            assert each.repeated() == Counter(each.silent), "what was not answered is repeated, and nothing else"
            assert len(each.silent) >= NUMBER // SILENT_EVERY
        assert max(entry["attempts"] for run in runs for entry in outbox(run)) <= 5

        async def quiet() -> bool:
            return all(seen[-1]["waiting"] == 0 and says(seen[-1]) == "Configured" for seen in here.statuses.values())

        await until("nothing waits any more, and both channels are ready", quiet)
        watching.cancel()
    hook.stop()
    post.stop()


@pytest.mark.timeout(400)
async def test_a_channel_that_hangs_for_ever_costs_the_one_beside_it_nothing(tmp_path: Path) -> None:
    hook, dead = Endpoint(), Endpoint(hangs=True)
    urls = {"hook": hook.url, "dead": dead.url}
    hook.start()
    dead.start()
    async with world(tmp_path, {name: webhook(name) for name in urls}, urls) as here:
        await here.ask("first")
        await until("it is told", lambda: arrived(hook, 1))
        seen = [await here.counts()]
        for wave in range(3):
            await here.ask(*(f"w-{wave}-{number}" for number in range(80)))
            await asyncio.sleep(5)  # a try that hangs takes ten seconds: some end, others begin
            seen.append(await here.counts())
        await until("all that can be told is told", lambda: arrived(hook, 241))

        async def only_what_hangs() -> bool:
            return (await here.counts())["pratique_outbox_depth"] == 241

        await until("what was told is marked", only_what_hangs)
        await asyncio.sleep(8)
        seen.append(await here.counts())
        runs = {run["metadata"]["name"]: run["status"] for run in await until("all are done", here.succeeded)}
        late = {name: hook.about[name] - ended(status) for name, status in runs.items()}
        assert max(late.values()) < LATE_SECONDS, sorted(late.values())[-9:]
        assert hook.repeated() == Counter() and (dead.taken, seen[-1]["pratique_outbox_depth"]) == ([], 241)
        assert dead.tries <= TRIES
        # A busy machine keeps more requests to the API server open side by side; 241 messages that wait hold none.
        for name, spare in (("pratique_tasks", 24), ("process_open_fds", 32)):
            assert max(each[name] for each in seen) <= seen[0][name] + spare, [each[name] for each in seen]
        memory = [each["process_resident_memory_bytes"] / 2**20 for each in seen]
        assert memory[-1] - memory[0] < 24 and memory[-1] - memory[-2] < 8, memory  # MiB, for 240 runs; then for none
    hook.stop()
    dead.stop()


async def arrived(hook: Endpoint, number: int) -> bool:
    return len(hook.taken) >= number


def ended(status: Json) -> float:
    return datetime.fromisoformat(status["finishedAt"]).timestamp()
