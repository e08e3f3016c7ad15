"""Fields inside of others: of each row of a list, and of a group. Each is worked out, offered and refused by itself."""

from typing import Any

import pytest
from tests.builders import models
from tests.builders.models import NOW
from tests.support.certain import certain

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.core.execution.others import find_others
from pratique.core.gates.opening import with_chosen
from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge
from pratique.core.judging.targets import evaluate_target
from pratique.core.kernel.effects import Evaluation, Json, ListOptions
from pratique.core.kernel.errors import EvaluationError
from pratique.core.telling.shown_inputs import asked_inputs

ROW: Json = {
    "type": "object",
    "required": ["class", "size"],
    "properties": {
        "class": {"type": "string", "title": "Class"},
        "size": {"type": "integer", "default": 10},
        "share": {"type": "number", "default": 1},
        "copies": {"type": "integer", "default": 2},
        "note": {"type": "string", "description": "Why"},
    },
}
GROUP: Json = {
    "type": "object",
    "properties": {"zone": {"type": "string"}, "zones": {"type": "array", "items": {"type": "string"}}},
}
SCHEMA: Json = {
    "type": "object",
    "properties": {
        "disks": {"type": "array", "items": ROW},
        "net": GROUP,
        "tier": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "words": {"type": "array", "items": {"type": "string"}},
    },
}
FIELDS: Json = {
    "disks[].copies": {"visible": "each.class == 'fast'", "maximum": "each.share * 4.0"},
    "disks[].size": {"maximum": "each.class == 'fast' ? 100 : 1000", "help": "'For ' + each.class"},
    "disks[].note": {
        "required": "each.size > 50",
        "default": "inputs.tier == 'b' ? 'none' : each.class",
        "disabled": "inputs.tier == 'b'",
    },
    "net.zone": {"default": "inputs.tier", "pattern": "'^' + inputs.tier"},
}
CLASSES = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
ZONES = {"apiVersion": "v1", "kind": "ConfigMap"}
MADE: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "team-a"}}


def action(fields: Json | None = None, schema: Json | None = None, *, each: str = "", **more: Any) -> Action:
    template = {**MADE, "data": {"of": each}} if each else MADE
    does = {
        "serviceAccountRef": {"namespace": "makers", "name": "maker"},
        "resources": [{"id": "made", "template": template}],
    }
    form = {"schema": schema or SCHEMA, "fields": FIELDS if fields is None else fields, **more.pop("inputs", {})}
    return models.action(inputs=form, execution=does, **more)


def run(**inputs: Any) -> ActionRun:
    return models.run(meta={"creation_timestamp": NOW}, spec={"inputs": inputs})


def found(fields: Json | None = None, **inputs: Any) -> Evaluation:
    return judge(action(fields), run(**inputs))


def rows(*each: Json) -> list[Json]:
    return [{"class": "slow", **one} for one in each]


def test_a_sound_form_has_no_problems() -> None:
    assert check_action(action()) == ()


def test_each_row_is_worked_out_by_itself() -> None:
    plan = certain(found(disks=rows({}, {"class": "fast", "share": 0.5, "note": "own"}), net={}).plan)
    slow = {"class": "slow", "size": 10, "share": 1, "note": "slow"}
    fast = {"class": "fast", "size": 10, "share": 0.5, "copies": 2, "note": "own"}
    assert plan.inputs == {"tier": "a", "disks": [slow, fast], "net": {"zone": "a"}}
    assert certain(found(tier="b").plan).inputs == {"tier": "b"}, "no rows, and no group: nothing inside"


def test_fields_say_what_they_are_in_each_row() -> None:
    evaluation = found(disks=rows({}, {"class": "fast", "size": 51}))
    states = {
        each.name: (each.visible, each.required, each.value, each.help)
        for each in evaluation.fields
        if "[" in each.name
    }
    assert states["disks[0].copies"] == (False, False, None, "") and states["disks[1].copies"] == (True, False, 2, "")
    assert states["disks[0].size"] == (True, True, 10, "For slow")
    assert states["disks[1].note"] == (True, True, "fast", "Why")
    wrong = found(disks=[{}])
    assert "disks[0].size" in {each.name for each in wrong.fields} and wrong.refusals == (
        "spec.inputs.disks[0].class: is required",
    )


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (
            {"disks": rows({"class": "fast"}, {"copies": 1})},
            "spec.inputs.disks[1].copies: is not asked for here, since each.class == 'fast' is false: leave it out",
        ),
        (
            {"disks": rows({"class": "fast", "size": 101})},
            "spec.inputs.disks[0].size: 101 is more than 100, which is its maximum here (For fast)",
        ),
        (
            {"disks": rows({"class": "fast", "copies": 5})},
            "spec.inputs.disks[0].copies: 5 is more than 4, which is its",
        ),
        ({"disks": rows({"note": "x"}), "tier": "b"}, "spec.inputs.disks[0].note: is not for you to fill in here"),
        ({"net": {"zone": "c"}}, 'spec.inputs.net.zone: "c" does not match "^a", which is its pattern here'),
        ({"disks": rows({"size": "x"})}, 'spec.inputs.disks[0].size: must be integer, but is "x"'),
    ],
)
def test_what_does_not_fit_is_refused_and_the_row_is_named(inputs: Json, said: str) -> None:
    (sentence,) = found(**inputs).refusals
    assert sentence.startswith(said)


def test_what_a_row_needs_and_another_has_not_is_required_where_it_is_asked_for() -> None:
    row = {**ROW, "required": ["class", "note"]}
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], "disks": {"type": "array", "items": row}}}
    offered = action({"disks[].note": {"visible": "each.class == 'fast'"}}, schema)
    (said,) = judge(offered, run(disks=rows({}, {"class": "fast"}))).refusals
    assert said == "spec.inputs.disks[1].note: is required"
    assert judge(offered, run(disks=rows({}, {"class": "fast", "note": "x"}))).refusals == ()
    (said,) = found({"disks[].note": {"required": "each.class == 'fast'"}}, disks=rows({"class": "fast"})).refusals
    assert said == "spec.inputs.disks[0].note: is required here, since each.class == 'fast'"


def test_rows_that_are_a_default_hold_what_the_action_says() -> None:
    fields = {
        "disks": {"default": "[{'class': 'slow', 'note': 'ours'}, {'class': 'fast'}]", "visible": "inputs.tier == 'a'"},
        "disks[].note": {"default": "each.class"},
        "disks[].copies": FIELDS["disks[].copies"],
    }
    made = certain(found(fields).plan).inputs["disks"]
    assert [(each["note"], each.get("copies")) for each in made] == [("ours", None), ("fast", 2)]
    assert certain(found(fields, tier="b").plan).inputs == {"tier": "b"}


def test_what_is_beside_a_field_is_worked_out_first_and_circles_are_found() -> None:
    chain = {"disks[].note": {"default": "string(each.copies)"}, "disks[].copies": {"visible": "each.class == 'fast'"}}
    with pytest.raises(EvaluationError, match="Key not found"):
        found(chain, disks=rows({}))
    circle = {**chain, "disks[].copies": {"visible": "each.note == ''"}}
    (said, *_) = check_action(action(circle))
    assert said.startswith("spec.inputs.fields: disks[].copies reads disks[].note reads disks[].copies: none of them")
    (said, *_) = check_action(action({"disks[].note": {"default": "string(inputs.disks.size())"}}))
    assert said.startswith("spec.inputs.fields: disks[].note reads disks[].note: none of them can be worked out")
    after = {"words": {"default": "inputs.disks.map(d, d.note)"}, "disks[].note": {"default": "each.class"}}
    assert certain(found(after, disks=rows({})).plan).inputs["words"] == ["slow"]


def test_the_schemas_defaults_are_filled_in_in_rows_of_rows() -> None:
    inner = {
        "type": "array",
        "items": {"type": "array", "items": {"type": "object", "properties": {"a": {"default": 1}}}},
    }
    schema = {"type": "object", "properties": {"rows": inner}}
    assert certain(judge(action({}, schema), run(rows=[[{}], []])).plan).inputs == {"rows": [[{"a": 1}], []]}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"discs[].size": {"help": "''"}},
            "fields.discs[].size: the schema has no field discs[].size at its top; did you mean disks?",
        ),
        (
            {"disks[].sice": {"help": "''"}},
            "fields.disks[].sice: the schema has no field sice there; did you mean size?",
        ),
        ({"disks.size": {"help": "''"}}, "fields.disks.size: disks is of type array; write disks[].size"),
        ({"net[].zone": {"help": "''"}}, "fields.net[].zone: net is of type object; write net.zone"),
        ({"tier.x": {"help": "''"}}, "fields.tier.x: tier is of type string; it has no fields inside"),
        ({"words[].x": {"help": "''"}}, "fields.words[].x: the schema has no field x there; known are: none"),
        (
            {"disks[0].size": {"help": "''"}},
            "fields.disks[0].size: a field inside of another is disks[].class, of each",
        ),
        (
            {"net.a.b": {"help": "''"}},
            "fields.net.a.b: a field inside of another is disks[].class, of each row, or net",
        ),
        ({"disks[].size": {}}, "fields.disks[].size: says nothing of its input"),
        (
            {"disks[].size": {"maximum": "each.sice"}},
            "fields.disks[].size.maximum: each has no field sice; did you mean si",
        ),
        ({"disks[].size": {"visible": "each.size"}}, "fields.disks[].size.visible: must be true or false"),
        ({"tier": {"visible": "each.size == 1"}}, "fields.tier.visible: undeclared reference to 'each"),
        (
            {"disks[].note": {"pattern": "'^' + each.class"}},
            "fields.disks[].note.pattern: reads each.class, and what people",
        ),
        (
            {"disks[].size": {"default": "1"}},
            "fields.disks[].size.default: the schema has a default for disks[].size as",
        ),
        (
            {"disks[].size": {"options": {"from": CLASSES}, "visible": "true"}},
            "fields.disks[].size.visible: excludes a default where the field has options",
        ),
    ],
)
def test_what_is_wrong_is_said_when_the_action_is_applied(fields: Json, said: str) -> None:
    (problem, *_) = check_action(action(fields))
    assert problem.startswith(f"spec.inputs.{said}")


def storage(name: str, cost: str = "1") -> Json:
    return {
        **CLASSES,
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": {"cost": cost}},
        "provisioner": f"{name}.io",
    }


def zone(name: str) -> Json:
    return {**ZONES, "metadata": {"name": name, "namespace": "team-a", "uid": f"uid-{name}"}, "data": {}}


OFFERS: Json = {
    "disks[].class": {"options": {"from": CLASSES, "label": "object.provisioner"}},
    "net.zone": {"options": {"from": ZONES}},
    "net.zones": {"options": {"from": ZONES}},
}
LISTED = {
    "disks[].class": (storage("slow"), storage("fast")),
    "net.zone": (zone("a"), zone("b")),
    "net.zones": (zone("a"), zone("b")),
}
READS = (
    "${chosen.disks.map(d, d.class.provisioner).join(' ') + chosen.net.zone.metadata.name"
    " + chosen.net.zones[0].metadata.name}"
)
ASKED: Json = {"disks": rows({}, {"class": "fast"}, {}), "net": {"zone": "a", "zones": ["b", "a"]}}


def test_what_is_chosen_in_rows_is_read_where_it_was_chosen_and_held_to_its_objects() -> None:
    rule = {"rule": "chosen.disks.all(d, d.class.metadata.labels.cost != '9')", "message": "too dear"}
    offered = action(OFFERS, each=READS, inputs={"rules": [rule]})
    assert check_action(offered) == ()
    evaluation = judge(offered, run(**ASKED), listed=LISTED)
    plan = certain(evaluation.plan)
    assert plan.objects[0].manifest["data"]["of"] == "slow.io fast.io slow.ioab"
    assert [each.label for each in next(f for f in evaluation.fields if f.name == "disks[2].class").options or ()] == [
        "fast.io",
        "slow.io",
    ]
    assert [(each.field, [one.value for one in each.chosen]) for each in certain(plan.choices).fields] == [
        ("disks[].class", ["slow", "fast", "slow"]),
        ("net.zone", ["a"]),
        ("net.zones", ["b", "a"]),
    ]
    shown = {each.name: each.value for each in asked_inputs(with_chosen(SCHEMA, plan), plan.inputs) or []}
    assert shown["disks"].startswith('[{"class":"slow.io (slow)",') and '"fast.io (fast)"' in shown["disks"]
    assert shown["net"] == '{"zone":"a","zones":["b","a"]}'
    assert evaluate_target(plan, run(**ASKED), None, LISTED) == ()
    dear = {**LISTED, "disks[].class": (storage("slow"), storage("fast", "9"))}
    assert evaluate_target(plan, run(**ASKED), None, dear) == ("too dear",)
    gone = evaluate_target(plan, run(**ASKED), None, {**LISTED, "disks[].class": (storage("slow"),)})
    assert gone == ('spec.inputs.disks[].class: "fast" is not offered any more, as fast offered it',)


def test_a_row_that_chooses_nothing_has_nothing_chosen() -> None:
    fields = {"disks[].note": {"options": {"from": CLASSES}}}
    offered = action(fields, each="${string(chosen.disks.map(d, has(d.note)))}".replace("string(", "json.encode("))
    evaluation = judge(offered, run(disks=rows({}, {"note": "fast"})), listed={"disks[].note": LISTED["disks[].class"]})
    assert certain(evaluation.plan).objects[0].manifest["data"]["of"] == "[false,true]"


def test_a_field_that_the_form_has_not_is_none_of_a_request() -> None:
    offered = action({"net.nope": {"help": "'x'"}, "words[].x": {"visible": "false"}, "tier.x": {"help": "'x'"}})
    evaluation = judge(offered, run(net={}, words=["w"]))
    assert evaluation.plan is not None and [each.name for each in evaluation.fields] == [
        "disks",
        "net",
        "tier",
        "words",
    ]


def test_what_is_not_offered_is_refused_and_the_row_is_named() -> None:
    (said,) = judge(action(OFFERS), run(disks=rows({}, {"class": "fats"})), listed=LISTED).refusals
    assert said == 'spec.inputs.disks[1].class: "fats" is not offered to you; did you mean fast?'


def test_only_what_is_filled_in_is_looked_up() -> None:
    def looked_up(fields: Json, schema: Json | None = None, **inputs: Any) -> list[str]:
        asked = find_others(run(**inputs), action(fields, schema), {})
        return [each.key for each in asked if isinstance(each, ListOptions)] if isinstance(asked, tuple) else []

    assert looked_up(OFFERS) == looked_up(OFFERS, disks=[]) == looked_up(OFFERS, net={"zones": []}) == []
    assert looked_up(OFFERS, disks=rows({})) == ["options/disks[].class"]
    note: Json = {"disks[].note": {"options": {"from": CLASSES}}}
    assert looked_up(note, disks=rows({})) == []
    with_default = {"disks[].note": {**note["disks[].note"], "default": "'fast'"}}
    assert looked_up(with_default, disks=rows({})) == ["options/disks[].note"] and looked_up(with_default) == []
    filled = {
        **SCHEMA,
        "properties": {**SCHEMA["properties"], "disks": {"type": "array", "items": ROW, "default": rows({})}},
    }
    assert looked_up(OFFERS, filled) == ["options/disks[].class"]
    computed = {**OFFERS, "disks": {"default": "[{'class': 'slow'}]"}}
    assert looked_up(computed) == ["options/disks[].class"]


def test_no_value_of_a_secret_is_copied_from_what_was_chosen_in_a_row() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret"}
    hidden = {**secret, "metadata": {"name": "slow", "namespace": "team-a", "uid": "s"}, "data": {"key": "(hidden)"}}
    fields = {"disks[].class": {"options": {"from": secret}}}
    for reads in ("chosen.disks[0].class.data.key", "string(chosen.disks.exists(d, d.class.data.key == '(hidden)'))"):
        with pytest.raises(EvaluationError, match="reads a value of a Secret, which is hidden"):
            judge(action(fields, each=f"${{{reads}}}"), run(disks=rows({})), listed={"disks[].class": (hidden,)})
