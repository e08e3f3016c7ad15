"""Notices what a restart would heal and nothing else would: a watch that is dead, a worker that never returns.

A list that is taken now and then shows what the watches should have told. What a list shows first, and the watch has not
told a good while later, means that the watch is dead, whatever its connection says. Pure; told what time it is.
"""

from dataclasses import dataclass, field

WATCH_GRACE = 180.0
"""Seconds that a watch may be behind a list: Kopf notices a silent connection after 70, and connects again."""
LONGEST_LOOK = 600.0
"""Seconds that a look may take; requests and evaluations have limits of their own, far below."""


@dataclass
class Watchdog:
    """What lists showed before the watches did, and when."""

    _behind: dict[tuple[str, str, str], tuple[int, float]] = field(default_factory=dict)

    def listed_first(self, key: tuple[str, str, str], version: int, now: float) -> None:
        """Take in that a list showed a version of an object that its watch had not told."""
        self._behind.setdefault(key, (version, now))

    def told(self, key: tuple[str, str, str], version: int) -> None:
        """Take in what a watch told."""
        known = self._behind.get(key)
        if known is not None and version >= known[0]:
            del self._behind[key]

    def gone(self, key: tuple[str, str, str]) -> None:
        """Take in that an object is gone."""
        self._behind.pop(key, None)

    def dead_watch(self, now: float) -> str | None:
        """Return a sentence about a watch that tells nothing, or None."""
        for (kind, namespace, name), (_, since) in self._behind.items():
            if now - since > WATCH_GRACE:
                return (
                    f"the watch of {kind} has not told for {now - since:.0f} s what a list showed of {namespace}/{name}"
                )
        return None


def stuck_look(longest: tuple[tuple[str, str, str], float] | None) -> str | None:
    """Return a sentence about a look that does not end, or None."""
    if longest is None or longest[1] < LONGEST_LOOK:
        return None
    return f"a look at {'/'.join(longest[0])} has taken {longest[1]:.0f} s"
