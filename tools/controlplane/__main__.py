"""The command line: python -m tools.controlplane build|up|down|status|path.

A thin layer over plane.py and binaries.py. `up` leaves a control plane running in the background that continues where
it was when it was last up; `up` and `down` may be repeated. Called by people and by make.
"""

import argparse
import sys
import time
from pathlib import Path

from tools.controlplane.binaries import find_or_build, say
from tools.controlplane.cache import exclusive
from tools.controlplane.catalog import ALL, SERVER_NAMES
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.identities import IDENTITIES
from tools.controlplane.plane import ControlPlane
from tools.controlplane.servers import Options
from tools.progress import elapsed


def main(argv: list[str] | None = None) -> int:
    """Run one command; a failure is one message without a traceback."""
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except ControlPlaneError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.controlplane", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="find or build the programs")
    build.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALL)}")
    path = commands.add_parser("path", help="print where a program is, building it if need be")
    path.add_argument("name", choices=ALL)
    for name, about in (
        ("up", "start a control plane in the background, or leave the one that runs"),
        ("down", "end it; its contents stay"),
        ("status", "say what runs"),
    ):
        command = commands.add_parser(name, help=about)
        command.add_argument("--dir", type=Path, default=Path(".run"), help="where it lives (default: %(default)s)")
        if name == "up":
            command.add_argument(
                "--audit", choices=["Metadata", "Request", "RequestResponse"], help="write an audit log"
            )
            command.add_argument("--emulated-version", metavar="1.35", help="behave as an older Kubernetes")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "build":
            if unknown := sorted(set(arguments.names) - set(ALL)):
                raise ControlPlaneError(f"No such program: {', '.join(unknown)}. Choose from {', '.join(ALL)}.")
            for name, path in find_or_build(arguments.names or [*SERVER_NAMES, "kubectl"]).items():
                print(f"{name:<24} {path}")
        case "path":
            print(find_or_build([arguments.name])[arguments.name])
        case "status":
            return status(ControlPlane(arguments.dir))
        case "up":
            options = Options(durable=True, audit=arguments.audit, emulated_version=arguments.emulated_version)
            with exclusive(arguments.dir / "up.lock", say):
                up(ControlPlane(arguments.dir, options, detach=True))
        case _:
            with exclusive(arguments.dir / "up.lock", say):
                down(ControlPlane(arguments.dir, Options(durable=True), detach=True))
    return 0


def up(plane: ControlPlane) -> None:
    """Start a control plane that outlives this process, unless it runs already."""
    if plane.running():
        print(f"The control plane runs already at {plane.url}")
        return
    started = time.monotonic()
    plane.start()
    print(f"The control plane is ready at {plane.url} ({elapsed(time.monotonic() - started)})")
    print(f"kubectl --kubeconfig {_short(plane.kubeconfig('admin'))} get namespaces")
    print(f"Identities in {_short(plane.layout.root / 'kubeconfigs')}: {', '.join(IDENTITIES)}")


def down(plane: ControlPlane) -> None:
    """End a control plane; what it holds stays for the next start."""
    running = plane.pids()
    plane.stop()
    print(f"Ended {', '.join(running)}." if running else "No control plane runs here.")


def status(plane: ControlPlane) -> int:
    """Say what runs; the exit code is 0 only when all of it does."""
    pids = plane.pids()
    for name in SERVER_NAMES:
        print(f"{name:<24} {f'running, pid {pids[name]}' if name in pids else 'not running'}")
    if plane.running():
        print(f"{'address':<24} {plane.url}")
    return 0 if plane.running() else 1


def _short(path: Path) -> Path:
    """Return the path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


if __name__ == "__main__":
    sys.exit(main())
