"""What a form offers of the objects that there are, what a plan freezes of the choice, and whether it still holds."""

from typing import Any

import pytest
from tests.builders import models
from tests.builders.models import NOW
from tests.support.certain import certain

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.core.execution.others import find_others, look_again
from pratique.core.execution.targets import Found
from pratique.core.gates.opening import with_chosen
from pratique.core.judging.judge import judge
from pratique.core.judging.targets import evaluate_target
from pratique.core.kernel.effects import EvaluateTarget, Json
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.form import Option
from pratique.core.plans.document import document
from pratique.core.telling.shown_inputs import asked_inputs

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap"}
FORM: Json = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "default": "eu"},
        "size": {"type": "string"},
        "sizes": {"type": "array", "items": {"type": "string"}},
        "share": {"type": "number", "default": 1},
    },
}
OPTIONS: Json = {
    "from": {**CONFIG, "namespace": "catalogue", "selector": {"sizes": "yes"}},
    "filter": "object.data.region == inputs.region",
    "label": "object.data.title",
    "order": "int(object.data.cpu)",
}
MADE: Json = {**CONFIG, "metadata": {"name": "made", "namespace": "team-a"}, "data": {"cpu": "${chosen.size.data.cpu}"}}


def entry(name: str, cpu: int, region: str = "eu", **data: str) -> Json:
    named = {"name": name, "namespace": "catalogue", "uid": f"uid-{name}"}
    return {**CONFIG, "metadata": named, "data": {"cpu": str(cpu), "region": region, "title": f"{cpu} CPU", **data}}


SIZES = (entry("large", 8), entry("small", 2), entry("huge", 16, "us"))


def action(*, template: Json | None = None, stages: list[Json] | None = None, **changes: Any) -> Action:
    options = {**OPTIONS, **changes.pop("options", {})}
    several = {"options": {"from": OPTIONS["from"]}}
    does = {
        "serviceAccountRef": {"namespace": "makers", "name": "maker"},
        "resources": [{"id": "made", "template": template or MADE, **changes.pop("resource", {})}],
    }
    form = {"schema": FORM, "fields": {"size": {"options": options}, "sizes": several}, **changes.pop("inputs", {})}
    return models.action(inputs=form, approval={"stages": stages or []}, execution=does, **changes)


def run(**inputs: Any) -> ActionRun:
    return models.run(meta={"creation_timestamp": NOW}, spec={"inputs": {"size": "small", **inputs}})


def planned(offered: Action | None = None, found: tuple[Json, ...] = SIZES, **inputs: Any) -> RunPlan:
    return certain(judge(offered or action(), run(**inputs), listed=listed(found, inputs)).plan)


def listed(found: tuple[Json, ...], inputs: Json) -> dict[str, tuple[Json, ...]]:
    return {"size": found} | ({"sizes": found} if "sizes" in inputs else {})


def refusals(found: tuple[Json, ...] = SIZES, offered: Action | None = None, **inputs: Any) -> tuple[str, ...]:
    return judge(offered or action(), run(**inputs), listed=listed(found, inputs)).refusals


def test_what_is_chosen_is_read_by_templates_and_frozen_with_the_plan() -> None:
    plan = planned()
    assert plan.objects[0].manifest["data"] == {"cpu": "2"}
    choices = certain(plan.choices)
    (choice,), (chosen,) = choices.fields, choices.fields[0].chosen
    assert (choice.field, choice.options.filter) == ("size", OPTIONS["filter"])
    assert (chosen.value, chosen.label, chosen.namespace, chosen.uid) == ("small", "2 CPU", "catalogue", "uid-small")
    assert choices.inputs == {"region": "eu", "size": "small", "share": 1.0} and choices.rechecks is None
    other = planned(found=(entry("small", 2) | {"metadata": {**entry("small", 2)["metadata"], "uid": "new"}},))
    assert document(other).digest != document(plan).digest


def test_a_form_says_what_it_offers_in_order() -> None:
    evaluation = judge(action(), run(), listed={"size": SIZES})
    (size,) = (each for each in evaluation.fields if each.name == "size")
    assert size.options == (Option("small", "2 CPU"), Option("large", "8 CPU"))
    bare = judge(action(), run(sizes=["huge"]), listed={"size": SIZES, "sizes": SIZES})
    (sizes,) = (each for each in bare.fields if each.name == "sizes")
    assert [each.label for each in sizes.options or ()] == ["huge", "large", "small"]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"size": "smal"}, 'spec.inputs.size: "smal" is not offered to you; did you mean small?'),
        ({"size": "x"}, 'spec.inputs.size: "x" is not offered to you; there is: small (2 CPU), large (8 CPU)'),
        ({"size": "huge"}, 'spec.inputs.size: "huge" is not offered to you; there is: small (2 CPU), large (8 CPU)'),
        ({"region": "us"}, 'spec.inputs.size: "small" is not offered to you; there is: huge (16 CPU)'),
        ({"region": "asia"}, 'spec.inputs.size: "small" is not offered to you; there is: nothing'),
        ({"sizes": ["huge", "hug"]}, 'spec.inputs.sizes: "hug" is not offered to you; did you mean huge?'),
    ],
)
def test_what_is_not_offered_is_refused_with_what_there_is(inputs: Json, said: str) -> None:
    assert refusals(**inputs) == (said,)


def test_of_very_many_the_first_are_named() -> None:
    many = tuple(entry(f"e{number:02}", number) for number in range(25))
    (said,) = refusals(many, size="?")
    assert said.endswith("e19 (19 CPU), and 5 more")


def test_not_more_are_chosen_than_a_plan_holds() -> None:
    assert refusals(sizes=["huge"] * 65) == ("spec.inputs.sizes: chooses 65 objects, 64 are allowed",)
    assert refusals(sizes=["huge"] * 64) == ()


def test_of_much_that_is_not_offered_a_few_sentences_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = list[list[str]]()

    def none_near(name: str, known: list[str]) -> None:
        compared.append([name, *known])

    monkeypatch.setattr("pratique.core.judging.choices.nearest", none_near)
    long = tuple(entry("e" * 70 + f"{number:03}" + "x" * 100, number) for number in range(400))
    said = refusals(long, size="none", sizes=[f"no-{number}" + "y" * 500 for number in range(64)])
    assert len(said) == 10 and [("there is: " in each) for each in said] == [True] * 3 + [False] * 7
    assert len(compared) == 3 and max(len(each) for known in compared for each in known) == 80


def test_a_plan_that_is_too_large_by_what_was_chosen_is_refused_and_names_the_fields() -> None:
    found = tuple(entry("e" * 230 + f"{number:03}", number) for number in range(64))
    for number, each in enumerate(found):
        each["metadata"]["uid"] = f"uid-{number}"
    fields = {f"f{number}": {"options": {"from": OPTIONS["from"]}} for number in range(3)}
    several = {"type": "array", "items": {"type": "string"}}
    form = {"schema": {"type": "object", "properties": dict.fromkeys(fields, several)}, "fields": fields}
    names = [each["metadata"]["name"] for each in found]

    def asked(**data: str) -> tuple[str, ...]:
        offered = action(inputs=form, template={**MADE, "data": data})
        inputs = models.run(meta={"creation_timestamp": NOW}, spec={"inputs": dict.fromkeys(fields, names)})
        return judge(offered, inputs, listed=dict.fromkeys(fields, found)).refusals

    (said,) = asked()
    assert said.startswith("spec.inputs: makes a plan of 1") and said.endswith(
        " bytes, 131072 are allowed: choose fewer objects than 64 in f0, 64 in f1, 64 in f2"
    )
    with pytest.raises(EvaluationError, match=r"spec\.execution\.resources: make a plan of"):
        asked(**dict.fromkeys("abc", "y" * 60_000))


def test_what_is_offered_need_not_be_chosen() -> None:
    found = judge(action(), run(), listed={"size": SIZES, "sizes": SIZES})
    assert [each.field for each in certain(certain(found.plan).choices).fields] == ["size"]


def test_a_value_that_two_objects_offer_is_no_choice() -> None:
    twin = entry("small", 64) | {"metadata": {"name": "small", "namespace": "elsewhere", "uid": "twin"}}
    (said,) = refusals((*SIZES, twin))
    assert said == (
        'spec.inputs.size: "small" is offered by ConfigMap catalogue/small and by ConfigMap elsewhere/small, so it is not'
        " known which one is meant; choose another"
    )


def test_an_object_that_cannot_be_judged_stops_only_who_chose_it() -> None:
    broken = entry("broken", 1, title="x")
    broken["data"] = {"region": "eu"}
    assert refusals((*SIZES, broken)) == ()
    with pytest.raises(EvaluationError, match='"broken" is not offered, and ConfigMap catalogue/broken is not offered'):
        refusals((*SIZES, broken), size="broken")


TOKEN = "Grey-heron 4711"


def test_what_fails_quotes_no_object() -> None:
    held = entry("small", 2, token=TOKEN)
    fails = "{'a': 1}[%s.data.token]"
    with pytest.raises(EvaluationError, match=r'options.order: Key not found in map: "\(hidden\)"'):
        refusals((held,), action(options={"order": fails % "object"}))
    reads = fails % "chosen.size"
    with pytest.raises(EvaluationError, match=r'data.cpu: Key not found in map: "\(hidden\)"$'):
        planned(action(template={**MADE, "data": {"cpu": f"${{string({reads})}}"}}), (held,))
    rule = [{"rule": f"chosen.size.data.title == '2 CPU' || {reads} == 1", "message": "no"}]
    ruled = action(inputs={"rules": rule, "schema": FORM, "fields": {"size": {"options": OPTIONS}}})
    with pytest.raises(EvaluationError, match=r'what was chosen: Key not found in map: "\(hidden\)"$'):
        changed(planned(ruled, (held,)), entry("small", 2, token=TOKEN, title="3 CPU"))


def test_of_objects_that_were_not_seen_nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = list[Json]()

    def note(words: str, *objects: Json) -> str:
        searched.extend(objects)
        return words

    monkeypatch.setattr("pratique.core.judging.choices.hide", note)
    broken, others = entry("broken", 1), tuple(entry(f"e{number}", number) for number in range(400))
    del broken["data"]["title"]
    with pytest.raises(EvaluationError, match="is not offered, and ConfigMap catalogue/broken"):
        refusals((*others, broken, broken), size="broken")
    assert searched == [broken], "the time that it takes grows with that"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"filter": "object.data.cpu"}, "options.filter: must be true or false: object.data.cpu"),
        ({"value": "object.data"}, "options.value: must be a text, a number, true or false: object.data"),
        ({"order": "object.missing"}, "options.order: Key not found in map"),
    ],
)
def test_what_an_expression_gives_must_fit(options: Json, said: str) -> None:
    with pytest.raises(EvaluationError, match="is not offered") as raised:
        refusals(offered=action(options=options))
    assert said in str(raised.value)


def test_values_may_be_numbers_and_labels_anything() -> None:
    form = {"schema": {"type": "object", "properties": {"size": {"type": "integer"}}}}
    field = {
        "options": {
            **OPTIONS,
            "filter": "true",
            "value": "int(object.data.cpu)",
            "label": "object.data",
            "order": "[1]",
        }
    }
    offered = action(inputs={**form, "fields": {"size": field}})
    plan = certain(judge(offered, run(size=8), listed={"size": SIZES}).plan)
    (chosen,) = certain(plan.choices).fields[0].chosen
    assert chosen.value == 8 and chosen.label.startswith('{"cpu": "8"')
    assert judge(offered, run(size=1), listed={"size": (entry("one", 1),)}).refusals == ()
    said = judge(offered, run(size=2), listed={"size": ()}).refusals
    assert said == ("spec.inputs.size: 2 is not offered to you; there is: nothing",)


def test_a_field_that_is_empty_chooses_nothing() -> None:
    offered = action(template={**MADE, "data": {"cpu": "${has(chosen.size) ? 'some' : 'none'}"}})
    asked = models.run(meta={"creation_timestamp": NOW}, spec={"inputs": {}})
    plan = certain(judge(offered, asked).plan)
    assert plan.choices is None and plan.objects[0].manifest["data"] == {"cpu": "none"}
    with pytest.raises(EvaluationError, match=r"chosen\.size is not there, so ask has"):
        judge(action(), asked)


def test_an_empty_list_chooses_nothing_and_is_not_looked_up() -> None:
    rule = {"rule": "chosen.sizes.all(each, each.data.cpu != '0')", "message": "None of nothing"}
    form = {"schema": FORM, "fields": {"sizes": {"options": OPTIONS}}, "rules": [rule]}
    offered = action(inputs=form, template={**MADE, "data": {"count": "${string(size(chosen.sizes))}"}})
    asked = models.run(meta={"creation_timestamp": NOW}, spec={"inputs": {"sizes": []}})
    assert find_others(asked, offered, {}) == Found()
    plan = certain(judge(offered, asked).plan)
    assert plan.objects[0].manifest["data"] == {"count": "0"}
    (look,) = look_again(asked, plan, {}).effects
    assert isinstance(look, EvaluateTarget) and evaluate_target(plan, asked, None, {}) == ()


def test_what_was_filled_in_and_not_looked_up_is_not_offered() -> None:
    assert judge(action(), run()).refusals == ('spec.inputs.size: "small" is not offered to you; there is: nothing',)


def test_no_value_of_a_secret_is_copied_from_what_was_chosen() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret"}
    options = {"from": secret, "filter": "true", "label": "'x'", "order": "1"}
    hidden = {**secret, "metadata": entry("small", 2)["metadata"], "data": {"cpu": "(hidden)"}}
    for reads, inputs in (("chosen.size.data.cpu", {}), ("chosen.sizes[0].data.cpu", {"sizes": ["small"]})):
        offered = action(options=options, template={**MADE, "data": {"cpu": f"${{{reads}}}"}})
        with pytest.raises(EvaluationError, match="reads a value of a Secret, which is hidden"):
            planned(offered, (hidden,), **inputs)
    named = action(options=options, template={**MADE, "data": {"ref": "${chosen.size.metadata.name}"}})
    assert planned(named, (hidden,)).objects[0].manifest["data"] == {"ref": "small"}


def test_nothing_that_is_worked_out_holds_a_value_of_a_secret() -> None:
    """A word stands for each value, and would be stored as if it were one, or exclude nobody."""
    secret = {"apiVersion": "v1", "kind": "Secret"}
    live = {**secret, "metadata": {"name": "x", "namespace": "team-a", "uid": "t1"}, "data": {"of": "(hidden)"}}
    asked = models.run(meta={"creation_timestamp": NOW}, spec={"target_ref": {"name": "x"}})

    def acting(default: str, who: str = "x", **more: Any) -> Action:
        form = {"schema": FORM, "fields": {"region": {"default": default, **more}}}
        form["schema"] = {"type": "object", "properties": {"region": {}}}
        stages = [{"name": "p", "approvers": {"groups": ["leads"]}, "exclude": [who]}]
        template = {**MADE, "data": {"region": "${string(inputs.region)}"}}
        return action(actsOn=secret, inputs=form, template=template, stages=stages)

    for reads in ("target.data.of", "size(target.data.of)", "target.data.of + 'x'"):
        with pytest.raises(
            EvaluationError, match=r"spec\.inputs\.fields\.region: reads a value of a Secret.*; take its name"
        ):
            judge(acting(reads), asked, target=live)
    with pytest.raises(EvaluationError, match=r"fields\.region: reads a value of a Secret"):
        judge(acting("'x'", visible="target.data.of == '(hidden)'"), asked, target=live)
    with pytest.raises(EvaluationError, match=r"stages\[0\]\.exclude\[0\]: reads a value of a Secret.*exclude nobody"):
        judge(acting("'x'", "${target.data.of}"), asked, target=live)
    plan = certain(judge(acting("target.metadata.name", "${target.metadata.name}"), asked, target=live).plan)
    assert (plan.inputs, plan.stages[0].exclude) == ({"region": "x"}, ["x"])


def test_no_object_is_chosen_by_a_value_of_a_secret() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret"}
    options = {"from": secret, "filter": "true", "label": "object.data.cpu", "order": "1"}
    found = {**secret, "metadata": entry("small", 2)["metadata"], "data": {"cpu": "(hidden)"}}
    for value in ("object.data.cpu", "string(size(object.data.cpu))"):
        offered = action(options={**options, "value": value}, template={**MADE, "data": {}})
        for chosen in ("(hidden)", "8"):
            with pytest.raises(
                EvaluationError, match=r"fields\.size\.options\.value: reads a value of a Secret"
            ) as raised:
                judge(offered, run(size=chosen), listed={"size": (found,)})
            assert "Secret catalogue/small is not offered, since" in str(raised.value)


LEADS = {"name": "leads", "when": "int(chosen.size.data.cpu) > 4", "approvers": {"groups": ["leads"]}}


def changed(plan: RunPlan, *found: Json, **more: Any) -> tuple[str, ...]:
    inputs = {name: each for name, each in plan.inputs.items() if name in ("size", "sizes")}
    return evaluate_target(plan, run(), None, listed(found, inputs), **more)


def test_what_was_chosen_must_be_offered_still_by_the_same_object() -> None:
    plan = planned(sizes=["huge", "small"])
    assert changed(plan, *SIZES) == ()
    gone = 'spec.inputs.{}: "small" is not offered any more, as catalogue/small offered it'
    assert changed(plan, entry("huge", 16)) == (gone.format("size"), gone.format("sizes"))
    assert changed(plan, *SIZES[::2], entry("small", 2, "us")) == (gone.format("size"),)
    other = entry("small", 2) | {"metadata": {**entry("small", 2)["metadata"], "uid": "new"}}
    assert changed(plan, entry("huge", 16), other) == (gone.format("size"), gone.format("sizes"))
    assert changed(plan, entry("twin", 2, title="2 CPU"), *SIZES) == ()


def test_at_the_start_only_what_offers_an_object_is_worked_out() -> None:
    plan, bare, odd = planned(), entry("small", 2), entry("small", 2)
    bare["data"] = {"region": "eu"}
    assert changed(plan, bare) == (), "neither label nor order: it is offered, and nobody is shown anything"
    odd["data"] = {}
    (said,) = changed(plan, odd, entry("large", 8))
    assert said.startswith(
        'spec.inputs.size: "small" is not offered any more, as catalogue/small offered it: ConfigMap'
    )
    assert "catalogue/small is not offered, since the options of size.filter: Key not found in map" in said
    broken = {**entry("huge", 1), "data": {}}
    (other,) = changed(plan, broken)
    assert other == 'spec.inputs.size: "small" is not offered any more, as catalogue/small offered it'


def test_of_the_whole_cluster_an_object_is_named_without_a_namespace() -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "small", "uid": "n1"}}
    offered = action(
        options={"from": {"apiVersion": "v1", "kind": "Node"}, "filter": "true", "label": "'n'", "order": "1"},
        template={**MADE, "data": {}},
    )
    (said,) = changed(planned(offered, (node,)))
    assert said == 'spec.inputs.size: "small" is not offered any more, as small offered it'


def test_conditions_that_read_what_was_chosen_must_say_what_they_said() -> None:
    offered = action(
        stages=[LEADS],
        inputs={"rules": [{"rule": "double(chosen.size.data.cpu) * inputs.share < 3.0", "message": "Three are enough"}]}
        | {"schema": FORM, "fields": {"size": {"options": OPTIONS}}},
        resource={"when": "chosen.size.data.title != 'x'"},
    )
    plan = planned(offered)
    assert len(certain(certain(plan.choices).rechecks)) == 3
    assert changed(plan, entry("small", 2)) == ()
    assert changed(plan, entry("small", 8)) == ("Three are enough", "the stage leads would have to agree now")
    assert changed(plan, entry("small", 2, title="x")) == ("the ConfigMap made would not be in the plan any more",)
    assert changed(plan) == ('spec.inputs.size: "small" is not offered any more, as catalogue/small offered it',)


def test_what_reads_target_and_choice_is_judged_where_both_are_known() -> None:
    offered = action(
        actsOn={**CONFIG},
        inputs={"rules": [{"rule": "chosen.size.data.cpu != target.data.cpu", "message": "It has that size"}]}
        | {"schema": FORM, "fields": {"size": {"options": OPTIONS}}},
        template={**MADE, "metadata": {"name": "x", "namespace": "team-a"}},
    )
    live = {**CONFIG, "metadata": {"name": "x", "namespace": "team-a", "uid": "t1"}, "data": {"cpu": "1"}}
    asked = models.run(
        meta={"creation_timestamp": NOW}, spec={"inputs": {"size": "small"}, "target_ref": {"name": "x"}}
    )
    plan = certain(judge(offered, asked, target=live, listed={"size": SIZES}).plan)
    assert certain(plan.choices).rechecks is None and len(certain(certain(plan.target).rechecks)) == 1
    grown = {**live, "data": {"cpu": "2"}}
    assert evaluate_target(plan, asked, grown, {"size": SIZES}) == ("It has that size",)
    assert evaluate_target(plan, asked, live, {"size": SIZES}) == ()
    assert evaluate_target(plan, asked, grown) == (), "what was chosen is not known here"


def test_approvers_read_the_label_and_the_value() -> None:
    plan = planned(sizes=["huge"])
    asked = asked_inputs(with_chosen(FORM, plan), plan.inputs) or []
    assert {each.name: each.value for each in asked} == {
        "region": "eu",
        "size": "2 CPU (small)",
        "sizes": '["huge"]',
        "share": "1",
    }
