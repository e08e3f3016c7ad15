"""Reads what guards and the record of it. No read says which version it wants, so each is of the latest.

That is the API server's promise for "resourceVersion unset", of a list as of a GET: it asks etcd how far it has come after
the request arrived, and answers with nothing older (a list since 1.31 out of a cache that has caught up with that, a GET
out of etcd). So whatever was stored before the request was sent is in its answer.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pratique.admission.language import API
from pratique.admission.webhook import CONFIGURATION
from pratique.cluster.client import METADATA, METADATA_LIST, Api, ApiError
from pratique.core.kernel.effects import ObjectRef
from pratique.guarding.record import RECORD_NAME, Ident, Seen, ident_of, name_in_record

Json = dict[str, Any]
_OURS = {"labelSelector": "app.kubernetes.io/part-of=pratique", "limit": "100"}
"""Of the clusters' many policies and CRDs, some with 100 KB of metadata, those that were installed with us; one page."""


async def idents(api: Api, refs: Sequence[ObjectRef]) -> Seen:
    """Return uid and generation of these objects, those that there are, as they are now or later.

    It takes one list a kind. What is not in it (its label was taken away, others filled the page, the list is forbidden) is
    read by its name, so that only an object that is not there is missing. Raises ApiError if one could not be read.
    """
    kinds = {(ref.api_version, ref.kind): ref for ref in refs}
    lists = await asyncio.gather(*(_listed(api, ref) for ref in kinds.values()))
    listed = dict(zip(kinds, lists, strict=True))
    seen = {ref: listed[ref.api_version, ref.kind].get(ref.name) for ref in refs}
    left = [ref for ref, ident in seen.items() if ident is None]
    seen |= dict(zip(left, await asyncio.gather(*(_metadata(api, ref) for ref in left)), strict=True))
    return {name_in_record(ref): ident for ref, ident in seen.items() if ident is not None}


async def _listed(api: Api, ref: ObjectRef) -> dict[str, Ident]:
    """Return what is listed of a kind, by name; nothing where it may not be listed, as with a role of the last version."""
    try:
        page = await api.request("GET", await api.path_of(ref, named=False), params=_OURS, accept=METADATA_LIST)
    except ApiError as error:
        if error.code not in (403, 404):
            raise
        return {}
    return {each["metadata"]["name"]: ident_of(each) for each in page.get("items") or []}


async def _metadata(api: Api, ref: ObjectRef) -> Ident | None:
    live = await _get(api, ref, METADATA)
    return ident_of(live) if live is not None else None


async def installed(api: Api, manifest: Json) -> Json | None:
    """Return what is installed under the name of an object, or None."""
    return await _get(api, ObjectRef(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]))


async def webhook_stamps(api: Api) -> bool:
    """Whether a webhook stamps instead of policies: before 1.36, and on a cluster that is newer now but not the chart.

    Whoever makes it say so gains nothing: the canaries prove that somebody stamps, and the policies that it is the truth.
    """
    try:
        await api.path_of(ObjectRef(API, "MutatingAdmissionPolicy", "any"))
    except ApiError as error:
        if error.reason != "UnknownKind":
            raise
        return True
    return await _get(api, ObjectRef(API, "MutatingWebhookConfiguration", CONFIGURATION), METADATA) is not None


async def _get(api: Api, ref: ObjectRef, accept: str = "application/json") -> Json | None:
    try:
        return await api.request("GET", await api.path_of(ref), accept=accept)
    except ApiError as error:
        if error.code == 404:
            return None
        raise


class RecordStore:
    """One ConfigMap, always written with the version that was read as the condition."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace
        self._collection = f"/api/v1/namespaces/{namespace}/configmaps"
        self._version: str | None = None
        self.written_at: datetime | None = None
        """When what was read or written last was written, by the API server's clock; None if it does not say."""

    @property
    def version(self) -> str:
        """The version that was read or written last; empty if there is none."""
        return self._version or ""

    async def read(self) -> dict[str, str]:
        """Return what it says, nothing if it is not there; raises ApiError."""
        try:
            body = await self._api.request("GET", f"{self._collection}/{RECORD_NAME}")
        except ApiError as error:
            if error.code != 404:
                raise
            body = {}
        self._take(body)
        return dict(body.get("data") or {})

    async def write(self, data: dict[str, str]) -> None:
        """Write over the version that was read last; raises ApiError, a Conflict if somebody was faster."""
        metadata: Json = {"name": RECORD_NAME, "namespace": self._namespace}
        metadata["labels"] = {"app.kubernetes.io/part-of": "pratique"}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        if self._version is None:
            written = await self._api.request("POST", self._collection, body)
        else:
            metadata["resourceVersion"] = self._version
            written = await self._api.request("PUT", f"{self._collection}/{RECORD_NAME}", body)
        self._take(written)

    def _take(self, body: Json) -> None:
        metadata = body.get("metadata") or {}
        self._version = metadata.get("resourceVersion")
        times = [each["time"] for each in metadata.get("managedFields") or () if each.get("time")]
        self.written_at = max(map(datetime.fromisoformat, times), default=None)
