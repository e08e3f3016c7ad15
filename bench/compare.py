"""Holds figures against those that are committed: what fell. Ratios and counts alone, which no machine changes. Pure."""

import json
from collections.abc import Mapping
from pathlib import Path

from bench.aims import ROWS, Row

NOISE = 0.05
"""A ratio of one run differs from that of the next by so much of itself on a quiet machine."""


def committed(file: Path) -> tuple[str, dict[str, float]]:
    """Return the date and the figures of a results.json, or nothing if there is none."""
    if not file.exists():
        return "", {}
    content = json.loads(file.read_text())
    return content["machine"]["date"], content["figures"]


def compared(before: Mapping[str, float], now: Mapping[str, float], date: str) -> str:
    """Return in lines what became of each figure that both have, the worse ones first."""
    rows = [row for row in ROWS if row.comparable and row.key in before and row.key in now]
    if not rows:
        return "There are no committed figures to compare with."
    fell = [row for row in rows if _worse(row, before[row.key], now[row.key])]
    lines = [_line(row, before, now, "fell ") for row in fell]
    lines += [_line(row, before, now, "held ") for row in rows if row not in fell]
    head = (
        f"{len(fell)} of {len(rows)} ratios and counts fell" if fell else f"None of {len(rows)} ratios and counts fell"
    )
    return "\n".join([f"{head} since the committed figures of {date}:", *lines])


def _worse(row: Row, before: float, now: float) -> bool:
    """Whether a figure is worse than it was, by more than noise."""
    return now < before * (1 - NOISE) if row.up else now > before * (1 + NOISE)


def _line(row: Row, before: Mapping[str, float], now: Mapping[str, float], what: str) -> str:
    return f"  {what} {row.figure}: {row.shown(before[row.key])} → {row.shown(now[row.key])}"
