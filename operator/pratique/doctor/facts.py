"""What was read of an installation, for `checks` to judge. Nothing here says whether it is good."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pratique.core.operating.sharding import Shard

Json = dict[str, Any]


@dataclass(frozen=True)
class Standing:
    """How one object says it does: its Ready condition."""

    kind: str
    name: str
    ready: str
    """True, False or Unknown; empty if nobody has looked yet."""
    message: str
    is_seen: bool
    """Whether the operator has seen its latest change."""


@dataclass(frozen=True)
class Leader:
    """The Lease: whose it is, when that was last said, and for how many seconds it holds."""

    holder: str
    renewed_at: datetime | None
    seconds: int


@dataclass(frozen=True)
class Facts:
    """All that was read; None or empty where there is nothing, and `unseen` where it could not be read."""

    namespace: str
    """Where the operator lives."""
    server: str
    """The API server's version, such as `v1.36.3`."""
    version: str
    """The version of this command."""
    now: datetime
    webhook_stamps: bool = False
    """Whether a webhook stamps requests, in place of policies."""
    deployments: tuple[Json, ...] = ()
    """The operator's: one, or one for each shard."""
    leader: Leader | None = None
    """Who holds the Lease `pratique`: the process that leads or, of several shards, all leaders together."""
    shards: tuple[tuple[Shard, Leader | None], ...] = ()
    """Of each shard that is installed, or acts, who leads; nothing where there are none."""
    guards: tuple[tuple[Json, Json | None], ...] = ()
    """What this version installs to guard, each with what there is under its name."""
    record: Mapping[str, str] = field(default_factory=dict)
    """The record of the guard, as the operator keeps it."""
    standings: tuple[Standing, ...] = ()
    webhooks: tuple[Json, ...] = ()
    """All MutatingWebhookConfigurations."""
    policies: tuple[Json, ...] = ()
    """All MutatingAdmissionPolicies."""
    argo_cd: tuple[Json, ...] = ()
    """The ConfigMap argocd-cm of each Argo CD."""
    denied: tuple[str, ...] = ()
    """What the operator's ServiceAccount may not do and must, each as `verb resource`."""
    unseen: tuple[tuple[str, str], ...] = ()
    """What could not be read, and why."""

    @property
    def deployment(self) -> Json | None:
        """The operator's Deployment; of several shards, the first one's."""
        return next(iter(self.deployments), None)
