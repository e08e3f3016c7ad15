"""Generated Actions and inputs: no crash, an end or a sentence for each, and nothing made that its plan does not hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.world import ACTIONS, APPROVALS, BOUND, RUNS, SPACE, World, size
from tests.support.generated import examples

from pratique.core.plans.sameness import contains

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]
MADE = ("Running", "Succeeded", "Failed")

texts = st.one_of(
    st.sampled_from(["", "a", "web", "kube-system", "${run.uid}", "$${", "x: y\n- z", "\u202eab", "../..", "é" * 30]),
    st.text(max_size=12),
)
ATOMS = """inputs.a inputs.n inputs.b inputs.l run.name run.namespace action.name 'x' 1 1.5 true null [1] {'k':inputs.a}
run.requestedBy.username inputs.missing now ttl('3d') ("""
atoms = st.sampled_from(ATOMS.split())
expressions = st.recursive(
    atoms,
    lambda each: st.one_of(
        st.builds("{} + {}".format, each, each),
        st.builds("{} == {}".format, each, each),
        st.builds("({} ? {} : {})".format, each, each, each),
        st.builds("string({})".format, each),
        st.builds("size({})".format, each),
        st.builds("{}.startsWith({})".format, each, each),
        st.builds("inputs.l.map(x, {})".format, each),
        st.builds("{}[{}]".format, each, each),
    ),
    max_leaves=4,
)
conditions = st.sampled_from(["true", "false", "inputs.b", "inputs.n > 2", "size(inputs.l) == 2", "inputs.a == 'web'"])
sound = st.sampled_from(
    ["", "x", "${run.name}", "${inputs.a}-${inputs.n}", "${string(inputs.b)}", "$${", "${inputs.l[0]}"]
)


def mostly(usual: st.SearchStrategy[Any], wild: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy that is wild one time in six: what is wild everywhere never gets past the first look."""
    return st.integers(0, 5).flatmap(lambda number: usual if number else wild)


strings = mostly(
    sound,
    st.one_of(
        texts, st.builds("${{{}}}".format, expressions), st.builds("{}${{{}}}{}".format, texts, expressions, texts)
    ),
)
names = mostly(
    st.sampled_from(["${run.name}", "${run.name}-${inputs.n}"]),
    st.sampled_from(["${inputs.a}", "fixed", "a/b", "UPPER", "", "${run.name}"]),
)
spaces = mostly(
    st.sampled_from([SPACE, "${run.namespace}"]),
    st.sampled_from(["kube-system", "${inputs.a}", "default", "pratique-system"]),
)
KINDS = (("v1", "Secret"), ("v1", "Pod"), ("pratique.dev/v1alpha1", "Approval"), ("v1/..", "ConfigMap"), ("x/v1", "Y"))
kinds = mostly(st.just(("v1", "ConfigMap")), st.sampled_from(KINDS))


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    api_version, kind = draw(kinds)
    metadata: dict[str, Any] = {"name": draw(names), "namespace": draw(spaces)}
    if draw(st.booleans()):
        keys = st.sampled_from(["team", "pratique.dev/run-uid", "a b", "x/y"])
        metadata["labels"] = draw(mostly(st.just({"team": "a"}), st.dictionaries(keys, strings, max_size=2)))
    data = draw(st.dictionaries(st.sampled_from(["k", "l", "m"]), strings, max_size=3))
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "data": data}


FORM = {
    "type": "object",
    "properties": {
        "a": {"type": "string", "pattern": "^[a-z-]*$"},
        "n": {"type": "integer", "default": 3},
        "b": {"type": "boolean", "default": False},
        "l": {"type": "array", "items": {"type": "string"}, "default": ["p", "q"]},
    },
}
forms = mostly(
    st.sampled_from([FORM, {"type": "object", "additionalProperties": True}]),
    st.sampled_from([{"type": "object", "properties": {"a": {"$ref": "#/x"}}}, {"type": "string"}]),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(texts, each, max_size=3),
    max_leaves=6,
)
filled = st.fixed_dictionaries(
    {"a": st.sampled_from(["web", "a-b"]), "n": st.integers(0, 9), "b": st.booleans(), "l": st.just(["p", "q"])}
)
anything = {"a": texts, "n": st.integers(), "b": st.booleans(), "l": st.lists(texts, max_size=3), "z": values}
inputs = mostly(filled, st.fixed_dictionaries({}, optional=anything))


RULES: dict[str, st.SearchStrategy[Any]] = {
    "delegation": st.sampled_from(["Allow", "Forbid"]),
    "escalation": st.sampled_from([[], [{"after": "1h"}], [{"after": "1h", "to": {"groups": ["directors"]}}]]),
    "breakGlass": st.fixed_dictionaries(
        {"groups": st.just(["sre-oncall"]), "requester": st.sampled_from(["Allow", "Forbid"])}
    ),
    "counterOffer": st.fixed_dictionaries(
        {
            "inputs": st.dictionaries(
                st.sampled_from(["a", "n", "l", "z"]),
                st.sampled_from(
                    [{"values": ["web", "A"]}, {"minimum": 0, "maximum": 2}, {"minimum": 0.5, "maximum": 0.6}]
                ),
                min_size=1,
            )
        },
        optional={"consent": st.just("Required")},
    ),
    "exclude": st.lists(strings.filter(bool), min_size=1, max_size=2),
    "approvers": st.builds(
        lambda text: {"from": [{"apiVersion": "v1", "kind": "Namespace", "name": "${run.namespace}", "users": text}]},
        st.sampled_from(
            ["object.metadata.annotations['owner']", "object.metadata.name", "[object.metadata.uid, 'b']", "1"]
        ),
    ),
}
"""What else a stage may say."""


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    resources: list[dict[str, Any]] = [
        {"id": f"r{number}", "template": draw(templates()), "patch": draw(st.sampled_from([False, False, False, True]))}
        for number in range(draw(st.integers(1, 3)))
    ]
    for each in resources:
        if draw(st.sampled_from([False, False, True])):
            each["when"] = draw(mostly(conditions, expressions))
        if not each["patch"] and draw(st.sampled_from([False, False, True])):
            each["expiresAfter"] = draw(mostly(st.sampled_from(["1h", "${inputs.n + 1}h"]), strings))
        if not each["patch"] and draw(st.sampled_from([False, False, False, True])):
            each["forEach"] = draw(mostly(st.just("inputs.l"), expressions))
            each["template"]["metadata"]["name"] = draw(mostly(st.just("${run.name}-${each}"), names))
    spec: dict[str, Any] = {
        "title": "Generated",
        "inputs": {"schema": draw(forms)},
        "execution": {
            "serviceAccountRef": {"namespace": SPACE, "name": "writer"},
            "timeout": "5s",
            "resources": resources,
            "outputs": draw(st.dictionaries(st.sampled_from(["o", "p"]), strings, max_size=2)),
        },
    }
    if draw(st.booleans()):
        stage = {
            "name": "leads",
            "approvers": {"groups": ["platform-leads"]},
            "when": draw(mostly(conditions, expressions)),
        }
        for what, usual in RULES.items():
            if draw(st.sampled_from([False, False, True])):
                stage[what] = draw(usual)
        spec["approval"] = {"stages": [stage]}
    return spec


def is_json(value: Any) -> bool:
    """Whether it can be sent: lone surrogates cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@examples(150)
@given(specs().filter(is_json), inputs.filter(is_json))
def test_each_run_has_an_end_or_a_sentence_and_makes_what_its_plan_says(
    world: World, spec: dict[str, Any], given_inputs: dict[str, Any]
) -> None:
    name = world.name("act")
    action = {"apiVersion": "pratique.dev/v1alpha1", "kind": "Action", "metadata": {"name": name}, "spec": spec}
    offered = world.create("admin", ACTIONS, action)
    if not offered.ok:
        assert 400 <= offered.code < 500 and offered.message, offered
        return
    run = {
        "apiVersion": "pratique.dev/v1alpha1",
        "kind": "ActionRun",
        "metadata": {"name": name},
        "spec": {"actionRef": {"name": name}, "inputs": given_inputs},
    }
    asked = world.create("developer", RUNS, run)
    assert asked.ok or (400 <= asked.code < 500 and asked.message), asked
    if asked.ok:
        judge(world, world.settled(name, "WaitingForApproval"))
    world.callers["admin"].send("DELETE", f"{ACTIONS}/{name}")


def judge(world: World, run: dict[str, Any]) -> None:
    """What must hold for every run, whatever was asked."""
    status, made = run["status"], world.made_by(run)
    assert status["message"].strip() and status["message"] != "Waiting for the operator"
    assert size(run) < BOUND
    if status["phase"] not in MADE:
        assert made == [], status
    text = status.get("document", "{}")
    for gate in status.get("approvals", []):
        text = (world.get(f"{APPROVALS}/{gate['name']}") or {})["spec"]["plan"]["document"]
    steps = [each for each in json.loads(text).get("resources", []) if not each.get("patch")]
    planned = [each.get("manifest") or each["temporary"] for each in steps]  # what ends by itself has another name
    for live in made:
        assert live["metadata"]["namespace"] == SPACE, "its account may write nowhere else"
        assert any(contains({"apiVersion": "v1", "kind": "ConfigMap", **live}, each) for each in planned), (
            live,
            planned,
        )


def test_they_came_to_many_ends(world: World) -> None:
    assert {"Succeeded", "Refused", "Pending", "WaitingForApproval"} <= world.ends.keys(), world.ends
