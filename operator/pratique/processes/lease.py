"""Reads and writes the Lease of the operator: one object, one condition on its version.

It belongs to the Role by which it may be written: once that is deleted, Kubernetes collects the Lease too, and who is
installed next need not wait for a holder that cannot give it up any more.
"""

from datetime import UTC, datetime
from typing import Any

from pratique.cluster.client import Api, ApiError
from pratique.core.operating.leadership import Record

_GROUP = "/apis/coordination.k8s.io/v1"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Lease:
    """One Lease object, owned by the Role `role` where that may be read."""

    def __init__(self, api: Api, namespace: str, name: str, role: str) -> None:
        self._api, self._namespace, self._name, self._role = api, namespace, name, role
        self._owners: list[dict[str, Any]] | None = None
        self._uid = ""
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
        if self._owners is None or not record.version:
            self._owners = await self._look_for_owners()
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
        if self._uid not in ("", answer["metadata"]["uid"]):  # a PUT makes a Lease that is gone, with its Role perhaps
            self._owners = None
        self._uid = answer["metadata"]["uid"]
        return _record(answer)

    async def _look_for_owners(self) -> list[dict[str, Any]]:
        """Return the Role as an owner; nobody where it may not be read, as with the rights of 0.1.0."""
        path = f"{_RBAC}/namespaces/{self._namespace}/roles/{self._role}"
        try:
            found = await self._api.request("GET", path)
        except ApiError as error:
            if error.reason in ("Forbidden", "NotFound"):
                return []
            raise
        kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
        return [{**kind, "name": self._role, "uid": found["metadata"]["uid"]}]

    def _body(self, record: Record) -> dict[str, Any]:
        metadata = {"name": self._name, "namespace": self._namespace, "ownerReferences": self._owners}
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
