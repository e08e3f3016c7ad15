"""The command line of each server of a control plane.

Pure: options in, arguments out. Everything listens on loopback only, but for an API server that nodes have to reach, which
listens on an address of this machine that they alone are told. Called by plane.py.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.controlplane.catalog import SERVER_NAMES

PORTS = ("kube-apiserver", "etcd", "etcd-peer", "kube-controller-manager", "kube-scheduler")
AuditLevel = Literal["Metadata", "Request", "RequestResponse"]

# Controllers that want nodes or a cloud; here they would only log errors.
_WITHOUT = "*,-nodeipam,-cloud-node-lifecycle,-service-lb-controller,-node-route-controller"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Nodes:
    """Where nodes and their Pods find what they need of the control plane."""

    address: str
    """Where the API server listens: an address of this machine that Pods reach."""
    services: str
    """The network of Services, for example 10.245.1.0/24."""

    @property
    def kubernetes(self) -> str:
        """The address of the Service `kubernetes`."""
        return str(ipaddress.ip_network(self.services)[1])

    @property
    def dns(self) -> str:
        """The address of the cluster's DNS."""
        return str(ipaddress.ip_network(self.services)[10])


@dataclass(frozen=True, slots=True)
class Options:
    """How a control plane behaves, apart from where it lives."""

    durable: bool = False
    """Whether etcd waits for the disk. Off, a crash of the machine may lose writes, and all is several times faster."""
    audit: AuditLevel | None = None
    emulated_version: str | None = None
    """Behave as an older Kubernetes, for example "1.35"."""
    extra_apiserver_flags: tuple[str, ...] = ()
    nodes: Nodes | None = None
    """Be ready for a node; without one no Pod is scheduled."""

    @property
    def address(self) -> str:
        """Where the API server listens."""
        return self.nodes.address if self.nodes else LOOPBACK

    @property
    def servers(self) -> tuple[str, ...]:
        """Which servers there are."""
        return (*SERVER_NAMES, "kube-scheduler") if self.nodes else SERVER_NAMES


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

    def own_kubeconfig(self, program: str) -> Path:
        """Return the kubeconfig of a program of the cluster's own; apart from the people's, who should not find it."""
        return self.root / "certs" / f"{program}.kubeconfig"

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
        f"--bind-address={options.address}",
        f"--secure-port={ports['kube-apiserver']}",
        f"--tls-cert-file={layout.certificate('apiserver.crt')}",
        f"--tls-private-key-file={layout.certificate('apiserver.key')}",
        f"--token-auth-file={layout.tokens}",
        # A fixed name: tokens stay valid when the port changes.
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={layout.certificate('serviceaccounts.pub')}",
        f"--service-account-signing-key-file={layout.certificate('serviceaccounts.key')}",
        "--allow-privileged=true",
        *_for_nodes(layout, options),
        *_emulation(options),
    ]
    if options.audit:
        flags += [f"--audit-policy-file={layout.audit_policy}", f"--audit-log-path={layout.audit_log}"]
        flags += ["--audit-log-maxsize=4096"]  # MiB: tests read it by offset, a rotation would hide what they look for
    return [*flags, *options.extra_apiserver_flags]


def _for_nodes(layout: Layout, options: Options) -> list[str]:
    if options.nodes is None:
        # Loopback is no address for an endpoint; the default reconciler would log that every ten seconds.
        without = ["--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24"]
        return [*without, "--endpoint-reconciler-type=none"]
    return [
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--service-cluster-ip-range={options.nodes.services}",
        f"--advertise-address={options.nodes.address}",
        f"--client-ca-file={layout.certificate('ca.crt')}",
        f"--kubelet-client-certificate={layout.certificate('kubelet-client.crt')}",
        f"--kubelet-client-key={layout.certificate('kubelet-client.key')}",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def controller_manager(layout: Layout, ports: Mapping[str, int], options: Options) -> list[str]:
    """Return the controller manager's arguments: without it no namespace ends and no owner reference is collected."""
    return [
        f"--kubeconfig={layout.own_kubeconfig('kube-controller-manager')}",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports['kube-controller-manager']}",
        f"--service-account-private-key-file={layout.certificate('serviceaccounts.key')}",
        f"--root-ca-file={layout.certificate('ca.crt')}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        f"--controllers={_WITHOUT}{'' if options.nodes else ',-nodelifecycle'}",
        # The defaults are for busy shared clusters; here they only make namespaces end slowly.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        *_emulation(options),
    ]


def scheduler(layout: Layout, ports: Mapping[str, int], options: Options) -> list[str]:
    """Return the scheduler's arguments."""
    return [
        f"--kubeconfig={layout.own_kubeconfig('kube-scheduler')}",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports['kube-scheduler']}",
        "--leader-elect=false",
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
