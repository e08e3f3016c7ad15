"""What a control plane writes down about itself, so that a later process can find and end it.

Called by plane.py. The file is a hint, never a proof: processes are checked before anything is done to them.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools.controlplane import processes
from tools.controlplane.files import write_private
from tools.controlplane.processes import Process


@dataclass(frozen=True, slots=True)
class State:
    """Ports and processes of a plane, and for whom it runs (nobody when it is detached)."""

    ports: dict[str, int] = field(default_factory=dict)
    servers: tuple[Process, ...] = ()
    owner: Process | None = None


def this_process() -> Process:
    """Return the identity of the process that runs this."""
    return Process("owner", os.getpid(), processes.born(os.getpid()) or "")


def load(path: Path) -> State:
    """Read what was written; a missing or broken file is an empty state."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        owner = Process(**raw["owner"]) if raw["owner"] else None
        return State(
            {str(k): int(v) for k, v in raw["ports"].items()}, tuple(Process(**p) for p in raw["servers"]), owner
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()


def save(path: Path, state: State) -> None:
    """Write the state, complete or not at all."""
    write_private(path, json.dumps(asdict(state), indent=1).encode())
