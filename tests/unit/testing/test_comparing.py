"""What a case expects against what an Action makes of it: what passes, and the sentence for what does not."""

from typing import Any

import pytest
from tests.builders.models import action, manifest, planned, run, run_plan, stage
from tests.support.certain import certain

from pratique.core.judging.judge import judge as judge_here
from pratique.core.judging.policy import evaluate_outputs, evaluate_ready
from pratique.core.kernel.effects import Json, Judged, Rendered
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.form import FormField, Option
from pratique.sandbox.pool import Sandbox, Traced
from pratique.testing.cases import Asked, Case, Expected, Standing
from pratique.testing.comparing import compare
from pratique.testing.coverage import cover
from pratique.testing.judgement import Judgement, Later, judge, listed_of, merged, run_of, sources_of, target_of

LEADS = stage(
    name="leads", approvers={"groups": ["leads"]}, required=1, message="It costs", exclude=["dev@example.com"]
)
SECURITY = stage(
    name="security",
    approvers={"users": ["ann", "ben"], "groups": ["security"]},
    require_from=[{"group": "security", "count": 2}],
    alternatives=[{"approvers": {"users": ["cem"]}, "mode": "All"}],
    comment="Always",
    deadline="2d",
    break_glass={"users": ["eve"], "groups": ["sre-oncall"], "requester": "Forbid"},
)
SKIPPED = stage(name="money", when="inputs.size > 3")
MADE = manifest(
    name="made", spec={"size": 3, "on": True, "of": [{"name": "a", "x": 1}, {"name": "b"}], "text": "3"}, data=None
)
PLAN = run_plan(
    planned("made", MADE),
    gates=[LEADS, SECURITY],
    inputs={"size": 3, "name": "a"},
    cost="12 € a day",
)
HELD = Judgement(plan=PLAN, skipped=(SKIPPED,))
FREE = Judgement(plan=run_plan(planned("made", MADE)))
REFUSED = Judgement(refusals=("spec.reason: is required: say what it is for", "A rule says no"))
SIZE = FormField("size", "Size", required=True, options=(Option("s", "S"), Option("l", "l")))
REFUSED_FORM = Judgement(refusals=("A rule says no",), fields=(SIZE,))
LATER = Later(
    {"web": (Standing.READY, ""), "job": (Standing.WAITING, "status.phase"), "db": (Standing.FAILED, "")},
    Rendered({"at": "here", "port": 80}),
)
THERE = Judgement(plan=run_plan(), later=LATER)
NOT_YET = Judgement(plan=run_plan(), later=Later({}, Rendered({}, "at reads resources.web.status.at")))
HELD_LINE = (
    "Held for leads (1 of group leads), then security (2 of ann, ben, group security, of them 2 of group security or"
)


@pytest.mark.parametrize(
    ("expect", "found"),
    [
        ({"outcome": "Held"}, HELD),
        ({"outcome": "Free", "gates": [], "skipped": []}, FREE),
        ({"outcome": "Refused"}, REFUSED),
        ({"refused": ["says no", "spec.reason"]}, REFUSED),
        ({"gates": [{}, {}]}, HELD),
        (
            {
                "gates": [
                    {
                        "stage": "leads",
                        "message": "costs",
                        "required": 1,
                        "excluded": ["dev@example.com"],
                        "deadline": "2h",
                    },
                    {
                        "approvers": {"users": ["ben", "ann"], "groups": ["security"]},
                        **{"required": 2, "requireFrom": [{"group": "security", "count": 2}], "comment": "Always"},
                        **{"alternatives": [{"mode": "All", "required": 1}], "declineThreshold": 1, "mode": "Count"},
                        "breakGlass": {"groups": ["sre-oncall"], "requester": "Forbid"},
                    },
                ]
            },
            HELD,
        ),
        ({"skipped": [{"stage": "money", "when": "inputs.size > 3"}]}, HELD),
        (
            {"refused": "A rule", "fields": {"size": {"required": True, "options": ["s", "l"], "labels": ["S", "l"]}}},
            REFUSED_FORM,
        ),
        ({"outcome": "Refused", "fields": {"size": {"title": "Size", "value": None}}}, REFUSED_FORM),
        ({"plan": "team-a/made", "cost": "12 €", "inputs": {"size": 3}}, HELD),
        ({"objects": {"made": {"spec": {"of": [{"name": "a"}, {"name": "b"}]}}, "other": None}}, FREE),
        ({"objects": {"made": {"spec": {"gone": None}, "data": None}}}, FREE),
        ({"ready": {"web": "Ready", "job": "Waiting", "db": "Failed"}, "outputs": {"port": 80}}, THERE),
    ],
)
def test_what_is_as_expected_passes(expect: dict[str, Any], found: Judgement) -> None:
    assert compare(Expected.model_validate(expect), found) == ()


@pytest.mark.parametrize(
    ("expect", "found", "sentence"),
    [
        ({"outcome": "Free"}, HELD, f"outcome: is {HELD_LINE} 1 of cem); expected Free"),
        ({"outcome": "Held"}, FREE, "outcome: is Free; expected Held"),
        ({"refused": "x"}, FREE, "outcome: is Free; expected Refused"),
        (
            {"gates": [{}]},
            REFUSED,
            "outcome: is Refused: spec.reason: is required: say what it is for; A rule says no; exp",
        ),
        (
            {"plan": "x"},
            REFUSED,
            "outcome: is Refused: spec.reason: is required: say what it is for; A rule says no; expe",
        ),
        (
            {"refused": "x"},
            REFUSED,
            "refused: no sentence has x; it is Refused: spec.reason: is required: say what it is f",
        ),
        (
            {"refused": "A rule", "fields": {"size": {"options": ["s"]}}},
            REFUSED_FORM,
            'fields.size.options: is ["s", "l"]; expected ["s"]',
        ),
        (
            {"refused": "A rule", "fields": {"size": {"labels": []}}},
            REFUSED_FORM,
            'fields.size.labels: is ["S", "l"]; expected []',
        ),
        ({"refused": "A rule", "fields": {"size": {"title": "x"}}}, REFUSED_FORM, 'fields.size.title: is "Size"; exp'),
        (
            {"refused": "A rule", "fields": {"size": {}}},
            REFUSED,
            "fields.size: the request was refused before its form",
        ),
        ({"gates": [{"stage": "leads"}]}, HELD, "gates: are leads, security; expected leads"),
        ({"gates": [{"stage": "security"}, {}]}, HELD, "gates: are leads, security; expected security, any"),
        ({"gates": [{"message": "free"}, {}]}, HELD, "gates[0].message: is It costs; expected free in it"),
        ({"gates": [{"excluded": []}, {}]}, HELD, "gates[0].excluded: are dev@example.com; expected none"),
        ({"gates": [{"required": 2}, {}]}, HELD, "gates[0].required: is 1; expected 2"),
        ({"gates": [{"mode": "All"}, {}]}, HELD, "gates[0].mode: is Count; expected All"),
        ({"gates": [{"declineThreshold": 2}, {}]}, HELD, "gates[0].declineThreshold: is 1; expected 2"),
        (
            {"gates": [{}, {"approvers": {"users": ["ann"]}}]},
            HELD,
            "gates[1].approvers.users: are ann, ben; expected ann",
        ),
        ({"gates": [{"approvers": {"users": ["x"]}}, {}]}, HELD, "gates[0].approvers.users: are none; expected x"),
        (
            {"gates": [{"requireFrom": [{"group": "leads"}]}, {}]},
            HELD,
            'gates[0].requireFrom: is {}; expected {"leads": 1}',
        ),
        ({"gates": [{}, {"alternatives": []}]}, HELD, "gates[1].alternatives: are 1; expected 0"),
        ({"gates": [{"alternatives": [{}]}, {}]}, HELD, "gates[0].alternatives: are 0; expected 1"),
        (
            {"gates": [{}, {"alternatives": [{"approvers": {"users": ["x"]}}]}]},
            HELD,
            "gates[1].alternatives[0].approvers.users: are cem; expected x",
        ),
        (
            {"gates": [{"breakGlass": {"users": ["eve"]}}, {}]},
            HELD,
            "gates[0].breakGlass.users: are none; expected eve",
        ),
        (
            {"gates": [{}, {"breakGlass": {"requester": "Allow"}}]},
            HELD,
            "gates[1].breakGlass.requester: is Forbid; expected Allow",
        ),
        ({"skipped": []}, HELD, "skipped: are money; expected none"),
        ({"skipped": [{"stage": "money"}]}, FREE, "skipped: are none; expected money"),
        ({"skipped": [{"stage": "money", "when": "x"}]}, HELD, "skipped[0].when: is inputs.size > 3; expected x"),
        ({"plan": ["made", "made"]}, HELD, "plan[1]: no line has made; the lines are: ConfigMap team-a/made"),
        ({"objects": {"made": None}}, HELD, "objects.made: is made; expected none"),
        ({"objects": {"more": {}}}, HELD, "objects.more: is not made, since its `when` is false; made are: made"),
        ({"objects": {"made": {"spec": {"size": "3"}}}}, HELD, 'objects.made.spec.size: is 3; expected "3"'),
        ({"objects": {"made": {"spec": {"text": 3}}}}, HELD, 'objects.made.spec.text: is "3"; expected 3'),
        ({"objects": {"made": {"spec": {"on": 1}}}}, HELD, "objects.made.spec.on: is true; expected 1"),
        (
            {"objects": {"made": {"spec": {"of": []}}}},
            HELD,
            'objects.made.spec.of: is [{"name": "a", "x": 1}, {"name": "b"',
        ),
        (
            {"objects": {"made": {"spec": {"of": [{"name": "a"}, {"name": "c"}]}}}},
            HELD,
            "objects.made.spec.of[1].name: is",
        ),
        ({"objects": {"made": {"spec": {"less": 1}}}}, HELD, "objects.made.spec.less: is not there; expected 1"),
        ({"inputs": {"size": 4}}, HELD, "inputs.size: is 3; expected 4"),
        ({"cost": "13"}, HELD, "cost: is 12 € a day; expected 13 in it"),
        ({"cost": "13"}, FREE, "cost: is ; expected 13 in it"),
        ({"ready": {"job": "Ready"}}, THERE, "ready.job: is Waiting, since status.phase is not there; expected Ready"),
        ({"ready": {"db": "Ready"}}, THERE, "ready.db: is Failed; expected Ready"),
        (
            {"ready": {"map": "Ready"}},
            THERE,
            "ready.map: is not made, or has no readyWhen, failedWhen or until; expected Re",
        ),
        ({"outputs": {"at": "there"}}, THERE, 'outputs.at: is "here"; expected "there"'),
        (
            {"outputs": {"at": "x"}},
            NOT_YET,
            "outputs: are not there yet: at reads resources.web.status.at; say what the o",
        ),
        (
            {"outcome": "Free"},
            Judgement(error="Action a, spec.cost: is no text"),
            "cannot be judged, so that the operator would hold it: Action a, spec.cost: is no text",
        ),
    ],
)
def test_a_difference_names_the_field_and_both_values(expect: dict[str, Any], found: Judgement, sentence: str) -> None:
    (said,) = compare(Expected.model_validate(expect), found)
    assert said.startswith(sentence)


def test_all_differences_are_said_at_once() -> None:
    expect = Expected.model_validate({"gates": [{"required": 2, "deadline": "1h"}, {}], "cost": "x"})
    assert len(compare(expect, HELD)) == 3


def test_a_case_is_the_run_that_the_operator_would_see() -> None:
    given = Asked.model_validate(
        {
            "run": {"name": "given", "namespace": "team-a"},
            "requester": {"username": "dev", "groups": ["team-a"]},
            **{"onBehalfOf": {"username": "ann"}, "inputs": {"a": 1, "b": 1}, "reason": "given"},
        }
    )
    bare = run_of("make", given, Case.model_validate({"name": "a", "inputs": {"b": 2}, "expect": {}}))
    assert (bare.metadata.name, bare.metadata.namespace, bare.spec.action_ref.name) == ("given", "team-a", "make")
    assert bare.spec.inputs == {"a": 1, "b": 2} and bare.spec.reason == "given"
    assert bare.spec.requested_by == given.requester and bare.spec.on_behalf_of == given.on_behalf_of
    own = {"name": "a", "run": {"name": "own"}, "requester": {"username": "ben"}, "reason": "", "expect": {}}
    case = run_of("make", given, Case.model_validate(own))
    assert (case.metadata.name, case.metadata.namespace, case.spec.reason) == ("own", "default", "")
    assert case.spec.requested_by is not None and case.spec.requested_by.username == "ben"
    nobody = run_of("make", Asked(), Case.model_validate({"name": "a", "expect": {}}))
    assert nobody.spec.requested_by is not None and nobody.spec.requested_by.username == "someone@example.com"


class Core(Sandbox):
    """Judges in this process."""

    async def trace_run(
        self, action: Any, run: Any, *, target: Any = None, listed: Any = None, sources: Any = None, kept: str = ""
    ) -> Traced:
        seen: list[tuple[str, bool]] = []
        evaluation = judge_here(
            action, run, lambda path, held: seen.append((path, held)), target, listed, kept, sources
        )
        return Traced(evaluation, tuple(seen))

    async def evaluate_ready(
        self, ready_when: Any, target: Any, owners: Any = (), *, failed_when: Any = None
    ) -> Judged:
        return evaluate_ready(ready_when, failed_when, target)

    async def evaluate_outputs(self, plan: Any, run: Any, resources: Any, owners: Any = ()) -> Rendered:
        return evaluate_outputs(plan, run, resources)


class _Broken(Sandbox):
    async def trace_run(self, action: Any, run: Any, **seen: Any) -> Traced:
        raise EvaluationError("Action a, spec.cost: is no text")


async def test_what_is_judged_says_which_stages_were_skipped_and_why() -> None:
    stages = [stage(name="a", when="inputs.size > 3").to_wire(), stage(name="b", when="run.name == 'x'").to_wire()]
    form = {"schema": {"type": "object", "properties": {"size": {"type": "integer"}}}}
    template = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "team-a"}}
    does = {
        "serviceAccountRef": {"namespace": "actions", "name": "maker"},
        "resources": [{"id": "made", "template": template}],
    }
    offered = action(approval={"stages": stages}, inputs=form, execution=does)
    found = await judge(Core(), offered, run(spec={"inputs": {"size": 5}}))
    assert [each.name for each in found.skipped] == ["b"]
    assert found.outcome == "Held" and str(found).startswith("Held for a (")
    assert ("spec.approval.stages[1].when", False) in found.seen
    refused = await judge(Core(), offered, run(spec={"inputs": {"size": "x"}}))
    assert (refused.outcome, refused.skipped, refused.seen) == ("Refused", (), ())
    broken = await judge(_Broken(), offered, run())
    assert broken.outcome is None and broken.error == "Action a, spec.cost: is no text"


async def test_live_objects_are_put_to_the_rules_that_wait_for_them() -> None:
    template = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${run.name}", "namespace": "team-a"}}
    resources = [
        {"id": "one", "template": template, "readyWhen": "self.status.ok", "failedWhen": "has(self.status.bad)"},
        {"id": "two", "template": {**template, "metadata": {"name": "two", "namespace": "team-a"}}},
    ]
    offered = action(
        execution={
            "serviceAccountRef": {"namespace": "actions", "name": "maker"},
            **{"resources": resources, "outputs": {"at": "${resources.one.status.at}"}},
        }
    )

    async def look(live: dict[str, Any] | None, **expect: Any) -> Judgement:
        case = Case.model_validate({"name": "a", "live": live or {}, "expect": expect})
        return await judge(Core(), offered, run_of("make", Asked(), case), case)

    assert (await look(None, outcome="Free")).later is None, "nobody asked"
    ready = await look({"one": {"status": {"ok": True, "at": "here"}}}, outcome="Free")
    assert ready.later is not None and ready.later.standing == {"one": (Standing.READY, "")}
    assert ready.later.outputs == Rendered({"at": "here"})
    at = "spec.execution.resources[0]."
    assert ready.seen[-3:] == (
        (f"{at}failedWhen", False),
        (f"{at}readyWhen", True),
        ("spec.execution.outputs.at", True),
    )
    waits = await look({"one": {"status": {"at": ""}}}, ready={"one": "Waiting"})
    assert waits.later is not None and waits.later.standing == {"one": (Standing.WAITING, "status.ok")}
    failed = await look({"one": {"status": {"bad": 1}}}, outputs={})
    assert failed.later is not None and failed.later.standing == {"one": (Standing.FAILED, "")}
    assert failed.seen[-1] == (f"{at}failedWhen", True), "then nobody asks whether it is ready"


def test_what_became_of_an_object_is_merged_into_what_was_made() -> None:
    made = {"spec": {"a": 1, "b": {"c": 1}}, "kind": "X"}
    assert merged(made, {"spec": {"a": None, "b": {"d": 2}}, "status": {"ok": True}}) == {
        **{"spec": {"b": {"c": 1, "d": 2}}, "kind": "X", "status": {"ok": True}}
    }
    assert merged({"a": None}, {"b": [1]}) == {"a": None, "b": [1]}


def test_the_object_that_a_case_acts_on_is_made_up_but_for_what_it_says() -> None:
    given = Asked.model_validate(
        {"run": {"name": "a", "namespace": "team-a"}, "target": {"data": {"a": "1", "b": "2"}}}
    )
    case = Case.model_validate({"name": "a", "target": {"metadata": {"name": "it"}, "data": {"b": None}}, "expect": {}})
    acting = action(actsOn={"apiVersion": "v1", "kind": "ConfigMap"})
    live = certain(target_of(acting, given, case))
    assert (live["kind"], live["metadata"]["name"], live["metadata"]["namespace"]) == ("ConfigMap", "it", "team-a")
    assert live["data"] == {"a": "1"} and live["metadata"]["uid"]
    ref = certain(run_of("make", given, case, live).spec.target_ref)
    assert (ref.name, ref.namespace) == ("it", "team-a")
    assert target_of(action(), given, case) is None
    assert target_of(acting, Asked(), Case.model_validate({"name": "a", "expect": {}})) is None
    assert run_of("make", given, case).spec.target_ref is None


def test_what_is_made_up_is_what_the_cluster_could_have() -> None:
    core, storage = {"apiVersion": "v1"}, {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
    fields = {
        "node": {"options": {"from": {**core, "kind": "Node", "selector": {"a": "b"}}}},
        "class": {"options": {"from": storage}},
        "all": {"options": {"from": {**core, "kind": "Secret", "allNamespaces": True, "selector": {"x": "y"}}}},
        "own": {"options": {"from": {"apiVersion": "example.com/v1", "kind": "Node"}}},
    }
    offered = action(inputs={"fields": fields}, actsOn={**core, "kind": "Namespace"})
    said = [{}, {"metadata": {"namespace": "team-b", "labels": {"more": "c"}}}]
    case = Case.model_validate({"name": "a", "target": {}, "expect": {}, "options": dict.fromkeys(fields, said)})
    listed = listed_of(offered, Asked(), case)
    found = {
        name: [(each["metadata"].get("namespace"), each["metadata"].get("labels")) for each in of]
        for name, of in listed.items()
    }
    assert found == {
        "node": [(None, {"a": "b"}), ("team-b", {"a": "b", "more": "c"})],
        "class": [(None, None), ("team-b", {"more": "c"})],
        "all": [(None, {"x": "y"}), ("team-b", {"x": "y", "more": "c"})],
        "own": [("default", None), ("team-b", {"more": "c"})],
    }
    target = certain(target_of(offered, Asked(), case))
    assert "namespace" not in target["metadata"]
    assert certain(run_of("make", Asked(), case, target).spec.target_ref).namespace is None


def test_what_a_field_offers_is_made_up_around_what_a_case_says() -> None:
    source = {"apiVersion": "v1", "kind": "ConfigMap"}
    fields = {
        "size": {"options": {"from": {**source, "namespace": "catalogue"}, "filter": "true", "label": "'x'"}},
        "zone": {"options": {"from": source}, "visible": "true", "default": "'a'"},
    }
    offered = action(inputs={"fields": fields})
    given = Asked.model_validate({"options": {"size": [{"metadata": {"name": "given"}}]}})
    case = Case.model_validate({"name": "a", "expect": {}, "options": {"zone": [{"metadata": {"name": "b"}}, {}]}})
    listed = listed_of(offered, given, case)
    names = {field: [each["metadata"]["name"] for each in found] for field, found in listed.items()}
    assert names == {"size": ["given"], "zone": ["b", "example-1"]}
    spaces = [each["metadata"]["namespace"] for found in listed.values() for each in found]
    assert spaces == ["catalogue", "default", "default"]
    assert len({each["metadata"]["uid"] for each in listed["zone"]}) == 2
    assert listed_of(offered, Asked(), Case.model_validate({"name": "a", "expect": {}})) == {"size": (), "zone": ()}
    paths = [each.path for each in cover(offered, ())]
    assert paths[:6] == [
        "spec.inputs.fields.zone.visible",
        "spec.inputs.fields.zone.default",
        "spec.inputs.fields.size.options.filter",
        "spec.inputs.fields.size.options.value",
        "spec.inputs.fields.size.options.label",
        "spec.inputs.fields.zone.options.value",
    ]


async def test_approvers_are_found_in_the_objects_that_a_case_gives() -> None:
    names = {"users": "object.metadata.annotations.owner"}
    space = {"apiVersion": "v1", "kind": "Namespace", "name": "${run.namespace}", **names}
    owners = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owners", **names}
    template = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "team-a"}}
    does = {"serviceAccountRef": {"namespace": "a", "name": "b"}, "resources": [{"id": "made", "template": template}]}
    rule = {"stages": [{"name": "s", "approvers": {"from": [space, owners]}, "deadline": "1h"}]}
    offered = action(approval=rule, execution=does)

    def owned(kind: str, name: str, by: str, **more: str) -> Json:
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "annotations": {"owner": by}, **more}}

    given = Asked.model_validate(
        {"sources": [owned("Namespace", "team-a", "ann"), owned("ConfigMap", "owners", "old")]}
    )
    elsewhere = owned("ConfigMap", "owners", "eve", namespace="elsewhere")
    case = Case.model_validate({"name": "a", "sources": [elsewhere, owned("ConfigMap", "owners", "ben")], "expect": {}})
    found = await judge(Core(), offered, run(), case, sources=sources_of(given, case))
    assert certain(found.plan).stages[0].approvers.users == ["ann", "ben"]
    paths = [each.path for each in cover(offered, found.seen) if not each.missing]
    assert "spec.approval.stages[0].approvers.from[1].users" in paths
    missing = await judge(Core(), offered, run(), case, sources=(given.sources[0],))
    (said,) = missing.refusals
    assert said == "spec.approval: who may approve is looked up in ConfigMap team-a/owners, which is not there"
