"""Which cluster the demo and the playground use: an embedded control plane, or one's own by PRATIQUE_KUBECONFIG."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tools.controlplane.foreign import ForeignCluster
from tools.controlplane.plane import temporary_plane


class People(Protocol):
    """Whoever has kubeconfigs for the test identities."""

    def kubeconfig(self, identity: str) -> Path:
        """Return the kubeconfig of an identity."""


def own_cluster(directory: Path) -> ForeignCluster | None:
    """Return the cluster that PRATIQUE_KUBECONFIG names, with kubeconfigs of the identities below `directory`."""
    named = os.environ.get("PRATIQUE_KUBECONFIG")
    return ForeignCluster(Path(named), directory) if named else None


@contextmanager
def cluster_for(name: str, directory: Path) -> Iterator[People]:
    """Give the cluster of PRATIQUE_KUBECONFIG, else a temporary control plane that is gone afterwards."""
    own = own_cluster(directory)
    if own is not None:
        yield own
        return
    with temporary_plane(name) as plane:
        yield plane
