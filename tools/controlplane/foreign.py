"""Somebody's own cluster (kind, k3d, any) in place of ours: the same identities, by impersonation.

Decides nothing about the cluster and keeps the given kubeconfig as it is. Called by the playground and by tests.
"""

import json
from pathlib import Path

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.identities import IDENTITIES, impersonating_kubeconfig, known, write_kubeconfig
from tools.controlplane.kubectl import Kubectl


class ForeignCluster:
    """A cluster that was there before: its current context has to be an admin who may impersonate."""

    def __init__(self, admin: Path, directory: Path) -> None:
        if not admin.exists():
            raise ControlPlaneError(f"There is no kubeconfig {admin}: set PRATIQUE_KUBECONFIG to one that exists.")
        self._directory = directory
        shown = Kubectl(directory / "kubectl-cache")(
            admin.absolute(), "config", "view", "--raw", "--minify", "--flatten", "-o", "json"
        )
        document = json.loads(shown.stdout)
        for identity in IDENTITIES.values():
            write_kubeconfig(directory / "kubeconfigs" / identity.name, impersonating_kubeconfig(identity, document))

    def kubeconfig(self, identity: str) -> Path:
        """Return the kubeconfig of one of IDENTITIES."""
        return self._directory / "kubeconfigs" / known(identity).name
