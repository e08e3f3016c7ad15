"""Which addresses and names a node has, so that several live side by side.

Pure. Everything of a node is numbered: its link to this machine, the network of its Pods, that of Services, its cgroup.
"""

from dataclasses import dataclass

from tools.controlplane.servers import Nodes

NUMBERS = range(1, 255)


@dataclass(frozen=True, slots=True)
class Addresses:
    """What number N stands for."""

    number: int

    @property
    def link(self) -> str:
        """The device on this machine that leads to the node."""
        return f"prq{self.number}"

    @property
    def cgroup(self) -> str:
        """The cgroup that holds all Pods."""
        return f"pratique-node-{self.number}"

    @property
    def machine(self) -> str:
        """This machine as the node sees it: here the API server listens."""
        return f"10.243.{self.number}.1"

    @property
    def node(self) -> str:
        """The node as this machine sees it."""
        return f"10.243.{self.number}.2"

    @property
    def pods(self) -> str:
        """The network of the Pods."""
        return f"10.244.{self.number}.0/24"

    @property
    def bridge(self) -> str:
        """The node as its Pods see it."""
        return f"10.244.{self.number}.1"

    @property
    def nodes(self) -> Nodes:
        """What the control plane has to know of it."""
        return Nodes(self.machine, f"10.245.{self.number}.0/24")
