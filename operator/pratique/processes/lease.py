"""Reads and writes the Lease of the operator: one object, one condition on its version."""

from datetime import UTC, datetime
from typing import Any

from pratique.cluster.client import Api, ApiError
from pratique.core.operating.leadership import Record

_GROUP = "/apis/coordination.k8s.io/v1"


class Lease:
    """One Lease object."""

    def __init__(self, api: Api, namespace: str, name: str) -> None:
        self._api, self._namespace, self._name = api, namespace, name
        self._collection = f"{_GROUP}/namespaces/{namespace}/leases"

    async def read(self) -> Record | None:
        """Return what it says, or None if there is none; raises ApiError."""
        try:
            return _record(await self._api.request("GET", f"{self._collection}/{self._name}"))
        except ApiError as error:
            if error.reason == "NotFound":
                return None
            raise

    async def write(self, record: Record) -> Record | None:
        """Write over the version in `record` (none: create); return what it is now, or None if somebody was faster."""
        body = self._body(record)
        try:
            if record.version:
                answer = await self._api.request("PUT", f"{self._collection}/{self._name}", body, fenced=False)
            else:
                answer = await self._api.request("POST", self._collection, body, fenced=False)
        except ApiError as error:
            if error.reason in ("Conflict", "AlreadyExists", "NotFound"):
                return None
            raise
        return _record(answer)

    def _body(self, record: Record) -> dict[str, Any]:
        metadata = {"name": self._name, "namespace": self._namespace}
        spec: dict[str, Any] = {
            "holderIdentity": record.holder,
            "leaseDurationSeconds": max(round(record.duration), 1),
            "leaseTransitions": record.transitions,
            "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),  # for people; nobody decides by it
        }
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata | ({"resourceVersion": record.version} if record.version else {}),
            "spec": spec,
        }


def _record(body: dict[str, Any]) -> Record:
    spec = body.get("spec") or {}
    return Record(
        holder=spec.get("holderIdentity") or "",
        version=body["metadata"]["resourceVersion"],
        duration=float(spec.get("leaseDurationSeconds") or 0),
        transitions=int(spec.get("leaseTransitions") or 0),
    )
