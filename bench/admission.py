"""What the admission policies cost a create: the same creates with and without them, no operator at work."""

import asyncio
import time
from statistics import median

from bench.load import pool
from bench.manifests import OPERATOR, Json, run
from bench.numbers import ratio_of_rounds
from bench.results import Results, Sizes
from bench.world import World
from pratique.cluster.client import ApiError
from pratique.guarding.guard import until_guarded

_BINDINGS = tuple(
    f"/apis/admissionregistration.k8s.io/v1/{kind}admissionpolicybindings" for kind in ("validating", "mutating")
)


async def admission(world: World, sizes: Sizes, results: Results) -> None:
    """Measure creates with the policies and without, in turns; the policies are back afterwards."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for each in range(sizes.rounds):
        for guarded in (True, False) if each % 2 == 0 else (False, True):
            await world.fresh(operator=False)
            if guarded:
                rates[True].append(await _creates(world, sizes.creates))
                continue
            removed = await _remove(world)
            try:
                rates[False].append(await _creates(world, sizes.creates))
            finally:
                await _restore(world, removed)
    results.rounds |= {"creates_guarded": rates[True], "creates_bare": rates[False]}
    results.figures |= {
        "admission_ratio": ratio_of_rounds(rates[True], rates[False]),
        "creates_guarded": median(rates[True]),
        "creates_bare": median(rates[False]),
    }


async def _creates(world: World, number: int) -> float:
    async def ask(each: int) -> None:
        await world.ask(f"run-{each}")

    await pool(20, lambda each: _dry(world))
    start = time.perf_counter()
    await pool(number, ask)
    return number / (time.perf_counter() - start)


async def _dry(world: World) -> None:
    await world.people["developer"].request("POST", world.runs, run("warm"), params={"dryRun": "All"})


async def _remove(world: World) -> list[tuple[str, Json]]:
    """Delete the bindings, and wait until the API server goes without; return what is to be restored."""
    admin, removed = world.people["admin"], []
    for path in _BINDINGS:
        for item in (await admin.request("GET", path, params={"labelSelector": "app.kubernetes.io/part-of=pratique"}))[
            "items"
        ]:
            metadata = {key: item["metadata"][key] for key in ("name", "labels")}
            removed.append((path, {"metadata": metadata, "spec": item["spec"]}))
            await admin.request("DELETE", f"{path}/{metadata['name']}")
    async with asyncio.timeout(60):
        while not await _unguarded(world):  # noqa: ASYNC110 - the API server tells nobody when it has taken this in
            await asyncio.sleep(0.1)
    return removed


async def _unguarded(world: World) -> bool:
    """Whether a canary passes, and is not stamped."""
    canary = run("pratique-canary")
    canary["metadata"]["labels"] = {"pratique.dev/canary": "true"}
    try:
        made = await world.people["developer"].request("POST", world.runs, canary, params={"dryRun": "All"})
    except ApiError:
        return False
    return "requestedBy" not in made["spec"]


async def _restore(world: World, removed: list[tuple[str, Json]]) -> None:
    for path, body in removed:
        kind = "ValidatingAdmissionPolicyBinding" if "validating" in path else "MutatingAdmissionPolicyBinding"
        manifest = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, **body}
        await world.people["admin"].request("POST", path, manifest)
    async with asyncio.timeout(60):
        await until_guarded(world.people["operator"], OPERATOR)
