"""Runs the Lua health check of examples/gitops as Argo CD does: in a fresh interpreter, with the object as `obj`."""

import json
from collections.abc import Callable
from typing import Any

from lupa import lua51, lua54  # type: ignore[import-untyped]
from tools.installation import ROOT

PATH = ROOT / "examples" / "gitops" / "argo-cd" / "health.lua"
RUNTIMES: dict[str, Callable[..., Any]] = {"5.1": lua51.LuaRuntime, "5.4": lua54.LuaRuntime}
"""Argo CD runs Lua 5.1; 5.4 is what people have at hand to try it."""


def health_of(body: dict[str, Any], version: str = "5.1") -> tuple[str, str]:
    """Return status and message of the health of an object, as it is on the wire."""
    lua = RUNTIMES[version](unpack_returned_tuples=True)
    lua.globals().obj = _table(lua, json.loads(json.dumps(body)))
    found = lua.execute(PATH.read_text(encoding="utf-8"))
    return str(found["status"]), str(found["message"])


def _table(lua: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({key: _table(lua, each) for key, each in value.items() if each is not None})
    return lua.table_from([_table(lua, each) for each in value]) if isinstance(value, list) else value
