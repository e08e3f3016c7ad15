"""Gaps in the guard, made by the cluster's admin: what can be taken away, weakened and forged, and the way back."""

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tools.codegen.manifests import install
from tools.controlplane.plane import ControlPlane
from tools.installation import OperatorProcess

from pratique.admission.expected import expected
from pratique.admission.values import GuardValues
from pratique.cluster.client import MERGE_PATCH, Api, ApiError
from pratique.cluster.connection import connect
from pratique.core.kernel.effects import ObjectRef
from pratique.guarding.record import key_of
from tests.builders.manifests import decision, run
from tests.support.http import Caller
from tests.support.on_record import is_on_record

SPACE = "guarded"
LEAD = "lead-1@example.com"
_KEYS = {key_of(each) for each in expected(GuardValues())}
GUARDS: dict[str, dict[str, Any]] = {key_of(each): each for each in install() if key_of(each) in _KEYS}
POLICIES = [key for key in GUARDS if "AdmissionPolicy" in key]
CRDS = [key for key in GUARDS if key not in POLICIES]
DECISION = "ValidatingAdmissionPolicy.pratique-decision"
BINDING = "ValidatingAdmissionPolicyBinding.pratique-decision"
STATUS = "ValidatingAdmissionPolicyBinding.pratique-status"
Change = Callable[[dict[str, Any]], object]


@dataclass
class Gaps:
    """A control plane whose guard may be taken away. The people act by the API, since gaps are short."""

    plane: ControlPlane
    folder: Path
    people: dict[str, Api]
    operator: OperatorProcess

    async def path(self, ref: dict[str, Any], *, named: bool = True) -> str:
        metadata = ref["metadata"]
        found = ObjectRef(ref["apiVersion"], ref["kind"], metadata["name"], metadata.get("namespace"))
        return await self.people["admin"].path_of(found, named=named)

    async def delete(self, key: str) -> None:
        await self.people["admin"].request("DELETE", await self.path(GUARDS[key]))

    async def create(self, key: str) -> None:
        collection = await self.path(GUARDS[key], named=False)
        await self.people["admin"].request("POST", collection, GUARDS[key])

    async def change(self, key: str, how: Change) -> None:
        """Change the spec of what is installed."""
        path = await self.path(GUARDS[key])

        async def put() -> bool:
            body = await self.people["admin"].request("GET", path)
            how(body["spec"])
            return await self._put(path, body)

        await self.until(f"{key} is changed", put)

    async def restore(self, key: str) -> None:
        """Put it right, as whoever installs Pratique does."""
        path = await self.path(GUARDS[key])

        async def put() -> bool:
            try:
                body = await self.people["admin"].request("GET", path)
            except ApiError:
                await self.create(key)
                return True
            wanted = copy.deepcopy(GUARDS[key])
            wanted["metadata"]["resourceVersion"] = body["metadata"]["resourceVersion"]
            return await self._put(path, wanted)

        await self.until(f"{key} is restored", put)

    async def _put(self, path: str, body: dict[str, Any]) -> bool:
        try:
            await self.people["admin"].request("PUT", path, body)
        except ApiError as error:
            if error.reason != "Conflict":  # the controllers of the API server write too
                raise
            return False
        return True

    async def ask(self, name: str) -> str:
        """Ask for a note; return the name of its gate."""
        body = run(name, SPACE, "note", inputs={})
        await self.people["developer"].request("POST", await self.path(body, named=False), body)
        return await self.gate(name)

    async def get(self, kind: str, name: str) -> dict[str, Any] | None:
        version = "v1" if kind == "ConfigMap" else "pratique.dev/v1alpha1"
        ref = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": SPACE}}
        try:
            return await self.people["admin"].request("GET", await self.path(ref))
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    async def gate(self, name: str, not_this: str = "") -> str:
        """Return the name of the gate that holds a run, once there is one, and another one than this."""

        async def held() -> str:
            status = (await self.get("ActionRun", name) or {}).get("status", {})
            assert status.get("phase") in ("Pending", "WaitingForApproval"), status
            gates = [each["name"] for each in status.get("approvals", [])]
            return gates[0] if gates and gates[0] != not_this else ""

        return str(await self.until(f"{name} is held, not by {not_this}", held))

    async def decide(self, gate: str, patch: str, who: str = "lead-1", part: str = "") -> bool:
        """Return whether the API server takes it."""
        path = f"/apis/pratique.dev/v1alpha1/namespaces/{SPACE}/approvals/{gate}{part}"
        try:
            await self.people[who].request("PATCH", path, json.loads(patch), content_type=MERGE_PATCH)
        except ApiError:
            return False
        return True

    async def forge(self, gate: str, verdict: str = "Approve") -> bool:
        """Decide in the lead's name, with all that the API server would have stamped."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        patch = decision(LEAD, verdict, "forged", decidedAt=at, groups=["platform-leads"])
        return await self.decide(gate, patch, "admin")

    async def forged(self, gate: str, verdict: str = "Approve") -> None:
        """Forge as soon as the API server goes without."""

        async def taken() -> bool:
            return await self.forge(gate, verdict)

        await self.until("it is forged", taken, pause=0.0)

    async def ends_by_a_real_approval(self, name: str, gate: str) -> dict[str, Any]:
        """Nothing was made so far; a real approval of this gate counts. Return the run."""
        assert await self.get("ConfigMap", name) is None, "it was made of something that was forged"

        async def taken() -> bool:
            return await self.decide(gate, decision(LEAD, "Approve"))

        async def over() -> dict[str, Any] | None:
            body = await self.get("ActionRun", name)
            return body if body and body["status"]["phase"] == "Succeeded" else None

        await self.until("the lead may decide", taken)
        ended = await self.until(f"{name} ends", over)
        assert await self.get("ConfigMap", name) is not None
        return dict(ended)

    async def is_seen(self, text: str) -> None:
        async def seen() -> bool:
            return text in await asyncio.to_thread(self.operator.readyz)

        await self.until(f"it says: {text}", seen)

    async def is_well(self) -> None:
        """The operator leads, and has on record what is installed now: it says it is ready until it sees what was done."""

        async def on_record() -> bool:
            await asyncio.to_thread(self.operator.wait_ready)
            return await asyncio.to_thread(is_on_record, self.admin)

        await self.until("what guards is on record", on_record)

    @cached_property
    def admin(self) -> Caller:
        """The cluster's admin, beside the event loop."""
        return Caller(self.plane.kubeconfig("admin"))

    async def until(self, what: str, probe: Callable[[], Any], seconds: float = 30.0, pause: float = 0.05) -> Any:
        deadline = time.monotonic() + seconds
        while not (seen := await probe()):
            log = self.operator.log.read_text()[-1500:] if self.operator.log.exists() else ""
            assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s; the log ends with: {log}"
            await asyncio.sleep(pause)
        return seen

    @asynccontextmanager
    async def acting(self) -> AsyncIterator["Gaps"]:
        """Let people act, in this event loop."""
        async with AsyncExitStack() as stack:
            for name in ("admin", "developer", "lead-1"):
                api = Api(connect(str(self.plane.kubeconfig(name))))
                self.people[name] = await stack.enter_async_context(api)
            yield self


def replaced(path: str, value: object) -> Change:
    """Return a change of one field, by its dotted path."""

    def change(spec: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        node: Any = spec
        for part in parents:
            node = node[int(part)] if isinstance(node, list) else node[part]
        node[int(last) if isinstance(node, list) else last] = value

    return change
