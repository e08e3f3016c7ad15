"""The command `pratique`: one image, one process per job. Each command loads what it needs, and nothing of the others."""

import argparse
import asyncio
import logging
import os
import re
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pratique import __version__, logs
from pratique.admission.values import guard_values
from pratique.cli.options import away_options, back_options, length_of_time, namespace, talk_options
from pratique.cluster.connection import Connection, ConnectionConfigError, connect
from pratique.core.gates.standalone import gate_channels_of
from pratique.core.kernel.errors import ConfigurationError
from pratique.core.kernel.limits import OPEN_RUNS_PER_REQUESTER
from pratique.core.operating.sharding import parse_shard
from pratique.core.operating.tracing import tracing_of
from pratique.core.telling.egress import egress_of
from pratique.signals import ProcessEnds, stop_on_signals

if TYPE_CHECKING:
    from pratique.processes.metrics_site import MetricsPort

_DEEP, _LAST_PORT = 40_000, 65_535


class _Process(Protocol):
    def run(self, stop: asyncio.Event) -> Coroutine[Any, Any, None]:
        """Run until `stop` is set."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    # Kubernetes stores JSON up to 10,000 levels deep; what cannot be parsed would end the watch of everything.
    sys.setrecursionlimit(_DEEP)
    options = _parser().parse_args(arguments)
    return int(options.run(options))


def _serve(options: argparse.Namespace) -> int:
    logs.set_up(options.log_level, options.log_format)
    try:
        connection = connect(options.kubeconfig)
    except ConnectionConfigError as error:
        sys.stderr.write(f"pratique: {error}\n")
        return 2
    make: Callable[[Connection, argparse.Namespace], _Process] = options.make
    try:
        process = make(connection, options)
    except ConfigurationError as error:
        sys.stderr.write(f"pratique: {error}\n")
        return 2
    return asyncio.run(_run(process))


def _inbox(options: argparse.Namespace) -> int:
    from pratique.cli.inbox import run  # noqa: PLC0415 - see above

    return run(options)


def _test(options: argparse.Namespace) -> int:
    from pratique.testing.command import run  # noqa: PLC0415 - see above

    return run(options)


def _doctor(options: argparse.Namespace) -> int:
    from pratique.doctor.command import run  # noqa: PLC0415 - see above

    return run(options)


def _version(options: argparse.Namespace) -> int:
    from pratique.cli.version import run  # noqa: PLC0415 - see above

    return run(options)


def _operator(connection: Connection, options: argparse.Namespace) -> _Process:
    from pratique.processes.operator import Operator  # noqa: PLC0415 - see above
    from pratique.processes.settings import Settings  # noqa: PLC0415 - see above

    settings = Settings(
        namespace=options.namespace,
        guard=guard_values(options.namespace, options.guard_values),
        health_host=options.health_host,
        health_port=options.health_port,
        metrics=_metrics(options),
        workers=options.workers,
        identity=options.identity,
        leader_election=options.leader_election,
        shard=parse_shard(options.shard),
        tracing=tracing_of(os.environ, __version__),
        guard_every=options.guard_every,
        open_runs_per_requester=options.open_runs_per_requester,
        guard_settle=options.guard_settle,
        channel_egress=egress_of(options.channel_egress),
        request_egress=egress_of(options.request_egress, "--request-egress"),
        gate_channels=gate_channels_of(options.gate_channel),
    )
    return Operator(connection, settings)


def _webhook(connection: Connection, options: argparse.Namespace) -> _Process:
    from pratique.processes.webhook.process import Settings, Webhook  # noqa: PLC0415 - see above

    settings = Settings(
        namespace=options.namespace,
        host=options.host,
        port=options.port,
        health_host=options.health_host,
        health_port=options.health_port,
        metrics=_metrics(options),
        names=tuple(options.name),
        look_every=options.look_every,
        drain=options.drain,
    )
    return Webhook(connection, settings)


def _metrics(options: argparse.Namespace) -> "MetricsPort | None":
    from pratique.processes.metrics_site import MetricsCertificateError, MetricsPort  # noqa: PLC0415 - see above

    if options.metrics_port:
        return MetricsPort(options.health_host, options.metrics_port, options.metrics_cert)
    if options.metrics_cert:
        raise MetricsCertificateError("--metrics-cert is for --metrics-port: set both, or neither")
    return None


async def _run(process: _Process) -> int:
    stop = asyncio.Event()
    stop_on_signals(stop)
    try:
        await process.run(stop)
    except ProcessEnds as error:
        logging.getLogger(__name__).critical("The process ends, for a new one to begin: %s", error)
        return 1
    except ConfigurationError as error:
        sys.stderr.write(f"pratique: {error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pratique", description="Approvals for self-service on Kubernetes.")
    parser.add_argument("--version", action="version", version=f"pratique {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    _operator_options(commands.add_parser("operator", help="decide, hold, grant, tell and expire"))
    _webhook_options(commands.add_parser("webhook", help="stamp requests, on clusters before 1.36"))
    _inbox_options(commands.add_parser("inbox", help="show what waits for you, and what happened to yours"))
    away_options(commands.add_parser("away", help="say who decides for you while you are away"))
    back_options(commands.add_parser("back", help="you are back: nobody decides for you any more"))
    talk_options(commands.add_parser("ask", aliases=["answer"], help="ask or answer something about a request"))
    _test_options(commands.add_parser("test", help="hold Actions to files of cases, without a cluster"))
    _doctor_options(commands.add_parser("doctor", help="look an installation over: what is wrong, and what to do"))
    about = commands.add_parser("version", help="say which version this is, of which commit, and what it leans on")
    about.set_defaults(run=_version)
    return parser


def _common_options(command: argparse.ArgumentParser, health_port: int) -> None:
    command.set_defaults(run=_serve)
    command.add_argument(
        "--kubeconfig", default=os.environ.get("KUBECONFIG"), help="default: $KUBECONFIG, or the Pod's"
    )
    command.add_argument("--namespace", default="pratique-system", help="where the operator and channel Secrets live")
    command.add_argument("--health-host", default="127.0.0.1", help="address of /healthz and /readyz")
    command.add_argument("--health-port", type=_port, default=health_port, help="port of /healthz and /readyz")
    command.add_argument(
        "--metrics-port",
        type=_port,
        default=0,
        help="serve /metrics on this port, over TLS, to those who may `get` the nonResourceURL /metrics; "
        "default: beside /healthz, to all who reach it",
    )
    command.add_argument(
        "--metrics-cert", type=Path, help="a folder with tls.crt and tls.key for --metrics-port; default: one is made"
    )
    command.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    command.add_argument("--log-format", default="text", choices=["text", "json"], help="for people or for machines")


def _operator_options(command: argparse.ArgumentParser) -> None:
    _common_options(command, 8080)
    command.set_defaults(make=_operator)
    command.add_argument(
        "--guard-values",
        default="{}",
        help="what the admission policies were installed with, as JSON; the chart sets it",
    )
    command.add_argument("--workers", type=int, default=16, help="how many objects are looked at side by side")
    command.add_argument("--identity", default=socket.gethostname(), help="names this process among its replicas")
    command.add_argument(
        "--leader-election",
        default=True,
        action=argparse.BooleanOptionalAction,
        help="act only while holding the Lease, so that a standby can take over",
    )
    command.add_argument(
        "--shard",
        default=os.environ.get("PRATIQUE_SHARD") or "1/1",
        metavar="I/N",
        help="see to the namespaces of shard I of N alone; default: $PRATIQUE_SHARD, or all namespaces",
    )
    command.add_argument(
        "--guard-every", type=float, default=15.0, help="seconds between two looks whether the API server still guards"
    )
    command.add_argument(
        "--open-runs-per-requester",
        type=_at_least_one,
        default=OPEN_RUNS_PER_REQUESTER,
        help="how many runs one person may have that are not at an end; one more is refused",
    )
    command.add_argument(
        "--guard-settle",
        type=float,
        default=2.0,
        help="seconds that everything must be in order before decisions are believed again",
    )
    command.add_argument(
        "--channel-egress",
        action="append",
        default=[],
        help="a network, an address or a host name (*.example.com: all below it) that channels may reach although its "
        "address is not public; may be repeated, or hold several with commas between",
    )
    command.add_argument(
        "--request-egress",
        action="append",
        default=[],
        help="the same for the requests of Actions: what they may reach although its address is not public",
    )
    command.add_argument(
        "--gate-channel",
        action="append",
        default=[],
        help="CHANNEL, or NAMESPACE=CHANNEL: the channel through which Approvals without a run tell; may be repeated",
    )


def _webhook_options(command: argparse.ArgumentParser) -> None:
    _common_options(command, 8081)
    command.set_defaults(make=_webhook)
    command.add_argument("--host", default="127.0.0.1", help="address where the API server finds it")
    command.add_argument("--port", type=_port, default=8443, help="port where the API server finds it")
    command.add_argument(
        "--name", action="append", default=[], help="a name or address it is called by; default: its Service's"
    )
    command.add_argument("--look-every", type=float, default=30.0, help="seconds between two looks at the certificate")
    command.add_argument("--drain", type=float, default=5.0, help="seconds that it goes on serving when it is to stop")


def _inbox_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_inbox)
    command.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG"), help="default: $KUBECONFIG, as kubectl")
    command.add_argument("--context", help="default: the current context of the kubeconfig")
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "-n",
        "--namespace",
        action="append",
        type=namespace,
        default=[],
        help="where to look; may be repeated; default: the context's namespace",
    )
    where.add_argument("-A", "--all-namespaces", action="store_true", help="look in all namespaces")
    command.add_argument(
        "--since",
        type=length_of_time,
        default="24h",
        help="what is newer counts as new: one number and one unit, such as 90s, 15m, 24h, 3d or 2w; default: 24h",
    )
    command.add_argument("-o", "--output", choices=["table", "json", "yaml"], default="table", help="default: table")


def _test_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_test)
    command.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a file or a folder with Actions and cases (ActionTest); - is standard input",
    )
    command.add_argument("--junit", type=Path, metavar="FILE", help="write the results as JUnit's XML as well")
    command.add_argument(
        "--coverage", action="store_true", help="list each expression, and how often it was true and false"
    )
    command.add_argument(
        "--coverage-min", type=_percent, metavar="PERCENT", help="fail if fewer of them were true once and false once"
    )


def _doctor_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_doctor)
    command.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG"), help="default: $KUBECONFIG, as kubectl")
    command.add_argument("--context", help="default: the current context of the kubeconfig")
    command.add_argument(
        "-n", "--namespace", type=namespace, default="pratique-system", help="where the operator lives"
    )
    command.add_argument("-o", "--output", choices=["text", "json"], default="text", help="default: text")


def _percent(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or int(text) > 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage: write a whole number from 0 to 100")
    return int(text)


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write a number from 1 to {_LAST_PORT}")
    return int(text)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
