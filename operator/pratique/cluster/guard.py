"""Reads what guards and the record of it. Every read is answered from etcd: a GET by name, never a list.

A list would be answered from a cache that may be behind, or that waits up to a tenth of a second until it is not.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from pratique.admission.build import API
from pratique.admission.webhook import CONFIGURATION
from pratique.cluster.client import METADATA, Api, ApiError
from pratique.core.effects import ObjectRef
from pratique.core.guard_record import RECORD_NAME, Ident, Seen, ident_of

Json = dict[str, Any]


async def idents(api: Api, refs: Sequence[ObjectRef]) -> Seen:
    """Return uid and generation of these objects, those that there are; raises ApiError if one could not be read."""
    found = await asyncio.gather(*(_metadata(api, ref) for ref in refs))
    return {f"{ref.kind}.{ref.name}": ident for ref, ident in zip(refs, found, strict=True) if ident is not None}


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

    async def read(self) -> dict[str, str]:
        """Return what it says, nothing if it is not there; raises ApiError."""
        try:
            body = await self._api.request("GET", f"{self._collection}/{RECORD_NAME}")
        except ApiError as error:
            if error.code != 404:
                raise
            body = {}
        self._version = body.get("metadata", {}).get("resourceVersion")
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
        self._version = written["metadata"]["resourceVersion"]
