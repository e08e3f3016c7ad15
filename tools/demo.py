"""`make demo`: the main job on a real control plane, told as it happens, each step with the kubectl line that did it.

It decides nothing: what is printed is what kubectl and the receiver of messages got. It leaves no process and no file.
"""

import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.clusters import People, cluster_for
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.kubectl import Kubectl
from tools.inbox import Client, Inbox
from tools.installation import ROOT, InstallationError, OperatorProcess, install_pratique
from tools.mailbox import Mailbox
from tools.receiver import Receiver
from tools.render.terminal import box

EXAMPLE = ROOT / "examples" / "environment"
CHANNELS = EXAMPLE.parent / "channels"
PEOPLE = ROOT / "tests" / "support" / "people.yaml"
SPACE = "team-a"
BY_MAIL = {"channels": ["mail"], "events": ["Declined", "Expired", "Succeeded", "Failed"]}
BOLD, DIM, GREEN, RED, PLAIN = (
    ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else [""] * 5
)


class DemoError(Exception):
    """The story did not go as it must; the message says what was seen."""


@dataclass
class Stage:
    """Where the story plays."""

    plane: People
    kubectl: Kubectl
    inbox: Inbox

    def chapter(self, title: str) -> None:
        """Print a heading."""
        print(f"\n{BOLD}── {title}{PLAIN}", flush=True)

    def do(self, who: str, *args: str, manifest: dict[str, Any] | None = None, refused: str | None = None) -> str:
        """Run kubectl as somebody, show line and answer; with `refused`, the answer must be a refusal that says so."""
        if manifest is not None:
            print(f"{DIM}{_indent(yaml.safe_dump(manifest, sort_keys=False))}{PLAIN}")
        print(f"  {BOLD}{who}${PLAIN} kubectl {' '.join(shlex.quote(arg) for arg in args)}", flush=True)
        text = None if manifest is None else json.dumps(manifest)
        done = self.kubectl(self.plane.kubeconfig(who), *args, input=text, check=False)
        answer = (done.stdout + done.stderr).strip()
        print(_indent(answer, RED if done.returncode else GREEN), flush=True)
        if (done.returncode != 0) != (refused is not None) or (refused or "") not in answer:
            raise DemoError(f"expected {'a refusal with: ' + refused if refused else 'success'}, got: {answer}")
        return answer

    def get(self, kind: str, name: str, namespace: str = SPACE) -> dict[str, Any]:
        """Return an object as the admin sees it; empty if there is none."""
        args = ("get", kind, name, "-n", namespace, "-o", "json")
        done = self.kubectl(self.plane.kubeconfig("admin"), *args, check=False)
        return dict(json.loads(done.stdout)) if done.returncode == 0 else {}

    def until(self, what: str, probe: Callable[[], Any], timeout: float = 30.0) -> Any:  # noqa: ANN401 - what it found
        """Wait for something to become true, and say how long it took."""
        started = time.monotonic()
        while time.monotonic() < started + timeout:
            if found := probe():
                return found
            time.sleep(0.05)
        raise DemoError(f"{what}: did not happen within {timeout:g} s")

    def phase(self, run: str, wanted: str) -> dict[str, Any]:
        """Wait for a run's phase and show its sentence."""

        def look() -> dict[str, Any] | None:
            status = self.get("actionrun", run).get("status", {})
            return status if status.get("phase") == wanted else None

        status: dict[str, Any] = self.until(f"run {run} is {wanted}", look)
        print(f"  → {BOLD}{wanted}{PLAIN}: {status['message']}", flush=True)
        return status

    def next_gate(self, run: str, before: str) -> str:
        """Wait until a run asks again by another Approval, and show its sentence."""

        def look() -> dict[str, Any] | None:
            status = self.get("actionrun", run).get("status", {})
            return status if status["approvals"][-1]["name"] != before else None

        status: dict[str, Any] = self.until(f"run {run} asks again", look)
        print(f"  → {BOLD}{status['phase']}{PLAIN}: {status['message']}", flush=True)
        return str(status["approvals"][-1]["name"])

    def message(self, reader: str, client: Client, *expected: str) -> None:
        """Show a message as it is read there, once it has arrived."""
        to = f"{reader}@example.com"
        what = f"a message to {reader} in {client} that says {expected}"
        parts = self.until(what, lambda: self.inbox.find(client, *expected, to=to))
        print(_indent(box(f"{reader} · {client}", parts, colour=bool(PLAIN))), flush=True)


def request(name: str, ttl: str, action: str = "create-environment", reason: str = "") -> dict[str, Any]:
    """Return the manifest that the developer applies."""
    spec = {"actionRef": {"name": action}, "inputs": {"name": name, "ttl": ttl}} | (
        {"reason": reason} if reason else {}
    )
    return {
        "apiVersion": "pratique.dev/v1alpha1",
        "kind": "ActionRun",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": spec,
    }


def decision(who: str, verdict: str, comment: str) -> str:
    """Return the merge patch of a decision."""
    return json.dumps({"spec": {"decisions": {who: {"verdict": verdict, "comment": comment}}}})


def patch(approval: str, content: str) -> tuple[str, ...]:
    """Return the kubectl arguments of a decision."""
    return ("patch", "approval", approval, "-n", SPACE, "--type", "merge", "-p", content)


def tell(stage: Stage) -> None:
    """Tell the whole story."""
    _offered(stage)
    _free(stage)
    _granted(stage)
    _escalated(stage)
    _less(stage)
    _broken(stage)
    _declined(stage)
    _expired(stage)
    _superseded(stage)
    _ended(stage)


def _offered(stage: Stage) -> None:
    stage.chapter("The platform team offers an Action, and says who is told: a Slack channel, and by mail whoever asks")
    stage.do("admin", "apply", "-f", str((EXAMPLE / "action.yaml").relative_to(Path.cwd())))
    email = {"server": stage.inbox.mails.server, "tls": "None", "from": "Pratique <pratique@example.com>"}
    channel = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel", "metadata": {"name": "mail"}}
    stage.do("admin", "apply", "-f", "-", manifest={**channel, "spec": {"email": {**email, "addressFrom": "Username"}}})
    rule = json.dumps([{"op": "add", "path": "/spec/notifications/-", "value": BY_MAIL}])
    stage.do("admin", "patch", "action", "create-environment", "--type", "json", "-p", rule)
    stage.until("the Action is ready", lambda: _is_ready(stage))
    stage.do("developer", "get", "actions")


def _free(stage: Stage) -> None:
    stage.chapter("Three days are free: created at once, nobody is asked")
    stage.do("developer", "apply", "-f", "-", manifest=request("try-it", "3d"))
    stage.phase("try-it", "Succeeded")


def _granted(stage: Stage) -> None:
    stage.chapter("Ten days are held until a platform lead agrees")
    reason = "Load test of the new checkout, needs a full week"
    stage.do("developer", "apply", "-f", "-", manifest=request("load-test", "10d", reason=reason))
    gate = stage.phase("load-test", "WaitingForApproval")["approvals"][0]["name"]
    stage.message("lead-1", Client.SLACK, "Approval needed", "team-a/load-test")
    stage.do(
        "developer", *patch(gate, decision("developer@example.com", "Approve", "me")), refused="decide your own request"
    )
    forged = decision("lead-2@example.com", "Approve", "she agreed on the phone")
    stage.do("lead-1", *patch(gate, forged), refused="only under your own user name")
    stage.do("security", *patch(gate, decision("security@example.com", "Approve", "")), refused="is not an approver")
    stage.do("lead-1", *patch(gate, decision("lead-1@example.com", "Approve", "fine by me")))
    stage.phase("load-test", "Succeeded")
    stage.do("developer", "get", "actionruns,approvals,environments", "-n", SPACE)
    space = f"env-{SPACE}-load-test"
    stage.do("developer", "get", "resourcequota,limitrange,networkpolicy", "-n", space)
    stage.do("developer", "auth", "can-i", "create", "deployments.apps", "-n", space)
    stage.message("developer", Client.MAIL, "Done", "team-a/load-test")


def _escalated(stage: Stage) -> None:
    stage.chapter("Nobody decides: after five seconds those on call may as well, and are told")
    action = yaml.safe_load((EXAMPLE / "action.yaml").read_text())
    action["metadata"]["name"] = "create-environment-at-night"
    action["spec"]["approval"]["stages"][0]["escalation"] = [{"after": "5s", "to": {"users": ["security@example.com"]}}]
    stage.kubectl(stage.plane.kubeconfig("admin"), "apply", "-f", "-", input=json.dumps(action))
    night = request("tonight", "10d", "create-environment-at-night", "The old one broke")
    stage.do("developer", "apply", "-f", "-", manifest=night)
    gate = stage.phase("tonight", "WaitingForApproval")["approvals"][0]["name"]
    stage.do("lead-1", "get", "approval", gate, "-n", SPACE, "-o", "jsonpath={.spec.policy.escalation}")
    stage.message("security", Client.SLACK, "Approval needed, now of you too", "team-a/tonight")
    stage.do("security", *patch(gate, decision("security@example.com", "Approve", "awake anyway")))
    stage.phase("tonight", "Succeeded")


def _less(stage: Stage) -> None:
    stage.chapter("Ten days are too long: the lead offers five, the developer accepts, and that is approved and made")
    action = yaml.safe_load((EXAMPLE / "action.yaml").read_text())
    action["metadata"]["name"] = "create-environment-less"
    first = action["spec"]["approval"]["stages"][0]
    first["counterOffer"] = {"inputs": {"ttl": {"values": ["3d", "5d"]}}, "consent": "Required"}
    stage.kubectl(stage.plane.kubeconfig("admin"), "apply", "-f", "-", input=json.dumps(action))
    stage.do("developer", "apply", "-f", "-", manifest=request("tryout", "10d", "create-environment-less", "A try-out"))
    gate = stage.phase("tryout", "WaitingForApproval")["approvals"][0]["name"]
    lead, developer = "lead-1@example.com", "developer@example.com"
    offer = {"verdict": "Offer", "comment": "five days are enough", "proposal": {"ttl": "14d"}}
    entry = {"spec": {"decisions": {lead: offer}}}
    stage.do("lead-1", *patch(gate, json.dumps(entry)), refused="only values that it lists")
    offer["proposal"] = {"ttl": "5d"}
    stage.do("lead-1", *patch(gate, json.dumps(entry)))
    second = stage.next_gate("tryout", gate)
    stage.do("lead-1", *patch(second, decision(lead, "Approve", "fine")))
    stage.do("developer", *patch(second, json.dumps({"spec": {"consent": {"answer": "Accept", "by": developer}}})))
    stage.phase("tryout", "Succeeded")


def _broken(stage: Stage) -> None:
    stage.chapter(
        "Nobody can be waited for: who is on call breaks the glass, and its review stays open until it is signed"
    )
    action = yaml.safe_load((EXAMPLE / "action.yaml").read_text())
    action["metadata"]["name"] = "create-environment-now"
    action["spec"]["approval"]["stages"][0]["breakGlass"] = {"groups": ["sre-oncall"], "requester": "Forbid"}
    action["spec"]["notifications"][0]["events"].append("GlassBroken")
    stage.kubectl(stage.plane.kubeconfig("admin"), "apply", "-f", "-", input=json.dumps(action))
    now = request("rescue", "10d", "create-environment-now", "The checkout is down")
    stage.do("developer", "apply", "-f", "-", manifest=now)
    gate = stage.phase("rescue", "WaitingForApproval")["approvals"][0]["name"]
    who = "oncall@example.com"
    stage.do("oncall", *patch(gate, decision(who, "BreakGlass", "")), refused="needs a comment")
    stage.do("oncall", *patch(gate, decision(who, "BreakGlass", "orders are lost, nobody answers")))
    stage.message("lead-1", Client.SLACK, "Somebody broke the glass", "team-a/rescue")
    review = stage.phase("rescue", "Succeeded")["approvals"][0]["review"]
    stage.do("developer", "get", "actionrun", "rescue", "-n", SPACE)
    stage.do("admin", "delete", "approval", review, "-n", SPACE, refused="before somebody has signed it")
    stage.do("lead-1", *patch(review, decision("lead-1@example.com", "Approve", "seen, it was right")))
    stage.do("developer", "wait", "actionrun/rescue", "-n", SPACE, "--for=condition=Reviewed", "--timeout=10s")


def _declined(stage: Stage) -> None:
    stage.chapter("Declined with a comment: nothing is created, and the developer reads why")
    stage.do("developer", "apply", "-f", "-", manifest=request("playground", "10d", reason="I would like one"))
    gate = stage.phase("playground", "WaitingForApproval")["approvals"][0]["name"]
    stage.do("lead-2", *patch(gate, decision("lead-2@example.com", "Decline", "")), refused="needs a comment")
    stage.do("lead-2", *patch(gate, decision("lead-2@example.com", "Decline", "three days are enough to play")))
    stage.phase("playground", "Declined")
    stage.do("developer", "get", "environment", "playground", "-n", SPACE, refused="not found")
    stage.message("developer", Client.MAIL, "Declined", "three days are enough")


def _expired(stage: Stage) -> None:
    stage.chapter("Not answered before its deadline: expired, which is not a decline")
    action = yaml.safe_load((EXAMPLE / "action.yaml").read_text())
    action["metadata"]["name"] = "create-environment-quickly"
    action["spec"]["approval"]["stages"][0]["deadline"] = "3s"
    action["spec"]["inputs"]["schema"]["properties"]["ttl"]["enum"].append("8s")
    kept = action["spec"]["execution"]["resources"][0]["template"]["spec"]
    kept["notifications"].append({"channels": ["mail"], "events": ["EnvironmentExpired"]})
    stage.kubectl(stage.plane.kubeconfig("admin"), "apply", "-f", "-", input=json.dumps(action))
    quick = request("forgotten", "10d", "create-environment-quickly", "Nobody will look at this in 3 seconds")
    stage.do("developer", "apply", "-f", "-", manifest=quick)
    gate = stage.phase("forgotten", "WaitingForApproval")["approvals"][0]["name"]
    stage.phase("forgotten", "Expired")
    late = decision("lead-1@example.com", "Approve", "sorry, I was away")
    stage.do("lead-1", *patch(gate, late), refused="has ended")


def _superseded(stage: Stage) -> None:
    stage.chapter("What was approved is what runs: shown to the approver, and looked at again before it starts")
    scale = EXAMPLE.parent / "scale"
    for name in ("executor", "target"):
        stage.kubectl(stage.plane.kubeconfig("admin"), "apply", "-f", str(scale / f"{name}.yaml"), "-n", SPACE)
    action = yaml.safe_load((scale / "action.yaml").read_text())
    action["spec"]["notifications"] = [{"channels": ["platform-teams"], "events": ["Superseded"]}]
    stage.kubectl(stage.plane.kubeconfig("admin"), "apply", "-f", "-", input=json.dumps(action))
    run = {**request("more-web", ""), "spec": {"actionRef": {"name": "scale-deployment"}, "reason": "Sale on Friday"}}
    run["spec"]["inputs"] = {"deployment": "web", "replicas": 10}
    stage.do("developer", "apply", "-f", "-", manifest=run)
    gate = stage.phase("more-web", "WaitingForApproval")["approvals"][0]["name"]
    shown = ("get", "approval", gate, "-n", SPACE, "-o", "jsonpath={.spec.plan.summary[0]}")
    stage.do("lead-1", *shown)
    stage.do("admin", "scale", "deployment", "web", "-n", SPACE, "--replicas=4")
    stage.do("lead-1", *patch(gate, decision("lead-1@example.com", "Approve", "one more of nine")))
    stage.phase("more-web", "Superseded")
    stage.message("the platform team", Client.TEAMS, "Superseded", "team-a/more-web")


def _ended(stage: Stage) -> None:
    stage.chapter("An environment for eight seconds: when its time is up, its namespace is gone")
    stage.do("developer", "apply", "-f", "-", manifest=request("brief", "8s", "create-environment-quickly"))
    stage.phase("brief", "Succeeded")
    space = f"env-{SPACE}-brief"
    stage.do("developer", "get", "environment", "brief", "-n", SPACE)
    print(f"  {DIM}… waiting for the end of its time …{PLAIN}", flush=True)
    stage.until("the Environment is gone", lambda: not stage.get("environment", "brief"), 60)
    stage.do("admin", "get", "namespace", space, refused="not found")
    stage.message("developer", Client.MAIL, "Environment ended", "team-a/brief")


def _indent(text: str, colour: str = "") -> str:
    return "\n".join(f"      {colour}{line}{PLAIN if colour else ''}" for line in text.splitlines())


def main() -> int:
    """Set the stage, tell the story, clear up; returns the exit code."""
    started = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            cluster_for("demo", Path(folder)) as plane,
            Receiver() as receiver,
            Mailbox() as mails,
        ):
            kubectl, admin = Kubectl(Path(folder) / "kube-cache"), plane.kubeconfig("admin")
            server = kubectl(admin, "config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}").stdout
            print(f"A real Kubernetes API server runs on {server}", flush=True)
            install_pratique(kubectl, admin)
            files = [PEOPLE, EXAMPLE / "executor.yaml", EXAMPLE / "channel.yaml", CHANNELS / "msteams.yaml"]
            kubectl(admin, "apply", *(part for file in files for part in ("-f", str(file))))
            kubectl(admin, "create", "namespace", SPACE)
            for name in ("slack", "teams"):
                kubectl(admin, "delete", "secret", name, "-n", "pratique-system", "--ignore-not-found")
                url = f"--from-literal=url={receiver.url}/{name}"
                kubectl(admin, "create", "secret", "generic", name, "-n", "pratique-system", url)
            operator = OperatorProcess(plane.kubeconfig("operator"), Path(folder) / "operator.log")
            operator.start()
            operator.wait_ready()
            print("CRDs, admission policies and roles are installed; the operator is ready.", flush=True)
            stage = Stage(plane, kubectl, Inbox(receiver, mails))
            tell(stage)
            operator.stop()
    except (ControlPlaneError, InstallationError, DemoError) as error:
        sys.stderr.write(f"\n{RED}The demo stopped: {error}{PLAIN}\n")
        return 1
    print(f"\nThat was the main job, in {time.monotonic() - started:.0f} s. Look around yourself: make up")
    return 0


def _is_ready(stage: Stage) -> bool:
    conditions = stage.get("action", "create-environment").get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


if __name__ == "__main__":
    sys.exit(main())
