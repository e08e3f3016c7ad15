"""The command line: python -m tools.node up|down|status|load|enter.

`make node` and `make down` call it. A thin layer over node.py and releases.py; what stands below .run/node goes on at the
next start, as after a power failure.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tools.controlplane.binaries import say
from tools.controlplane.cache import exclusive
from tools.controlplane.errors import ControlPlaneError
from tools.installation import ROOT
from tools.node.node import Node
from tools.node.releases import REPOSITORY, SYSTEM, head, install, release
from tools.progress import step

HOME = ROOT / ".run" / "node"
EXAMPLE = ROOT / "examples" / "environment"
PEOPLE = ROOT / "tests" / "support" / "people.yaml"
LENT = [{"namespace": "pratique-actions", "names": ["environment-maker"]}]


def main(argv: list[str] | None = None) -> int:
    """Run one command; a failure is one message without a traceback."""
    arguments = _parser().parse_args(argv)
    if arguments.command == "down" and not HOME.exists():
        return 0
    try:
        with exclusive(HOME / "up.lock", say):
            return _run(arguments, Node(HOME, detach=True))
    except ControlPlaneError as error:
        say(f"error: {error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.node", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="start a node, and install Pratique of the last commit on it with Helm")
    start.add_argument("--bare", action="store_true", help="without Pratique")
    commands.add_parser("down", help="end it; what it stored stays")
    commands.add_parser("status", help="say whether it runs")
    brought = commands.add_parser("load", help="put an image into it")
    brought.add_argument("archive", type=Path, help="an OCI archive, such as .run/image/pratique.tar")
    brought.add_argument("--name", default=REPOSITORY, help="what it is called (default: %(default)s)")
    inner = commands.add_parser("enter", help="run a program in the namespaces of the node")
    inner.add_argument("words", nargs=argparse.REMAINDER, metavar="PROGRAM ARGUMENT")
    return parser


def _run(arguments: argparse.Namespace, node: Node) -> int:
    match arguments.command:
        case "up":
            with step("node"):
                node.start()
            if not arguments.bare:
                _install(node)
            print(_welcome(node), end="")
        case "down":
            if node.running():
                with step("end the node"):
                    node.stop()
        case "load":
            node.load(arguments.archive, arguments.name)
        case "enter":
            print(node.enter(*arguments.words), end="")
        case _:
            print(f"The node runs: {node.plane.url}" if node.running() else "No node runs here: make node")
            return 0 if node.running() else 1
    return 0


def _install(node: Node) -> None:
    with tempfile.TemporaryDirectory() as folder:
        latest = release(head(), Path(folder), say)
        with step(f"install Pratique of {latest.commit[:9]} with Helm"):
            node.load(latest.image, REPOSITORY, latest.tag)
            for name in (SYSTEM, "pratique-actions", "team-a"):
                node.kubectl("create", "namespace", name, check=False)
            node.kubectl("label", "namespace", SYSTEM, "pod-security.kubernetes.io/enforce=restricted", "--overwrite")
            install(node.kubeconfig("admin"), latest, values={"impersonate": LENT})
            files = (PEOPLE, *(EXAMPLE / f"{name}.yaml" for name in ("executor", "channel", "action")))
            node.kubectl("apply", *(part for file in files for part in ("-f", str(file))))


def _welcome(node: Node) -> str:
    folder = node.kubeconfig("admin").parent
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    return f"""
A node runs. Be somebody:         export KUBECONFIG={shown / "admin"}
                                  (or developer, lead-1, lead-2, security, oncall)
What runs on it:                  kubectl get pods -A -o wide
Whether Pratique works:           helm test pratique -n {SYSTEM} --logs
Ask for an environment:           kubectl create -n team-a -f examples/environment/run-held.yaml
Another image:                    make image; {Path(sys.executable).name} -m tools.node load .run/image/pratique.tar
Inside it:                        {Path(sys.executable).name} -m tools.node enter iptables-save
Logs:                             {node.place.root / "logs"}
Stop it, keeping what is stored:  make down
"""


if __name__ == "__main__":
    sys.exit(main())
