"""`pratique ask` and `pratique answer`: says something in a gate, as whoever runs it."""

import argparse
import asyncio
import sys
from urllib.parse import quote

from pratique.api.v1alpha1 import API_VERSION
from pratique.cli.errors import CommandError, hopeless
from pratique.cli.reading import viewer_of
from pratique.cluster.client import MERGE_PATCH, Api, ApiError
from pratique.cluster.connection import connect
from pratique.core.kernel.errors import PratiqueError
from pratique.core.kernel.text import clean

_INTERRUPTED = 130


def run(options: argparse.Namespace) -> int:
    """Say it; returns the exit code."""
    try:
        where = asyncio.run(_say(options))
    except (PratiqueError, OSError) as error:
        sys.stderr.write(f"pratique: {error}\n")
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    sys.stdout.write(f"{where}: said, and the others are told\n")
    return 0


async def _say(options: argparse.Namespace) -> str:
    connection = connect(options.kubeconfig, options.context)
    namespace = options.namespace or connection.namespace
    place = f"{namespace}/{options.approval}"
    async with Api(connection) as api:
        viewer = await viewer_of(api)
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/approvals/{quote(options.approval, safe='')}"
        patch = {"spec": {"messages": {viewer.username: {"text": options.text}}}}
        try:
            await api.request("PATCH", path, patch, params={"fieldManager": "pratique"}, content_type=MERGE_PATCH)
        except ApiError as error:
            raise hopeless(error, connection.server) or CommandError(f"{place}: {clean(error.message)}") from error
    return place
