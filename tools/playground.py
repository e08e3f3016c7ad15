"""`make up` and `make down`: a control plane with Pratique on it that stays, to look around in.

State, logs and kubeconfigs are under .run; `down` ends the processes and keeps the state, so that `up` goes on with it.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from tools.clusters import People, own_cluster
from tools.controlplane import processes
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.kubectl import Kubectl
from tools.controlplane.plane import ControlPlane
from tools.controlplane.processes import Process
from tools.controlplane.servers import Options
from tools.installation import ROOT, InstallationError, OperatorProcess, install_pratique
from tools.progress import step

RUN = ROOT / ".run"
PIDFILE = RUN / "operator.json"
PEOPLE = ROOT / "tests" / "support" / "people.yaml"
EXAMPLE = ROOT / "examples" / "environment"
NAMESPACES = ("team-a", "team-b")


def up() -> int:
    """Start what does not run, install, and say how to look around."""
    plane: People = own_cluster(RUN) or _embedded()
    kubectl, admin = Kubectl(RUN / "kube-cache"), plane.kubeconfig("admin")
    with step("install CRDs, policies and roles"):
        install_pratique(kubectl, admin)
        files = [PEOPLE, EXAMPLE / "executor.yaml", EXAMPLE / "channel.yaml", EXAMPLE / "action.yaml"]
        kubectl(admin, "apply", *(part for file in files for part in ("-f", str(file))))
        for name in NAMESPACES:
            kubectl(admin, "create", "namespace", name, check=False)
    with step("operator"):
        _start_operator(plane)
    sys.stdout.write(_WELCOME)
    return 0


def _embedded() -> ControlPlane:
    plane = ControlPlane(RUN, Options(durable=True), detach=True)
    with step("control plane"):
        plane.start()
    return plane


def down() -> int:
    """End the operator and the control plane; what they stored stays."""
    with step("stop"):
        running = _running_operator()
        if running is not None:
            processes.end([running], 10.0)
        PIDFILE.unlink(missing_ok=True)
        ControlPlane(RUN, Options(durable=True), detach=True).stop()
    return 0


def _start_operator(plane: People) -> None:
    if _running_operator() is not None:
        return
    operator = OperatorProcess(plane.kubeconfig("operator"), RUN / "logs" / "operator.log", detach=True)
    process = operator.start()
    PIDFILE.write_text(json.dumps({"pid": process.pid, "born": process.born, "port": operator.port}))
    operator.wait_ready()


def _running_operator() -> Process | None:
    if not PIDFILE.exists():
        return None
    known = json.loads(PIDFILE.read_text())
    process = Process("operator", known["pid"], known["born"])
    return process if processes.alive(process) else None


_WELCOME = f"""
Pratique is up. Be somebody:      export KUBECONFIG={Path(".run/kubeconfigs/developer")}
                                  (or admin, lead-1, lead-2, security, oncall)
Ask for an environment:           kubectl create -n team-a -f examples/environment/run-held.yaml
See what it waits for:            kubectl get actionruns,approvals,environments -n team-a
What fields are there:            kubectl explain actionrun.spec
Log of the operator:              {Path(".run/logs/operator.log")}
Stop it, keeping what is stored:  make down
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.playground", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "clean"])
    command = parser.parse_args(arguments).command
    try:
        if command == "up":
            return up()
        code = down()
        if command == "clean":
            shutil.rmtree(RUN, ignore_errors=True)
    except (ControlPlaneError, InstallationError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
