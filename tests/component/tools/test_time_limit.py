"""A test whose time is up ends, whatever its event loop is at."""

import subprocess
import sys
from pathlib import Path

import pytest
from tools.installation import ROOT

_BUSY = """
import asyncio
import gc

import pytest


async def busy():
    while True:
        for _ in range(1000):
            pass
        await asyncio.sleep(0)


async def deaf():
    while True:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            pass


@pytest.mark.timeout(0.5)
@pytest.mark.parametrize("other", [busy, deaf])
def test_waits(other):
    async def play():
        tasks = [asyncio.create_task(other()) for _ in range(3)]
        await asyncio.sleep(30)

    asyncio.run(play())


def test_next():
    gc.collect()  # the tasks that were left, here and not amid something else
"""
_CONFTEST = """
from tests.support.time_limit import set_alarm


def pytest_timeout_set_timer(item, settings):
    set_alarm(item, settings.timeout, again=2.0)
    return True
"""


@pytest.mark.timeout(90)
def test_a_test_with_busy_tasks_ends_in_time_and_so_does_one_whose_tasks_do_not_let_themselves_be_cancelled(
    tmp_path: Path,
) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_it.py").write_text(_BUSY)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        ".",
        "test_it.py",
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "2 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("Timeout (>0.5s)") >= 2 and "in deaf" in done.stdout
