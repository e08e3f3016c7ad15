"""Runs `pratique doctor`: reads, judges, prints; the exit code says whether something does not work."""

import argparse
import asyncio
import json
import shutil
import sys
from collections import Counter
from dataclasses import asdict

from pratique.cli.layout import labelled, wrap
from pratique.cluster.client import Api
from pratique.cluster.connection import connect
from pratique.core.kernel.errors import PratiqueError
from pratique.doctor.checks import check
from pratique.doctor.facts import Facts
from pratique.doctor.findings import Finding, Level
from pratique.doctor.reading import read_facts

_CANNOT = 2


def run(options: argparse.Namespace) -> int:
    """Print what was found; returns 0, 1 if something does not work, 2 if nothing could be looked at."""
    try:
        facts = asyncio.run(_read(options))
    except PratiqueError as error:
        sys.stderr.write(f"pratique: {error}\n")
        return _CANNOT
    found = check(facts)
    if options.output == "json":
        sys.stdout.write(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(lines(found, shutil.get_terminal_size().columns)) + "\n")
    return int(any(each.level is Level.PROBLEM for each in found))


async def _read(options: argparse.Namespace) -> Facts:
    async with Api(connect(options.kubeconfig, options.context)) as api:
        return await read_facts(api, options.namespace)


def lines(found: list[Finding], width: int) -> list[str]:
    """Return what people read: the worst first, each with its remedy, then how many there are of each level."""
    order = (Level.PROBLEM, Level.WARNING, Level.UNKNOWN, Level.OK)
    result: list[str] = []
    for level in order:
        for each in (each for each in found if each.level is level):
            first, *more = wrap(f"{each.about}: {each.text}", width - 10)
            result += [f"{level.value:<8}  {first}", *(f"{' ' * 10}{line}" for line in more)]
            result += labelled([("do:", each.remedy)], width, " " * 10)
    counts = Counter(each.level for each in found)
    return [
        *result,
        "",
        ", ".join(f"{counts[level]} {_plural(level, counts[level])}" for level in order if counts[level]),
    ]


def _plural(level: Level, count: int) -> str:
    return f"{level.value}s" if count > 1 and level in (Level.PROBLEM, Level.WARNING) else level.value
