"""Says of a plan what a failure brings, for people who have to decide. Pure."""

from pratique.api.v1alpha1.action_run import RunPlan

_LINE = "If it fails, what it has made is deleted again, the last first"


def with_rollback(lines: list[str], plan: RunPlan) -> list[str]:
    """Return the lines of a plan with one on that, where it is so."""
    return [*lines, _LINE] if plan.rolls_back else lines
