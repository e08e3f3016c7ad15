"""Says whether the people whom a stage names are enough, by what is known of them: a group may have anybody in it. Pure."""

from collections.abc import Iterable

from pratique.api.v1alpha1.stages import Quorum, Stage
from pratique.core.kernel.identity import fold


def able_of(way: Quorum, out: Iterable[str]) -> set[str]:
    """Return who of a rule's named users can decide, each person once; `out` are those who cannot, in any letter case."""
    return {fold(user) for user in way.approvers.users} - {fold(user) for user in out}


def has_enough(stage: Stage, out: Iterable[str]) -> bool:
    """Whether one of a stage's rules can be met without these people."""
    gone = tuple(out)
    if stage.added_groups:
        return True
    added = {fold(user) for user in stage.added_users} - {fold(user) for user in gone}
    return any(each.may_be_anybody or len(able_of(each, gone) | added) >= each.needed for each in stage.ways)
