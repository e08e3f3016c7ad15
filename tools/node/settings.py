"""What containerd, kubelet, kube-proxy and the CNI plugins are told.

Pure: addresses and folders in, texts and arguments out. Called by node.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools.controlplane.identities import NODE
from tools.node.addresses import Addresses

DOMAIN = "cluster.local"
PAUSE = "localhost/pause:node"
COREDNS = "localhost/coredns:node"
NAMESPACE = "k8s.io"
"""Where kubelet's images are in containerd."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node keeps its files: all below one directory, apart from those of its control plane."""

    root: Path

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self.root / "containerd.sock"

    def log(self, program: str) -> Path:
        """Return the log of a program."""
        return self.root / "logs" / f"{program}.log"


def containerd(place: Place, plugins: Path) -> str:
    """Return containerd's configuration. What it has while it runs is in the node's own /run and ends with it."""
    return f"""version = 2
root = "{place.root / "containerd"}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{place.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  disable_apparmor = true
  sandbox_image = "{PAUSE}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{place.root / "cni"}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def network(addresses: Addresses) -> str:
    """Return the configuration of the CNI plugins: a bridge. It enforces no NetworkPolicy."""
    ranges = [[{"subnet": addresses.pods, "gateway": addresses.bridge}]]
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]},
    }
    mappings = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, mappings]}, indent=1)


def kubelet(place: Place, addresses: Addresses, authority: Path, port: int) -> str:
    """Return kubelet's configuration."""
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": addresses.node,
            "port": port,
            "healthzPort": 0,
            "readOnlyPort": 0,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(authority)},
            },
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{place.socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{addresses.cgroup}",
            "failCgroupV1": False,
            "enforceNodeAllocatable": [],
            "localStorageCapacityIsolation": False,
            "failSwapOn": False,
            "evictionHard": {
                "memory.available": "50Mi",
                "nodefs.available": "1%",
                "imagefs.available": "1%",
                "nodefs.inodesFree": "1%",
            },
            "imageGCHighThresholdPercent": 100,  # images are loaded by hand: whoever removed one could not pull it again
            "clusterDomain": DOMAIN,
            "clusterDNS": [addresses.nodes.dns],
            "resolvConf": "",
            "volumePluginDir": str(place.root / "volume-plugins"),
            "makeIPTablesUtilChains": False,
            "serializeImagePulls": False,
            "nodeStatusUpdateFrequency": "4s",
        }
    )


def commands(
    place: Place, addresses: Addresses, programs: Mapping[str, Path], kubeconfigs: Mapping[str, Path]
) -> dict[str, list[str]]:
    """Return the command line of each program that runs in the node, in the order in which they start."""
    return {
        "containerd": ["containerd", "--config", str(place.root / "containerd.toml")],
        "kube-proxy": [
            str(programs["kube-proxy"]),
            f"--kubeconfig={kubeconfigs['kube-proxy']}",
            "--proxy-mode=iptables",
            "--iptables-localhost-nodeports=false",
            f"--cluster-cidr={addresses.pods}",
            f"--hostname-override={NODE}",
            f"--bind-address={addresses.node}",
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
        ],
        "kubelet": [
            str(programs["kubelet"]),
            f"--config={place.root / 'kubelet.yaml'}",
            f"--kubeconfig={kubeconfigs['kubelet']}",
            f"--root-dir={place.root / 'kubelet'}",
            f"--cert-dir={place.root / 'kubelet-certs'}",
            f"--hostname-override={NODE}",
            f"--node-ip={addresses.node}",
        ],
    }
