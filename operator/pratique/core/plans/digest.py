"""The fingerprint of a plan: an approval is bound to it, and it is computed again before anything starts. Pure."""

import hashlib
import json

from pratique.api.v1alpha1.action_run import RunPlan


def plan_digest(plan: RunPlan) -> str:
    """Return the sha256 over everything in the plan but its digest and summary, as `sha256:<hex>`."""
    wire = {key: value for key, value in plan.to_wire().items() if key not in ("digest", "summary")}
    canonical = json.dumps(wire, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
