"""The largest that people can write: refused with the size, or on record to its end; it holds up nobody."""

import json
import time
from typing import Any

import pytest
from tests.builders.manifests import decision, run
from tests.support.attempts import CONFIGMAP, Attempts
from tests.support.runs import phase

pytestmark = pytest.mark.cluster
STORED = 1_572_864


def stored(author: Attempts, kind: str, name: str) -> int:
    """Return how many bytes the API server keeps of an object."""
    where = ("-n", author.namespace, "-o", "json", "--show-managed-fields")
    found = author.cluster.kubectl("admin", "get", kind, name, *where).json
    return len(json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode())


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"x": "y" * 1_400_000}, "spec.inputs is longer than 65536 characters"),
        ({f"name-{'n' * 40}{number}": number for number in range(1500)}, "spec.inputs is longer than 65536 characters"),
        ({f"k{number}": number for number in range(20_000)}, "spec.inputs"),
        ({"list": list(range(200_000))}, "spec.inputs"),
        ({"lists": [list(range(900))] * 200}, "spec.inputs is longer than"),
        ({"x": "y" * 3_200_000}, "limit is 3145728"),
    ],
    ids=["text", "names", "more-names", "list", "lists", "request"],
)
def test_inputs_without_measure_are_refused_at_the_door(author: Attempts, inputs: Any, sentence: str) -> None:
    text = json.dumps(run("huge", author.namespace, "anything", inputs=inputs))
    began = time.monotonic()
    said = author.cluster.kubectl("developer", "create", "-f", "-", input=text, check=False).err
    assert sentence in said, said[-400:]
    assert time.monotonic() - began < 15  # the API server must not work on it for long either


def test_what_passes_the_door_and_is_too_large_is_refused_with_its_size(author: Attempts) -> None:
    author.offer([author.action("wide", CONFIGMAP), author.action("many", CONFIGMAP)])
    author.ask({"wide": {"x": "\N{GRINNING FACE}" * 60_000}, "many": {"x": [[1] * 600] * 2}})
    status = author.settled(["wide", "many"])
    assert status["wide"]["phase"] == status["many"]["phase"] == "Refused"
    assert status["wide"]["message"].startswith("spec.inputs: is ") and "65536 are allowed" in status["wide"]["message"]
    assert status["many"]["message"] == "spec.inputs: holds 1203 values, 1000 are allowed"
    assert stored(author, "actionrun", "wide") < STORED


def test_a_plan_without_measure_is_held_and_says_how_large_it_is(author: Attempts) -> None:
    large = [
        {
            **CONFIGMAP,
            "metadata": {"name": f"large-{each}", "namespace": "${run.namespace}"},
            "data": {"x": "${inputs.x}"},
        }
        for each in range(16)
    ]
    author.offer([author.action("planned", *large), author.action("outputs", CONFIGMAP, execution={"outputs": OUT})])
    author.ask({"planned": {"x": "y" * 60_000}, "outputs": {"x": "y" * 60_000}})
    status = author.settled(["planned", "outputs"])
    assert status["planned"]["phase"] == "Pending"
    assert "spec.execution.resources: make a plan of 10" in status["planned"]["message"]
    assert status["outputs"]["phase"] == "Failed"
    assert status["outputs"]["message"].endswith("spec.execution.outputs failed: are larger than 32768 bytes")


OUT = {f"o{number}": "${inputs.x}" for number in range(16)}


def test_a_run_that_is_as_large_as_may_be_goes_to_its_end(author: Attempts) -> None:
    data = {f"{'k' * 60}{number}": "${inputs.x}" for number in range(60)}
    large = [
        {**CONFIGMAP, "metadata": {"name": f"${{run.name}}-{each}", "namespace": "${run.namespace}"}, "data": data}
        for each in range(8)
    ]
    stage = {"name": "leads", "message": "m" * 512, "approvers": {"groups": ["platform-leads"]}}
    channels = [[f"channel-{a}-{b}" for b in range(8)] for a in range(8)]
    events = ["ApprovalRequested", "Approved", "Succeeded", "Failed"]
    rules = [{"channels": each, "events": events} for each in channels]
    actions = {"largest": {"approval": {"stages": [stage]}}, "largest-free": {}}
    author.offer([author.action(name, *large, notifications=rules, **more) for name, more in actions.items()])
    names = {f"{'n' * 80}{number}": "v" for number in range(150)}
    inputs = {"x": "y" * 60, "rest": "z" * 20_000, **names}
    author.ask(dict.fromkeys(actions, inputs))
    waiting = phase(author.cluster, "largest", author.namespace, "WaitingForApproval")
    gate = waiting["approvals"][0]["name"]
    vote = decision("lead-1@example.com", "Approve", "c" * 1024)
    author.cluster.kubectl("lead-1", "patch", "approval", gate, "-n", author.namespace, "--type=merge", "-p", vote)
    phase(author.cluster, "largest", author.namespace, "Succeeded", timeout=60)
    assert 150_000 < stored(author, "actionrun", "largest") < STORED // 3
    assert 100_000 < stored(author, "approval", gate) < STORED // 2
    phase(author.cluster, "largest-free", author.namespace, "Succeeded", timeout=60)
    assert 150_000 < stored(author, "actionrun", "largest-free") < STORED * 2 // 3


def test_a_waiting_run_cannot_be_padded_until_its_start_has_no_room(author: Attempts) -> None:
    """Its status could not be written then, and what it makes would be made again whenever it is gone."""
    stage = {"name": "leads", "approvers": {"groups": ["platform-leads"]}}
    author.offer([author.action("padded", CONFIGMAP, approval={"stages": [stage]})])
    names = {f"{'n' * 40}{number}": "v" for number in range(900)}
    author.ask({"padded": names})
    phase(author.cluster, "padded", author.namespace, "WaitingForApproval")
    manifest = json.dumps(run("padded", author.namespace, f"padded-{author.namespace}", inputs=names))
    said = []
    for number in range(9):
        one = ("apply", "--server-side", f"--field-manager=m{number}", "--force-conflicts", "-f", "-")
        said.append(author.cluster.kubectl("developer", *one, input=manifest, check=False).err)
    sentence = "the metadata of an ActionRun is longer than 327680 characters: nothing would be left for its status"
    assert sentence in said[-1] and sentence not in said[0], said
    where = ("-n", author.namespace)
    withdraw = ("patch", "actionrun", "padded", *where, "--type=merge", "-p", '{"spec":{"withdrawn":true}}')
    author.cluster.kubectl("developer", *withdraw)
    phase(author.cluster, "padded", author.namespace, "Withdrawn")
    assert stored(author, "actionrun", "padded") < STORED // 2
