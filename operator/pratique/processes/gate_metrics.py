"""What the operator says of gates to Prometheus: how many wait and how long, by stage, and how long people took to decide.

A stage has the name that its Action gives it, so it is bounded here: sixty-four of them, all others are `other`.
"""

from collections import Counter as Counted
from collections.abc import Callable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pratique.api.v1alpha1.approval import Approval, ApprovalStatus

_TAKEN = (60.0, 300.0, 900.0, 3600.0, 14400.0, 28800.0, 86400.0, 259200.0, 604800.0)
MAX_STAGES = 64
OTHER = "other"

Waiting = Callable[[], Mapping[tuple[str, datetime], int]]
"""How many gates wait, by stage and by the moment at which they were opened."""


class GateMetrics(Collector):
    """The metrics of gates. The stage is empty for a gate without a run."""

    def __init__(self, registry: CollectorRegistry, waiting: Waiting, now: Callable[[], datetime]) -> None:
        self._waiting, self._now = waiting, now
        self._stages: set[str] = set()
        self._took = Histogram(
            "pratique_approval_decision_seconds",
            "Seconds from the opening of a gate to its end.",
            ["stage", "state"],
            registry=registry,
            buckets=_TAKEN,
        )
        registry.register(self)

    def ended(self, approval: Approval, status: ApprovalStatus) -> None:
        """Count a gate that has ended, and how long it was open; nothing waits for a review, so it is none."""
        if approval.spec.is_review:
            return
        opened, at = approval.metadata.creation_timestamp, status.decided_at or self._now()
        labels = self._stage(approval.spec.stage), status.state.value
        self._took.labels(*labels).observe(max((at - opened).total_seconds(), 0.0))

    def collect(self) -> list[Metric]:
        """Return what waits now."""
        count, oldest = Counted[str](), dict[str, float]()
        now = self._now()
        for (stage, opened), number in sorted(self._waiting().items()):
            name = self._stage(stage)
            count[name] += number
            oldest[name] = max(oldest.get(name, 0.0), (now - opened).total_seconds())
        waiting = GaugeMetricFamily("pratique_approvals_waiting", "Gates that wait for people.", labels=["stage"])
        age = GaugeMetricFamily(
            "pratique_approval_oldest_seconds", "How long the gate has waited that was opened first.", labels=["stage"]
        )
        for name in count:
            waiting.add_metric([name], count[name])
            age.add_metric([name], oldest[name])
        return [waiting, age]

    def _stage(self, name: str) -> str:
        if name in self._stages or len(self._stages) < MAX_STAGES:
            self._stages.add(name)
            return name
        return OTHER
