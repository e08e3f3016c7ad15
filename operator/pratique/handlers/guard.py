"""Waits until the API server guards: the operator acts on no decision before the canaries were refused.

The admission policies are the trust model. Right after their installation, or when somebody removed one, an API server
accepts what it must refuse; a decision made then might be forged.
"""

import asyncio
import logging

from pratique.cluster.canaries import Canary, canaries
from pratique.cluster.client import Api, ApiError
from pratique.core.effects import ObjectRef

log = logging.getLogger(__name__)
_PAUSE = 0.5


async def unguarded(api: Api, operator: str) -> str | None:
    """Send every canary as a dry run; return why the API server does not guard yet, or None if it does."""
    for canary in canaries(operator):
        problem = await _send(api, canary)
        if problem is not None:
            return problem
    return None


async def _send(api: Api, canary: Canary) -> str | None:
    metadata = canary.manifest["metadata"]
    ref = ObjectRef(canary.manifest["apiVersion"], canary.manifest["kind"], metadata["name"], metadata.get("namespace"))
    try:
        path = await api.path_of(ref, named=False)
        await api.request("POST", path, canary.manifest, params={"dryRun": "All"})
    except ApiError as error:
        if canary.expected in error.message:
            return None
        return f"the canary for {canary.policy} was answered with: {error.message}"
    return f"the admission policy {canary.policy} does not guard (its canary was accepted)"


async def until_guarded(api: Api, operator: str) -> None:
    """Return once every canary is refused; say now and then what is missing."""
    told = None
    while (problem := await unguarded(api, operator)) is not None:
        if problem != told:
            log.warning("Waiting for the guard: %s. Are the CRDs and policies installed?", problem)
            told = problem
        await asyncio.sleep(_PAUSE)
