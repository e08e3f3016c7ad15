"""What a run of the benchmark measures: how much of each, and where the figures are gathered."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from bench.numbers import rounded


@dataclass(frozen=True)
class Sizes:
    """How much is done of each; `QUICK` is for a look, its figures are worth little."""

    rounds: int = 3
    burst: int = 1000
    per_second: int = 10
    latency_seconds: int = 30
    decisions: int = 100
    alone: int = 40
    alone_per_second: int = 3
    lifecycles: int = 500
    counted: int = 200
    creates: int = 1000
    waiting: tuple[int, ...] = (1000, 3000, 10_000)
    ended: tuple[int, ...] = (0, 10_000)
    idle_seconds: int = 20
    one_more: int = 50
    deadlines: int = 1000


QUICK = Sizes(
    rounds=1,
    burst=100,
    latency_seconds=3,
    decisions=10,
    alone=6,
    lifecycles=60,
    counted=20,
    creates=200,
    waiting=(100, 200),
    ended=(0, 300),
    idle_seconds=2,
    one_more=20,
    deadlines=100,
)


@dataclass
class Results:
    """Figures by the keys of `aims.ROWS`, one entry per size of the curves, and samples for the pictures."""

    figures: dict[str, float] = field(default_factory=dict)
    scale: list[dict[str, float]] = field(default_factory=list)
    ended: list[dict[str, float]] = field(default_factory=list)
    samples: dict[str, list[float]] = field(default_factory=dict)
    rounds: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def to_json(self, where: Mapping[str, str], sizes: Sizes) -> str:
        """Return the text of results.json."""
        content = {"machine": dict(where), "sizes": asdict(sizes), **asdict(self)}
        return json.dumps(rounded(content), indent=1) + "\n"
