"""Where the API server is and who we are: a kubeconfig or the Pod's ServiceAccount, read by the official client."""

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from kubernetes import client, config

from pratique.core.errors import PratiqueError

_TOKEN_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class ConnectionConfigError(PratiqueError):
    """No usable credentials were found; the message says where they were looked for."""


@dataclass(frozen=True)
class Connection:
    """An API server and credentials for it."""

    server: str
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    token: str | None = None
    token_file: Path | None = None
    impersonate: dict[str, str] = field(default_factory=dict)

    def headers(self) -> dict[str, str]:
        """Return the headers that identify us; a mounted token is read again each time, since it rotates."""
        token = self.token_file.read_text().strip() if self.token_file else self.token
        return ({"Authorization": f"Bearer {token}"} if token else {}) | self.impersonate

    def ssl_context(self) -> ssl.SSLContext | bool:
        """Return how to verify the server, and our client certificate if there is one."""
        if not self.server.startswith("https"):
            return True
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


def connect(kubeconfig: str | None = None) -> Connection:
    """Return the connection of a kubeconfig, else of the Pod we run in, else of the default kubeconfig.

    Raises ConnectionConfigError with what to do if there is none.
    """
    settings = client.Configuration()
    in_cluster = kubeconfig is None and _TOKEN_FILE.exists()
    try:
        if in_cluster:
            config.load_incluster_config(client_configuration=settings)
        else:
            config.load_kube_config(config_file=kubeconfig, client_configuration=settings)
    except config.ConfigException as error:
        raise ConnectionConfigError(f"No cluster to talk to: {error}. Set KUBECONFIG or run inside a Pod.") from error
    bearer = settings.api_key.get("authorization") or settings.api_key.get("BearerToken") or ""
    return Connection(
        server=settings.host.rstrip("/"),
        ca_file=settings.ssl_ca_cert,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        verify=settings.verify_ssl,
        token=bearer.removeprefix("Bearer ") or None,
        token_file=_TOKEN_FILE if in_cluster else None,
        impersonate=_impersonation(kubeconfig),
    )


def _impersonation(kubeconfig: str | None) -> dict[str, str]:
    """Return the `as` of the current user of a kubeconfig; the official loader leaves it out."""
    if kubeconfig is None:
        return {}
    import yaml  # noqa: PLC0415 - only where somebody else's cluster is used

    content = yaml.safe_load(Path(kubeconfig).read_text())
    contexts = {each["name"]: each["context"] for each in content.get("contexts", [])}
    user_name = contexts.get(content.get("current-context"), {}).get("user")
    users = {each["name"]: each["user"] for each in content.get("users", [])}
    name = users.get(user_name, {}).get("as")
    return {"Impersonate-User": name} if name else {}


def decode_secret(data: dict[str, str], key: str) -> str | None:
    """Return one value of a Secret's `data`, or None if the key is not there."""
    return base64.b64decode(data[key]).decode() if key in data else None
