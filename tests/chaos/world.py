"""The world of the chaos tests: a control plane with an audit log, people, channels, and an operator behind a proxy."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.chaos.receivers import LEADS, Receivers, receiving
from tests.conftest import PEOPLE
from tests.support.runs import account
from tools.controlplane.identities import write_kubeconfig
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import temporary_plane
from tools.controlplane.servers import Options
from tools.faultproxy import FaultProxy
from tools.installation import OperatorProcess, install_pratique

from pratique.cluster.client import JSON_PATCH, MERGE_PATCH, Api, ApiError
from pratique.cluster.connection import connect
from pratique.core.telling.credentials import ALLOWED_HOSTS

SPACE = "chaos"
GROUP = f"/apis/pratique.dev/v1alpha1/namespaces/{SPACE}"
COLLECTIONS = {
    "configmaps": f"/api/v1/namespaces/{SPACE}/configmaps",
    "jobs": f"/apis/batch/v1/namespaces/{SPACE}/jobs",
    "namespaces": "/api/v1/namespaces",
    "actionruns": f"{GROUP}/actionruns",
    "approvals": f"{GROUP}/approvals",
    "environments": f"{GROUP}/environments",
    "actions": "/apis/pratique.dev/v1alpha1/actions",
}
SETTLE_SECONDS = 40.0
_GUARD = ("/admissionregistration.k8s.io/", "/customresourcedefinitions")
_BY_THE_CLOCK = (*_GUARD, "/leases", "/configmaps/pratique-directory", "/secrets/", "/notificationchannels/")

_ACTION = """
apiVersion: pratique.dev/v1alpha1
kind: Action
metadata: {{name: {name}}}
spec:
  title: {name}
  {acts}
  inputs: {{schema: {{type: object, properties: {{gated: {{type: boolean, default: false}}}}}}}}
  approval:
    stages: [{{name: lead, when: inputs.gated, deadline: {deadline}, approvers: {{{who}}}{glass}}}]
  notifications:
  - channels: [hook, teams, slack, mail]
    events: [ApprovalRequested, Handled, Approved, Declined, Expired, Withdrawn, Superseded, Succeeded, Failed, GlassBroken,
             ObjectEnded]
  execution:
    serviceAccountRef: {{namespace: chaos, name: worker}}
    {more}
    resources:
    - id: it
      {ready}
      {step}
"""
_CONFIG_MAP = '{apiVersion: v1, kind: ConfigMap, metadata: {name: "${run.name}", namespace: chaos}}'
_JOB = (
    '{apiVersion: batch/v1, kind: Job, metadata: {name: "${run.name}", namespace: chaos}, spec: {'
    "ttlSecondsAfterFinished: 0, backoffLimit: 0, template: {spec: {restartPolicy: Never, "
    "containers: [{name: main, image: none}]}}}}"
)
_CALL = 'request: {url: OUTSIDE, idempotent: true, body: {by: "${run.name}"}}'
_WAITING = """request: {url: OUTSIDE, idempotent: true, body: {by: "${run.name}"}, answer: {work: answer.body.work}}
    - id: end
      request:
        {method: GET, url: "OUTSIDE/${resources.it.work}", until: {done: answer.body.done, every: 5s}}"""
_CHANGE = """patch: true
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: "${target.metadata.name}", namespace: chaos},
                 data: {by: "${run.name}"}}"""
_FILLED = f"""template: {_CONFIG_MAP}
    - id: note
      template: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: "${{run.name}}-note", namespace: chaos}},
                 data: {{host: "${{resources.it.data.host}}"}}}}"""
_UNDONE = f"""template: {_CONFIG_MAP}
    - id: note
      template: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: "${{run.name}}-note", namespace: chaos}}}}
    - id: last
      failedWhen: "true"
      template: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: "${{run.name}}-last", namespace: chaos}}}}"""
_DELETION = 'delete: {apiVersion: v1, kind: ConfigMap, namespace: chaos, name: "${run.name}-there"}'
_OWNERS = '{apiVersion: v1, kind: ConfigMap, name: "${run.name}-owners", groups: object.data.who}'
_NEVER = {"more": "timeout: 1s", "ready": 'readyWhen: "false"'}
_ACTIONS: tuple[dict[str, str], ...] = (
    {"name": "note"},
    {"name": "patient", "deadline": "2d"},
    {"name": "hasty", "deadline": "2s"},
    {"name": "doomed", **_NEVER},
    {"name": "stopped"},
    {"name": "job", "step": f"template: {_JOB}"},
    {"name": "calling", "step": _CALL},
    {"name": "waiting", "step": _WAITING},
    {"name": "aimed", "step": _CHANGE, "acts": "actsOn: {apiVersion: v1, kind: ConfigMap}"},
    {"name": "removing", "step": _DELETION},
    {"name": "filled", "step": _FILLED},
    {"name": "undone", "step": _UNDONE, "more": "onFailure: Rollback"},
    {"name": "owned", "who": f"from: [{_OWNERS}]"},
    {"name": "frozen"},
    {"name": "lent", "step": f"expiresAfter: 4s\n      template: {_CONFIG_MAP}"},
    {"name": "urgent", "glass": ", breakGlass: {groups: [sre-oncall], requester: Forbid}"},
)
_USUAL = {"deadline": "1h", "step": f"template: {_CONFIG_MAP}", "more": "", "ready": "", "acts": "", "glass": ""}
_USUAL |= {"who": "groups: [platform-leads]"}
_DIRECTORY = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "pratique-directory", "namespace": "pratique-system"},
    "data": {"directory.yaml": yaml.safe_dump({"groups": {"platform-leads": {"members": list(LEADS)}}})},
}


@dataclass
class World:
    """What stories act in."""

    people: dict[str, Api]
    receivers: Receivers
    proxy: FaultProxy
    operator: OperatorProcess
    audit_log: Path
    patience: float = SETTLE_SECONDS
    """Seconds that `until` waits unless it is told otherwise."""

    async def create(self, who: str, plural: str, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create an object as somebody."""
        return await self.people[who].request("POST", COLLECTIONS[plural], manifest)

    async def patch(self, who: str, plural: str, name: str, patch: dict[str, Any], part: str = "") -> dict[str, Any]:
        """Merge into an object as somebody."""
        path = f"{COLLECTIONS[plural]}/{name}{part}"
        return await self.people[who].request("PATCH", path, patch, content_type=MERGE_PATCH)

    async def json_patch(self, who: str, plural: str, name: str, patch: list[dict[str, Any]]) -> dict[str, Any]:
        """Patch an object as somebody."""
        path = f"{COLLECTIONS[plural]}/{name}"
        return await self.people[who].request("PATCH", path, patch, content_type=JSON_PATCH)

    async def get(self, plural: str, name: str) -> dict[str, Any] | None:
        """Return an object as the admin sees it, or None."""
        try:
            return await self.people["admin"].request("GET", f"{COLLECTIONS[plural]}/{name}")
        except ApiError as error:
            if error.reason == "NotFound":
                return None
            raise

    async def until(self, what: str, probe: Any, seconds: float | None = None) -> Any:
        """Return what an async probe gives once it is true."""
        loop, seconds = asyncio.get_running_loop(), seconds or self.patience
        deadline, seen = loop.time() + seconds, None
        while not (seen := await probe()):
            if loop.time() > deadline:
                raise AssertionError(f"{what}: not within {seconds:g} s; log: {self.operator.log.read_text()[-1500:]}")
            await asyncio.sleep(0.03)
        return seen

    def restart(self) -> None:
        """Start the operator again; the caller has killed it."""
        self.operator.start()

    def audit(self, offset: int) -> list[dict[str, Any]]:
        """Return the entries of the audit log from an offset on."""
        with self.audit_log.open("rb") as log:
            log.seek(offset)
            lines = log.read().splitlines()
        return [entry for line in lines if (entry := json.loads(line))["stage"] == "ResponseComplete"]

    @property
    def audit_offset(self) -> int:
        """Where the audit log ends now."""
        return self.audit_log.stat().st_size


@asynccontextmanager
async def chaos_world(folder: Path, *more: str) -> AsyncIterator[World]:
    """Start everything, with the operator ready behind the proxy; `more` are options of its own."""
    with temporary_plane("chaos", Options(audit="RequestResponse")) as plane:
        kubectl, admin = Kubectl(folder / "kube-cache"), plane.kubeconfig("admin")
        install_pratique(kubectl, admin)
        kubectl(admin, "apply", "-f", str(PEOPLE))
        kubectl(admin, "create", "namespace", SPACE)
        async with AsyncExitStack() as stack:
            receivers = await stack.enter_async_context(receiving())
            kubectl(admin, "apply", "-f", "-", input=yaml.safe_dump_all(_manifests(receivers)))
            names = ("admin", "developer", "lead-1", "oncall")
            people = {
                name: await stack.enter_async_context(Api(connect(str(plane.kubeconfig(name))))) for name in names
            }
            proxy = await stack.enter_async_context(FaultProxy(connect(str(plane.kubeconfig("operator")))))
            proxy.counted = counted
            config = yaml.safe_load(plane.kubeconfig("operator").read_text())
            config["clusters"][0]["cluster"] = {"server": proxy.url}
            path = write_kubeconfig(folder / "proxied", config)
            arguments = ("--identity", "chaos", "--log-level", "warning", *more)
            operator = OperatorProcess(path, folder / "operator.log", arguments=arguments)
            assert plane.audit_log is not None
            world = World(people, receivers, proxy, operator, plane.audit_log)
            operator.start()
            await asyncio.to_thread(operator.wait_ready)
            for action in _ACTIONS:
                name = action["name"]
                await world.until(f"Action {name} is ready", lambda name=name: _ready(world, name))
            try:
                yield world
            finally:
                operator.kill()


def _manifests(receivers: Receivers) -> list[dict[str, Any]]:
    """Return what is there before the operator starts: who may act, how people are reached, and what they may ask for."""
    rights = {
        "apiGroups": ["", "batch"],
        "resources": ["configmaps", "jobs"],
        "verbs": ["create", "get", "patch", "delete"],
    }
    channel = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel"}
    return [
        *account(SPACE, "worker", rights),
        _DIRECTORY,
        *(_secret(name, values, receivers.url) for name, values in receivers.secrets().items()),
        *({**channel, "metadata": {"name": name}, "spec": spec} for name, spec in receivers.channels().items()),
        *actions(f"{receivers.url}/done"),
        *_reading("configmaps"),
    ]


def actions(outside: str = "http://127.0.0.1:9/done") -> list[dict[str, Any]]:
    """Return the Actions that people may ask for; `outside` is where one of them calls."""
    return [yaml.safe_load(_ACTION.format(**(_USUAL | action)).replace("OUTSIDE", outside)) for action in _ACTIONS]


def _reading(resource: str) -> list[dict[str, Any]]:
    """Return what lets developers read what they ask to change."""
    rbac, metadata = "rbac.authorization.k8s.io", {"name": "developers-read", "namespace": SPACE}
    rules = [{"apiGroups": [""], "resources": [resource], "verbs": ["get"]}]
    ref = {"apiGroup": rbac, "kind": "Role", "name": "developers-read"}
    subjects = [{"apiGroup": rbac, "kind": "Group", "name": "developers"}]
    role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    binding = {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": metadata}
    return [role, {**binding, "roleRef": ref, "subjects": subjects}]


def _secret(name: str, values: dict[str, str], url: str) -> dict[str, Any]:
    lets = {ALLOWED_HOSTS: url.partition("//")[2]}
    metadata = {"name": name, "namespace": "pratique-system", "annotations": lets}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}


async def _ready(world: World, name: str) -> bool:
    action = await world.get("actions", name) or {}
    conditions = {each["type"]: each["status"] for each in action.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True"


def counted(method: str, path: str) -> bool:
    """Whether the proxy numbers a request: not what is done by the clock and not for a story, nor the looks at the guard.

    Those are dry runs of canaries and reads side by side, so that one cut among them is like any other.
    """
    is_canary = "dryRun" in path and f"/namespaces/{SPACE}/" not in path
    return not is_canary and not any(part in path for part in _BY_THE_CLOCK)
