"""Which watch is open, since when one is missing, and what is known of why. Pure; told what time it is."""

from collections.abc import Collection
from dataclasses import dataclass, field

UNREADY_AFTER = 5.0
"""Seconds that a watch may be missing before the process is not ready: one that is begun again is back in far less."""
UNHEALTHY_AFTER = 20.0
"""Seconds that a watch may be missing although the API server lists its kind, before a restart is asked for."""
ENDED_AFTER = 60.0
"""Seconds after which the process ends by itself."""


@dataclass
class _Missing:
    since: float
    blind_since: float | None = None
    """When the API server was first seen to list the kind meanwhile: only then is it our fault."""
    answer: str = "it was not begun yet"


@dataclass
class Presence:
    """One watch per kind; times are in seconds of one steady clock."""

    plurals: Collection[str]
    now: float
    _open: dict[str, set[int]] = field(default_factory=dict)
    _missing: dict[str, _Missing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._missing = {plural: _Missing(self.now) for plural in self.plurals}

    def opened(self, plural: str, token: int) -> None:
        """Take in that a watch is open."""
        self._open.setdefault(plural, set()).add(token)
        self._missing.pop(plural, None)

    def closed(self, plural: str, token: int, now: float) -> None:
        """Take in that a watch has ended; a new one of its kind may be open already."""
        tokens = self._open.get(plural, set())
        tokens.discard(token)
        if not tokens and plural not in self._missing:
            self._missing[plural] = _Missing(now, answer="it has ended")

    def all_closed(self, now: float) -> None:
        """Take in that no watch is open any more."""
        self._open.clear()
        for plural in self.plurals:
            self._missing.setdefault(plural, _Missing(now, answer="it has ended"))

    def answered(self, plural: str, answer: str) -> None:
        """Take in what the API server said instead of opening a watch."""
        if plural in self._missing:
            self._missing[plural].answer = answer

    def listed(self, plural: str, answer: str | None, now: float) -> None:
        """Take in whether the API server lists a kind whose watch is missing: None, or why not."""
        missing = self._missing.get(plural)
        if missing is None:
            return
        if answer is not None:
            missing.blind_since, missing.answer = None, answer
        elif missing.blind_since is None:
            missing.blind_since = now

    def missing(self, now: float, seconds: float = 0.0) -> list[str]:
        """Return the kinds whose watch is missing for longer than this."""
        return [plural for plural, each in sorted(self._missing.items()) if now - each.since > seconds]

    def blind(self, now: float, seconds: float) -> list[str]:
        """Return the kinds that the API server lists, and that are not watched for longer than this."""
        found = sorted(self._missing.items())
        return [plural for plural, each in found if each.blind_since is not None and now - each.blind_since > seconds]

    def not_ready(self, now: float) -> str | None:
        """Return a sentence about what is not watched, or None."""
        return self._sentence(self.missing(now, UNREADY_AFTER), now)

    def not_healthy(self, now: float) -> str | None:
        """Return a sentence about what a restart would heal, or None."""
        return self._sentence(self.blind(now, UNHEALTHY_AFTER), now)

    def ends(self, now: float) -> str | None:
        """Return why the process must end now, or None."""
        return self._sentence(self.blind(now, ENDED_AFTER), now)

    def _sentence(self, plurals: list[str], now: float) -> str | None:
        if not plurals:
            return None
        parts = [f"{each} for {now - self._missing[each].since:.0f} s ({self._said(each)})" for each in plurals]
        return f"no watch of {', '.join(parts)}"

    def _said(self, plural: str) -> str:
        missing = self._missing[plural]
        known = missing.answer
        return known if missing.blind_since is None else f"{known}; the API server lists them"
