"""Says when a GET that waits is made again: as its Action asks, later where it comes to nothing or is asked to. Pure."""

from collections.abc import Collection
from datetime import timedelta

from pratique.api.v1alpha1.calling import HttpRequest
from pratique.core.execution.replies import Say, is_taken, judge_call
from pratique.core.kernel.calling import Called

_MAX_BACK_OFF, _MAX_ASKED = timedelta(minutes=5), timedelta(hours=1)
_MOST = 10


def is_miss(called: Called, expect: Collection[int]) -> bool:
    """Whether a call came to nothing: no answer, or none that its Action takes."""
    return called.reply is None or not is_taken(expect, called.reply.status)


def says_no(called: Called, request: HttpRequest) -> bool:
    """Whether a call came to a verdict, which is that it is not done: no bad moment of a receiver is one."""
    return judge_call(request, called).say is Say.FAILED


def pause_after(called: Called, every: timedelta, misses: int) -> timedelta:
    """Return how long to wait after a call; `misses` of the last ones came to nothing, this one included."""
    longer = min(every * float(2 ** min(misses, _MOST)), max(every, _MAX_BACK_OFF))
    asked = called.reply.retry_after if called.reply is not None else None
    return max(longer, min(timedelta(seconds=asked or 0), _MAX_ASKED))
