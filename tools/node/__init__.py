"""A real node on this machine, without Docker: kubelet, containerd and kube-proxy beside a control plane of ours.

with temporary_node("stories") as node:
    node.load(Path("image.tar"), "localhost/pratique")
    node.kubectl("get", "nodes")
"""

from tools.node.machine import NodeError
from tools.node.node import Node, temporary_node

__all__ = ["Node", "NodeError", "temporary_node"]
