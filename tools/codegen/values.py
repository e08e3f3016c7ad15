"""What an installation may choose that policies and rights depend on; the chart has the same defaults, as a test proves.

Pure data. Read by `manifests` and `chart`, and by whoever installs without the chart.
"""

from dataclasses import dataclass, field

from pratique.admission.values import GuardValues


@dataclass(frozen=True)
class Impersonation:
    """ServiceAccounts of one namespace that Actions may name, and that the operator may therefore become."""

    namespace: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Environments:
    """What an Environment may ask for, whoever writes it."""

    roles: tuple[str, ...] = GuardValues.environment_roles
    pod_security: tuple[str, ...] = GuardValues.environment_pod_security
    labels: tuple[str, ...] = GuardValues.environment_labels
    namespace_prefix: str = GuardValues.environment_prefix


@dataclass(frozen=True)
class Values:
    """One installation. `namespace` is the release's namespace in the chart."""

    namespace: str = "pratique-system"
    service_account: str = "pratique"
    impersonate: tuple[Impersonation, ...] = ()
    submitters: tuple[str, ...] = ()
    environments: Environments = field(default_factory=Environments)

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
