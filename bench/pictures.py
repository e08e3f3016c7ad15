"""Draws the figures as SVG. matplotlib is needed for this alone, so it is imported only here, and only if it is there."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.aims import ROWS
from bench.numbers import curve
from bench.results import Results

Axis = Any
Panel = Callable[[Axis], None]
_BLUE, _GREY, _RED, _GREEN = "#2563eb", "#9ca3af", "#dc2626", "#059669"
_AIMS = {row.key: row.aim.bound for row in ROWS if row.aim is not None}


def draw(results: Results, folder: Path) -> list[tuple[str, str]]:
    """Draw what there are figures for; return files and titles, none if matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return []
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams |= {
        "svg.hashsalt": "pratique",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "legend.frameon": False,
    }
    plot: Any = import_module("matplotlib.pyplot")
    drawn = []
    for name, title, panels in (
        ("rates", "Rates beside their floors", _rates(results)),
        ("latency", "Latencies: what share of the runs is done after how long", _latencies(results)),
        ("scale", "What grows with the number of waiting runs", _scale(results)),
    ):
        if panels:
            figure, axes = plot.subplots(1, len(panels), figsize=(3.4 * len(panels), 2.9), squeeze=False)
            for panel, axis in zip(panels, axes[0], strict=True):
                panel(axis)
            figure.tight_layout()
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
            plot.close(figure)
            drawn.append((f"{name}.svg", title))
    return drawn


def _rates(results: Results) -> list[Panel]:
    pairs = (
        ("gate_rate", "gate_floor", "Held, runs/s", ("Pratique", "floor")),
        ("lifecycle_rate", "lifecycle_floor", "Whole life, runs/s", ("Pratique", "floor")),
        ("creates_guarded", "creates_bare", "Creates, runs/s", ("with policies", "without")),
    )
    return [_bars(results, *pair) for pair in pairs if pair[0] in results.figures]


def _bars(results: Results, ours: str, floor: str, title: str, labels: tuple[str, str]) -> Panel:
    def panel(axis: Axis) -> None:
        values = [results.figures[ours], results.figures[floor]]
        bars = axis.bar(labels, values, color=[_BLUE, _GREY], width=0.6)
        axis.bar_label(bars, fmt="%.0f", padding=2)
        for number, key in enumerate((ours, floor)):
            rounds = results.rounds.get(key, [])
            axis.plot([number] * len(rounds), rounds, "k.", markersize=3)
        share = _AIMS.get(ours.replace("_rate", "_ratio"))
        if share is not None:
            axis.axhline(share * values[1], color=_RED, linestyle="--", linewidth=1)
            axis.text(0.5, share * values[1], f"aim: {share:.0%}", color=_RED, ha="center", va="bottom")
        axis.set_title(title)
        axis.set_ylim(0, 1.15 * max(values))
        axis.grid(visible=False, axis="x")

    return panel


def _latencies(results: Results) -> list[Panel]:
    curves = [
        (
            "Asked → held",
            "ms",
            [("gate_ms", "waiting", _BLUE), ("gate_bare_ms", "bare client", _GREEN)],
            "gate_p99_ms",
        ),
        ("Granted → done", "ms", [("decision_ms", "Running or done", _GREEN), ("done_ms", "Succeeded", _BLUE)], ""),
        ("Deadline → expired", "s", [("late_s", "expired", _BLUE)], ""),
    ]
    return [
        _curves(results, title, unit, lines, aim)
        for title, unit, lines, aim in curves
        if lines[0][0] in results.samples
    ]


def _curves(results: Results, title: str, unit: str, lines: list[tuple[str, str, str]], aim: str) -> Panel:
    def panel(axis: Axis) -> None:
        for key, label, colour in lines:
            values, shares = curve(results.samples[key])
            axis.step(values, shares, where="post", color=colour, label=label, linewidth=1.4)
        if aim:
            axis.plot([_AIMS[aim]], [99], "v", color=_RED, label="aim for 99 %")
        axis.set(title=title, xlabel=unit, ylabel="% of runs", ylim=(0, 101), xlim=(0, None))
        axis.legend(loc="lower right")

    return panel


def _scale(results: Results) -> list[Panel]:
    if not any("one_more_p99_ms" in entry for entry in results.scale):
        return []
    return [
        _growth(results, "Memory of the operator, MB", (("rss_made", "as grown"), ("rss_restarted", "restarted"))),
        _growth(results, "Start with them, s", (("caught_up_s", "caught up"), ("ready_s", "ready"))),
        _growth(results, "One more run, ms", (("one_more_p99_ms", "p99"), ("one_more_p50_ms", "p50"))),
    ]


def _growth(results: Results, title: str, lines: tuple[tuple[str, str], ...]) -> Panel:
    def panel(axis: Axis) -> None:
        entries = [entry for entry in results.scale if "one_more_p99_ms" in entry]  # the last that is taken of each
        for (key, label), colour in zip(lines, (_BLUE, _GREEN), strict=True):
            axis.plot(
                [entry["waiting"] for entry in entries],
                [entry[key] for entry in entries],
                "o-",
                color=colour,
                label=label,
                markersize=4,
            )
        sizes = [int(entry["waiting"]) for entry in entries]
        aims = [(size, _AIMS[f"{lines[0][0]}_{size}"]) for size in sizes if f"{lines[0][0]}_{size}" in _AIMS]
        if aims:
            axis.plot(*zip(*aims, strict=True), "v", color=_RED, label="aim, at most")
        axis.set(title=title, xlabel="waiting runs")
        axis.set_xlim(0, 1.05 * max(sizes))
        axis.set_ylim(0, 1.15 * max(value for line in axis.get_lines() for value in line.get_ydata()))
        axis.legend(loc="lower right")

    return panel
