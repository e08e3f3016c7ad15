"""What is measured: a control plane of its own, Pratique installed as users do it, an operator that can be stopped.

Each measurement has a namespace of its own: an Approval that waits cannot be deleted, but its namespace can.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import ControlPlane, temporary_plane
from tools.installation import ROOT, OperatorProcess, install_pratique

from bench.manifests import INSTALL, Json, Pattern, run
from bench.metrics import total
from bench.processes import cpu_seconds
from pratique.cluster.client import Api
from pratique.cluster.connection import connect

_PEOPLE = ("admin", "developer", "lead-1", "operator")
_QUIET, _LOOK_EVERY, _CALM_SHARE = 0.6, 0.2, 0.5
_GONE_SECONDS = 180.0


@dataclass
class Settled:
    """When (perf_counter) the operator last had something in its queue, and when its process was last busy at all."""

    caught_up_at: float
    calm_at: float


@dataclass
class World:
    """A plane, people with bare clients, the operator, and the namespace of the measurement that is being taken."""

    plane: ControlPlane
    people: dict[str, Api]
    operator: OperatorProcess
    local: aiohttp.ClientSession
    space: str = ""
    pattern: Pattern | None = None
    _spaces: int = 0

    @property
    def runs(self) -> str:
        """The path of the runs."""
        return f"/apis/pratique.dev/v1alpha1/namespaces/{self.space}/actionruns"

    @property
    def gates(self) -> str:
        """The path of the Approvals."""
        return f"/apis/pratique.dev/v1alpha1/namespaces/{self.space}/approvals"

    @property
    def config_maps(self) -> str:
        """The path of the ConfigMaps."""
        return f"/api/v1/namespaces/{self.space}/configmaps"

    @property
    def pid(self) -> int:
        """The operator's process."""
        if self.operator.process is None:
            raise RuntimeError("the operator does not run")
        return self.operator.process.pid

    async def fresh(self, *, operator: bool) -> None:
        """Begin again: an empty namespace, nothing left of the last, and the operator started anew or not at all."""
        await asyncio.to_thread(self.operator.kill)
        admin = self.people["admin"]
        if self.space:
            await admin.request("DELETE", f"/api/v1/namespaces/{self.space}")
            await self._emptied()
        self._spaces += 1
        self.space = f"bench-{self._spaces}"
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space}}
        await admin.request("POST", "/api/v1/namespaces", manifest)
        if operator:
            await self.start()
            await self.settled()

    async def _emptied(self) -> None:
        """Wait until the runs and their gates are gone; the namespace itself stays for some idle seconds more."""
        async with asyncio.timeout(_GONE_SECONDS):
            for path in (self.runs, self.gates):
                while (await self.people["admin"].request("GET", path, params={"limit": "1"}))["items"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)

    async def start(self, seconds: float = 120.0) -> None:
        """Start the operator; return when it is ready. Called in the main thread, to which the process is tied."""
        self.operator.start()
        await asyncio.to_thread(self.operator.wait_ready, seconds)

    async def stop(self) -> None:
        """End the operator as a rollout would, if it runs."""
        await asyncio.to_thread(self.operator.stop)

    async def operator_metrics(self) -> str:
        """Return what the operator counts."""
        async with self.local.get(f"http://127.0.0.1:{self.operator.port}/metrics") as answer:
            return await answer.text()

    async def server_metrics(self) -> str:
        """Return what the API server counts."""
        connection = self.people["admin"].connection
        async with self.local.get(
            f"{connection.server}/metrics", headers=connection.headers(), ssl=connection.ssl_context()
        ) as answer:
            return await answer.text()

    async def settled(self, quiet: float = _QUIET, seconds: float = 1200.0) -> Settled:
        """Wait until the operator leads and has had nothing to do for a while; say when it last had."""
        now = time.perf_counter()
        settled, looks, cpu, at = Settled(now, now), -1.0, cpu_seconds(self.pid), now
        async with asyncio.timeout(seconds):
            while now < max(settled.caught_up_at, settled.calm_at) + quiet:
                await asyncio.sleep(_LOOK_EVERY)
                text = await self.operator_metrics()
                now, before = time.perf_counter(), at
                count, used = total(text, "pratique_reconciles_total"), cpu_seconds(self.pid)
                waiting = total(text, "pratique_queue_depth") + total(text, "pratique_outbox_depth")
                if count != looks or waiting or not total(text, "pratique_leader"):
                    settled.caught_up_at = now
                if (used - cpu) / (now - before) > _CALM_SHARE:
                    settled.calm_at = now
                looks, cpu, at = count, used, now
        return settled

    async def ask(self, name: str, *, gated: bool = True) -> Json:
        """Create a run as the developer; return it."""
        return await self.people["developer"].request("POST", self.runs, run(name, gated=gated))


@asynccontextmanager
async def bench_world(folder: Path) -> AsyncIterator[World]:
    """Start a control plane and install; the operator does not run yet."""
    with temporary_plane("bench") as plane:
        kubectl, admin = Kubectl(folder / "kube-cache"), plane.kubeconfig("admin")
        install_pratique(kubectl, admin)
        kubectl(admin, "apply", "-f", str(ROOT / "tests" / "support" / "people.yaml"))
        kubectl(admin, "apply", "-f", "-", input=INSTALL)
        operator = OperatorProcess(
            plane.kubeconfig("operator"),
            folder / "operator.log",
            arguments=("--log-level", "warning", "--open-runs-per-requester", "1000000"),
        )
        async with AsyncExitStack() as stack:
            people = {
                name: await stack.enter_async_context(Api(connect(str(plane.kubeconfig(name))))) for name in _PEOPLE
            }
            local = await stack.enter_async_context(aiohttp.ClientSession())
            try:
                yield World(plane, people, operator, local)
            finally:
                operator.stop()
