"""What is measured, how, and what the project aims at: one table. Pure; an aim that is missed is said and fails nothing."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Aim:
    """A bound that a figure should keep: at most `bound`, or at least if `up`."""

    bound: float
    up: bool = False

    def met(self, value: float) -> bool:
        """Whether a value keeps the bound."""
        return value >= self.bound if self.up else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.up else '≤'} {self.bound:g}"


@dataclass(frozen=True)
class Row:
    """One figure of the report; `key` is its name in results.json."""

    key: str
    figure: str
    how: str
    unit: str = ""
    digits: int = 1
    aim: Aim | None = None
    comparable: bool = False
    """Whether it is a ratio of one run or a count, so that it can be held against that of another machine."""

    @property
    def up(self) -> bool:
        """Whether more of it is better."""
        return self.aim.up if self.aim else self.key in _UP

    def shown(self, value: float) -> str:
        """Return a value as a reader sees it."""
        return f"{value:,.{self.digits}f} {self.unit}".rstrip()

    def verdict(self, value: float | None) -> str:
        """Return what became of the aim; a figure that rounds to its bound keeps it."""
        if value is None:
            return "not taken"
        if self.aim is None:
            return "–"
        return "met" if self.aim.met(round(value, self.digits)) else "missed"


_ROUNDS = "median over rounds of two bursts, one right after the other"
_MADE = "after the waiting runs were made"
_START = "after a restart with them"

_UP = ("admission_ratio",)

ROWS = (
    Row(
        "gate_ratio",
        "Gate rate / floor",
        f"the next two; {_ROUNDS}",
        digits=2,
        aim=Aim(0.85, up=True),
        comparable=True,
    ),
    Row(
        "gate_rate",
        "Gate rate",
        "burst of runs, 20 at a time, until all are seen waiting with their Approval",
        "runs/s",
    ),
    Row("gate_floor", "Floor of it", "the same writes by a bare client, no operator: run, Approval, status", "runs/s"),
    Row(
        "gate_p50_ms", "Gate latency, p50", "10 runs/s; from the create's answer to the watch event", "ms", aim=Aim(10)
    ),
    Row("gate_p99_ms", "Gate latency, p99", "the same", "ms", aim=Aim(25)),
    Row("gate_bare_p50_ms", "Floor of it, p50", "the same two writes by a bare client, no operator", "ms"),
    Row("gate_over_ms", "Gate latency above its floor, p50", "the difference of the two", "ms", aim=Aim(5)),
    Row("gate_bare_p99_ms", "Floor of it, p99", "the same", "ms"),
    Row(
        "decision_p50_ms",
        "Decision latency, p50",
        "from the answer to the approver's patch until the run is seen Running, or Succeeded if that is seen first",
        "ms",
        aim=Aim(15),
    ),
    Row(
        "decision_alone_p50_ms",
        "Decision latency, p50, one at a time",
        "the same at 3 a second: within 100 ms after another list, a consistent one waits for the API server's cache",
        "ms",
        aim=Aim(15),
    ),
    Row(
        "decision_bare_p50_ms",
        "Floor of it, p50",
        "the three writes after a grant, by a bare client, at the same pace",
        "ms",
    ),
    Row("decision_over_ms", "Decision latency above its floor, p50, one at a time", "the difference of the two", "ms"),
    Row("decision_p99_ms", "Decision latency, p99", "the same", "ms"),
    Row("done_p50_ms", "Decision to Succeeded, p50", "the same patch, until Succeeded; one ConfigMap is made", "ms"),
    Row("done_p99_ms", "Decision to Succeeded, p99", "the same", "ms"),
    Row(
        "lifecycle_ratio",
        "Lifecycle rate / floor",
        f"the next two; {_ROUNDS}",
        digits=2,
        aim=Aim(0.8, up=True),
        comparable=True,
    ),
    Row("lifecycle_rate", "Lifecycle rate", "create, grant, one ConfigMap, Succeeded; 20 in flight", "runs/s"),
    Row("lifecycle_floor", "Floor of it", "the same seven writes by a bare client, no operator", "runs/s"),
    Row(
        "writes_gated",
        "Writes per run with a gate",
        "apiserver_request_total, marks left out",
        aim=Aim(7),
        comparable=True,
    ),
    Row("writes_free", "Writes per run without a gate", "the same", aim=Aim(3), comparable=True),
    Row(
        "marks_gated",
        "Marks per run with a gate",
        "status writes that only say that a message was sent",
        comparable=True,
    ),
    Row("marks_free", "Marks per run without a gate", "the same", comparable=True),
    Row(
        "requests_gated",
        "Requests per run with a gate",
        "pratique_api_requests_total: reads and dry runs too, and what the operator asks for anyway meanwhile",
        comparable=True,
    ),
    Row("requests_free", "Requests per run without a gate", "the same", comparable=True),
    Row(
        "requests_decision",
        "Requests per decision",
        "the same, from the approver's patch to the end; 20 at a time",
        aim=Aim(12),
        comparable=True,
    ),
    Row("rss_made_1000", "Memory, 1,000 waiting", f"RSS of the operator's process {_MADE}", "MB", aim=Aim(100)),
    Row("rss_restarted_1000", "Memory, 1,000 waiting, restarted", f"RSS {_START}", "MB", aim=Aim(100)),
    Row("rss_made_10000", "Memory, 10,000 waiting", f"RSS of the operator's process {_MADE}", "MB", aim=Aim(150)),
    Row("rss_restarted_10000", "Memory, 10,000 waiting, restarted", f"RSS {_START}", "MB", aim=Aim(150)),
    Row(
        "caught_up_s_10000",
        "Cold start, 10,000 waiting",
        "start until it leads and its queue is empty",
        "s",
        aim=Aim(8),
    ),
    Row("one_more_p99_ms_10000", "One more run, 10,000 waiting, p99", "as gate latency", "ms", aim=Aim(50)),
    Row(
        "late_p99_s",
        "Lateness of deadlines, p99",
        "many deadlines at one instant; until the run is seen Expired",
        "s",
        2,
        Aim(3),
    ),
    Row("late_floor_s", "Floor of it", "the two writes of each by a bare client, 20 at a time, until the last", "s", 2),
    Row("late_max_s", "Lateness of deadlines, the last", "the same", "s", 2),
    Row("ended_rss_ratio", "Memory with ended runs / without", "after a start with all of them", "", 2, Aim(1.1), True),
    Row("ended_start_ratio", "Cold start with ended runs / without", "until its queue is empty", "", 2, Aim(1.1), True),
    Row(
        "ended_pages_ratio",
        "Lists with ended runs / without",
        "requests of a start for runs and gates",
        "",
        2,
        Aim(1),
        True,
    ),
    Row("admission_ratio", "Creates with policies / without", f"the next two; {_ROUNDS}", digits=2, comparable=True),
    Row("creates_guarded", "Creates with policies", "bare creates of ActionRuns, 20 at a time, no operator", "runs/s"),
    Row("creates_bare", "Creates without policies", "the same, bindings of the admission policies deleted", "runs/s"),
)


def missed(figures: Mapping[str, float]) -> list[str]:
    """Return the figures whose aims were missed."""
    return [row.figure for row in ROWS if row.verdict(figures.get(row.key)) == "missed"]
