"""What an installation chose that the admission policies depend on. Pure data.

The chart writes the policies with it, and the operator is told the same, so that it can tell whether the policies that are
installed are still those.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class GuardValues:
    """One installation, as far as the policies know it."""

    namespace: str = "pratique-system"
    service_account: str = "pratique"
    submitters: tuple[str, ...] = ()
    """User names that may ask on behalf of others: a list, since an RBAC verb is held by every role with a wildcard."""
    environment_roles: tuple[str, ...] = ("view", "edit", "admin")
    """What an Environment may give in its namespace."""
    environment_pod_security: tuple[str, ...] = ("restricted", "baseline")
    environment_labels: tuple[str, ...] = ()
    """The keys of labels that an Environment may put on its namespace, since other policies may trust them."""
    environment_prefix: str = "env-"
    """What the name of an Environment's namespace begins with: no name that old bindings may still point to."""

    @property
    def operator(self) -> str:
        """The user name under which the API server knows the operator."""
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"
