"""Says of an object that it is made for a time, in the lines that people read of a plan. Pure."""

from pratique.api.v1alpha1.planned import Planned, PlannedTemporary
from pratique.core.kernel.text import clean
from pratique.core.plans.summary import MAX_LINE


def with_lifetime(line: str, planned: Planned) -> str:
    """Return the line of an object with when it ends; that is always there, however long the rest is."""
    if not isinstance(planned, PlannedTemporary):
        return line
    ends = f"; ends {planned.expires_after} after it is made"
    return clean(line, MAX_LINE - len(ends)) + ends
