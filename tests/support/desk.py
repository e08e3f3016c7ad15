"""A namespace where an account may make and change things, Actions of a test's own, and runs that a lead must approve."""

import json
from dataclasses import dataclass
from typing import Any

from tests.builders.manifests import Manifest, decision, run
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import phase


@dataclass(frozen=True)
class Desk:
    """A namespace with an account that may make ConfigMaps and change Deployments, and Actions of the test's own."""

    cluster: Cluster
    namespace: str

    def action(self, name: str, *resources: Manifest, free: bool = False, **execution: Any) -> Manifest:
        """Return an Action that always needs a lead, unless it is free."""
        stages = [] if free else [{"name": "leads", "approvers": {"groups": ["platform-leads"]}}]
        how = {"serviceAccountRef": {"namespace": self.namespace, "name": "maker"}, "resources": list(resources)}
        spec = {"title": "Act", "approval": {"stages": stages}, "execution": {**how, **execution}}
        meta = {"name": f"{name}-{self.namespace}"}
        return {"apiVersion": "pratique.dev/v1alpha1", "kind": "Action", "metadata": meta, "spec": spec}

    def offer(self, *resources: Manifest, name: str = "act", free: bool = False, **execution: Any) -> str:
        """Apply such an Action; return its name."""
        made = self.action(name, *resources, free=free, **execution)
        self.cluster.apply("admin", made)
        return str(made["metadata"]["name"])

    def ask(self, name: str, action: str) -> None:
        """Apply a run as the developer."""
        self.cluster.apply("developer", run(name, self.namespace, action, inputs={}))

    def held(self, name: str, action: str) -> str:
        """Ask, and return the name of the gate."""
        self.ask(name, action)
        return str(self.ends(name, "WaitingForApproval")["approvals"][0]["name"])

    def approve(self, gate: str) -> None:
        """Approve as a lead."""
        patch = decision("lead-1@example.com", "Approve")
        self.cluster.kubectl("lead-1", "patch", "approval", gate, "-n", self.namespace, "--type", "merge", "-p", patch)

    def ends(self, name: str, *wanted: str) -> dict[str, Any]:
        """Return the status of a run once it is in one of these phases; what may be on its way is waited for a minute."""
        return phase(self.cluster, name, self.namespace, *wanted, timeout=90)

    def says(self, name: str, sentence: str) -> None:
        """Wait until the message of a run has this sentence."""

        def look() -> bool:
            return sentence in ((self.get("actionrun", name) or {}).get("status") or {}).get("message", "")

        wait_for(f"run {name} to say {sentence}", look)

    def superseded(self, name: str) -> str:
        """Return the message of a run that ends as Superseded."""
        return str(self.ends(name, "Superseded")["message"])

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return an object of this namespace."""
        return self.cluster.get(kind, name, self.namespace)

    def admin(self, *args: str, input: str | None = None) -> None:
        """Do something here as the admin."""
        self.cluster.kubectl("admin", *args, "-n", self.namespace, input=input)

    def forge(self, kind: str, name: str, status: dict[str, Any]) -> None:
        """Write a status past the policies: only the operator's own identity can."""
        args = ("patch", kind, name, "-n", self.namespace, "--subresource=status", "--type=merge")
        self.cluster.kubectl("operator", *args, "-p", json.dumps({"status": status}))
