"""Many attempts at once: Actions of one author, a run of each, and what became of them. For tests of abuse."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.builders.manifests import Manifest, run
from tests.support.cluster import Answer, Cluster, wait_for
from tests.support.runs import STILL_GOING, condition

Json = dict[str, Any]
CONFIGMAP: Manifest = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "${run.name}", "namespace": "${run.namespace}"},
}


@dataclass(frozen=True)
class Attempts:
    """A namespace where Actions of `author` are run by the developer; they act as `account` unless they say otherwise."""

    cluster: Cluster
    namespace: str
    account: str = "mine"

    def action(self, name: str, *templates: Manifest, **spec: Any) -> Manifest:
        """Return an Action of these templates; `spec` replaces parts of its spec, `execution` adds to that part."""
        execution = {
            "serviceAccountRef": {"namespace": self.namespace, "name": self.account},
            "timeout": "10s",
            "resources": [{"id": f"r{number}", **_resource(each)} for number, each in enumerate(templates)],
            **spec.pop("execution", {}),
        }
        anything = {"schema": {"type": "object", "additionalProperties": True}}
        return {
            "apiVersion": "pratique.dev/v1alpha1",
            "kind": "Action",
            "metadata": {"name": f"{name}-{self.namespace}"},
            "spec": {"title": name, "inputs": anything, "execution": execution, **spec},
        }

    def offer(self, actions: Iterable[Manifest], who: str = "author", *, check: bool = True) -> Answer:
        """Apply Actions, all at once."""
        return self.cluster.apply(who, _list(actions), check=check)

    def ask(self, inputs: Mapping[str, Json], who: str = "developer", action: str | None = None) -> None:
        """Create runs with these names, all at once: each of the Action of its name, or all of one."""
        runs = [
            run(name, self.namespace, f"{action or name}-{self.namespace}", inputs=each)
            for name, each in inputs.items()
        ]
        self.cluster.kubectl(who, "create", "-f", "-", input=json.dumps(_list(runs)))

    def settled(self, names: Iterable[str], timeout: float = 60.0) -> dict[str, Json]:
        """Return the status of each run, once none of them goes on by itself."""
        wanted = set(names)

        def look() -> dict[str, Json] | None:
            found = self.cluster.kubectl("admin", "get", "actionruns", "-n", self.namespace, "-o", "json").json["items"]
            status = {each["metadata"]["name"]: each.get("status", {}) for each in found}
            still = {name: status.get(name, {}).get("message") for name in wanted if _goes_on(status.get(name, {}))}
            seen.update(still)
            return None if still else {name: status[name] for name in wanted}

        seen: dict[str, str | None] = {}
        return wait_for("every run has ended or is held", look, timeout)

    def tried(self, templates: Mapping[str, Any], inputs: Json | None = None) -> dict[str, Json]:
        """Offer an Action for each template, run it, and return what became of each."""
        self.offer([self.action(name, each) for name, each in templates.items()])
        self.ask(dict.fromkeys(templates, inputs or {}))
        return self.settled(templates)

    def drop(self) -> None:
        """Delete the Actions."""
        actions = self.cluster.kubectl("admin", "get", "actions", "-o", "name").out.split()
        if mine := [each for each in actions if each.endswith(self.namespace)]:
            self.cluster.kubectl("admin", "delete", "--wait=false", *mine)


def _resource(each: Manifest) -> Json:
    return each if "template" in each else {"template": each}


def _list(items: Iterable[Manifest]) -> Manifest:
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def _goes_on(status: Json) -> bool:
    return status.get("phase") in STILL_GOING and condition(status, "Stalled").get("status") != "True"
