"""The webhook's two objects: the Secret that keeps its certificates, and the configuration that says whom to trust.

Each has many readers and no owner among the replicas: a write is conditional on the version that was read.
"""

import base64
from dataclasses import dataclass
from typing import Any

from pratique.admission.webhook import CONFIGURATION, SERVICE
from pratique.cluster.client import JSON_PATCH, Api, ApiError
from pratique.cluster.connection import decode_secret

_CONFIGURATION = f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{CONFIGURATION}"


@dataclass(frozen=True)
class Kept:
    """What the Secret holds, decoded, and the Secret as it was read."""

    data: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Told:
    """The authorities that the API server was told of, one text for each webhook of the configuration."""

    bundles: tuple[str, ...]
    version: str

    def all_are(self, bundle: str) -> bool:
        """Whether every webhook is to be known by exactly these authorities."""
        return all(each == bundle for each in self.bundles)


class Trust:
    """Both objects, for a webhook in `namespace`."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._secret = api, f"/api/v1/namespaces/{namespace}/secrets/{SERVICE}"

    async def kept(self) -> Kept:
        """Return the Secret; raises ApiError."""
        body = await self._api.request("GET", self._secret)
        data: dict[str, str] = body.get("data") or {}
        return Kept({key: _decoded(data, key) for key in data}, body)

    async def keep(self, data: dict[str, str], before: Kept) -> bool:
        """Write the Secret over the version that was read; False if somebody was faster."""
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        return await self._write("PUT", self._secret, before.body | {"data": encoded})

    async def told(self) -> Told:
        """Return what the API server was told; raises ApiError."""
        body = await self._api.request("GET", _CONFIGURATION)
        bundles = (each["clientConfig"].get("caBundle") or "" for each in body.get("webhooks") or [])
        return Told(tuple(_decoded({"": bundle}, "") for bundle in bundles), body["metadata"]["resourceVersion"])

    async def tell(self, bundle: str, before: Told) -> bool:
        """Tell the API server whom to trust from now on; False if the configuration was changed meanwhile."""
        encoded = base64.b64encode(bundle.encode()).decode()
        patch = [{"op": "replace", "path": "/metadata/resourceVersion", "value": before.version}]
        patch += [
            {"op": "add", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": encoded}
            for index in range(len(before.bundles))
        ]
        return await self._write("PATCH", _CONFIGURATION, patch, JSON_PATCH)

    async def _write(self, method: str, path: str, body: object, content_type: str = "application/json") -> bool:
        try:
            await self._api.request(method, path, body, content_type=content_type)
        except ApiError as error:
            if error.reason == "Conflict":
                return False
            raise
        return True


def _decoded(data: dict[str, str], key: str) -> str:
    """Return a value as text; what is no text is not ours, and so worth nothing."""
    try:
        return decode_secret(data, key) or ""
    except ValueError:
        return ""
