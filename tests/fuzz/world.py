"""What generated attempts share: requests as somebody, waiting until a run goes on no more."""

import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.support.cluster import wait_for
from tests.support.http import Callers, Reply
from tests.support.runs import STILL_GOING, condition

Json = dict[str, Any]
SPACE = "fuzz"
GROUP = "/apis/pratique.dev/v1alpha1"
ACTIONS = f"{GROUP}/actions"
RUNS = f"{GROUP}/namespaces/{SPACE}/actionruns"
APPROVALS = f"{GROUP}/namespaces/{SPACE}/approvals"
NOTES = f"/api/v1/namespaces/{SPACE}/configmaps"
MERGE = "application/merge-patch+json"
BOUND = 1_000_000
"""Bytes of a run as JSON: far enough from the 1.5 MiB that etcd takes."""


@dataclass
class World:
    """A real API server with people, and an operator that runs."""

    callers: Callers
    ends: Counter[str] = field(default_factory=Counter)
    """How many runs came to which phase: what all ends the same proves little."""
    _numbers: Any = field(default_factory=itertools.count)

    def name(self, what: str) -> str:
        """Return a name that nothing has yet."""
        return f"{what}-{next(self._numbers)}"

    def create(self, who: str, collection: str, manifest: Json) -> Reply:
        """POST an object."""
        return self.callers[who].send("POST", collection, manifest)

    def patch(self, who: str, path: str, patch: Json) -> Reply:
        """Merge a patch."""
        return self.callers[who].send("PATCH", path, patch, content_type=MERGE)

    def get(self, path: str) -> Json | None:
        """Return an object as the admin sees it, or None."""
        reply = self.callers["admin"].send("GET", path)
        return reply.body if reply.ok else None

    def settled(self, name: str, *also: str) -> Json:
        """Return a run once it has ended, is held with a sentence, or is in one of these phases too."""

        def look() -> Json | None:
            run = self.get(f"{RUNS}/{name}") or {}
            status = run.get("status", {})
            held = condition(status, "Stalled").get("status") == "True"
            return run if held or status.get("phase") not in STILL_GOING or status["phase"] in also else None

        run = wait_for(f"run {name} has ended or is held", look, 60)
        self.ends[run["status"]["phase"]] += 1
        return run

    def made_by(self, run: Json) -> list[Json]:
        """Return the ConfigMaps, wherever they are, that carry the run's uid."""
        label = f"pratique.dev/run-uid={run['metadata']['uid']}"
        reply = self.callers["admin"].send("GET", "/api/v1/configmaps", params={"labelSelector": label})
        return list(reply.body["items"])


def size(body: Json) -> int:
    """Return how large an object is."""
    return len(json.dumps(body))
