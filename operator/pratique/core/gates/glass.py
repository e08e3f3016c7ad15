"""Decides who may break the glass of a gate: by its rule, as the API server counts too (`admission/glass.py`). Pure.

Called by `tally`, which counts what people said, and by `broken`, which knows what follows from it.
"""

from collections.abc import Iterable

from pratique.api.v1alpha1.break_glass import BreakGlass, OwnGlass
from pratique.core.kernel.identity import is_among, is_service_account


def may_break(
    glass: BreakGlass | None, username: str, groups: Iterable[str], asking: tuple[str, ...], out: Iterable[str]
) -> bool:
    """Whether a rule lets somebody break the glass of what these people ask for; `out` cannot decide it in any case.

    A ServiceAccount may where it is named itself: machines do nothing as members of a group.
    """
    if glass is None or is_among(username, tuple(out)):
        return False
    if glass.requester is not OwnGlass.ALLOW and is_among(username, asking):
        return False
    if username in glass.users:
        return True
    return not is_service_account(username) and any(group in glass.groups for group in groups)
