"""Entries of an object that a form offers: a list in a key of a ConfigMap, the people of a binding."""

from typing import Any

import pytest
from tests.builders import models
from tests.builders.models import NOW
from tests.support.certain import certain

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun
from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge
from pratique.core.judging.targets import evaluate_target
from pratique.core.kernel.effects import Json
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.form import Option

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap"}
BINDING = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding"}
MADE: Json = {**CONFIG, "metadata": {"name": "made", "namespace": "team-a"}, "data": {"of": "${chosen.size.memory}"}}
OPTIONS: Json = {
    "from": {**CONFIG, "name": "sizes"},
    "entries": "yaml.decode(object.data['sizes.yaml'])",
    "filter": "!each.?retired.orValue(false)",
    "value": "each.name",
    "label": "each.memory + ' of memory'",
    "order": "each.price",
}
TEXT = """
- {name: large, memory: 8Gi, price: 240}
- {name: small, memory: 1Gi, price: 20}
- {name: tiny, memory: 64Mi, price: 9, retired: true}
"""
SCHEMA: Json = {
    "type": "object",
    "properties": {"size": {"type": "string"}, "who": {"type": "string", "format": "user"}},
}
PEOPLE: Json = {
    "from": BINDING,
    "entries": "object.subjects.filter(s, s.kind == 'User').map(s, s.name)",
    "value": "each",
}


def action(template: Json | None = None, of: str = "size", inputs: Json | None = None, **options: Any) -> Action:
    account = {"namespace": "makers", "name": "maker"}
    does = {"serviceAccountRef": account, "resources": [{"id": "made", "template": template or MADE}]}
    base = OPTIONS if of == "size" else PEOPLE
    made = {name: each for name, each in {**base, **options}.items() if each is not None}
    return models.action(inputs={"schema": SCHEMA, "fields": {of: {"options": made}}, **(inputs or {})}, execution=does)


def run(**inputs: Any) -> ActionRun:
    return models.run(meta={"creation_timestamp": NOW}, spec={"inputs": inputs})


def sizes(text: str = TEXT, name: str = "sizes") -> Json:
    return {
        **CONFIG,
        "metadata": {"name": name, "namespace": "team-a", "uid": f"uid-{name}"},
        "data": {"sizes.yaml": text},
    }


def binding(name: str, *users: str) -> Json:
    subjects = [{"kind": "User", "name": user} for user in users] + [{"kind": "Group", "name": "devs"}]
    return {**BINDING, "metadata": {"name": name, "namespace": "team-a", "uid": f"uid-{name}"}, "subjects": subjects}


def test_a_sound_form_has_no_problems() -> None:
    assert check_action(action()) == ()
    assert check_action(action({**MADE, "data": {"who": "${chosen.who + inputs.who}"}}, of="who")) == ()


def test_an_entry_is_offered_chosen_and_read_by_templates() -> None:
    evaluation = judge(action(), run(size="large"), listed={"size": (sizes(),)})
    plan = certain(evaluation.plan)
    assert plan.objects[0].manifest["data"] == {"of": "8Gi"}
    (size,) = (each for each in evaluation.fields if each.name == "size")
    assert size.options == (Option("small", "1Gi of memory"), Option("large", "8Gi of memory"))
    (chosen,) = certain(plan.choices).fields[0].chosen
    assert (chosen.value, chosen.label, chosen.uid) == ("large", "8Gi of memory", "uid-sizes")


@pytest.mark.parametrize(
    ("text", "size", "said"),
    [
        (
            TEXT,
            "tiny",
            'spec.inputs.size: "tiny" is not offered to you; there is: small (1Gi of memory), large (8Gi of',
        ),
        (
            TEXT + "- {name: small, memory: 64Gi, price: 0}",
            "small",
            'spec.inputs.size: "small" is offered by ConfigMap team-a/sizes, twice, so it is not known which one is meant',
        ),
        ("[]", "small", 'spec.inputs.size: "small" is not offered to you; there is: nothing'),
        ("[null]", "small", 'spec.inputs.size: "small" is not offered to you; there is: nothing'),
    ],
)
def test_what_is_not_offered_is_refused(text: str, size: str, said: str) -> None:
    (sentence,) = judge(action(), run(size=size), listed={"size": (sizes(text),)}).refusals
    assert sentence.startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1", "options.entries: must be a list: yaml.decode(object.data['sizes.yaml'])"),
        ("[", "options.entries: yaml.decode: is no YAML in line 2"),
        ("- {name: small}", 'options.label: Key not found in map: "memory"'),
        (f"[{'{name: x, memory: y, price: 1},' * 501}]", "options.entries: there are more than 500 in all"),
    ],
)
def test_a_list_that_cannot_be_judged_is_not_offered(text: str, said: str) -> None:
    with pytest.raises(
        EvaluationError, match='"small" is not offered, and ConfigMap team-a/sizes is not offered'
    ) as raised:
        judge(action(), run(size="small"), listed={"size": (sizes(text),)})
    assert said in str(raised.value)


def test_entries_are_counted_over_all_objects() -> None:
    many = "[" + "{name: x%d, memory: y, price: 1}," * 300 + "]"
    found = tuple(sizes(many % tuple(range(at, at + 300)), f"n{at}") for at in (0, 300))
    assert judge(action(), run(size="x299"), listed={"size": found}).refusals == ()
    with pytest.raises(EvaluationError, match=r"n300 is not offered, since .* more than 500 in all"):
        judge(action(), run(size="x300"), listed={"size": found})


def test_what_was_chosen_must_be_offered_still_and_conditions_must_hold() -> None:
    rule = [{"rule": "chosen.size.price < 250", "message": "too dear"}]
    plan = certain(judge(action(inputs={"rules": rule}), run(size="large"), listed={"size": (sizes(),)}).plan)

    def now(*found: Json) -> tuple[str, ...]:
        return evaluate_target(plan, run(size="large"), None, {"size": found})

    assert now(sizes(), sizes("[]", "other")) == ()
    assert now(sizes(TEXT.replace("240", "250"))) == ("too dear",)
    gone = 'spec.inputs.size: "large" is not offered any more, as team-a/sizes offered it'
    assert now(sizes(TEXT.replace("large", "huge"))) == (gone,)
    assert now(sizes(TEXT + "- {name: large, memory: 8Gi, price: 1}")) == (gone,), "it is not known which is meant"
    assert now(sizes(name="other")) == (gone,), "it is another object"
    assert now(sizes("{"))[0].startswith(
        f"{gone}: ConfigMap team-a/sizes is not offered, since the options of size.ent"
    )


def test_a_name_that_several_objects_hold_is_one_person() -> None:
    offered = action({**MADE, "data": {"who": "${chosen.who}"}}, of="who")
    found = (binding("admins", "ann", "bob"), binding("viewers", "ann", "eve"))
    evaluation = judge(offered, run(who="ann"), listed={"who": found})
    plan = certain(evaluation.plan)
    (who,) = (each for each in evaluation.fields if each.name == "who")
    assert [each.value for each in who.options or ()] == ["ann", "bob", "eve"]
    assert plan.objects[0].manifest["data"] == {"who": "ann"}
    (said,) = judge(offered, run(who="nan"), listed={"who": found}).refusals
    assert said == 'spec.inputs.who: "nan" is not offered to you; did you mean ann?'
    assert evaluate_target(plan, run(who="ann"), None, {"who": found[1:]}) == (), "another object says the same"
    (gone,) = evaluate_target(plan, run(who="ann"), None, {"who": (binding("viewers", "eve"),)})
    assert gone.startswith('spec.inputs.who: "ann" is not offered any more')


def test_an_entry_with_more_than_a_name_is_not_the_same_elsewhere() -> None:
    options: Json = {"entries": "object.subjects", "value": "each.name"}
    found = (binding("admins", "ann"), binding("viewers", "ann"))
    offered = action({**MADE, "data": {"who": "${chosen.who.kind}"}}, of="who", **options)
    (said,) = judge(offered, run(who="ann"), listed={"who": found}).refusals
    assert "is offered by RoleBinding team-a/admins and by RoleBinding team-a/viewers, so it is not known" in said


def test_nothing_in_a_secret_is_an_entry() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret"}
    options: Json = {
        "from": secret,
        "entries": "['small']",
        "value": "each",
        "filter": None,
        "label": None,
        "order": None,
    }
    offered = action(**options)
    with pytest.raises(EvaluationError, match=r"options\.entries: what is in a Secret is never offered"):
        judge(offered, run(size="small"), listed={"size": ({**sizes(), **secret},)})
    said = "spec.inputs.fields.size.options.entries: what is in a Secret is never offered: leave entries out, and offer"
    assert check_action(offered)[0].startswith(said)
    held = {**secret, "metadata": {"name": "x", "namespace": "team-a", "uid": "t"}, "data": {"a": "(hidden)"}}
    acting = models.action(
        actsOn=secret,
        inputs={"schema": SCHEMA, "fields": {"who": {"options": PEOPLE}}},
        execution=action({**MADE, "data": {"who": "${chosen.who}"}}).spec.execution.to_wire(),
    )
    asked = models.run(meta={"creation_timestamp": NOW}, spec={"inputs": {"who": "ann"}, "target_ref": {"name": "x"}})
    assert judge(acting, asked, target=held, listed={"who": (binding("a", "ann"),)}).refusals == ()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"value": None},
            "options.value: with entries it is what the input holds of one, such as each.name: write that",
        ),
        ({"entries": "object.data['x'] == ''"}, "options.entries: must be a list, but is a boolean"),
        ({"entries": "each.x"}, "options.entries: undeclared reference to 'each"),
        ({"entries": "yaml.decod(object.data.x)"}, "options.entries: "),
        ({"filter": "each.name"}, None),
        ({"filter": "size(each.name)"}, "options.filter: must be true or false"),
        (
            {"from": {**CONFIG, "name": "a", "selector": {"a": "b"}}},
            "options.from.name: excludes selector and allNamespaces",
        ),
        (
            {"from": {**CONFIG, "name": "a", "allNamespaces": True}},
            "options.from.name: excludes selector and allNamespaces",
        ),
        ({"entries": None}, "options.filter: undeclared reference to 'each"),
    ],
)
def test_what_is_wrong_is_said_when_the_action_is_applied(options: Json, said: str | None) -> None:
    problems = check_action(action(**options))
    assert problems == () if said is None else problems[0].startswith(f"spec.inputs.fields.size.{said}"), problems
