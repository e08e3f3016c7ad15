"""Reads what the doctor judges, with the rights of whoever runs it. What it may not read is left out, and said."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from pratique import __version__
from pratique.admission.expected import expected
from pratique.admission.language import API
from pratique.admission.values import GuardValues, guard_values
from pratique.api.v1alpha1 import API_VERSION
from pratique.cli.errors import hopeless
from pratique.clock import SystemClock
from pratique.cluster.client import Api, ApiError
from pratique.core.operating.leadership import LEASE_NAME
from pratique.core.operating.sharding import LAYOUT_TOKEN, MOST_SHARDS, Shard
from pratique.doctor.facts import Facts, Json, Leader, Standing
from pratique.guarding.reads import RecordStore, installed, webhook_stamps

Value = TypeVar("Value")
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_COMPONENT = {"labelSelector": "app.kubernetes.io/part-of=pratique,app.kubernetes.io/component=operator"}
_OPTION = "--guard-values="
NEEDS: tuple[tuple[str, str, str], ...] = (
    *(
        (verb, "pratique.dev", plural)
        for plural in ("actions", "actionruns", "approvals", "delegations", "environments", "notificationchannels")
        for verb in ("list", "watch")
    ),
    *(
        ("patch", "pratique.dev", f"{plural}/status")
        for plural in ("actions", "actionruns", "approvals", "delegations", "environments")
    ),
    ("create", "pratique.dev", "approvals"),
    ("list", "", "namespaces"),
    ("list", "admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ("list", "admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
)
"""What the operator does in all of the cluster: verb, API group, resource."""


class Reader:
    """Reads one thing after another, and remembers what could not be read."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.unseen: list[tuple[str, str]] = []

    async def read(self, what: str, reading: Callable[[Api], Awaitable[Value]], otherwise: Value) -> Value:
        """Return what was read, or the other; raises CommandError if nothing can be read at all."""
        try:
            return await reading(self._api)
        except ApiError as error:
            if (end := hopeless(error, self._api.connection.server)) is not None:
                raise end from error
            self.unseen.append((what, f"HTTP {error.code} {error.reason}"))
            return otherwise


async def read_facts(api: Api, namespace: str) -> Facts:
    """Return all that the doctor judges; raises CommandError if the API server cannot be asked at all."""
    reader = Reader(api)
    server = await reader.read("API server", _server, "")
    no_shards: tuple[tuple[Shard, Leader | None], ...] = ()
    no_deployments: tuple[Json, ...] = ()
    deployments = await reader.read("deployment", lambda api: _deployments(api, namespace), no_deployments)
    values = _values(namespace, next(iter(deployments), None))
    leader = await reader.read("leader", lambda api: _leader(api, namespace, LEASE_NAME), None)
    nothing: tuple[Standing, ...] = ()
    older = await reader.read("API server", webhook_stamps, False)
    return Facts(
        namespace=namespace,
        server=server,
        version=__version__,
        now=SystemClock().now(),
        webhook_stamps=older,
        deployments=deployments,
        leader=leader,
        shards=await reader.read("leader", lambda api: _shards(api, namespace, leader, deployments), no_shards),
        guards=await reader.read("guard", lambda api: _guards(api, values, older=older), ()),
        record=await reader.read("guard", lambda api: RecordStore(api, namespace).read(), {}),
        standings=(
            *await reader.read("channels", lambda api: _standings(api, "channel", "notificationchannels"), nothing),
            *await reader.read("actions", lambda api: _standings(api, "action", "actions"), nothing),
        ),
        webhooks=await reader.read("others", lambda api: _admitting(api, "mutatingwebhookconfigurations"), ()),
        policies=()
        if older
        else await reader.read("others", lambda api: _admitting(api, "mutatingadmissionpolicies"), ()),
        argo_cd=await reader.read("Argo CD", _argo_cd, ()),
        denied=await reader.read("rights", lambda api: _denied(api, values.operator), ()),
        unseen=tuple(reader.unseen),
    )


async def _server(api: Api) -> str:
    return str((await api.request("GET", "/version")).get("gitVersion"))


async def _deployments(api: Api, namespace: str) -> tuple[Json, ...]:
    found = await api.request("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments", params=_COMPONENT)
    return tuple(found.get("items") or ())


def _values(namespace: str, deployment: Json | None) -> GuardValues:
    """Return what the policies were installed with, as the operator was told."""
    return guard_values(namespace, (_option(deployment, _OPTION) if deployment else "") or "{}")


def _option(deployment: Json, option: str) -> str:
    """Return what an option of a Deployment says; empty if it is not there."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    args = [arg for each in containers for arg in each.get("args") or () if arg.startswith(option)]
    return args[0].removeprefix(option) if args else ""


async def _shards(
    api: Api, namespace: str, layout: Leader | None, deployments: tuple[Json, ...]
) -> tuple[tuple[Shard, Leader | None], ...]:
    """Return who leads each shard: of the number that acts, and of those that Deployments are for."""
    numbers = {number for each in deployments if (number := _number(_option(each, "--shard=").partition("/")[2])) > 1}
    acts = _number(layout.holder.removeprefix("shards-of-").removesuffix(f"_{LAYOUT_TOKEN}")) if layout else 0
    shards = [Shard(each, of) for of in sorted(numbers | {acts} - {0, 1}) for each in range(1, of + 1)]
    leaders = await asyncio.gather(*(_leader(api, namespace, shard.lease_name) for shard in shards))
    return tuple(zip(shards, leaders, strict=True))


def _number(text: str) -> int:
    """Return the number of shards that a text says; 0 if it says none."""
    return int(text) if text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_SHARDS else 0


async def _leader(api: Api, namespace: str, name: str) -> Leader | None:
    try:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
        spec = (await api.request("GET", path)).get("spec") or {}
    except ApiError as error:
        if error.code == 404:
            return None
        raise
    renewed = spec.get("renewTime")
    at = datetime.fromisoformat(renewed) if renewed else None
    return Leader(str(spec.get("holderIdentity") or ""), at, int(spec.get("leaseDurationSeconds") or 0))


async def _guards(api: Api, values: GuardValues, *, older: bool) -> tuple[tuple[Json, Json | None], ...]:
    manifests = expected(values, older=older)
    return tuple(zip(manifests, await asyncio.gather(*(installed(api, each) for each in manifests)), strict=True))


async def _standings(api: Api, kind: str, plural: str) -> tuple[Standing, ...]:
    items = [each async for page, _ in api.pages(f"/apis/{API_VERSION}/{plural}") for each in page]
    return tuple(_standing(kind, each) for each in items)


def _standing(kind: str, body: Json) -> Standing:
    status = body.get("status") or {}
    ready: Json = next((each for each in status.get("conditions") or () if each.get("type") == "Ready"), {})
    is_seen = status.get("observedGeneration") == body["metadata"].get("generation")
    state = "" if ready.get("reason") == "Pending" else str(ready.get("status", ""))
    return Standing(kind, body["metadata"]["name"], state, str(ready.get("message", "")), is_seen)


async def _admitting(api: Api, plural: str) -> tuple[Json, ...]:
    return tuple([each async for page, _ in api.pages(f"/apis/{API}/{plural}") for each in page])


async def _argo_cd(api: Api) -> tuple[Json, ...]:
    """Return the settings of each Argo CD, which have to carry its label; nothing where its kinds are not."""
    groups = (await api.request("GET", "/apis")).get("groups") or ()
    if not any(each.get("name") == "argoproj.io" for each in groups):
        return ()
    found = await api.request("GET", "/api/v1/configmaps", params={"labelSelector": "app.kubernetes.io/part-of=argocd"})
    return tuple(each for each in found.get("items") or () if each["metadata"]["name"] == "argocd-cm")


async def _denied(api: Api, operator: str) -> tuple[str, ...]:
    async def ask(verb: str, group: str, resource: str) -> str | None:
        name, _, part = resource.partition("/")
        attributes: dict[str, Any] = {"verb": verb, "group": group, "resource": name, "subresource": part}
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{operator.split(':')[2]}", "system:authenticated"]
        spec = {"user": operator, "groups": groups, "resourceAttributes": attributes}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        answer = await api.request("POST", _REVIEWS, review, fenced=False)
        return None if answer.get("status", {}).get("allowed") else f"{verb} {resource}"

    return tuple(each for each in await asyncio.gather(*(ask(*need) for need in NEEDS)) if each is not None)
