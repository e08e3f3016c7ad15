"""What a template reads of an earlier object, of which a controller says it only later: a Crossplane claim, imitated."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builders.manifests import Manifest
from tests.support.cluster import wait_for
from tests.support.desk import Desk
from tests.support.foreign_kinds import installed, report
from tests.support.runs import account, condition
from tools.installation import OperatorProcess

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

READY: dict[str, Any] = {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "True"}]}
HOST = "${resources.db.status.address}"


@pytest.fixture
def office(desk: Desk, operator: OperatorProcess) -> Iterator[Desk]:
    """A namespace whose account may make claims, ConfigMaps and Secrets, and change ConfigMaps."""
    with installed(desk.cluster):
        verbs = ["create", "get", "patch"]
        claims = {"apiGroups": ["platform.example.com"], "resources": ["*"], "verbs": verbs}
        rest = {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": verbs}
        desk.cluster.apply("admin", account(desk.namespace, "maker", claims, rest))
        yield desk


def step(ident: str, kind: str, name: str = "${run.name}", api: str = "v1", **body: Any) -> Manifest:
    more: Manifest = {"patch": True} if body.pop("patch", False) else {}
    metadata = {"name": name, "namespace": "${run.namespace}"}
    return {"id": ident, **more, "template": {"apiVersion": api, "kind": kind, "metadata": metadata, **body}}


DB = step("db", "PostgreSQLInstance", api="platform.example.com/v1", spec={"size": "small"})


def note(data: dict[str, str], name: str = "${run.name}", ident: str = "note", **more: Any) -> Manifest:
    return step(ident, "ConfigMap", name, data=data, **more)


def test_it_is_waited_for_and_filled_in_as_approvers_have_read(office: Desk) -> None:
    space = office.namespace
    url = f"postgresql://{HOST}:${{resources.db.status.port}}/it"
    gate = office.held("it", office.offer(DB, note({"host": HOST, "url": url})))
    summary = (office.get("approval", gate) or {})["spec"]["plan"]["summary"]
    from_ = f"(status.address of PostgreSQLInstance {space}/it)"
    assert summary[1].startswith(
        f"ConfigMap {space}/it: data.host={from_}, data.url=postgresql://{from_}:(status.port of "
    )
    assert summary[1].endswith(" (not checked yet: it reads what is not there yet)")
    office.approve(gate)
    office.says("it", f"Waiting for PostgreSQLInstance {space}/it")
    report(office.cluster, space, {"it": READY})
    office.says(
        "it", f"PostgreSQLInstance {space}/it: ConfigMap {space}/it reads its status.address, which is not there yet"
    )
    assert office.get("configmap", "it") is None
    report(office.cluster, space, {"it": {**READY, "address": "10.0.0.7"}})
    office.says("it", f"ConfigMap {space}/it reads its status.port, which is not there yet")
    report(office.cluster, space, {"it": {**READY, "address": "10.0.0.7", "port": 5432}})
    status = office.ends("it", "Succeeded")
    assert (office.get("configmap", "it") or {})["data"] == {"host": "10.0.0.7", "url": "postgresql://10.0.0.7:5432/it"}
    assert status["late"] == {"db.status.address": "10.0.0.7", "db.status.port": 5432}


def test_what_two_read_is_tried_for_both_before_one_is_made(office: Desk) -> None:
    """A ConfigMap takes no number: nothing of it is made, and the sentence says which."""
    numbers = note({"port": "${resources.db.status.port}"}, "${run.name}-port", "port")
    office.ask("both", office.offer(DB, note({"host": HOST}), numbers, free=True))
    office.says("both", "Waiting for PostgreSQLInstance")
    report(office.cluster, office.namespace, {"both": {**READY, "address": "a", "port": 5432}})
    message = office.ends("both", "Failed")["message"]
    assert f"ConfigMap {office.namespace}/both-port could not be created" in message
    assert office.get("configmap", "both") is None


def test_an_object_that_is_there_is_changed_with_it(office: Desk) -> None:
    office.admin("create", "configmap", "there", "--from-literal=host=old")
    office.ask("change", office.offer(DB, note({"host": HOST}, "there", patch=True), free=True))
    office.says("change", "Waiting for PostgreSQLInstance")
    report(office.cluster, office.namespace, {"change": {**READY, "address": "10.0.0.8"}})
    office.ends("change", "Succeeded")
    assert (office.get("configmap", "there") or {})["data"] == {"host": "10.0.0.8"}


def test_a_namesake_of_the_source_gives_nothing(office: Desk) -> None:
    office.ask("twin", office.offer({**DB, "wait": False}, note({"host": HOST}), free=True))
    office.says("twin", "reads its status.address, which is not there yet")
    office.admin("delete", "postgresqlinstance", "twin", "--wait")
    api = "platform.example.com/v1"
    planted = {
        "apiVersion": api,
        "kind": "PostgreSQLInstance",
        "metadata": {"name": "twin", "namespace": office.namespace},
    }
    office.cluster.apply("admin", planted)
    report(office.cluster, office.namespace, {"twin": {**READY, "address": "evil.example.com"}})
    assert "was deleted" in office.ends("twin", "Failed")["message"]
    assert office.get("configmap", "twin") is None


def test_a_name_that_is_taken_is_known_before_anybody_is_asked(office: Desk) -> None:
    office.admin("create", "configmap", "taken")
    office.ask("taken", office.offer(DB, note({"host": HOST})))
    said = office.ends("taken", "Refused")["message"]
    assert said.endswith(f"ConfigMap {office.namespace}/taken exists and was not made by this run: choose another name")


def test_no_value_of_a_secret_is_read_so(office: Desk) -> None:
    """Its data is filled in by the controller for the tokens of accounts, so a run may make one that has some later."""
    kind = "kubernetes.io/service-account-token"
    secret = step("pw", "Secret", type=kind)
    secret["template"]["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "default"}
    name = office.offer(secret, note({"token": "${resources.pw.data.token}"}), free=True)

    def said() -> str:
        ready = condition(office.cluster.get("action", name), "Ready")
        return str(ready["message"]) if ready.get("status") == "False" else ""

    assert "reads resources.pw.data.token, which is a Secret: let who needs its values" in wait_for(
        "it is checked", said
    )
    office.ask("leak", name)
    office.says("leak", "which is a Secret")
    found = office.cluster.kubectl("admin", "get", "secrets,configmaps", "-n", office.namespace, "-o", "json").json
    assert "leak" not in json.dumps([each["metadata"]["name"] for each in found["items"]])


def test_a_dry_run_says_where_it_will_come_from(office: Desk) -> None:
    action = office.offer(DB, note({"host": HOST}), free=True)
    asked = {"actionRef": {"name": action}, "dryRun": True}
    meta = {"name": "dry", "namespace": office.namespace}
    office.cluster.apply(
        "developer", {"apiVersion": "pratique.dev/v1alpha1", "kind": "ActionRun", "metadata": meta, "spec": asked}
    )
    summary = office.ends("dry", "Succeeded")["plan"]["summary"]
    assert "data.host=(status.address of PostgreSQLInstance" in summary[1]
    assert summary[1].endswith("(not checked yet: it reads what is not there yet)")
