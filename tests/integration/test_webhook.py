"""A cluster before 1.36, where the webhook stamps: what its absence means, what it cannot forge, its certificate.

The tables of `tests/crds` run on such clusters too, see `make older`.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.builders.manifests import approval, decision, run
from tests.support.cluster import Answer, Cluster, wait_for
from tests.support.own_plane import note_action, older_plane
from tests.support.runs import phase
from tools.controlplane.plane import ControlPlane
from tools.installation import OperatorProcess, WebhookProcess, free_port, install_pratique

from pratique.admission.stamp import stamp
from pratique.admission.webhook import CONFIGURATION, SERVICE
from pratique.cluster.client import JSON_PATCH, MERGE_PATCH, Api, ApiError
from pratique.cluster.connection import connect
from pratique.core.operating.certificates import Terms
from pratique.processes.webhook import server
from pratique.processes.webhook.process import Settings, Webhook

SPACE = "older"
LEAD = "lead-1@example.com"
HOOKS = f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{CONFIGURATION}"
RUNS = f"/apis/pratique.dev/v1alpha1/namespaces/{SPACE}/actionruns"
GATES = f"/apis/pratique.dev/v1alpha1/namespaces/{SPACE}/approvals"


@dataclass(frozen=True)
class World:
    plane: ControlPlane
    cluster: Cluster
    webhook: WebhookProcess
    operator: OperatorProcess

    def held(self, name: str, action: str = "note") -> str:
        """Ask as the developer; return the name of the gate once the run waits."""
        self.cluster.apply("developer", run(name, SPACE, action, inputs={}))
        return str(phase(self.cluster, name, SPACE, "WaitingForApproval")["approvals"][0]["name"])

    def decide(self, gate: str) -> Answer:
        patch = ("--type", "merge", "-p", decision(LEAD, "Approve"))
        return self.cluster.kubectl("lead-1", "patch", "approval", gate, "-n", SPACE, *patch, check=False)

    def patch_run(self, name: str, body: dict[str, Any]) -> Answer:
        patch = ("--type", "merge", "-p", json.dumps(body))
        return self.cluster.kubectl("developer", "patch", "actionrun", name, "-n", SPACE, *patch, check=False)

    @property
    def port(self) -> int:
        return int(self.webhook.url.rpartition(":")[2])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("older")
    with older_plane(SPACE, folder, "1.33") as (plane, cluster, webhook):
        arguments = ("--guard-every", "0.3")
        operator = OperatorProcess(plane.kubeconfig("operator"), folder / "operator.log", arguments=arguments)
        operator.start()
        operator.wait_ready()
        for name, deadline in (("note", "1h"), ("hasty", "3s")):
            cluster.apply("admin", note_action(SPACE, name, gated=True, deadline=deadline))
        yield World(plane, cluster, webhook, operator)
        operator.stop()
        assert "Traceback" not in webhook.log.read_text(), webhook.log.read_text()[-5000:]


@pytest.fixture
async def goodbyes() -> AsyncIterator[None]:
    """Let the loop live until TLS has said goodbye on every connection; asyncio alone knows which there are."""
    yield
    transports = asyncio.get_running_loop()._transports  # type: ignore[attr-defined]
    async with asyncio.timeout(10):
        while any(each._sock is not None for each in list(transports.values())):
            await asyncio.sleep(0.02)


@asynccontextmanager
async def replica(world: World, port: int, terms: Terms | None = None) -> AsyncIterator[Webhook]:
    """Run a webhook in this process, on terms of the test's own."""
    settings = Settings(
        port=port, names=("127.0.0.1",), health_port=free_port(), look_every=0.2, drain=0, terms=terms or Terms()
    )
    webhook, stop = Webhook(connect(str(world.plane.kubeconfig("webhook"))), settings), asyncio.Event()
    running = asyncio.create_task(webhook.run(stop))
    try:
        async with asyncio.timeout(20):
            while webhook.health.reason is not None:
                assert not running.done(), running.exception()
                await asyncio.sleep(0.05)
        yield webhook
    finally:
        stop.set()
        await running


@pytest.fixture
def without_processes(world: World) -> Iterator[World]:
    """No webhook, to be replaced by the test's own, and no operator, which would withdraw gates that have no run."""
    for process in (world.operator, world.webhook):
        process.stop()
    yield world
    for process in (world.webhook, world.operator):
        process.start()
        process.wait_ready()


def test_a_held_run_is_granted(world: World) -> None:
    gate = world.held("granted")
    assert world.decide(gate).code == 0
    status = phase(world.cluster, "granted", SPACE, "Succeeded")
    assert [line["event"] for line in status["timeline"]] == ["WaitingForApproval", "Running", "Succeeded"]
    recorded = (world.cluster.get("approval", gate, SPACE) or {})["spec"]["decisions"][LEAD]
    assert recorded["groups"] == ["platform-leads"] and recorded["decidedAt"] > "2026"
    assert world.cluster.get("configmap", "granted", SPACE) is not None


def test_while_it_is_down_requests_and_decisions_are_refused_and_all_else_goes_on(world: World) -> None:
    gates = {name: world.held(name) for name in ("waits", "goes-back")}
    world.held("late", "hasty")
    world.webhook.kill()
    why = (
        f'failed to call webhook: Post "{world.webhook.url}/stamp?timeout=5s":'
        f" dial tcp 127.0.0.1:{world.port}: connect: connection refused\n"
    )
    asked = world.cluster.apply("developer", run("asked", SPACE, "note", inputs={}), check=False)
    assert asked.code != 0 and asked.err == (
        'Error from server (InternalError): error when creating "STDIN": Internal error occurred: failed calling'
        f' webhook "pratique-requester-stamp.webhook.pratique.dev": {why}'
    )
    decided = world.decide(gates["waits"])
    assert decided.code != 0 and decided.err == (
        "Error from server (InternalError): Internal error occurred: failed calling"
        f' webhook "pratique-decision-stamp.webhook.pratique.dev": {why}'
    )
    assert world.patch_run("waits", {"metadata": {"labels": {"team": "a"}}}).code == 0
    assert world.patch_run("goes-back", {"spec": {"withdrawn": True}}).code == 0
    phase(world.cluster, "goes-back", SPACE, "Withdrawn")
    phase(world.cluster, "late", SPACE, "Expired")
    assert world.operator.readyz() == "ok"

    world.webhook.start()
    world.webhook.wait_ready()
    world.cluster.apply("developer", run("asked", SPACE, "note", inputs={"gated": False}))
    phase(world.cluster, "asked", SPACE, "Succeeded")
    assert world.decide(gates["waits"]).code == 0
    phase(world.cluster, "waits", SPACE, "Succeeded")


def test_without_its_configuration_nothing_is_stamped_and_the_operator_says_so(world: World) -> None:
    kept = world.cluster.kubectl("admin", "get", "mutatingwebhookconfiguration", CONFIGURATION, "-o", "json").json
    world.cluster.kubectl("admin", "delete", "mutatingwebhookconfiguration", CONFIGURATION)
    try:
        refused = wait_for("it is gone", lambda: _unstamped(world))
        assert "spec.requestedBy is set by the API server to the authenticated caller" in refused
        wait_for("the operator sees it", lambda: "pratique-requester" in world.operator.readyz())
        wait_for("so does the webhook", lambda: f'"{CONFIGURATION}" not found' in world.webhook.readyz())
    finally:
        body = {key: kept[key] for key in ("apiVersion", "kind", "webhooks")} | {"metadata": {"name": CONFIGURATION}}
        for each in body["webhooks"]:
            del each["clientConfig"]["caBundle"]
        world.cluster.apply("admin", body)
    world.webhook.wait_ready()
    world.operator.wait_ready()
    assert _unstamped(world) is None


def _unstamped(world: World) -> str | None:
    """Return how a run without a stamp is refused, or None while it is not."""
    text = json.dumps(run("unstamped", SPACE, "note", inputs={}))
    answer = world.cluster.kubectl("developer", "create", "--dry-run=server", "-f", "-", input=text, check=False)
    return answer.err if "set by the API server" in answer.err else None


def test_its_account_may_keep_its_certificate_and_nothing_else(world: World) -> None:
    def may(verb: str, what: str) -> bool:
        answer = world.cluster.kubectl("webhook", "auth", "can-i", verb, what, "-n", "pratique-system", check=False)
        return answer.out.strip() == "yes"

    for verb in ("get", "update", "patch", "delete", "list", "watch", "create"):
        assert may(verb, f"secrets/{SERVICE}") is (verb in ("get", "update")), verb
        assert may(verb, f"mutatingwebhookconfigurations/{CONFIGURATION}") is (verb in ("get", "patch")), verb
        for other in ("secrets", "secrets/slack", "mutatingwebhookconfigurations/other", "pods", "actionruns"):
            assert not may(verb, other), f"{verb} {other}"


def test_a_cluster_that_was_upgraded_goes_on_until_the_chart_follows(tmp_path: Path) -> None:
    """On 1.36 the webhook still stamps and decisions count; then policies take its place, and they count again."""
    with older_plane("upgraded", tmp_path, None) as (plane, cluster, webhook):
        operator = OperatorProcess(plane.kubeconfig("operator"), tmp_path / "operator.log")
        operator.start()
        operator.wait_ready()
        cluster.apply("admin", note_action("upgraded", gated=True))
        _granted(cluster, "before")
        install_pratique(cluster.runner, plane.kubeconfig("admin"))
        cluster.kubectl("admin", "delete", "mutatingwebhookconfiguration", CONFIGURATION)
        webhook.stop()
        operator.wait_ready()
        _granted(cluster, "after")
        operator.stop()


def _granted(cluster: Cluster, name: str) -> None:
    cluster.apply("developer", run(name, "upgraded", "note", inputs={}))
    gate = phase(cluster, name, "upgraded", "WaitingForApproval")["approvals"][0]["name"]
    patch = ("patch", "approval", gate, "-n", "upgraded", "--type=merge", "-p", decision(LEAD, "Approve"))
    cluster.kubectl("lead-1", *patch)
    phase(cluster, name, "upgraded", "Succeeded")


def _lie_about_the_requester(request: dict[str, Any]) -> list[dict[str, Any]]:
    patch = stamp(request)
    for each in patch:
        each["value"] = {"username": LEAD, "groups": ["platform-leads"]}
    return patch


def _lie_about_the_time(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        each | ({"value": "2020-01-01T00:00:00Z"} if "decidedAt" in each["path"] else {}) for each in stamp(request)
    ]


def _lie_about_groups(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [each | ({"value": ["security"]} if each["path"].endswith("groups") else {}) for each in stamp(request)]


def _lie_about_the_history(request: dict[str, Any]) -> list[dict[str, Any]]:
    past = {"op": "add", "path": f"/spec/decisions/{LEAD}/history", "value": [{"verdict": "Decline"}]}
    return [*stamp(request), past]


def _decide_for_another(request: dict[str, Any]) -> list[dict[str, Any]]:
    other = {"op": "add", "path": "/spec/decisions/lead-2@example.com", "value": {"verdict": "Approve"}}
    return [*stamp(request), other]


def _weaken(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [*stamp(request), {"op": "add", "path": "/spec/policy/deadline", "value": "2100-01-01T00:00:00Z"}]


def _do_nothing(_: dict[str, Any]) -> list[dict[str, Any]]:
    return []


def _turn_around(request: dict[str, Any]) -> list[dict[str, Any]]:
    comment = {"verdict": "Decline", "comment": "turned around"}
    set_ = [{"op": "add", "path": f"/spec/decisions/{LEAD}/{key}", "value": value} for key, value in comment.items()]
    return [*stamp(request), *set_]


LIES = [
    ("run", _do_nothing, "spec.requestedBy is set by the API server"),
    ("run", _lie_about_the_requester, "spec.requestedBy is set by the API server"),
    ("gate", _do_nothing, "decidedAt is set by the API server"),
    ("gate", _lie_about_the_time, "decidedAt is set by the API server"),
    ("gate", _lie_about_groups, "the groups of a decision are set by the API server"),
    ("gate", _lie_about_the_history, "the history of a decision is set by the API server"),
    ("gate", _decide_for_another, f"a decision can be recorded only under your own user name: {LEAD}"),
    ("gate", _weaken, "what is being approved, by whom and until when is frozen"),
]


async def test_who_and_when_need_not_be_trusted_to_it(
    without_processes: World, goodbyes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A webhook in its place gives nobody another name, time, group or right; the truth passes.

    What no policy can see is that the sender said something else in this very request: the guide says so.
    """
    world = without_processes
    async with replica(world, world.port), people(world) as (developer, lead, operator):
        gate = (await operator.request("POST", GATES, _gate()))["metadata"]["name"]
        for what, lie, sentence in [*LIES, ("run", stamp, ""), ("gate", stamp, ""), ("gate", _turn_around, "")]:
            monkeypatch.setattr(server, "stamp", lie)
            try:
                await (_ask(developer) if what == "run" else _approve(lead, gate))
            except ApiError as error:
                assert sentence and sentence in error.message, lie
            else:
                assert not sentence, f"{lie.__name__} was believed"


QUICK = Terms(
    authority=timedelta(seconds=20),
    authority_left=timedelta(seconds=16),
    serving=timedelta(seconds=12),
    serving_left=timedelta(seconds=8),
    settle=timedelta(seconds=1.5),
)


async def test_certificates_and_authorities_change_while_people_work(without_processes: World, goodbyes: None) -> None:
    """Two replicas, one for each webhook of the configuration, that race: no request fails, and none is slow."""
    world, other = without_processes, free_port()
    emptied = ("patch", "secret", SERVICE, "-n", "pratique-system", "--type=merge", "-p", '{"data": null}')
    world.cluster.kubectl("admin", *emptied)  # the way to have all made anew at once
    async with (
        replica(world, world.port, QUICK) as one,
        replica(world, other, QUICK) as two,
        people(world) as (developer, lead, operator),
        decisions_go_to(world, other),
    ):
        gate = (await operator.request("POST", GATES, _gate("b")))["metadata"]["name"]
        bundles, certificates = set[str](), set[str]()
        answered, slowest, deadline = 0, 0.0, time.monotonic() + 90
        while len(bundles) < 5:  # [1], [2, 1], [2], [3, 2], [3]
            assert time.monotonic() < deadline, f"{len(bundles)} bundles after {answered} requests"
            begun = time.monotonic()
            await asyncio.gather(*(_ask(developer) for _ in range(2)), *(_approve(lead, gate) for _ in range(2)))
            answered, slowest = answered + 4, max(slowest, time.monotonic() - begun)
            for each in (one, two):
                bundles.add(each.keeper.serving.bundle)
                certificates.add(each.keeper.serving.certificate)
        assert len(certificates) >= 3 and answered > 100 and slowest < 4, (len(certificates), answered, slowest)


@asynccontextmanager
async def decisions_go_to(world: World, port: int) -> AsyncIterator[None]:
    """Let the second webhook of the configuration be asked at another port."""

    async def change(to: int) -> None:
        url = f"https://127.0.0.1:{to}/stamp"
        patch = [{"op": "replace", "path": "/webhooks/1/clientConfig/url", "value": url}]
        await admin.request("PATCH", HOOKS, patch, content_type=JSON_PATCH)

    async with Api(connect(str(world.plane.kubeconfig("admin")))) as admin:
        await change(port)
        try:
            yield
        finally:
            await change(world.port)


@asynccontextmanager
async def people(world: World) -> AsyncIterator[tuple[Api, Api, Api]]:
    """The developer, a lead, and the operator's account: kubectl would wait for a webhook that waits for this process."""
    async with (
        Api(connect(str(world.plane.kubeconfig("developer")))) as developer,
        Api(connect(str(world.plane.kubeconfig("lead-1")))) as lead,
        Api(connect(str(world.plane.kubeconfig("operator")))) as operator,
    ):
        yield developer, lead, operator


def _gate(name: str = "a") -> dict[str, Any]:
    return approval(SPACE, f"gate-{name}")


async def _ask(developer: Api) -> None:
    await developer.request("POST", RUNS, run("dry", SPACE, "note", inputs={}), params={"dryRun": "All"})


async def _approve(lead: Api, gate: str) -> None:
    body = json.loads(decision(LEAD, "Approve"))
    await lead.request("PATCH", f"{GATES}/{gate}", body, content_type=MERGE_PATCH, params={"dryRun": "All"})
