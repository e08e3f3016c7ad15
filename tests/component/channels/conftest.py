"""What tests of channels share."""

import asyncio
import json
from typing import Any

import pytest

from pratique.channels.apprise import worker
from pratique.channels.kit.processes import Processes


@pytest.fixture
def apprise_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process of Apprise does is done in this one: its name server and sockets are the test's, and it is there."""

    async def ask(_: Processes, __: str, question: Any) -> Any:
        reply = await asyncio.to_thread(worker.answer, json.loads(json.dumps(question)))
        return reply["value"]

    monkeypatch.setattr(Processes, "ask", ask)
