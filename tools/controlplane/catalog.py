"""Which programs a control plane and a node consist of, in which versions, and how each is built.

Pure data. The versions here and in gomod/*/go.mod are the same thing twice; a unit test holds them together.
"""

from dataclasses import dataclass
from pathlib import Path

KUBERNETES = "v1.36.3"
ETCD = "v3.6.8"
HELM = "v3.22.0"
KSTATUS = "v1.2.0"
"""Of fluxcd/cli-utils: what Flux waits by."""
COREDNS = "v1.15.0"
PAUSE = "v1"

_GOMOD = Path(__file__).parent / "gomod"
_MODULES = {
    "kubernetes": "kubernetes",
    "etcd": "kubernetes",
    "helm": "helm",
    "kstatus": "kstatus",
    "coredns": "pods",
    "pause": "pods",
}
_VERSION_PACKAGE = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = KUBERNETES.removeprefix("v").split(".")
# Without these the server calls itself v0.0.0 and clients choose the wrong protocol features.
_KUBERNETES_FLAGS = (
    f"-s -w -X {_VERSION_PACKAGE}.gitVersion={KUBERNETES}"
    f" -X {_VERSION_PACKAGE}.gitMajor={_MAJOR} -X {_VERSION_PACKAGE}.gitMinor={_MINOR}"
)


@dataclass(frozen=True, slots=True)
class Binary:
    """One program: where its source is and how to recognise one that is good enough."""

    name: str
    project: str
    version: str
    package: str
    ldflags: str = "-s -w"
    version_args: tuple[str, ...] = ("--version",)
    at_least: tuple[int, int] = (0, 0)
    expect: str = ""

    @property
    def module(self) -> Path:
        """The folder whose go.mod builds it."""
        return _GOMOD / _MODULES.get(self.project, self.project)

    @property
    def folder(self) -> str:
        """The name of its folder in the cache: one per version, so that an upgrade never mixes."""
        return f"{self.project}-{self.version}"


def _kubernetes(name: str, expect: str, **options: tuple[str, ...]) -> Binary:
    return Binary(
        name=name,
        project="kubernetes",
        version=KUBERNETES,
        package=f"k8s.io/kubernetes/cmd/{name}",
        ldflags=_KUBERNETES_FLAGS,
        at_least=(0, 0) if name == "kubectl" else (int(_MAJOR), int(_MINOR)),
        expect=expect,
        **options,
    )


# In the order in which a fresh machine builds them: the quick one first shows that the toolchain works.
SERVERS = (
    Binary(
        "etcd", "etcd", ETCD, "go.etcd.io/etcd/server/v3", at_least=(3, 5), expect="about a minute, once per machine"
    ),
    _kubernetes("kube-apiserver", "4 to 5 min on two cores, once per machine"),
    _kubernetes("kube-controller-manager", "1 to 2 min on two cores, once per machine"),
)
KUBECTL = _kubernetes("kubectl", "about half a minute", version_args=("version", "--client"))
HELM_CLI = Binary(
    "helm",
    "helm",
    HELM,
    "helm.sh/helm/v3/cmd/helm",
    ldflags=f"-s -w -X helm.sh/helm/v3/internal/version.version={HELM}",
    version_args=("version", "--short"),
    at_least=(3, 0),
    expect="about a minute, once per machine",
)
KSTATUS_CLI = Binary("kstatus", "kstatus", KSTATUS, "kstatus", expect="a quarter of a minute, once per machine")
# What a node adds: kubelet and kube-proxy run on it, the scheduler beside the API server, the other two as Pods.
NODE = (
    _kubernetes("kube-scheduler", "a quarter of a minute"),
    _kubernetes("kube-proxy", "about half a minute"),
    _kubernetes("kubelet", "1 to 2 min on two cores, once per machine"),
    Binary("coredns", "coredns", COREDNS, "pods/coredns", version_args=("-version",), expect="2 min on two cores"),
    Binary("pause", "pause", PAUSE, "pods/pause"),
)
ALL = {binary.name: binary for binary in (*SERVERS, KUBECTL, HELM_CLI, KSTATUS_CLI, *NODE)}
NODE_NAMES = tuple(each.name for each in NODE)
SERVER_NAMES = tuple(server.name for server in SERVERS)
