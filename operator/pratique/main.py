"""The command `pratique`: one image, one process per job."""

import argparse
import asyncio
import os
import socket
import sys

from pratique import __version__, logs
from pratique.admission.values import GuardValuesError, guard_values
from pratique.cluster.connection import ConnectionConfigError, connect
from pratique.core.limits import OPEN_RUNS_PER_REQUESTER
from pratique.handlers.operator import Operator, Settings, stop_on_signals

_DEEP = 40_000


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    # Kubernetes stores JSON up to 10,000 levels deep; what cannot be parsed would end the watch of everything.
    sys.setrecursionlimit(_DEEP)
    options = _parser().parse_args(arguments)
    logs.set_up(options.log_level, options.log_format)
    try:
        connection = connect(options.kubeconfig)
    except ConnectionConfigError as error:
        sys.stderr.write(f"pratique: {error}\n")
        return 2
    try:
        guard = guard_values(options.namespace, options.guard_values)
    except GuardValuesError as error:
        sys.stderr.write(f"pratique: {error}\n")
        return 2
    settings = Settings(
        namespace=options.namespace,
        guard=guard,
        health_host=options.health_host,
        health_port=options.health_port,
        workers=options.workers,
        identity=options.identity,
        leader_election=options.leader_election,
        guard_every=options.guard_every,
        open_runs_per_requester=options.open_runs_per_requester,
        guard_settle=options.guard_settle,
    )
    return asyncio.run(_run(Operator(connection, settings)))


async def _run(operator: Operator) -> int:
    stop = asyncio.Event()
    stop_on_signals(stop)
    await operator.run(stop)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pratique", description="Approvals for self-service on Kubernetes.")
    parser.add_argument("--version", action="version", version=f"pratique {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    operator = commands.add_parser("operator", help="decide, hold, grant, tell and expire")
    operator.add_argument(
        "--kubeconfig", default=os.environ.get("KUBECONFIG"), help="default: $KUBECONFIG, or the Pod's"
    )
    operator.add_argument("--namespace", default="pratique-system", help="where the operator and channel Secrets live")
    operator.add_argument(
        "--guard-values",
        default="{}",
        help="what the admission policies were installed with, as JSON; the chart sets it",
    )
    operator.add_argument("--health-host", default="127.0.0.1", help="address of /healthz and /readyz")
    operator.add_argument("--health-port", type=int, default=8080, help="port of /healthz and /readyz")
    operator.add_argument("--workers", type=int, default=16, help="how many objects are looked at side by side")
    operator.add_argument("--identity", default=socket.gethostname(), help="names this process among its replicas")
    operator.add_argument(
        "--leader-election",
        default=True,
        action=argparse.BooleanOptionalAction,
        help="act only while holding the Lease, so that a standby can take over",
    )
    operator.add_argument(
        "--guard-every", type=float, default=15.0, help="seconds between two looks whether the API server still guards"
    )
    operator.add_argument(
        "--open-runs-per-requester",
        type=_at_least_one,
        default=OPEN_RUNS_PER_REQUESTER,
        help="how many runs one person may have that are not at an end; one more is refused",
    )
    operator.add_argument(
        "--guard-settle",
        type=float,
        default=2.0,
        help="seconds that everything must be in order before decisions are believed again",
    )
    operator.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    operator.add_argument("--log-format", default="text", choices=["text", "json"], help="for people or for machines")
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
