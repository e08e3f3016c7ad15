"""People who are found in objects: which are wanted, whom they name, and which names cannot be."""

from typing import Any

import pytest
from tests.builders import models
from tests.builders.models import NOW
from tests.support.certain import certain

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.found import FoundPeople
from pratique.core.gates.opening import policy_of
from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge
from pratique.core.kernel.effects import Evaluation, Json, ObjectRef
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.looking import key_of
from pratique.core.telling.wording import approval_phrase, say_found

DEV, OWNER = "developer@example.com", "owner@example.com"
NAMESPACE: Json = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "name": "${run.namespace}",
    "users": "object.metadata.annotations['example.com/owner']",
}
OWNERS: Json = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "namespace": "fleet",
    "name": "owners",
    "users": "object.data[inputs.service]",
}
TEAM: Json = {
    "apiVersion": "example.com/v1",
    "kind": "Team",
    "name": "${inputs.service}",
    "users": "object.spec.members",
}
SPACE = ObjectRef("v1", "Namespace", "team-a")
MAP = ObjectRef("v1", "ConfigMap", "owners", "fleet")
SHOP = ObjectRef("example.com/v1", "Team", "shop")
MADE: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "team-a"}}
FORM = {"schema": {"type": "object", "properties": {"service": {"type": "string", "default": "shop"}}}}


def live(ref: ObjectRef, **rest: Any) -> Json:
    named = {"name": ref.name, "uid": f"uid-{ref.name}", "resourceVersion": "7"}
    named |= {"namespace": ref.namespace} if ref.namespace else {}
    metadata = {**named, **rest.pop("metadata", {})}
    return {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata, **rest}


def owned(by: object) -> Json:
    return live(SPACE, metadata={"annotations": {"example.com/owner": by}})


def action(*stages: Json, **spec: Any) -> Action:
    named = [{"name": f"s{number}", "deadline": "2h", **each} for number, each in enumerate(stages)]
    does = {
        "serviceAccountRef": {"namespace": "makers", "name": "maker"},
        "resources": [{"id": "made", "template": MADE}],
    }
    return models.action(inputs=FORM, approval={"stages": named}, execution=does, **spec)


def by(*sources: Json, **more: Any) -> Json:
    approvers: Json = {"from": list(sources)}
    approvers |= {key: more.pop(key) for key in ("users", "groups", "fallback") if key in more}
    return {"approvers": approvers, **more}


def run(**spec: Any) -> ActionRun:
    return models.run(meta={"creation_timestamp": NOW}, spec=spec)


def judged(rule: Action, *found: Json, asked: ActionRun | None = None, seen: list[str] | None = None) -> Evaluation:
    sources = {key_of(_ref(each)): each for each in found}
    note = (lambda path, held: seen.append(path)) if seen is not None else (lambda path, held: None)
    return judge(rule, asked or run(), note, sources=sources)


def _ref(each: Json) -> ObjectRef:
    metadata = each["metadata"]
    return ObjectRef(each["apiVersion"], each["kind"], metadata["name"], metadata.get("namespace"))


def planned(rule: Action, *found: Json) -> RunPlan:
    return certain(judged(rule, *found).plan)


def refused(rule: Action, *found: Json, asked: ActionRun | None = None) -> str:
    evaluation = judged(rule, *found, asked=asked)
    assert (evaluation.plan, evaluation.wanted) == (None, ())
    return "; ".join(evaluation.refusals)


def test_the_objects_are_wanted_first_each_once_and_of_stages_that_apply_only() -> None:
    rule = action(by(NAMESPACE, OWNERS), by(NAMESPACE, TEAM), by({**TEAM, "name": "other"}, when="false"))
    assert judged(rule).wanted == (SPACE, MAP, SHOP)
    assert judged(rule, owned(OWNER)).wanted == (MAP, SHOP)


def test_who_is_refused_anyway_has_nothing_looked_up() -> None:
    rule = action(by(NAMESPACE))
    machine = run(requested_by={"username": "system:serviceaccount:ci:bot"})
    assert "a ServiceAccount asked" in refused(rule, asked=machine)


def test_the_names_are_written_out_and_it_is_said_where_they_come_from() -> None:
    seen: list[str] = []
    rule = action(by(NAMESPACE, {**OWNERS, "groups": "object.data.groups"}, users=["lead@example.com"], required=2))
    book = live(MAP, data={"shop": "ann@example.com, owner@example.com\nbob@example.com\n", "groups": "ops"})
    plan = certain(judged(rule, owned(OWNER), book, seen=seen).plan)
    stage = certain(plan.gate)
    who = ["lead@example.com", OWNER, "ann@example.com", "bob@example.com"]
    assert (stage.approvers.users, stage.approvers.groups) == (who, ["ops"])
    assert (stage.approvers.from_, stage.approvers.fallback) == (None, None)
    assert policy_of(stage, NOW).approvers.to_wire() == {"users": who, "groups": ["ops"]}
    first, second = certain(plan.found_in("s0"))
    assert first == FoundPeople(
        api_version="v1", kind="Namespace", name="team-a", uid="uid-team-a", resource_version="7", users=[OWNER]
    )
    assert (second.namespace, second.users[0], second.groups) == ("fleet", "ann@example.com", ["ops"])
    assert plan.found_in("s1") is None
    path = "spec.approval.stages[0].approvers.from"
    assert {f"{path}[0].name", f"{path}[0].users", f"{path}[1].groups"} <= set(seen)


def test_a_stage_without_is_planned_as_ever() -> None:
    plan = planned(action({"approvers": {"users": [OWNER]}}))
    assert plan.found is None and "found" not in plan.to_wire()


def test_alternatives_find_their_own() -> None:
    lead = {"approvers": {"users": ["lead@example.com"]}}
    rule = action({**lead, "alternatives": [by(TEAM, required=2), by(NAMESPACE)]})
    stage = planned(rule, live(SHOP, spec={"members": ["ann", "bob"]}), owned(OWNER)).stages[0]
    first, second = certain(stage.alternatives)
    assert (first.approvers.users, second.approvers.users) == (["ann", "bob"], [OWNER])
    assert stage.approvers.users == ["lead@example.com"]
    frozen = certain(policy_of(stage, NOW).alternatives)
    assert [each.approvers.users for each in frozen] == [["lead@example.com"], ["ann", "bob"], [OWNER]]


NOBODY = "Nobody was found who could approve stage s0: "
KEEP = ". Let who keeps that name somebody, and ask again"


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (live(SPACE), "nobody"),
        (owned(""), "nobody"),
        (owned(DEV), f"{DEV}, and who asks or is excluded cannot approve"),
        (owned("Developer@Example.com"), "Developer@Example.com, and who asks or is excluded cannot approve"),
    ],
)
def test_where_nobody_is_found_or_who_asks_alone_others_decide_or_it_is_refused(found: Json, names: str) -> None:
    assert refused(action(by(NAMESPACE)), found) == f"{NOBODY}Namespace team-a names {names}{KEEP}"
    others = {"users": ["lead@example.com"], "groups": ["leads"]}
    plan = planned(action(by(NAMESPACE, fallback=others)), found)
    assert plan.stages[0].approvers.to_wire() == others
    assert len(certain(plan.found_in("s0"))) == 1
    assert refused(action(by(NAMESPACE, users=["lead@example.com"])), found).startswith(NOBODY), "by name is beside it"


def test_who_is_excluded_is_nobody() -> None:
    rule = by(NAMESPACE, fallback={"users": ["lead@example.com"]}, exclude=[OWNER])
    assert planned(action(rule), owned(OWNER)).stages[0].approvers.users == ["lead@example.com"]


def test_a_person_on_whose_behalf_it_is_asked_is_nobody_either() -> None:
    asked = run(on_behalf_of={"username": OWNER})
    assert refused(action(by(NAMESPACE)), owned(OWNER), asked=asked).startswith(NOBODY)


def test_a_group_is_somebody_and_no_fallback_is_taken() -> None:
    source = {**NAMESPACE, "users": None, "groups": "object.metadata.labels.team"}
    rule = action(by({key: each for key, each in source.items() if each}, fallback={"users": ["lead"]}))
    plan = planned(rule, live(SPACE, metadata={"labels": {"team": "shop"}}))
    assert plan.stages[0].approvers.to_wire() == {"users": [], "groups": ["shop"]}


MANY = [f"u{number}@example.com" for number in range(33)]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("ann,,bob", "gives an empty name among the users: a comma too many, or an entry that is blank"),
        (["ann", " "], "gives an empty name among the users: a comma too many, or an entry that is blank"),
        ("system:serviceaccount:a:bot", '"system:serviceaccount:a:bot": approvers are people, and ServiceAccounts and'),
        (
            ["system:admin"],
            'names "system:admin": approvers are people, and ServiceAccounts and users of the system do',
        ),
        (7, "gives 7: it must be a text, or a list of texts"),
        ({"a": True}, 'gives {"a": true}: it must be a text, or a list of texts'),
        (["ann", 7], "gives 7, which is no name: names are texts"),
        (
            ["ann, bob"],
            'gives "ann, bob", which is not one name: commas or line ends divide them, or entries of a list',
        ),
        (["ann "], 'gives "ann ", which is not one name: no blanks around it, and nothing that cannot be seen'),
        ("lead@x lead2@x", 'gives "lead@x lead2@x", which is not one name: commas or line ends divide them'),
        ("a@x, b@x c@x", 'gives "b@x c@x", which is not one name: commas'),
        ("a;b", 'gives "a;b", which is not one name: commas'),
        ("a@x|b@x", 'gives "a@x|b@x", which is not one name: commas'),
        (["an\u200bn"], 'gives "ann", which is not one name'),
        (["a@x,b@x"], 'gives "a@x,b@x", which is not one name'),
        ("a" * 254, "gives a name of 254 characters, 253 are allowed: "),
        (MANY, "names 33 users, 32 are allowed"),
    ],
)
def test_what_is_no_name_of_an_approver_is_refused_with_the_object_and_what_was_read(given: Any, sentence: str) -> None:
    said = refused(action(by(TEAM, fallback={"users": ["lead"]})), live(SHOP, spec={"members": given}))
    assert said.startswith("spec.approval.stages[0].approvers.from[0].users: Team shop ") and sentence in said


def test_groups_of_the_system_are_refused() -> None:
    source = {**TEAM, "groups": "object.spec.groups"}
    found = live(SHOP, spec={"members": ["ann"], "groups": ["system:masters"]})
    assert refused(action(by(source)), found) == (
        'spec.approval.stages[0].approvers.from[0].groups: Team shop names "system:masters": approvers are people, and it'
        " is of the system"
    )


def test_a_distinguished_name_keeps_its_commas() -> None:
    plan = planned(action(by(TEAM)), live(SHOP, spec={"members": "cn=ann, ou=people"}))
    assert plan.stages[0].approvers.users == ["cn=ann, ou=people"]


@pytest.mark.parametrize("name", ["Domain Admins", "auth0|5f7c8e", "Ann Lee@example.com"])
def test_a_name_may_have_a_blank_or_a_bar(name: str) -> None:
    plan = planned(action(by(TEAM)), live(SHOP, spec={"members": name}))
    assert plan.stages[0].approvers.users == [name]


def test_more_than_a_gate_holds_is_refused() -> None:
    rule = action(by(TEAM, NAMESPACE))
    said = refused(rule, live(SHOP, spec={"members": MANY[:32]}), owned(OWNER))
    assert said.startswith(
        "spec.approval.stages[0]: with those who were found it has 33 users, and a gate holds 32; Team"
    )


def test_too_few_are_refused_by_name() -> None:
    said = refused(action(by(TEAM, required=2)), live(SHOP, spec={"members": ["ann"]}))
    assert said == (
        "This could never be approved: it needs 2 of ann, and a requester cannot decide; Team shop names ann"
    )
    every = action(by(TEAM, mode="All"))
    assert planned(every, live(SHOP, spec={"members": ["ann", "bob"]})).stages[0].needed == 2
    assert "it needs 2 of ann, developer@example.com" in refused(every, live(SHOP, spec={"members": ["ann", DEV]}))


def test_what_is_not_there_names_nobody_and_what_fails_holds() -> None:
    assert refused(action(by(OWNERS)), live(MAP, data={})) == f"{NOBODY}ConfigMap fleet/owners names nobody{KEEP}"
    absent = {**OWNERS, "users": "object.data[run.nothing]"}
    with pytest.raises(EvaluationError, match="nothing"):
        judged(action(by(absent)), live(MAP, data={}))
    secret = "very-secret-value-of-others"
    broken = {**OWNERS, "users": "int(object.data.shop)"}
    with pytest.raises(EvaluationError) as error:
        judged(action(by(broken)), live(MAP, data={"shop": secret}))
    assert "spec.approval.stages[0].approvers.from[0].users" in str(error.value) and secret not in str(error.value)


@pytest.mark.parametrize("name", ["${inputs}", "${' '}", "${'a' + 'b'.replace('b', '" + "c" * 260 + "')}"])
def test_a_name_is_a_text(name: str) -> None:
    with pytest.raises(EvaluationError, match=r"from\[0\]\.name: must be the name of an object"):
        judged(action(by({**TEAM, "name": name})))


def test_a_name_that_cannot_be_worked_out_holds() -> None:
    with pytest.raises(EvaluationError, match=r"from\[0\]\.name: "):
        judged(action(by({**TEAM, "name": "${inputs.nothing}"})))


def test_no_secret_is_read_and_not_too_many_objects() -> None:
    with pytest.raises(EvaluationError, match="no Secret is read"):
        judged(action(by({**TEAM, "apiVersion": "v1", "kind": "Secret"})))
    many = action(*(by(*({**TEAM, "name": f"t{number}-{each}"} for each in range(4))) for number in range(5)))
    with pytest.raises(EvaluationError, match="looks for people in 20 objects, 16 are allowed"):
        judged(many)
    assert any("more than 16 objects" in each for each in check_action(many))


def test_nothing_of_a_secret_that_is_acted_on_becomes_a_name() -> None:
    rule = action(by({**TEAM, "users": "[target.data.key]"}), actsOn={"apiVersion": "v1", "kind": "Secret"})
    asked = run(target_ref={"name": "it"})
    target = {**live(ObjectRef("v1", "Secret", "it", "team-a")), "data": {"key": "(hidden)"}}
    with pytest.raises(EvaluationError, match="reads a value of a Secret"):
        judge(rule, asked, target=target, sources={key_of(SHOP): live(SHOP)})


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"users": "object.data["}, "from[0].users: "),
        ({"users": "owner.name"}, "from[0].users: undeclared reference to 'owner.name'"),
        ({"users": "inputs.servise"}, "from[0].users: there is no input named servise; did you mean service?"),
        ({"name": "${inputs.servise}"}, "from[0].name: there is no input named servise"),
        ({"name": " owners"}, "from[0].name: has blanks around it"),
        ({"groups": "object.metadata.nam"}, "from[0].groups: "),
    ],
)
def test_an_author_hears_what_is_wrong(source: Json, problem: str) -> None:
    string = {"type": "string"}
    kind = {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"name": string}}}}
    schemas = {"v1/ConfigMap": {"root": "it", "components": {"it": kind}}}
    said = check_action(action(by({**OWNERS, **source})), schemas)
    assert any(each.startswith(f"spec.approval.stages[0].approvers.{problem}") for each in said), said


def test_a_sound_one_is_sound_and_is_shown_with_where_it_looks() -> None:
    rule = action(by(NAMESPACE, OWNERS, users=["lead"], required=3), by(TEAM, mode="All"))
    assert check_action(rule) == ()
    assert approval_phrase(rule).startswith(
        "3 of lead, whom Namespace ${run.namespace} names, whom ConfigMap owners names; then "
    )


def test_it_is_said_who_names_whom() -> None:
    one = FoundPeople(api_version="v1", kind="ConfigMap", namespace="a", name="b", uid="u", users=["x"], groups=["g"])
    assert say_found([one]) == "ConfigMap a/b names x, group g"


def as_before(rule: Action) -> Action:
    """Return an Action as the version before reads it: it knows neither of the two fields."""
    wire = rule.to_wire()
    for stage in wire["spec"]["approval"]["stages"]:
        for way in (stage, *stage.get("alternatives", ())):
            for name in ("from", "fallback"):
                way["approvers"].pop(name, None)
    return Action.model_validate(wire)


def test_a_version_before_opens_no_gate_that_fewer_could_grant() -> None:
    """It reads the Action without `from`: nobody is there to approve, or those who are named may in any case."""
    others = {"users": ["lead@example.com"]}
    assert "could never be approved" in refused(as_before(action(by(NAMESPACE, fallback=others))))
    assert "could never be approved" in refused(
        as_before(action(by(NAMESPACE, users=["lead@example.com"], required=2)))
    )
    stage = planned(as_before(action(by(NAMESPACE, users=["lead@example.com"])))).stages[0]
    assert (stage.approvers.users, stage.needed) == (["lead@example.com"], 1)
    with pytest.raises(ValueError, match="required"):
        policy_of(planned(as_before(action(by(NAMESPACE, mode="All")))).stages[0], NOW)
    several = planned(as_before(action({"approvers": others, "alternatives": [by(NAMESPACE)]}))).stages[0]
    empty = certain(policy_of(several, NOW).alternatives)[1].approvers
    assert (empty.users, empty.groups) == ([], []), "which the rule of the CRD refuses"
