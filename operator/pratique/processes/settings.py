"""How one operator process runs: fields are options of `pratique operator`, but for times that only tests change."""

import socket
from dataclasses import dataclass, field

from pratique.admission.values import GuardValues
from pratique.core.gates.standalone import GateChannels
from pratique.core.kernel.limits import OPEN_RUNS_PER_REQUESTER
from pratique.core.operating.leadership import Terms
from pratique.core.operating.sharding import Shard
from pratique.core.operating.tracing import Tracing
from pratique.core.telling.egress import AllowedEgress
from pratique.guarding.shared import TIMES, Times
from pratique.processes.metrics_site import MetricsPort

SANDBOX_WORKERS = 2
"""Processes that evaluate expressions: one may be busy with something hostile."""


@dataclass(frozen=True)
class Settings:
    """How this process runs."""

    namespace: str = "pratique-system"
    health_host: str = "127.0.0.1"
    health_port: int = 8080
    metrics: MetricsPort | None = None
    """Where /metrics is served to those who may read it; None: beside the probes, to all who reach them."""
    workers: int = 16
    relist_every: float = 300.0
    guard: GuardValues = field(default_factory=GuardValues)
    guard_every: float = 15.0
    guard_settle: float = 2.0
    open_runs_per_requester: int = OPEN_RUNS_PER_REQUESTER
    channel_egress: AllowedEgress = AllowedEgress()  # noqa: RUF009 - it is frozen
    request_egress: AllowedEgress = AllowedEgress()  # noqa: RUF009 - it is frozen
    gate_channels: GateChannels = field(default_factory=GateChannels)
    identity: str = field(default_factory=socket.gethostname)
    leader_election: bool = True
    lease: Terms = field(default_factory=Terms)
    tracing: Tracing | None = None
    """Where traces of runs go; None: nowhere."""
    shard: Shard = Shard()  # noqa: RUF009 - it is frozen
    guard_times: Times = TIMES

    @property
    def username(self) -> str:
        """The user name under which the API server knows this process."""
        return self.guard.operator
