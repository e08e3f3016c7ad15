"""Looks why an object failed: reads its pods, warnings about it, and the end of a log, as the Action's account.

It is done once, at the failure, and never while something is waited for: at most five requests, and one for each Secret
whose values a container's words may repeat. None holds the run up for long, nor fails it. Whoever writes pods and Events
decides how large they are, so of what is too large nothing is parsed.
"""

import asyncio
from dataclasses import dataclass, field

from pratique.cluster.client import METADATA_LIST, TOO_LARGE, Api, ApiError
from pratique.core.execution.adoption import uid_of
from pratique.core.execution.live import mapping
from pratique.core.execution.pods import (
    controller_of,
    failing_container,
    find_failing,
    pod_itself,
    say_pod,
    secrets_of,
    selector_of,
    uid_and_name,
)
from pratique.core.kernel.effects import Json, ObjectRef
from pratique.core.kernel.explaining import Circumstances, Explain

_SECONDS = 10.0
"""What is not known by then is left out."""
_PODS, _FEWER, _OTHERS = 20, 4, 100
"""Pods of a page, and of one that was too large; everything else of a page."""
_MAX_BYTES, _LOG_BYTES, _SECRET_BYTES = 512 * 1024, 64 * 1024, 4 * 1024 * 1024
_SECRETS = 8
_DENIED, _MISSING = 403, 404


@dataclass
class _Look:
    """One look, and what the account could not read in it."""

    api: Api
    run_as: str
    namespace: str
    unread: list[str] = field(default_factory=list)

    async def list(self, resource: str, params: dict[str, str], accept: str = "application/json") -> list[Json]:
        """Return objects of a namespace, of those that there are at most one page; none if they cannot be read."""
        group = "/apis/apps/v1" if resource == "replicasets" else "/api/v1"
        path = f"{group}/namespaces/{self.namespace}/{resource}"
        limits = [_PODS, _FEWER] if resource == "pods" else [_OTHERS]
        for limit in limits:
            query = {**params, "limit": str(limit)}
            try:
                async with self.api.listing:
                    page = await self.api.request(
                        "GET", path, params=query, run_as=self.run_as, accept=accept, at_most=_MAX_BYTES
                    )
            except ApiError as error:
                self.note(error, f"list on {resource}")
                if error.reason != TOO_LARGE:
                    break
                continue
            return [each for each in page.get("items") or () if isinstance(each, dict)]
        return []

    def note(self, error: ApiError, right: str) -> None:
        """Note a right that is missing; whatever else went wrong is nobody's to mend."""
        if error.code == _DENIED and right not in self.unread:
            self.unread.append(right)


async def explain(api: Api, effect: Explain) -> Circumstances:
    """Return what could be found out in time; it never raises for what could not."""
    look = _Look(api, effect.run_as, str(mapping(effect.live.get("metadata")).get("namespace") or ""))
    found = _Found()
    try:
        async with asyncio.timeout(_SECONDS):
            await _find(look, effect, found)
    except (TimeoutError, ApiError):
        pass  # it is said without
    return Circumstances(found.pod, tuple(found.events), found.log, tuple(look.unread), tuple(found.secrets))


@dataclass
class _Found:
    pod: Json | None = None
    events: list[Json] = field(default_factory=list)
    log: str = ""
    secrets: list[Json] = field(default_factory=list)


async def _find(look: _Look, effect: Explain, found: _Found) -> None:
    pod = pod_itself(effect.live) or await _find_pod(look, effect.live)
    if pod is not None:  # what must not be repeated is known before any of its words are
        found.secrets = await _secrets(look, secrets_of(pod))
        found.pod = pod
    if found.pod is None or not say_pod(found.pod):
        for each in (found.pod, effect.live):
            if each is not None and not found.events:
                found.events = await _warnings(look, uid_of(each))
    if found.pod is not None and effect.logs:
        found.log = await _end_of_log(look, found.pod, effect.logs)


async def _find_pod(look: _Look, live: Json) -> Json | None:
    """Return the pod that says most, of those that are really the object's own."""
    selector = selector_of(live)
    if not selector:
        return None
    # those that have done their work have nothing to explain, and there may be many
    pods = await look.list("pods", {"labelSelector": selector, "fieldSelector": "status.phase!=Succeeded"})
    owners = {uid_of(live)}
    if any(kind == "ReplicaSet" and uid not in owners for kind, uid in map(controller_of, pods)):
        sets = await look.list("replicasets", {"labelSelector": selector}, METADATA_LIST)
        owners |= {uid_of(each) for each in sets if controller_of(each)[1] in owners}
    return find_failing(pods, owners)


async def _secrets(look: _Look, names: list[str]) -> list[Json]:
    """Return the Secrets that the account may read; raises ApiError if it might, and there was no answer, or too many."""
    if len(names) > _SECRETS:
        raise ApiError(0, TOO_LARGE, f"the pod uses more than {_SECRETS} Secrets")
    return [each for each in await asyncio.gather(*(_secret(look, name) for name in names)) if each is not None]


async def _secret(look: _Look, name: str) -> Json | None:
    try:
        path = await look.api.path_of(ObjectRef("v1", "Secret", name, look.namespace))
        return await look.api.request("GET", path, run_as=look.run_as, at_most=_SECRET_BYTES)
    except ApiError as error:
        if error.code not in (_DENIED, _MISSING):
            raise
        return None


async def _warnings(look: _Look, uid: str) -> list[Json]:
    events = await look.list("events", {"fieldSelector": f"involvedObject.uid={uid},type=Warning"})
    return sorted(events, key=_when, reverse=True)


def _when(event: Json) -> str:
    series = mapping(event.get("series")).get("lastObservedTime")
    return str(series or event.get("lastTimestamp") or event.get("eventTime") or "")


async def _end_of_log(look: _Look, pod: Json, lines: int) -> str:
    container, began_anew = failing_container(pod)
    path = f"/api/v1/namespaces/{look.namespace}/pods/{uid_and_name(pod)[1]}/log"
    params = {"container": container, "tailLines": str(lines)} | ({"previous": "true"} if began_anew else {})
    try:
        return await look.api.tail(path, params, run_as=look.run_as, at_most=_LOG_BYTES)
    except ApiError as error:
        look.note(error, "get on pods/log")
        return ""
