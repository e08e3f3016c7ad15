"""What an installation chose that the admission policies depend on. Pure data.

The chart writes the policies with it, and the operator is told the same, so that it can tell whether the policies that are
installed are still those: `pratique operator --guard-values` takes all of it but the namespace as one JSON text.
"""

from dataclasses import asdict, dataclass, replace
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from pratique.core.kernel.errors import ConfigurationError


class GuardValuesError(ConfigurationError):
    """The text does not say what the policies were made with."""


@dataclass(frozen=True)
class GuardValues:
    """One installation, as far as the policies know it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", alias_generator=to_camel)

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

    def to_wire(self) -> dict[str, object]:
        """Return it as the option takes it: everything but the namespace, which has an option of its own."""
        return {to_camel(key): value for key, value in asdict(self).items() if key != "namespace"}


def guard_values(namespace: str, text: str) -> GuardValues:
    """Return what the option says; what is left out is as by default."""
    try:
        values = TypeAdapter(GuardValues).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise GuardValuesError(f"--guard-values: {where + ': ' if where else ''}{first['msg']}") from error
    if values.namespace not in (GuardValues.namespace, namespace):
        raise GuardValuesError("--guard-values: namespace: leave it out, it is what --namespace says")
    return replace(values, namespace=namespace)
