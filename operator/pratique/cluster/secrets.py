"""Reads Secrets of the operator's namespace, and of no other. Values go to a channel and nowhere else."""

import time

from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import decode_secret

_KEEP_SECONDS = 30.0


class SecretReader:
    """Reads single keys; keeps a Secret for a short while, so that a burst of messages is not a burst of reads."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self.namespace = api, namespace
        self._kept: dict[str, tuple[float, dict[str, str]]] = {}

    async def read(self, name: str, key: str) -> str | None:
        """Return the value of a key, or None if the Secret or the key does not exist."""
        kept = self._kept.get(name)
        if kept is None or kept[0] < time.monotonic():
            try:
                secret = await self._api.request("GET", f"/api/v1/namespaces/{self.namespace}/secrets/{name}")
            except ApiError as error:
                if error.reason == "NotFound":
                    return None
                raise
            kept = (time.monotonic() + _KEEP_SECONDS, secret.get("data") or {})
            self._kept[name] = kept
        return decode_secret(kept[1], key)
