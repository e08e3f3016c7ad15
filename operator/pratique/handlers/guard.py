"""Waits until the API server guards, and keeps looking: the operator acts on no decision while a canary is accepted.

The admission policies are the trust model. Right after their installation, or when somebody removed one, an API server
accepts what it must refuse; a decision made then might be forged.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from pratique.cluster.canaries import Canary, canaries
from pratique.cluster.client import Api, ApiError
from pratique.core.effects import ObjectRef

log = logging.getLogger(__name__)
_PAUSE = 0.5

Told = Callable[[str | None], None]


@dataclass(frozen=True)
class Lapse:
    """Why the API server does not guard; `certain` unless it only gave no answer that says so."""

    why: str
    certain: bool


async def unguarded(api: Api, operator: str) -> Lapse | None:
    """Send every canary as a dry run; return why the API server does not guard, or None if it does."""
    for canary in canaries(operator):
        lapse = await _send(api, canary)
        if lapse is not None:
            return lapse
    return None


async def _send(api: Api, canary: Canary) -> Lapse | None:
    metadata = canary.manifest["metadata"]
    ref = ObjectRef(canary.manifest["apiVersion"], canary.manifest["kind"], metadata["name"], metadata.get("namespace"))
    try:
        path = await api.path_of(ref, named=False)
        await api.request("POST", path, canary.manifest, params={"dryRun": "All"})
    except ApiError as error:
        if canary.expected in error.message:
            return None
        text = f"the canary for {canary.policy} was answered with: {error.message}"
        return Lapse(text, certain=not error.transient)
    return Lapse(f"the admission policy {canary.policy} does not guard (its canary was accepted)", certain=True)


async def until_guarded(api: Api, operator: str, told: Told = lambda why: None) -> None:
    """Return once every canary is refused; `told` is what is missing now and then, and None at the end."""
    before = None
    while (lapse := await unguarded(api, operator)) is not None:
        if lapse.why != before:
            log.warning("Waiting for the guard: %s. Are the CRDs and policies installed?", lapse.why)
            before = lapse.why
            told(lapse.why)
        await asyncio.sleep(_PAUSE)
    told(None)


async def until_unguarded(api: Api, operator: str, every: float) -> str:
    """Look every so many seconds; return why, once the API server certainly does not guard any more."""
    while True:
        await asyncio.sleep(every)
        lapse = await unguarded(api, operator)
        if lapse is not None and lapse.certain:
            return lapse.why
