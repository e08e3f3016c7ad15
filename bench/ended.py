"""Many runs that have ended beside those that wait: what a start and a list cost, and what is kept of them in memory."""

from bench.load import learn, pool
from bench.manifests import Json, Pattern, gate_name
from bench.metrics import total
from bench.processes import memory_mb
from bench.results import Results, Sizes
from bench.scale import cold_start, populate
from bench.world import World


async def ended(world: World, sizes: Sizes, results: Results) -> None:
    """Grow the number of ended runs in steps; at each, start the operator anew."""
    pattern = await learn(world)
    await world.fresh(operator=True)
    await populate(world, sizes.waiting[-1])
    results.ended.clear()
    there = 0
    for number in sizes.ended:
        print(f"...     ended: {number:,} beside {sizes.waiting[-1]:,} waiting", flush=True)
        await world.stop()
        await _end(world, pattern, there, number)
        there = number
        entry: dict[str, float] = {"ended": number, "waiting": sizes.waiting[-1]}
        results.ended.append(entry)
        entry |= await cold_start(world)
        entry["rss"] = memory_mb(world.pid)
        counted = await world.operator_metrics()
        lists = ("actionruns", "approvals")
        entry["pages"] = sum(total(counted, "pratique_api_requests_total", verb="get", resource=each) for each in lists)
        results.figures |= {f"{key}_ended_{number}": value for key, value in entry.items()}
    first, last = results.ended[0], results.ended[-1]
    results.figures |= {
        "ended_rss_ratio": last["rss"] / first["rss"],
        "ended_start_ratio": last["caught_up_s"] / first["caught_up_s"],
        "ended_pages_ratio": last["pages"] / first["pages"],
    }


async def _end(world: World, pattern: Pattern, there: int, number: int) -> None:
    """Write runs that have ended, with their gates, as the operator leaves them."""

    async def one(each: int) -> None:
        made = await world.ask(f"ended-{there + each}")
        operator, name = world.people["operator"], made["metadata"]["name"]
        gate = await operator.request("POST", world.gates, pattern.approval(made))
        await operator.write_status(f"{world.gates}/{gate_name(made)}", _version(gate), pattern.granted)
        await operator.write_status(f"{world.runs}/{name}", _version(made), pattern.status(made, ended=True))

    await pool(number - there, one)


def _version(body: Json) -> str:
    return str(body["metadata"]["resourceVersion"])
