"""Where the API server is and who we are: a kubeconfig or the Pod's ServiceAccount, read by the official client."""

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config
from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, KubeConfigMerger

from pratique.core.kernel.errors import ConfigurationError

_TOKEN_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_NAMESPACE_FILE = _TOKEN_FILE.with_name("namespace")


class ConnectionConfigError(ConfigurationError):
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
    impersonate_groups: tuple[str, ...] = ()
    namespace: str = "default"
    """Where a person works if they name no other."""

    def headers(self) -> dict[str, str]:
        """Return the headers that identify us; a mounted token is read again each time, since it rotates."""
        token = self.token_file.read_text().strip() if self.token_file else self.token
        return ({"Authorization": f"Bearer {token}"} if token else {}) | self.impersonate

    def ssl_context(self) -> ssl.SSLContext | bool:
        """Return how to verify the server, and our client certificate if there is one."""
        if not self.server.startswith("https"):
            return True
        context = ssl.create_default_context(cafile=self.ca_file)
        # From Python 3.13 on it also refuses what RFC 5280 asks for and Go and kubectl do not: certificates without
        # AuthorityKeyIdentifier, authorities without keyUsage. Many clusters have such; the signature is verified as ever.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


def connect(kubeconfig: str | None = None, context: str | None = None) -> Connection:
    """Return the connection of a kubeconfig, else of the Pod we run in, else of the default kubeconfig.

    `kubeconfig` may be several files with colons between, as $KUBECONFIG may. Raises ConnectionConfigError with what to do
    if there is none, or none that can be used.
    """
    settings = client.Configuration()
    in_cluster = kubeconfig is None and context is None and _TOKEN_FILE.exists()
    user = _User()
    try:
        if in_cluster:
            config.load_incluster_config(client_configuration=settings)
            # a Pod may have been given the token alone
            user = _User(namespace=_NAMESPACE_FILE.read_text().strip()) if _NAMESPACE_FILE.exists() else _User()
        else:
            config.load_kube_config(config_file=kubeconfig, context=context, client_configuration=settings)
            user = _user(kubeconfig or KUBE_CONFIG_DEFAULT_LOCATION, context)
    except config.ConfigException as error:
        remedy = "Set KUBECONFIG or run inside a Pod" if context is None else "`kubectl config get-contexts` lists them"
        raise ConnectionConfigError(f"No cluster to talk to: {str(error).rstrip('.')}. {remedy}.") from error
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:
        text = f"The kubeconfig cannot be read ({type(error).__name__}): `kubectl config view` says where it is wrong."
        raise ConnectionConfigError(text) from error
    bearer = settings.api_key.get("authorization") or settings.api_key.get("BearerToken") or ""
    return Connection(
        server=settings.host.rstrip("/"),
        ca_file=settings.ssl_ca_cert,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        verify=settings.verify_ssl,
        token=bearer.removeprefix("Bearer ") or None,
        token_file=_TOKEN_FILE if in_cluster else None,
        impersonate={"Impersonate-User": user.name} if user.name else {},
        impersonate_groups=user.groups,
        namespace=user.namespace,
    )


@dataclass(frozen=True)
class _User:
    """Of a context, what the official loader leaves out: as whom its user acts, and in which namespace."""

    name: str = ""
    groups: tuple[str, ...] = ()
    namespace: str = "default"


def _user(kubeconfig: str, context: str | None) -> _User:
    content = KubeConfigMerger(kubeconfig).config.value
    chosen = _named(content, "contexts", context or content.get("current-context")).get("context") or {}
    user = _named(content, "users", chosen.get("user")).get("user") or {}
    namespace = chosen.get("namespace") or "default"
    return _User(user.get("as") or "", tuple(user.get("as-groups") or ()), namespace)


def _named(content: dict[str, Any], kind: str, name: str | None) -> dict[str, Any]:
    """Return one entry of a merged kubeconfig; the first file that has it counts, as for kubectl."""
    entries = (entry.value for entry in content.get(kind) or [])
    return next((entry for entry in entries if entry.get("name") == name), {})


def decode_secret(data: dict[str, str], key: str) -> str | None:
    """Return one value of a Secret's `data`, or None if the key is not there."""
    return base64.b64decode(data[key]).decode() if key in data else None
