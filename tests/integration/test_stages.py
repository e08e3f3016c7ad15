"""Several people, groups and stages on the real API server: who may decide what, in turn, and nobody in two stages."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.builders.manifests import decision
from tests.support.attempts import CONFIGMAP, Attempts
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import account, phase
from tools.controlplane.identities import known
from tools.installation import OperatorProcess

Json = dict[str, Any]
LEADS, SECURITY = {"groups": ["platform-leads"]}, {"groups": ["security"]}
MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}


@pytest.fixture
def attempts(cluster: Cluster, operator: OperatorProcess, namespace: str) -> Iterator[Attempts]:
    cluster.apply("admin", account(namespace, "mine", MAPS))
    attempts = Attempts(cluster, namespace)
    yield attempts
    attempts.drop()


def ask(attempts: Attempts, name: str, approval: Json, inputs: Json | None = None) -> None:
    """Offer an Action with these approval rules, and ask for it as a developer."""
    attempts.offer([attempts.action(name, CONFIGMAP, approval=approval)], "admin")
    attempts.ask({name: inputs or {}})


def gate(attempts: Attempts, run: str, stage: str) -> str:
    """Return the name of the Approval of a stage, once it is open."""

    def look() -> str | None:
        status = (attempts.cluster.get("actionrun", run, attempts.namespace) or {}).get("status", {})
        return next((each["name"] for each in status.get("approvals", []) if each["stage"] == stage), None)

    return wait_for(f"stage {stage} of {run} to open", look)


def decide(attempts: Attempts, who: str, approval: str, verdict: str = "Approve") -> str:
    """Decide as this person; return what the API server complained of."""
    patch = decision(known(who).username, verdict, "so be it")
    args = ("patch", "approval", approval, "-n", attempts.namespace, "--type", "merge", "-p", patch)
    return attempts.cluster.kubectl(who, *args, check=False).err


def says(attempts: Attempts, run: str) -> str:
    status = (attempts.cluster.get("actionrun", run, attempts.namespace) or {}).get("status", {})
    return str(status.get("message"))


def measured(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def test_stages_open_in_turn_and_nobody_decides_in_two(attempts: Attempts, operator: OperatorProcess) -> None:
    both = {"users": ["lead-1@example.com"], "groups": ["security"]}
    stages = [
        {"name": "platform", "approvers": LEADS, "message": "It is large"},
        {"name": "costs", "when": "inputs.paid == 'yes'", "approvers": LEADS},
        {"name": "security", "approvers": both},
    ]
    ask(attempts, "two", {"stages": stages}, {"paid": "no"})
    first = gate(attempts, "two", "platform")
    waiting = phase(attempts.cluster, "two", attempts.namespace, "WaitingForApproval")
    assert [each["stage"] for each in waiting["approvals"]] == ["platform"], "one gate at a time"
    born = (attempts.cluster.get("approval", first, attempts.namespace) or {})["status"]
    assert (born["state"], born["tally"]) == ("Pending", "0"), "said from the first moment, and nobody has written it"
    assert waiting["message"].startswith("Stage platform, 1 of 2: waiting for 1 of group platform-leads until")
    assert waiting["plan"]["skipped"] == [{"name": "costs", "when": "inputs.paid == 'yes'"}]
    assert decide(attempts, "lead-1", first) == ""
    second = gate(attempts, "two", "security")
    spec = (attempts.cluster.get("approval", second, attempts.namespace) or {})["spec"]
    assert spec["excluded"] == ["lead-1@example.com"] and spec["stage"] == "security"
    held = (attempts.cluster.get("approval", first, attempts.namespace) or {})["spec"]["plan"]
    assert spec["plan"] == held, "both hold the same plan, as the same text"
    assert 'pratique_approvals_waiting{stage="security"} 1.0' in measured(operator.port)
    assert "you decided an earlier one of this request" in decide(attempts, "lead-1", second)
    assert "you decided an earlier one of this request" in decide(attempts, "lead-1-upper", second)
    assert decide(attempts, "security", second) == ""
    done = phase(attempts.cluster, "two", attempts.namespace, "Succeeded")
    assert [(each["stage"], each["state"]) for each in done["approvals"]] == [
        ("platform", "Approved"),
        ("security", "Approved"),
    ]
    said = [each["event"] for each in done["timeline"]]
    assert said == ["WaitingForApproval", "StageApproved", "WaitingForApproval", "Running", "Succeeded"]
    assert 'pratique_approval_decision_seconds_count{stage="security",state="Approved"}' in measured(operator.port)


def test_a_stand_in_decides_in_the_place_of_who_is_away_and_both_are_out_of_the_next_stage(attempts: Attempts) -> None:
    lead, deputy = "lead-1@example.com", "lead-2@example.com"
    named = {"name": "owner", "approvers": {"users": [lead]}, "delegation": "Allow"}
    everybody = {"name": "all", "approvers": {"groups": ["platform-leads", "security"]}, "delegation": "Allow"}
    ask(attempts, "away", {"stages": [named, everybody]})
    first = gate(attempts, "away", "owner")
    until = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def write(who: str, approval: str, spec: Json) -> str:
        args = (
            "patch",
            "approval",
            approval,
            "-n",
            attempts.namespace,
            "--type",
            "merge",
            "-p",
            json.dumps({"spec": spec}),
        )
        return attempts.cluster.kubectl(who, *args, check=False).err

    def status() -> Json:
        return dict((attempts.cluster.get("approval", first, attempts.namespace) or {})["status"])

    instead = {"decisions": {deputy: {"verdict": "Approve", "comment": "so be it", "for": lead}}}
    assert "no stand-in" in write("lead-2", first, instead)
    assert write("lead-1", first, {"delegations": {lead: {"to": deputy, "until": until}}}) == ""
    wait_for("the gate to say it", lambda: status().get("waitingFor") == [lead, f"{deputy} for {lead}"])
    assert [each["event"] for each in status()["timeline"]] == ["StandsIn"]
    assert write("lead-2", first, instead) == ""
    second = gate(attempts, "away", "all")
    assert status()["message"] == f"Approved by {deputy} for {lead}"
    assert (attempts.cluster.get("approval", second, attempts.namespace) or {})["spec"]["excluded"] == [deputy, lead]
    for who in ("lead-1", "lead-2"):
        assert "you decided an earlier one of this request" in decide(attempts, who, second)
    assert "nobody can for you" in write("lead-1", second, {"delegations": {lead: {"to": "oncall", "until": until}}})
    assert decide(attempts, "security", second) == ""
    assert f"by {deputy} for {lead}" in str(
        phase(attempts.cluster, "away", attempts.namespace, "Succeeded")["timeline"]
    )


def test_a_later_stage_that_is_declined_ends_it_and_who_is_left_is_said_at_once(attempts: Attempts) -> None:
    named = {"users": ["lead-1@example.com"]}
    stages = [{"name": "platform", "approvers": LEADS}, {"name": "owner", "approvers": named}]
    for name in ("no", "hopeless"):
        ask(attempts, name, {"stages": stages})
    assert decide(attempts, "lead-2", gate(attempts, "no", "platform")) == ""
    assert decide(attempts, "lead-1", gate(attempts, "no", "owner"), "Decline") == ""
    ended = phase(attempts.cluster, "no", attempts.namespace, "Declined")
    assert "Declined by lead-1@example.com" in ended["message"]
    assert decide(attempts, "lead-1", gate(attempts, "hopeless", "platform")) == ""
    refused = phase(attempts.cluster, "hopeless", attempts.namespace, "Refused")
    assert "Stage owner, 2 of 2, could never be approved" in refused["message"]
    assert "lead-1@example.com" in refused["message"]


def test_who_must_agree(attempts: Attempts) -> None:
    people = {"groups": ["platform-leads", "security"]}
    wanted = [{"group": "security", "count": 1}]
    two = {"name": "two", "approvers": people, "required": 2, "requireFrom": wanted}
    ask(attempts, "groups", {"stages": [two]})
    named = {"name": "all", "approvers": {"users": ["lead-1@example.com", "lead-2@example.com"]}, "mode": "All"}
    ask(attempts, "all", {"stages": [named]})
    lead = {"name": "either", "approvers": {"users": ["lead-1@example.com"]}}
    ask(attempts, "either", {"stages": [{**lead, "alternatives": [{"approvers": SECURITY, "required": 1}]}]})
    ask(attempts, "without", {"stages": [{"name": "p", "approvers": LEADS, "exclude": ["${inputs.author}"]}]}, AUTHOR)

    groups = gate(attempts, "groups", "two")
    assert [decide(attempts, who, groups) for who in ("lead-1", "lead-2")] == ["", ""]
    wait_for("what is missing is said", lambda: "1 more of group security" in says(attempts, "groups"))
    assert decide(attempts, "security", groups) == ""
    late = decide(attempts, "lead-odd", groups)  # the seal, or the end, if the operator has looked by then
    assert "this Approval is decided: approved by" in late or "this Approval has ended: Approved" in late

    everybody = gate(attempts, "all", "all")
    assert decide(attempts, "lead-1", everybody) == ""
    wait_for("who is missing is said", lambda: "1 more of lead-2@example.com" in says(attempts, "all"))
    assert decide(attempts, "lead-1", everybody, "Undecided") == ""
    wait_for("both are missing again", lambda: "2 more of lead-1@example.com, lead-2" in says(attempts, "all"))
    status = (attempts.cluster.get("approval", everybody, attempts.namespace) or {})["status"]
    assert (status["tally"], status["timeline"][0]["message"]) == ("0/2", "lead-1@example.com takes back the approval")
    assert decide(attempts, "lead-1", everybody) == ""
    assert decide(attempts, "lead-2", everybody) == ""

    assert decide(attempts, "security", gate(attempts, "either", "either")) == ""

    mine = gate(attempts, "without", "p")
    assert "its rule excludes you" in decide(attempts, "lead-2", mine)
    assert decide(attempts, "lead-1", mine) == ""
    for name in ("groups", "all", "either", "without"):
        phase(attempts.cluster, name, attempts.namespace, "Succeeded")


AUTHOR = {"author": "LEAD-2@example.com"}


def test_what_could_never_be_granted_is_said_when_it_is_applied(attempts: Attempts) -> None:
    one = {"users": ["lead-1@example.com"]}
    stages = [{"name": "a", "approvers": one}, {"name": "b", "approvers": one}]
    action = attempts.action("never", CONFIGMAP, approval={"stages": stages})
    attempts.offer([action], "admin")
    name = action["metadata"]["name"]

    def told() -> str | None:
        found = attempts.cluster.kubectl("admin", "get", "action", name, "-o", "json").json
        ready = [each for each in found["status"].get("conditions", []) if each["type"] == "Ready"]
        return ready[0]["message"] if ready and ready[0]["status"] == "False" else None

    said = wait_for("the Action to say so", told)
    assert "the stages a and b need 2 people together and name 1, and nobody decides in two" in said
    assert "samePersonInStages: Allow" in said
    allowed = {**action, "spec": {**action["spec"], "approval": {"stages": stages, "samePersonInStages": "Allow"}}}
    attempts.offer([allowed], "admin")
    attempts.ask({"never": {}})
    for stage in ("a", "b"):
        assert decide(attempts, "lead-1", gate(attempts, "never", stage)) == ""
    phase(attempts.cluster, "never", attempts.namespace, "Succeeded")


def test_a_gate_whose_earlier_stage_is_gone_does_not_stay_open(attempts: Attempts) -> None:
    """Nobody but those who may purge deletes the record of a stage; then the run ends, and nobody is asked for nothing."""
    stages = [{"name": "platform", "approvers": LEADS}, {"name": "security", "approvers": SECURITY}]
    ask(attempts, "purged", {"stages": stages})
    first = gate(attempts, "purged", "platform")
    assert decide(attempts, "lead-1", first) == ""
    second = gate(attempts, "purged", "security")
    attempts.cluster.kubectl("admin", "delete", "approval", first, "-n", attempts.namespace)
    ended = phase(attempts.cluster, "purged", attempts.namespace, "Superseded")
    assert f"Its Approval {first} was deleted" in ended["message"]

    def over() -> str | None:
        status = (attempts.cluster.get("approval", second, attempts.namespace) or {}).get("status", {})
        return status["message"] if status.get("state") == "Superseded" else None

    assert "Its request has ended as Superseded" in wait_for("the open gate to end", over)


def told(attempts: Attempts, gate: str, event: str) -> list[Json]:
    """Return what is or will be told of an event as a Kubernetes Event of a gate."""
    status = (attempts.cluster.get("approval", gate, attempts.namespace) or {})["status"]
    return [each for each in status.get("notifications", []) if each["event"] == event]


def test_a_step_adds_people_with_the_operator_down_and_each_is_told_of_once(
    attempts: Attempts, operator: OperatorProcess
) -> None:
    steps = [{"after": "6s"}, {"after": "7s"}, {"after": "8s", "to": SECURITY}]
    night = {"name": "night", "approvers": LEADS, "escalation": steps, "deadline": "10m"}
    attempts.offer([attempts.action("night", CONFIGMAP, approval={"stages": [night]})], "admin")
    later = {**night, "escalation": [{"after": "9m", "to": SECURITY}]}
    attempts.offer([attempts.action("later", CONFIGMAP, approval={"stages": [later]})], "admin")
    attempts.ask({"later": {}}, action="later")
    attempts.ask({"decided": {}, "missed": {}}, action="night")
    gates = {run: gate(attempts, run, "night") for run in ("decided", "missed", "later")}
    early = decide(attempts, "security", gates["later"])
    assert f"security@example.com is not an approver of {gates['later']} at 20" in early
    assert "approvers are: group platform-leads; from 20" in early and "Z also group security" in early
    operator.kill()
    killed = datetime.now(UTC)
    policies = {
        run: (attempts.cluster.get("approval", name, attempts.namespace) or {})["spec"]["policy"]
        for run, name in gates.items()
    }
    moments = [datetime.fromisoformat(each["at"]) for each in policies["missed"]["escalation"]]
    last = max(datetime.fromisoformat(policies[run]["escalation"][-1]["at"]) for run in ("decided", "missed"))
    wait_for("the steps are due", lambda: datetime.now(UTC) > last)
    assert decide(attempts, "security", gates["decided"]) == "", "nobody had to do anything for it"

    operator.start()
    operator.wait_ready()
    phase(attempts.cluster, "decided", attempts.namespace, "Succeeded")

    def climbed() -> Json | None:
        status = (attempts.cluster.get("approval", gates["missed"], attempts.namespace) or {})["status"]
        return status if len(status.get("escalation", [])) == len(steps) else None

    status = wait_for("the steps are told of", climbed)
    assert status["waitingFor"] == ["group platform-leads", "group security"]
    assert [datetime.fromisoformat(each["at"]) for each in status["escalation"]] == moments
    assert len(told(attempts, gates["missed"], "ApprovalEscalated")) == 1
    assert len(told(attempts, gates["missed"], "ApprovalReminder")) == 1 or moments[0] <= killed, "of two, one"
    assert told(attempts, gates["decided"], "ApprovalEscalated") == [] or last <= killed, "it has ended"
    operator.kill()
    operator.start()
    operator.wait_ready()
    assert decide(attempts, "security", gates["missed"], "Decline") == ""
    phase(attempts.cluster, "missed", attempts.namespace, "Declined")
    assert len(told(attempts, gates["missed"], "ApprovalEscalated")) == 1


def test_the_glass_is_broken_and_its_review_outlives_its_run_and_the_operator(
    attempts: Attempts, operator: OperatorProcess
) -> None:
    night = {"groups": ["sre-oncall"], "requester": "Forbid"}
    stages = [
        {"name": "platform", "approvers": LEADS, "breakGlass": night},
        {"name": "security", "approvers": SECURITY, "breakGlass": night},
    ]
    cluster, space = attempts.cluster, attempts.namespace
    ask(attempts, "now", {"stages": stages})
    first = gate(attempts, "now", "platform")
    assert "may not break the glass" in decide(attempts, "lead-1", first, "BreakGlass")
    assert decide(attempts, "oncall", first, "BreakGlass") == ""
    late = decide(attempts, "lead-1", first, "Decline")  # the seal, or the end, if the operator has looked by then
    assert "its glass was broken by oncall@example.com" in late or "this Approval has ended: Broken" in late
    done = phase(cluster, "now", space, "Succeeded")
    review = f"{first}-review"
    assert [(each["state"], each["review"]) for each in done["approvals"]] == [("Broken", review)]
    assert [each["event"] for each in done["timeline"]] == ["WaitingForApproval", "GlassBroken", "Running", "Succeeded"]
    wait = ("wait", "-n", space, "--timeout=10s")
    cluster.kubectl("admin", *wait, "actionrun/now", "--for=condition=Reviewed=False")
    opened = (cluster.get("approval", review, space) or {})["spec"]
    assert opened["policy"]["approvers"] == {"users": [], "groups": ["platform-leads", "security"]}
    assert "pratique_reviews_open 1.0" in measured(operator.port)
    assert "cannot be deleted before somebody has signed it" in deleted(attempts, "admin", review)
    assert "excludes you" in decide(attempts, "oncall", review)
    operator.stop()
    cluster.kubectl("developer", "delete", "actionrun", "now", "-n", space)
    assert decide(attempts, "security", review) == "", "of a stage that the same break-glass opened"
    operator.start()
    operator.wait_ready()
    cluster.kubectl("admin", *wait, f"approval/{review}", "--for=condition=Approved")
    signed = (cluster.get("approval", review, space) or {})["status"]
    assert (signed["state"], signed["message"]) == ("Approved", "Signed by security@example.com")


def test_what_is_offered_instead_is_approved_and_accepted(attempts: Attempts) -> None:
    cluster, space = attempts.cluster, attempts.namespace
    offers = {"inputs": {"size": {"values": ["small", "huge"]}}, "consent": "Required"}
    size = {"type": "string", "enum": ["small", "large"]}
    form = {"schema": {"type": "object", "properties": {"size": size}}}
    rule = {"stages": [{"name": "platform", "approvers": LEADS, "counterOffer": offers}]}
    attempts.offer([attempts.action("less", CONFIGMAP, approval=rule, inputs=form)], "admin")
    attempts.ask({"less": {"size": "large"}})
    first = gate(attempts, "less", "platform")
    lead = "lead-1@example.com"

    def offer(value: str) -> str:
        said = {"verdict": "Offer", "comment": "small will do", "proposal": {"size": value}}
        patch = json.dumps({"spec": {"decisions": {lead: said}}})
        return cluster.kubectl(
            "lead-1", "patch", "approval", first, "-n", space, "--type=merge", "-p", patch, check=False
        ).err

    assert "only values that it lists" in offer("huge"), "the form does not take it, whatever the rule says"
    assert offer("small") == ""
    second = wait_for("the next gate", lambda: next_gate(attempts, "less", first))
    ended = (cluster.get("approval", first, space) or {})["status"]
    assert (ended["state"], ended["message"]) == ("Offered", f"{lead} offers size: small")
    opened = (cluster.get("approval", second, space) or {})["spec"]
    assert opened["offered"]["inputs"] == {"size": "small"} and opened["policy"]["consent"] == "Required"
    assert decide(attempts, "lead-1", second) == ""
    wait_for(
        "it to wait for who asks",
        lambda: "to accept the counter-offer" in (cluster.get("approval", second, space) or {})["status"]["message"],
    )
    accept = json.dumps({"spec": {"consent": {"answer": "Accept", "by": "developer@example.com"}}})
    cluster.kubectl("developer", "patch", "approval", second, "-n", space, "--type=merge", "-p", accept)
    done = phase(cluster, "less", space, "Succeeded")
    said = [each["event"] for each in done["timeline"]]
    assert said[:3] == ["WaitingForApproval", "CounterOffered", "WaitingForApproval"]
    assert done["approvals"][0]["round"] == 2


def next_gate(attempts: Attempts, run: str, before: str) -> str | None:
    """Return the Approval that a run asks by, once it is another than before."""
    status = (attempts.cluster.get("actionrun", run, attempts.namespace) or {})["status"]
    name = str(status["approvals"][-1]["name"])
    return name if name != before else None


def deleted(attempts: Attempts, who: str, approval: str) -> str:
    """Delete an Approval as this person; return what the API server complained of."""
    return attempts.cluster.kubectl(who, "delete", "approval", approval, "-n", attempts.namespace, check=False).err
