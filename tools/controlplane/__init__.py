"""A real Kubernetes control plane on this machine, without containers and without a download of binaries.

with temporary_plane("chaos") as plane:
    kubectl = Kubectl(plane.layout.root / "kubectl-cache")
    kubectl(plane.kubeconfig("developer"), "get", "namespaces")
"""

from tools.controlplane.errors import ControlPlaneError, KubectlError
from tools.controlplane.foreign import ForeignCluster
from tools.controlplane.identities import IDENTITIES, Identity
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import ControlPlane, temporary_plane
from tools.controlplane.servers import Options

__all__ = [
    "IDENTITIES",
    "ControlPlane",
    "ControlPlaneError",
    "ForeignCluster",
    "Identity",
    "Kubectl",
    "KubectlError",
    "Options",
    "temporary_plane",
]
