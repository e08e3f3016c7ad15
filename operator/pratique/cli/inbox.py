"""`pratique inbox`: what waits for whoever runs it, and what happened to what they asked for.

It reads with the credentials of a kubeconfig and writes nothing. What is shown `views.inbox` decides, how it reads
`table`; the sentences for what goes wrong are in `errors`.
"""

import argparse
import asyncio
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import yaml

from pratique.cli.errors import CommandError
from pratique.cli.reading import seen_in, viewer_of
from pratique.cli.table import lines
from pratique.cluster.client import Api
from pratique.cluster.connection import Connection, connect
from pratique.core.kernel.errors import PratiqueError
from pratique.views.inbox import inbox
from pratique.views.rows import Inbox, to_wire

_KINDS = 3
_NO_PIPE = 141
_INTERRUPTED = 130

Namespaces = Sequence[str | None]


def run(options: argparse.Namespace) -> int:
    """Print the inbox; returns the exit code: 1 if nothing could be looked at."""
    try:
        connection = connect(options.kubeconfig, options.context)
        namespaces = _namespaces(options, connection)
        found = asyncio.run(_read(connection, namespaces, options.since, _kubectl(options)))
    except PratiqueError as error:
        sys.stderr.write(f"pratique: {error}\n")
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    blind = sum(len(each.kinds) for each in found.unseen) >= _KINDS * len(namespaces)
    try:
        if options.output != "table" or not blind:
            sys.stdout.write(_text(found, namespaces, options.output))
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # else Python complains of it once more at its end
        return _NO_PIPE
    sys.stderr.write("".join(f"{each.message}\n" for each in found.unseen))
    return 1 if blind else 0


async def _read(connection: Connection, namespaces: Namespaces, since: timedelta, kubectl: str) -> Inbox:
    try:
        async with Api(connection) as api:
            viewer = await viewer_of(api)
            seen = await seen_in(api, namespaces)
    except OSError as error:
        raise CommandError(f"The certificates of the kubeconfig cannot be used ({type(error).__name__}).") from error
    now = datetime.now(UTC)
    return inbox(seen, viewer, now, now - since, kubectl=kubectl)


def _text(found: Inbox, namespaces: Namespaces, form: str) -> str:
    if form == "json":
        return json.dumps(to_wire(found), indent=2, ensure_ascii=False) + "\n"
    if form == "yaml":
        return str(yaml.safe_dump(to_wire(found), sort_keys=False, allow_unicode=True))
    return "\n".join(lines(found, namespaces, shutil.get_terminal_size().columns)) + "\n"


def _namespaces(options: argparse.Namespace, connection: Connection) -> Namespaces:
    if options.all_namespaces:
        return [None]
    return list(dict.fromkeys(options.namespace)) or [connection.namespace]


def _kubectl(options: argparse.Namespace) -> str:
    """Return how the lines to copy begin: with what was named here, since kubectl does not know of it."""
    parts = ["kubectl"]
    parts += ["--kubeconfig", options.kubeconfig] if options.kubeconfig != os.environ.get("KUBECONFIG") else []
    parts += ["--context", options.context] if options.context else []
    return shlex.join(parts)
