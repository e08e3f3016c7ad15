"""Ends a test whose time is up, also one that runs an event loop: there pytest-timeout's own alarm is lost.

It raises an exception wherever the main thread is. In a task of asyncio that is the task's own business: the task ends, and
the test goes on, without a limit. Only SystemExit and KeyboardInterrupt go through a task and end the loop.
"""

import asyncio
import io
import signal
from types import FrameType
from typing import Any

import pytest
import pytest_timeout  # type: ignore[import-untyped]

AGAIN_SECONDS = 60.0
"""Until the alarm rings once more: so long what ends a test, such as stopping a control plane, may take."""
_TASKS, _FRAMES = 30, 6
_PARTS = {"pytest_runtest_setup", "pytest_runtest_call", "pytest_runtest_teardown"}


class OutOfTime(pytest.fail.Exception, SystemExit):  # type: ignore[misc,name-defined]  # pytest makes it up
    """The time of a test is up: a failure for pytest, and for asyncio a reason to end the loop."""


def set_alarm(item: Any, seconds: float, again: float = AGAIN_SECONDS) -> None:
    """Raise OutOfTime after so many seconds, and again as long as it does not end; `item.cancel_timeout` stops that."""

    def ring(number: int, frame: FrameType | None) -> None:
        if pytest_timeout.is_debugging() or not _is_in_test(frame):
            return
        terminal = item.config.get_terminal_writer()
        pytest_timeout.dump_stacks(terminal)
        terminal.write(_tasks())
        raise OutOfTime(f"Timeout (>{seconds:g}s): this test took longer than its limit")

    item.cancel_timeout = _stop_alarm
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, again)


def _stop_alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _is_in_test(frame: FrameType | None) -> bool:
    """Whether a part of a test runs, and not what pytest does with how it went, which must not be broken off."""
    while frame is not None:
        if frame.f_code.co_name in _PARTS:
            return True
        frame = frame.f_back
    return False


def _tasks() -> str:
    """Return what the tasks of the loop that runs here wait for."""
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        return ""
    text = io.StringIO()
    for task in list(tasks)[:_TASKS]:
        task.print_stack(limit=_FRAMES, file=text)
    return text.getvalue()
