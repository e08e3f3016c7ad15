"""What an installation may choose. The chart's values.yaml is written from this, so that the two cannot differ.

Pure data. Read by `policies`, `rbac`, `workload`, `manifests` and `chart`.
"""

from dataclasses import dataclass, field

from pratique.admission.values import GuardValues
from pratique.core.kernel.limits import OPEN_RUNS_PER_REQUESTER


@dataclass(frozen=True)
class Image:
    """The image of the operator; an empty tag means the chart's appVersion."""

    repository: str = "pratique"
    tag: str = ""
    pull_policy: str = "IfNotPresent"


@dataclass(frozen=True)
class Impersonation:
    """ServiceAccounts of one namespace that Actions may name, and that the operator may therefore become."""

    namespace: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Resources:
    """What the operator's container asks for; memory has a limit, CPU has none so that it is never throttled."""

    cpu: str = "100m"
    memory: str = "128Mi"
    memory_limit: str = "512Mi"


@dataclass(frozen=True)
class Environments:
    """What an Environment may ask for, whoever writes it."""

    roles: tuple[str, ...] = GuardValues.environment_roles
    pod_security: tuple[str, ...] = GuardValues.environment_pod_security
    labels: tuple[str, ...] = GuardValues.environment_labels
    namespace_prefix: str = GuardValues.environment_prefix


@dataclass(frozen=True)
class Limits:
    """How much of the operator one person may take; text, since the chart's template takes a placeholder for it."""

    open_runs_per_requester: str = str(OPEN_RUNS_PER_REQUESTER)


@dataclass(frozen=True)
class Channels:
    """What channels may reach although its address is not public."""

    allowed_egress: tuple[str, ...] = ()


@dataclass(frozen=True)
class Values:
    """One installation. `namespace` is the release's namespace in the chart."""

    namespace: str = "pratique-system"
    service_account: str = "pratique"
    image: Image = field(default_factory=Image)
    impersonate: tuple[Impersonation, ...] = ()
    submitters: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    environments: Environments = field(default_factory=Environments)
    channels: Channels = field(default_factory=Channels)
    resources: Resources = field(default_factory=Resources)

    @property
    def guard(self) -> GuardValues:
        """The part of it that the admission policies depend on."""
        return GuardValues(
            namespace=self.namespace,
            service_account=self.service_account,
            submitters=self.submitters,
            environment_roles=self.environments.roles,
            environment_pod_security=self.environments.pod_security,
            environment_labels=self.environments.labels,
            environment_prefix=self.environments.namespace_prefix,
        )

    @property
    def operator(self) -> str:
        """The user name under which the API server knows the operator."""
        return self.guard.operator
