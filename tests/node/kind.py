"""The node of kind as the stories need it, only where Docker is: its authors have none, and never ran this."""

import subprocess
from pathlib import Path

from tools.controlplane.foreign import ForeignCluster
from tools.node.settings import NAMESPACE

_CONTAINER = "pratique-control-plane"


class KindNode:
    """The one container that is kind's cluster."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self._people = ForeignCluster(kubeconfig, folder)

    @property
    def gateway(self) -> str:
        """This machine as its Pods see it."""
        pattern = "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}"
        return _run("docker", "inspect", "--format", pattern, _CONTAINER).strip()

    def kubeconfig(self, identity: str) -> Path:
        """Return the kubeconfig of one of the identities."""
        return self._people.kubeconfig(identity)

    def load(self, archive: Path, name: str, tag: str | None = None) -> None:
        """Put an image into containerd, as our own node does."""
        _run("docker", "cp", str(archive), f"{_CONTAINER}:/image.tar")
        said = self.containerd("image", "import", "--base-name", name, "/image.tar")
        if tag is not None:
            brought = next(word for word in said.split() if word.startswith(f"{name}:"))
            self.containerd("image", "tag", "--force", brought, f"{name}:{tag}")

    def containerd(self, *words: str) -> str:
        """Call containerd's own client."""
        return self.enter("ctr", "--namespace", NAMESPACE, *words)

    def enter(self, *command: str) -> str:
        """Run a program in the node."""
        return _run("docker", "exec", _CONTAINER, *command)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout
