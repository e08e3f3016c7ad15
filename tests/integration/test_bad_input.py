"""Bad input of every sort, as a developer would send it: answered with field, reason and remedy, harmful to nobody."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.builders.manifests import Manifest, changed, run
from tests.support.cluster import Cluster, wait_for
from tests.support.runs import account, condition, phase
from tools.installation import OperatorProcess

pytestmark = pytest.mark.cluster

CONFIGMAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get", "patch"]}
FORM: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$", "maxLength": 40},
        "replicas": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
        "size": {"type": "string", "enum": ["small", "large"], "default": "small"},
        "note": {"type": "string", "default": ""},
        "tree": {"type": "object", "additionalProperties": True},
    },
}
NOTE = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "${inputs.name}", "namespace": "${run.namespace}"},
    "data": {"note": "${inputs.note}"},
}
HOSTILE_PATTERN = "^(a+)+$"
THIRTY = str(list(range(30)))
EATS_MEMORY = f"{THIRTY}.map(a, {THIRTY}.map(b, {THIRTY}.map(c, inputs.note + string(a)))).size() == 30"
"""27,000 times the note: with a long one, gigabytes."""


@dataclass(frozen=True)
class Bench:
    """A namespace with an account that may make ConfigMaps, and Actions of the test's own."""

    cluster: Cluster
    namespace: str

    def offer(self, name: str, changes: dict[str, Any] | None = None) -> str:
        """Apply an Action, the base with these changes; return its name, which no other test has."""
        full = f"{name}-{self.namespace}"
        self.cluster.apply("admin", changed(base(full, self.namespace), changes or {}))
        wait_for(f"{full} is looked at", lambda: self._ready(full) in ("True", "False"))
        return full

    def _ready(self, name: str) -> str | None:
        return condition(self.cluster.get("action", name), "Ready").get("status")

    def ask(self, name: str, action: str, inputs: dict[str, Any], reason: str | None = None) -> None:
        """Apply a run as the developer."""
        self.cluster.apply("developer", run(name, self.namespace, action, inputs=inputs, reason=reason))

    def ends(self, name: str, *wanted: str, timeout: float = 30.0) -> dict[str, Any]:
        """Return the status of a run once it is in one of these phases."""
        return phase(self.cluster, name, self.namespace, *wanted, timeout=timeout)

    def stalls(self, name: str) -> dict[str, Any]:
        """Return the status of a run that waits for somebody to mend something."""

        def look() -> dict[str, Any] | None:
            status = (self.cluster.get("actionrun", name, self.namespace) or {}).get("status", {})
            return status if condition(status, "Stalled").get("status") == "True" else None

        status = wait_for(f"run {name} is stalled", look)
        assert status["phase"] == "Pending", status["message"]
        return status


def base(name: str, namespace: str) -> Manifest:
    """Return an Action with a form, a gate for what is large, and one ConfigMap."""
    stage = {"name": "leads", "when": "inputs.size == 'large'", "approvers": {"groups": ["platform-leads"]}}
    return {
        "apiVersion": "pratique.dev/v1alpha1",
        "kind": "Action",
        "metadata": {"name": name},
        "spec": {
            "title": "Write a note",
            "inputs": {"schema": FORM, "requireReason": "OnApproval"},
            "approval": {"stages": [stage]},
            "execution": {
                "serviceAccountRef": {"namespace": namespace, "name": "maker"},
                "resources": [{"id": "note", "template": NOTE}],
            },
        },
    }


@pytest.fixture
def bench(cluster: Cluster, operator: OperatorProcess, namespace: str) -> Iterator[Bench]:
    """The account is there; the Actions go with the test."""
    cluster.apply("admin", account(namespace, "maker", CONFIGMAPS))
    yield Bench(cluster, namespace)
    actions = cluster.kubectl("admin", "get", "actions", "-o", "name").out.split()
    mine = [each for each in actions if each.endswith(namespace)]
    if mine:
        cluster.kubectl("admin", "delete", *mine)


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "type": ({"name": "a", "replicas": "three"}, ('spec.inputs.replicas: must be integer, but is "three"',)),
    "null": ({"name": None}, ("spec.inputs.name: is required",)),
    "limit": ({"name": "a", "replicas": 11}, ("spec.inputs.replicas: 11 is greater than the maximum of 10",)),
    "enum": ({"name": "a", "size": "huge"}, ('spec.inputs.size: "huge" is not one of "small", "large"',)),
    "pattern": ({"name": "Ä B"}, ('spec.inputs.name: "Ä B" does not match the pattern ^[a-z][a-z0-9-]*$',)),
    "missing": ({}, ("spec.inputs.name: is required",)),
    "unknown": (
        {"name": "a", "replica": 2},
        ("spec.inputs.replica: there is no such input; did you mean replicas?",),
    ),
    "unlike": (
        {"name": "a", "zzz": 2},
        ("spec.inputs.zzz: there is no such input; known are: name, note, replicas, size",),
    ),
    "oversized": ({"name": "a", "note": "é" * 20000}, ("spec.inputs: is 120", "bytes of JSON, 65536 are allowed")),
    "reason": ({"name": "a", "size": "large"}, ("spec.reason: is required: say what it is for",)),
    "several": (
        {"replicas": 0, "size": 1},
        ("spec.inputs.name: is required", "spec.inputs.replicas: 0 is less than", "spec.inputs.size: must be string"),
    ),
}


def test_what_the_form_does_not_take_is_refused_with_field_reason_and_remedy(bench: Bench) -> None:
    action = bench.offer("note")
    for name, (inputs, _) in REFUSED.items():
        bench.ask(name, action, inputs)
    for name, (_, sentences) in REFUSED.items():
        status = bench.ends(name, "Refused")
        assert [each for each in sentences if each not in status["message"]] == [], status["message"]
        ready = condition(status, "Ready")
        assert (ready["status"], ready["reason"], ready["message"]) == ("False", "Refused", status["message"])
        assert status.get("resources", []) == [] and status.get("approvals", []) == []
    assert bench.cluster.get("configmap", "a", bench.namespace) is None


def test_inputs_that_are_too_long_are_refused_at_once(bench: Bench) -> None:
    action = bench.offer("note")
    manifest = run("long", bench.namespace, action, inputs={"name": "a", "note": "x" * 70000})
    answer = bench.cluster.apply("developer", manifest, check=False)
    assert answer.code != 0 and "spec.inputs is longer than 65536 characters" in answer.err


def test_a_run_without_a_spec_is_refused_at_once(bench: Bench) -> None:
    manifest = {**run("empty", bench.namespace), "spec": None}
    answer = bench.cluster.apply("developer", manifest, check=False)
    assert answer.code != 0 and "spec: Required value" in answer.err


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")], ids=["objects", "lists"])
@pytest.mark.parametrize("levels", [12, 900, 9000])
def test_deeply_nested_input_is_refused_at_once_and_stops_nobody(
    bench: Bench, levels: int, opening: str, closing: str
) -> None:
    action = bench.offer("note")
    text = json.dumps(run("deep", bench.namespace, action, inputs={"name": "deep", "tree": "HERE"}))
    deep = text.replace('"HERE"', opening * levels + "1" + closing * levels)
    answer = bench.cluster.kubectl("developer", "create", "-f", "-", input=deep, check=False)
    assert "spec.inputs is nested deeper than 12 levels: make it flatter" in answer.err
    bench.ask("shallow", action, {"name": "shallow", "tree": {"a": {"b": [{"c": 1}]}}})
    bench.ends("shallow", "Succeeded")


def test_input_is_data_and_never_a_template(bench: Bench) -> None:
    action = bench.offer("note")
    note = '${run.uid}\nkind: Secret\n"}}'
    bench.ask("literal", action, {"name": "literal", "note": note})
    bench.ends("literal", "Succeeded")
    assert (bench.cluster.get("configmap", "literal", bench.namespace) or {})["data"] == {"note": note}


def test_an_unknown_action_is_named_and_the_run_goes_on_once_it_is_there(bench: Bench) -> None:
    action = f"later-{bench.namespace}"
    bench.ask("early", action, {"name": "early"})

    def held() -> dict[str, Any] | None:
        status = (bench.cluster.get("actionrun", "early", bench.namespace) or {}).get("status", {})
        return status if condition(status, "Reconciling").get("status") == "True" else None

    status = wait_for("it waits for its Action", held)
    assert status["message"] == f"There is no Action named {action} yet: waiting a minute for it"
    assert condition(status, "Reconciling")["reason"] == "ActionNotFound"
    bench.offer("later")
    bench.ends("early", "Succeeded")


RESOURCE = "spec.execution.resources.0"
SCALE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "${inputs.name}", "namespace": "${run.namespace}"},
    "spec": {"replicas": "${inputs.replicas}"},
}
ODD = {**NOTE, "apiVersion": "pratique.dev/v1alpha1", "kind": "Environment"}
TYPOS: dict[str, tuple[dict[str, Any], str]] = {
    "account": (
        {"spec.execution.serviceAccountRef.name": "makr"},
        "there is no ServiceAccount",
    ),
    "lent": ({"spec.execution.serviceAccountRef.name": "default"}, "the operator may not act as ServiceAccount"),
    "kind": ({f"{RESOURCE}.template.kind": "Deploymnt"}, "no kind Deploymnt in apps/v1; did you mean Deployment?"),
    "version": ({f"{RESOURCE}.template.apiVersion": "app/v1"}, "has no app/v1; Deployment is in apps/v1"),
    "near": ({f"{RESOURCE}.template": {**SCALE, "apiVersion": "aps/v1", "kind": "Thing"}}, "did you mean apps/v1?"),
    "crd": ({f"{RESOURCE}.template": {**SCALE, "apiVersion": "x.io/v1", "kind": "Thing"}}, "install what brings it"),
    "path": ({f"{RESOURCE}.template.apiVersion": "../v1"}, "template.apiVersion: "),
    "field": (
        {f"{RESOURCE}.template.spec": {"replica": 1}},
        "spec.replica: there is no such field; did you mean repl",
    ),
    "type": ({f"{RESOURCE}.template.spec.replicas": "${inputs.replicas}x"}, "spec.replicas: must be a whole number"),
    "ready": (
        {f"{RESOURCE}.readyWhen": "self.spec.replica > 1"},
        "self.spec has no field replica; did you mean",
    ),
    "output": (
        {"spec.execution.outputs": {"a": "${resources.note.status.redyReplicas}"}},
        "did you mean readyReplicas?",
    ),
    "equals": ({"spec.approval.stages.0.when": "inputs.replicas = 5"}, "write == to compare"),
    "word": ({"spec.inputs.schema.properties.replicas": {"type": "integer", "min": 1}}, "did you mean minimum?"),
    "braces": ({f"{RESOURCE}.template.metadata.name": "{{ inputs.name }}"}, "template.metadata.name: "),
    "environment": (
        {f"{RESOURCE}.template": {**NOTE, "apiVersion": "pratique.dev/v1alpha1", "kind": "Environment"}},
        "data: there",
    ),
}


def test_a_typo_is_found_when_the_action_is_applied_and_ready_comes_by_itself(bench: Bench) -> None:
    sound = {f"{RESOURCE}.template": SCALE, f"{RESOURCE}.patch": True}
    ready = condition(bench.cluster.get("action", bench.offer("sound", json.loads(json.dumps(sound)))), "Ready")
    assert (ready["status"], ready["message"]) == ("True", "Checked: ready to be used")
    for name, (change, said) in TYPOS.items():
        ready = condition(
            bench.cluster.get("action", bench.offer(name, json.loads(json.dumps({**sound, **change})))), "Ready"
        )
        assert (ready["status"], said in ready["message"]) == ("False", True), ready["message"]
    (late, *_) = account(bench.namespace, "makr", CONFIGMAPS)
    for manifest in (late, *account(bench.namespace, "makr", CONFIGMAPS)):
        bench.cluster.apply("admin", manifest)
    wait_for("it is ready", lambda: bench._ready(f"account-{bench.namespace}") == "True")


def test_a_name_that_is_taken_is_left_as_it_is(bench: Bench) -> None:
    action = bench.offer("note")
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "taken", "namespace": bench.namespace}}
    bench.cluster.apply("admin", {**theirs, "data": {"note": "mine"}})
    before = bench.cluster.get("configmap", "taken", bench.namespace)
    bench.ask("collides", action, {"name": "taken", "note": "yours"})
    message = bench.ends("collides", "Failed")["message"]
    assert f"ConfigMap {bench.namespace}/taken exists and was not made by this run" in message
    assert "choose another name" in message
    assert bench.cluster.get("configmap", "taken", bench.namespace) == before


def test_a_hostile_pattern_holds_its_own_run_and_no_other(bench: Bench) -> None:
    healthy = bench.offer("note")
    properties = "spec.inputs.schema.properties"
    hostile = bench.offer("hostile", {f"{properties}.note": {"type": "string", "pattern": HOSTILE_PATTERN}})
    bench.ask("slow", hostile, {"name": "slow", "note": "a" * 60 + "b"})
    bench.ask("quick", healthy, {"name": "quick"})
    bench.ends("quick", "Succeeded", timeout=15.0)
    status = bench.stalls("slow")
    assert condition(status, "Stalled")["reason"] == "EvaluationFailed"
    assert f"Action {hostile}: " in status["message"]
    assert "took longer than 2 s and was cut off; simplify them" in status["message"]
    assert bench.cluster.get("configmap", "slow", bench.namespace) is None


def test_an_expression_that_eats_memory_holds_its_own_run_and_no_other(bench: Bench) -> None:
    healthy = bench.offer("note")
    stage = {"name": "leads", "when": EATS_MEMORY, "approvers": {"groups": ["platform-leads"]}}
    hungry = bench.offer("hungry", {"spec.approval.stages": [stage]})
    bench.ask("hungry", hungry, {"name": "hungry", "note": "x" * 60000})
    bench.ask("modest", healthy, {"name": "modest"})
    bench.ends("modest", "Succeeded", timeout=15.0)
    status = bench.stalls("hungry")
    assert condition(status, "Stalled")["reason"] == "EvaluationFailed"
    assert hungry in status["message"] and "memory" in status["message"]
    assert bench.cluster.get("configmap", "hungry", bench.namespace) is None


def test_a_held_run_goes_on_once_its_action_is_mended(bench: Bench) -> None:
    broken = {"name": "leads", "when": "inputs.tree.depth > 3", "approvers": {"groups": ["platform-leads"]}}
    action = bench.offer("mended", {"spec.approval.stages": [broken]})
    bench.ask("held", action, {"name": "held"})
    message = bench.stalls("held")["message"]
    assert f"Action {action}, spec.approval.stages[0].when: " in message and "tree" in message
    bench.offer("mended")
    bench.ends("held", "Succeeded")


def test_an_account_without_rights_fails_and_says_which_and_what(bench: Bench) -> None:
    bench.cluster.apply("admin", account(bench.namespace, "powerless"))
    action = bench.offer("powerless", {"spec.execution.serviceAccountRef.name": "powerless"})
    bench.ask("powerless", action, {"name": "powerless"})
    message = bench.ends("powerless", "Failed")["message"]
    who = f"ConfigMap {bench.namespace}/powerless could not be created (as ServiceAccount {bench.namespace}/powerless)"
    assert who in message and 'cannot create resource "configmaps"' in message


def test_an_account_that_was_not_lent_fails_and_says_so(bench: Bench) -> None:
    bench.cluster.kubectl("admin", "create", "serviceaccount", "private", "-n", bench.namespace)
    action = bench.offer("private", {"spec.execution.serviceAccountRef.name": "private"})
    bench.ask("private", action, {"name": "private"})
    message = bench.ends("private", "Failed")["message"]
    assert 'cannot impersonate resource "serviceaccounts"' in message and "private" in message


def test_a_patch_of_what_does_not_exist_is_refused_and_names_it(bench: Bench) -> None:
    action = bench.offer("patch", {"spec.execution.resources.0.patch": True})
    bench.ask("absent", action, {"name": "absent"})
    message = bench.ends("absent", "Refused")["message"]
    assert f"ConfigMap {bench.namespace}/absent could not be changed" in message
    assert bench.cluster.get("configmap", "absent", bench.namespace) is None


def test_what_the_api_server_refuses_fails_with_its_words(bench: Bench) -> None:
    template = {**NOTE, "data": {"note": {"nested": "${inputs.name}"}}}
    action = bench.offer("wrong", {"spec.execution.resources.0.template": template})
    bench.ask("wrong", action, {"name": "wrong"})
    message = bench.ends("wrong", "Failed")["message"]
    assert f"ConfigMap {bench.namespace}/wrong could not be created" in message and "data" in message


def test_a_kind_that_the_cluster_does_not_have_fails_and_names_it(bench: Bench) -> None:
    template = {**NOTE, "apiVersion": "example.org/v1", "kind": "Database"}
    action = bench.offer("kindless", {"spec.execution.resources.0.template": template})
    bench.ask("kindless", action, {"name": "kindless"})
    assert "the cluster has no kind Database in example.org/v1" in bench.ends("kindless", "Failed")["message"]
