"""Reads Secrets of the operator's namespace, and of no other. Values go to a channel and nowhere else."""

import time

from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import decode_secret

_KEEP_SECONDS = 30.0


class SecretReader:
    """Reads single keys; keeps a Secret for a short while, so that a burst of messages is not a burst of reads."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self.namespace = api, namespace
        self._kept: dict[str, tuple[float, dict[str, str], dict[str, str]]] = {}

    async def read(self, name: str, key: str) -> str | None:
        """Return the value of a key, or None if the Secret or the key does not exist."""
        kept = await self._secret(name)
        return None if kept is None else decode_secret(kept[1], key)

    async def annotation(self, name: str, key: str) -> str | None:
        """Return an annotation, or None if the Secret or the annotation does not exist."""
        kept = await self._secret(name)
        return None if kept is None else kept[2].get(key)

    async def _secret(self, name: str) -> tuple[float, dict[str, str], dict[str, str]] | None:
        kept = self._kept.get(name)
        if kept is not None and kept[0] >= time.monotonic():
            return kept
        try:
            secret = await self._api.request("GET", f"/api/v1/namespaces/{self.namespace}/secrets/{name}")
        except ApiError as error:
            if error.reason == "NotFound":
                return None
            raise
        until = time.monotonic() + _KEEP_SECONDS
        kept = (until, secret.get("data") or {}, secret["metadata"].get("annotations") or {})
        self._kept[name] = kept
        return kept
