"""Writes down what was measured: a table for people. Pure but for `machine`, which looks at where it runs."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.aims import ROWS, missed
from bench.results import Results, Sizes

_SCALE = (
    ("waiting", "waiting", 0),
    ("rss_made", "RSS, MB", 0),
    ("rss_made_with_children", "with its sandboxes", 0),
    ("rss_restarted", "restarted, MB", 0),
    ("rss_restarted_with_children", "with its sandboxes", 0),
    ("idle_cpu_percent", "idle CPU, %", 1),
    ("ready_s", "ready, s", 1),
    ("caught_up_s", "caught up, s", 1),
    ("calm_s", "at rest, s", 1),
    ("one_more_p50_ms", "one more, p50, ms", 1),
    ("one_more_p99_ms", "one more, p99, ms", 1),
)


_ENDED = (
    ("ended", "ended", 0),
    ("waiting", "waiting", 0),
    ("rss", "RSS, MB", 0),
    ("ready_s", "ready, s", 1),
    ("caught_up_s", "caught up, s", 1),
    ("pages", "pages listed", 0),
)


def machine(kubernetes: str, date: str) -> dict[str, str]:
    """Return what the figures depend on."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cores": str(cores),
        "processor": models[0].partition(":")[2].strip() if models else platform.machine(),
        "memory": f"{memory:.0f} GiB",
        "Python": platform.python_version(),
        "Kubernetes": kubernetes,
        "date": date,
    }


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; the first column is text, all others are too."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def figures_table(figures: Mapping[str, float]) -> str:
    """Return the table of figures and aims; what has neither a figure nor an aim is left out."""
    rows = []
    for row in ROWS:
        value = figures.get(row.key)
        if value is not None or row.aim is not None:
            seen = "–" if value is None else row.shown(value)
            aim = f"{row.aim} {row.unit}".rstrip() if row.aim else "–"
            rows.append((row.figure, row.how, seen, aim, row.verdict(value)))
    return table(("figure", "how it was taken", "seen", "aim", "aim met?"), rows)


def scale_table(scale: Sequence[Mapping[str, float]]) -> str:
    """Return the table of what grows with the number of waiting runs."""
    rows = [[f"{entry[key]:,.{digits}f}" if key in entry else "–" for key, _, digits in _SCALE] for entry in scale]
    return table([title for _, title, _ in _SCALE], rows)


def ended_table(entries: Sequence[Mapping[str, float]]) -> str:
    """Return the table of what runs that have ended cost a start."""
    rows = [[f"{entry[key]:,.{digits}f}" if key in entry else "–" for key, _, digits in _ENDED] for entry in entries]
    return table([title for _, title, _ in _ENDED], rows)


def rounds_table(rounds: Mapping[str, Sequence[float]]) -> str:
    """Return the rates of each round."""
    names = {row.key: row.figure for row in ROWS}
    titles = {key: f"{names[key]} ({key.partition('_')[0]})" if key.endswith("floor") else names[key] for key in rounds}
    rows = [(titles[key], ", ".join(f"{rate:.0f}" for rate in rates)) for key, rates in rounds.items()]
    return table(("runs/s", "round by round"), rows)


def summary(figures: Mapping[str, float]) -> str:
    """Return in one sentence how the aims stand."""
    taken = [row for row in ROWS if row.aim is not None and row.key in figures]
    names = missed(figures)
    if not names:
        return f"All {len(taken)} aims of which a figure was taken are met."
    return f"{len(taken) - len(names)} of {len(taken)} aims are met; missed: {'; '.join(names)}."


def readme(results: Results, where: Mapping[str, str], sizes: Sizes, pictures: Sequence[tuple[str, str]]) -> str:
    """Return the report."""
    parts = [
        "# Benchmark",
        "Written by `make bench`; do not edit. The figures are of one run on one machine, where etcd, the API server,"
        " the load and the operator share the cores. Ratios are taken within one run, since absolute figures change"
        " with the machine and from hour to hour. Times gate nothing: an aim that is missed is said here.",
        table(list(where), [list(where.values())]),
        summary(results.figures),
        figures_table(results.figures),
    ]
    if results.scale:
        parts += ["## With the number of waiting runs", _SCALE_TEXT, scale_table(results.scale)]
    if results.ended:
        parts += ["## With the number of ended runs", _ENDED_TEXT, ended_table(results.ended)]
    parts += [f"![{title}]({file})" for file, title in pictures]
    if not pictures:
        parts += ["No pictures were drawn: they need matplotlib, which the dependency group `bench` names."]
    if results.rounds:
        parts += ["## Round by round", rounds_table(results.rounds)]
    notes = [*results.notes, *(f"{name} did not finish: {why}" for name, why in results.failed.items())]
    if notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in notes)]
    parts += ["## How to repeat", _REPEAT, _SIZES.format(sizes=sizes)]
    return "\n\n".join(parts) + "\n"


_SCALE_TEXT = (
    "RSS is of the operator's process; its sandboxes are two processes beside it that evaluate expressions."
    " *Ready*, *caught up* and *at rest* count from the start of the process with all of these runs there: until"
    " `/readyz` says ok, until it leads and its queue is empty, and until it has stopped using the CPU."
    " *One more* is the latency of a run that is asked for then."
)
_ENDED_TEXT = (
    "A start of the operator with so many runs that wait and so many that have ended, each with its gate. *Pages listed*"
    " are the requests by which runs and Approvals were listed, at the start and again every five minutes."
)
_REPEAT = (
    "`make bench` (about 15 minutes), `python -m bench --quick` for a look (about a minute, into `.run/bench`), or"
    " `python -m bench --only scale` for one part. It starts a control plane of its own on loopback and ends it."
    " Let nothing else run meanwhile. All figures, and the samples behind them, are in [results.json](results.json)."
)
_SIZES = (
    "The floor is a bare client of the API server that makes the same writes in the same order while no operator runs."
    " Sizes: {sizes.rounds} rounds, bursts of {sizes.burst:,}, {sizes.lifecycles:,} lifecycles,"
    " {sizes.decisions} decisions, {sizes.per_second} runs/s for {sizes.latency_seconds} s,"
    " {sizes.counted} runs counted, {sizes.creates:,} creates, {sizes.one_more} more runs, {sizes.deadlines:,} deadlines."
)
