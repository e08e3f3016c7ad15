"""Out of office on the real API server: said once, it is in the gates that open, and in those that are open."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.builders.manifests import delegation, in_days
from tests.integration.test_stages import ask, decide, gate
from tests.support.attempts import Attempts
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import account, condition, phase
from tests.support.terminal import Terminal
from tools.installation import OperatorProcess

Json = dict[str, Any]
LEAD, DEPUTY, SECURITY = "lead-1@example.com", "lead-2@example.com", "security@example.com"
MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "patch"]}
RBAC = "rbac.authorization.k8s.io"
STAGE = {"name": "owner", "approvers": {"users": [LEAD]}, "delegation": "Allow"}
UNLISTED = "mallory@example.com"


@pytest.fixture(scope="module", autouse=True)
def rights(cluster: Cluster) -> Iterator[None]:
    """Approvers may say who decides while they are away."""
    everybody = [{"apiGroup": RBAC, "kind": "User", "name": each} for each in (LEAD, DEPUTY, UNLISTED)]
    ref = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "pratique-delegator"}
    binding = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "away"}}
    cluster.apply("admin", {**binding, "roleRef": ref, "subjects": everybody})
    yield
    cluster.kubectl("admin", "delete", "clusterrolebinding/away")


@pytest.fixture
def attempts(cluster: Cluster, operator: OperatorProcess, namespace: str) -> Iterator[Attempts]:
    """A namespace where an account of the Actions makes ConfigMaps; nobody is away before or after."""
    cluster.apply("admin", account(namespace, "mine", MAPS))
    attempts = Attempts(cluster, namespace)
    yield attempts
    attempts.drop()
    cluster.kubectl("admin", "delete", "delegations", "--all")


def ready(cluster: Cluster, name: str) -> Json:
    """Return the condition of a Delegation, once it was looked at."""

    def look() -> Json | None:
        found = condition(cluster.get("delegation", name), "Ready")
        return found if found.get("reason") not in (None, "Pending") else None

    return wait_for(f"Delegation {name} to be looked at", look)


def leave(cluster: Cluster, **more: Any) -> str:
    """Make a Delegation of lead-1 that counts; return its name. One that is as old as the record of the guard does not."""

    def made() -> str | None:
        number = int(datetime.now(UTC).timestamp() * 1000)
        name = f"holiday-{number}"
        cluster.apply("lead-1", delegation(name, DEPUTY, **more))
        if ready(cluster, name)["status"] == "True":
            return name
        cluster.kubectl("lead-1", "delete", "delegation", name)
        return None

    return wait_for("a Delegation that is younger than the record of the guard", made, 60)


def spec(attempts: Attempts, name: str) -> Json:
    return dict((attempts.cluster.get("approval", name, attempts.namespace) or {})["spec"])


def instead(attempts: Attempts, name: str, who: str = "lead-2", by: str = DEPUTY) -> str:
    """Decide for lead-1; return what the API server answers."""
    entry = {"verdict": "Approve", "comment": "so be it", "for": LEAD}
    patch = json.dumps({"spec": {"decisions": {by: entry}}})
    where = ("patch", "approval", name, "-n", attempts.namespace, "--type", "merge", "-p", patch)
    return attempts.cluster.kubectl(who, *where, check=False).err


def test_a_gate_that_opens_takes_it_in_and_the_stand_in_is_told_and_decides(attempts: Attempts) -> None:
    holiday = leave(attempts.cluster)
    body = attempts.cluster.get("delegation", holiday) or {}
    assert (body["spec"]["from"]["username"], "platform-leads" in body["spec"]["from"]["groups"]) == (LEAD, True)
    forbids = {**STAGE, "delegation": "Forbid"}
    ask(attempts, "copied", {"stages": [STAGE]})
    ask(attempts, "forbids", {"stages": [forbids]})
    first = gate(attempts, "copied", "owner")
    (entry,) = spec(attempts, first)["delegations"].values()
    born = body["metadata"]["creationTimestamp"]
    assert entry == {
        "to": DEPUTY,
        "until": body["spec"]["until"],
        "at": born,
        "groups": [],
        "source": f"Delegation/{holiday}",
    }
    assert "delegations" not in spec(attempts, gate(attempts, "forbids", "owner"))

    def told() -> bool:
        status = (attempts.cluster.get("approval", first, attempts.namespace) or {}).get("status", {})
        lines = [each["message"] for each in status.get("timeline", []) if each["event"] == "StandsIn"]
        return bool(lines) and f"{DEPUTY} may decide for {LEAD}" in lines[0]

    wait_for("the gate to say for whom", told)
    assert "no stand-in" in instead(attempts, first, "security", SECURITY)
    assert instead(attempts, first) == ""
    done = phase(attempts.cluster, "copied", attempts.namespace, "Succeeded")
    assert f"by {DEPUTY} for {LEAD}" in str(done["timeline"])
    assert decide(attempts, "lead-1", gate(attempts, "forbids", "owner")) == ""


def test_a_list_without_the_verb_lends_no_seat(attempts: Attempts) -> None:
    """Mallory is listed, and holds no `approve`: her seat is nobody's, though the deputy holds it."""
    leave(attempts.cluster)
    attempts.cluster.apply("mallory", delegation("mallorys", DEPUTY))
    assert ready(attempts.cluster, "mallorys")["status"] == "True"
    both = {**STAGE, "approvers": {"users": [LEAD, UNLISTED]}}
    ask(attempts, "unverbed", {"stages": [both]})
    assert list(spec(attempts, gate(attempts, "unverbed", "owner"))["delegations"]) == [LEAD]


def test_the_command_writes_it_for_gates_to_come_and_for_those_that_are_open_and_takes_it_back(
    attempts: Attempts,
) -> None:
    lead = Terminal.of(attempts.cluster, "lead-1")
    attempts.cluster.kubectl("lead-1", "delete", "delegation", leave(attempts.cluster))  # from now on one counts
    ask(attempts, "before", {"stages": [STAGE]})
    first = gate(attempts, "before", "owner")
    gone = lead.pratique("away", "--to", DEPUTY, "--until", "10d", "--reason", "at sea", "-n", attempts.namespace)
    assert (gone.code, gone.err) == (0, ""), gone.err
    made, written = gone.out.splitlines()
    name = made.split()[1].removesuffix(":")
    assert f"{DEPUTY} decides for you until" in made and f"{attempts.namespace}/{first}: {DEPUTY} decides" in written
    assert "source" not in spec(attempts, first)["delegations"][LEAD]
    assert ready(attempts.cluster, name)["status"] == "True"
    again = lead.pratique("away", "--to", SECURITY, "--until", "2d", "-n", attempts.namespace)
    assert again.code == 1 and f"you are away already at that time: delete your other Delegation, {name}" in again.err
    assert spec(attempts, first)["delegations"][LEAD]["to"] == SECURITY, "of one gate it is replaced"
    ask(attempts, "after", {"stages": [STAGE]})
    second = gate(attempts, "after", "owner")
    assert spec(attempts, second)["delegations"][LEAD]["source"] == f"Delegation/{name}"

    home = lead.pratique("back", "-n", attempts.namespace)
    assert (home.code, home.err) == (0, ""), home.err
    assert len(home.out.splitlines()) == 3 and f"Delegation {name}: deleted" in home.out
    assert attempts.cluster.get("delegation", name) is None
    assert all(not spec(attempts, each).get("delegations") for each in (first, second))
    assert "no stand-in" in instead(attempts, second)
    assert "there was nothing to end" in lead.pratique("back", "-n", attempts.namespace).out
    for each in (first, second):
        assert decide(attempts, "lead-1", each) == ""
    for each in ("before", "after"):
        phase(attempts.cluster, each, attempts.namespace, "Succeeded")


def test_who_is_back_early_shortens_it_and_an_admin_may_delete_and_not_redirect(attempts: Attempts) -> None:
    cluster, name = attempts.cluster, leave(attempts.cluster)

    def patch(who: str, **changes: Any) -> str:
        merge = ("patch", "delegation", name, "--type", "merge", "-p", json.dumps({"spec": changes}))
        return cluster.kubectl(who, *merge, check=False).err

    assert "never later" in patch("lead-1", until=in_days(40))
    assert "a Delegation stays as it was made" in patch("admin", to="admin")
    assert f"only who made this Delegation, {LEAD}, changes it" in patch("admin", until=in_days(1))
    assert patch("lead-1", until="2020-01-01T00:00:00Z") == ""
    wait_for("it to be over", lambda: ready(cluster, name)["reason"] == "Over")
    ask(attempts, "over", {"stages": [STAGE]})
    assert "delegations" not in spec(attempts, gate(attempts, "over", "owner"))
    assert cluster.kubectl("admin", "delete", "delegation", name).code == 0
