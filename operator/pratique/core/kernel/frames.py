"""Says where a bug was, and nothing of what it was at: the words of an exception may hold an address or a secret. Pure."""

import traceback
from pathlib import PurePath

from pratique.core.kernel.errors import PratiqueError

_MOST_FRAMES, _MOST_CAUSES = 12, 4


def frames_of(error: BaseException) -> str:
    """Return the exception's type, its causes' types, and the last calls of each: file, line and function, no values."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < _MOST_CAUSES:
        frames = traceback.extract_tb(cause.__traceback__)[-_MOST_FRAMES:]
        calls = " > ".join(f"{short_path(each.filename)}:{each.lineno} {each.name}" for each in frames)
        told.append(f"{type(cause).__name__} at {calls or 'an unknown place'}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "; from ".join(told)


def trace_of(error: BaseException) -> str:
    """Return a traceback with the words of our own exceptions only: those of others quote what they were at."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < _MOST_CAUSES:
        said = f": {cause}" if isinstance(cause, PratiqueError) else ""
        calls = "".join(traceback.format_tb(cause.__traceback__)[-_MOST_FRAMES:])
        told.append(f"Traceback (most recent call last):\n{calls}{type(cause).__name__}{said}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n\nfrom\n\n".join(told)


def short_path(filename: str) -> str:
    """Return the end of a path: from our package on, or a package of others and its module."""
    parts = PurePath(filename).parts
    ours = max((at for at, part in enumerate(parts) if part == "pratique"), default=len(parts))
    return "/".join(parts[ours:] or parts[-3:])
