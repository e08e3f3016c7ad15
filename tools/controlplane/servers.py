"""The command line of each server of a control plane.

Pure: options in, arguments out. Everything listens on loopback only. Called by plane.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PORTS = ("kube-apiserver", "etcd", "etcd-peer", "kube-controller-manager")
AuditLevel = Literal["Metadata", "Request", "RequestResponse"]

# Controllers that want nodes or a cloud; here they would only log errors.
_WITHOUT = "*,-nodeipam,-nodelifecycle,-cloud-node-lifecycle,-service-lb-controller,-node-route-controller"


@dataclass(frozen=True, slots=True)
class Options:
    """How a control plane behaves, apart from where it lives."""

    durable: bool = False
    """Whether etcd waits for the disk. Off, a crash of the machine may lose writes, and all is several times faster."""
    audit: AuditLevel | None = None
    emulated_version: str | None = None
    """Behave as an older Kubernetes, for example "1.35"."""
    extra_apiserver_flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a control plane keeps its files: all below one directory."""

    root: Path

    def certificate(self, name: str) -> Path:
        """Return a file of the plane's own authority, for example ca.crt."""
        return self.root / "certs" / name

    def kubeconfig(self, identity: str) -> Path:
        """Return the kubeconfig of an identity."""
        return self.root / "kubeconfigs" / identity

    def log(self, server: str) -> Path:
        """Return the log of a server."""
        return self.root / "logs" / f"{server}.log"

    @property
    def tokens(self) -> Path:
        """The API server's token file."""
        return self.root / "tokens.csv"

    @property
    def controller_manager_kubeconfig(self) -> Path:
        """The controller manager's own; apart from the people's, who should not find it."""
        return self.root / "certs" / "kube-controller-manager.kubeconfig"

    @property
    def audit_policy(self) -> Path:
        """The policy that the API server audits by."""
        return self.root / "audit-policy.yaml"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log, one JSON object a line."""
        return self.root / "logs" / "audit.log"

    @property
    def state(self) -> Path:
        """Which ports and processes this plane has."""
        return self.root / "state.json"


def etcd(layout: Layout, ports: Mapping[str, int], options: Options) -> list[str]:
    """Return etcd's arguments: nobody talks to it without a certificate of this plane."""
    client, peer = (f"https://127.0.0.1:{ports[name]}" for name in ("etcd", "etcd-peer"))
    certificate, key = layout.certificate("etcd.crt"), layout.certificate("etcd.key")
    authority = layout.certificate("ca.crt")
    return [
        f"--data-dir={layout.root / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        f"--cert-file={certificate}",
        f"--key-file={key}",
        f"--trusted-ca-file={authority}",
        "--client-cert-auth=true",
        f"--peer-cert-file={certificate}",
        f"--peer-key-file={key}",
        f"--peer-trusted-ca-file={authority}",
        "--peer-client-cert-auth=true",
        "--log-level=warn",
        *([] if options.durable else ["--unsafe-no-fsync"]),
    ]


def apiserver(layout: Layout, ports: Mapping[str, int], options: Options) -> list[str]:
    """Return the API server's arguments: RBAC, a token per identity."""
    flags = [
        f"--etcd-servers=https://127.0.0.1:{ports['etcd']}",
        f"--etcd-cafile={layout.certificate('ca.crt')}",
        f"--etcd-certfile={layout.certificate('apiserver.crt')}",
        f"--etcd-keyfile={layout.certificate('apiserver.key')}",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports['kube-apiserver']}",
        f"--tls-cert-file={layout.certificate('apiserver.crt')}",
        f"--tls-private-key-file={layout.certificate('apiserver.key')}",
        "--authorization-mode=RBAC",
        f"--token-auth-file={layout.tokens}",
        # A fixed name: tokens stay valid when the port changes.
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={layout.certificate('serviceaccounts.pub')}",
        f"--service-account-signing-key-file={layout.certificate('serviceaccounts.key')}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--allow-privileged=true",
        # Loopback is no address for an endpoint; the default reconciler would log that every ten seconds.
        "--endpoint-reconciler-type=none",
        *_emulation(options),
    ]
    if options.audit:
        flags += [f"--audit-policy-file={layout.audit_policy}", f"--audit-log-path={layout.audit_log}"]
        flags += ["--audit-log-maxsize=4096"]  # MiB: tests read it by offset, a rotation would hide what they look for
    return [*flags, *options.extra_apiserver_flags]


def controller_manager(layout: Layout, ports: Mapping[str, int], options: Options) -> list[str]:
    """Return the controller manager's arguments: without it no namespace ends and no owner reference is collected."""
    return [
        f"--kubeconfig={layout.controller_manager_kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports['kube-controller-manager']}",
        f"--service-account-private-key-file={layout.certificate('serviceaccounts.key')}",
        f"--root-ca-file={layout.certificate('ca.crt')}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        f"--controllers={_WITHOUT}",
        # The defaults are for busy shared clusters; here they only make namespaces end slowly.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        *_emulation(options),
    ]


def audit_policy(level: AuditLevel) -> str:
    """Return a policy that records every finished request once; what was read is recorded without its content."""
    return (
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived, ResponseStarted]\nrules:\n"
        f"- {{level: {level}, verbs: [create, update, patch, delete, deletecollection]}}\n- {{level: Metadata}}\n"
    )


def _emulation(options: Options) -> list[str]:
    return [f"--emulated-version={options.emulated_version}"] if options.emulated_version else []
