"""What a template reads of earlier entries: in the plan as it stands, said for approvers, refused where it would decide."""

from typing import Any

import pytest
from tests.builders import models

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.action_run import RunPlan
from pratique.api.v1alpha1.planned import LateValue, PlannedLate, PlannedLateTemporary
from pratique.core.judging.checks import check_action
from pratique.core.judging.judge import judge
from pratique.core.kernel.errors import EvaluationError

DB = {
    "id": "db",
    "template": {
        "apiVersion": "platform.example.com/v1",
        "kind": "Database",
        "metadata": {"name": "${inputs.name}", "namespace": "b"},
    },
}
CALL = {"id": "call", "request": {"url": "https://ci.example.com/", "answer": {"number": "answer.body.id"}}}
SECRET = {
    "id": "pw",
    "template": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}},
}
GOES = {"id": "old", "delete": {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "b", "name": "old"}}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "namespace": "b"},
    "spec": {"serviceAccountName": "${resources.db.status.user}", "containers": [{"name": "c", "image": "i"}]},
}
FORM = {
    "type": "object",
    "properties": {"name": {"type": "string", "default": "web"}, "text": {"type": "string", "default": ""}},
}
WHERE = "spec.execution.resources[1].template"
ALONE = (
    "what an earlier entry gives may only stand by itself, as ${resources.<id>.<field>}, or as"
    " ${string(resources.<id>.<field>)} for a text of a number; text may stand around it"
)


def note(text: Any = "${resources.db.status.host}", *, kind: str = "ConfigMap", api: str = "v1", **more: Any) -> Any:
    template = {"apiVersion": api, "kind": kind, "metadata": {"name": "a", "namespace": "b"}, "data": {"host": text}}
    return {"id": "note", "template": {**template, **more.pop("template", {})}, **more}


def action(*steps: Any, form: Any = FORM) -> Action:
    execution = {"serviceAccountRef": {"namespace": "makers", "name": "maker"}, "resources": list(steps)}
    return models.action(inputs={"schema": form}, execution=execution)


def plan_of(*steps: Any, **inputs: Any) -> RunPlan:
    plan = judge(action(*steps), models.run(spec={"inputs": inputs})).plan
    assert plan is not None
    return plan


def test_the_plan_holds_what_is_read_and_approvers_read_it() -> None:
    plan = plan_of(DB, note())
    late = plan.resources[1]
    assert isinstance(late, PlannedLate)
    assert late.late == [LateValue(at="/data/host", reads=["db.status.host"])]
    assert (
        late.manifest["data"] == {"host": "${resources.db.status.host}"} and type(late.manifest["data"]["host"]) is str
    )
    assert plan.summary[1] == "ConfigMap b/a: data.host=(status.host of Database b/web)"
    assert check_action(action(DB, note())) == ()


def test_text_and_inputs_may_stand_around_it() -> None:
    text = "$${x}http://${resources.db.status.host}:${string(resources.db.status.port)}/${inputs.name}"
    late = plan_of(DB, note(text)).objects[1]
    assert late.late == [
        LateValue(at="/data/host", reads=["db.status.host", "db.status.port"], texts=["${x}http://", ":", "/web"])
    ]
    assert check_action(action(DB, note(text))) == ()
    line = plan_of(DB, note(text)).summary[1]
    assert line.count("data.host=") == 1 and "/web" in line


def test_no_input_is_taken_for_it() -> None:
    plan = plan_of(DB, note("${inputs.text} ${resources.db.status.host}"), text="${resources.db.spec.password}")
    late = plan.objects[1].late
    assert late is not None and late[0].reads == ["db.status.host"]
    assert late[0].texts == ["${resources.db.spec.password} ", ""]
    plain = plan_of(DB, note("${inputs.text}"), text="${resources.db.spec.password}").objects[1]
    assert plain.late is None and plain.manifest["data"] == {"host": "${resources.db.spec.password}"}


def test_in_a_list_where_an_entry_is_left_out_it_stands_where_it_is_then() -> None:
    text = ["${null}", {"a": "${resources.db.status.host}"}]
    late = plan_of(DB, note(text)).objects[1]
    assert late.late == [LateValue(at="/data/host/0/a", reads=["db.status.host"])]


def test_a_change_and_what_ends_may_read_too() -> None:
    change = plan_of(DB, note(patch=True))
    assert change.summary[1] == 'Change ConfigMap b/a: data.host="(status.host of Database b/web)"'
    ends = plan_of(DB, note(expiresAfter="8h"))
    assert isinstance(ends.resources[1], PlannedLateTemporary)
    assert ends.summary[1].endswith("; ends 8h after it is made")


def test_an_answer_can_be_read() -> None:
    plan = plan_of(CALL, note("${string(resources.call.number)}"))
    assert plan.summary[1] == "ConfigMap b/a: data.host=(number of POST https://ci.example.com/)"


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        (
            [DB, note("${resources.bd.status.host}")],
            "data.host: reads resources.bd.status.host, and there is no entry bd; earlier are: db",
        ),
        (
            [note("${resources.db.status.host}"), DB],
            "data.host: reads resources.db.status.host, which is not made by then: only an entry before this one is",
        ),
        (
            [DB, note("${resources.note.status.host}")],
            "data.host: reads resources.note.status.host, which is not made by then: only an entry before this one is",
        ),
        (
            [{**DB, "forEach": "['a']"}, note()],
            "data.host: reads resources.db.status.host, which has forEach: one for each of a list, so it is not known"
            " which is meant",
        ),
        (
            [GOES, note("${resources.old.data.a}")],
            "data.host: reads resources.old.data.a, which is deleted: nothing is left to read",
        ),
        (
            [SECRET, note("${resources.pw.data.token}")],
            "data.host: reads resources.pw.data.token, which is a Secret: let who needs its values read the Secret"
            " itself, by its name",
        ),
        (
            [CALL, note("${resources.cal.number}")],
            "data.host: reads resources.cal.number, and there is no entry cal; did you mean call?",
        ),
        (
            [CALL, note("${resources.call.nubmer}")],
            "data.host: reads resources.call.nubmer, which request.answer of call does not keep; known are: status, number",
        ),
        (
            [DB, note("${resources.db." + "a" * 260 + "}")],
            f"data.host: reads resources.db.{'a' * 260}, which is longer than 256 characters",
        ),
        (
            [DB, note(kind="RoleBinding", api="rbac.authorization.k8s.io/v1")],
            "data.host: reads resources.db.status.host, and nothing of rbac.authorization.k8s.io may be known only later:"
            " write it out, or take it from the form",
        ),
        (
            [DB, {"id": "pod", "template": POD}],
            "spec.serviceAccountName: reads resources.db.status.user, and as whom a Pod acts must be known before: write it"
            " out, or take it from the form",
        ),
        (
            [DB, note(kind="Environment", api="pratique.dev/v1alpha1")],
            "data.host: reads resources.db.status.host, and nothing of pratique.dev may be known only later: write it out,"
            " or take it from the form",
        ),
        (
            [DB, note(template={"metadata": {"name": "${resources.db.status.host}", "namespace": "b"}})],
            "metadata.name: reads resources.db.status.host, and metadata.name must be known before: write it out, or take"
            " it from the form",
        ),
        (
            [DB, note(kind="Job", api="batch/v1", template={"spec": {"ttlSecondsAfterFinished": "${resources.db.n}"}})],
            "spec.ttlSecondsAfterFinished: reads resources.db.n, and spec.ttlSecondsAfterFinished must be known before:"
            " write it out, or take it from the form",
        ),
        (
            [DB, note(patch=True, template={"spec": {"$patch": "${resources.db.status.host}"}})],
            "spec.$patch: reads resources.db.status.host, and how a list is changed must be known before: write it out",
        ),
        (
            [DB, note({f"k{n}": "${resources.db.status.host}" for n in range(33)})],
            "reads of earlier entries in 33 fields, 32 are allowed",
        ),
    ],
)
def test_what_cannot_be_read_is_said_when_the_action_is_applied_and_held_to(steps: list[Any], problem: str) -> None:
    said = [each for each in check_action(action(*steps)) if each.endswith(problem)]
    assert said, check_action(action(*steps))
    with pytest.raises(EvaluationError) as held:
        judge(action(*steps), models.run())
    assert str(held.value).endswith(problem)


@pytest.mark.parametrize(
    "text", ["${resources.db.status.port + 1}", "${resources.db}", "${has(resources.db.status.port)}"]
)
def test_no_larger_expression(text: str) -> None:
    assert check_action(action(DB, note(text))) == (f"{WHERE}.data.host: {ALONE}",)


def test_what_goes_is_named_before() -> None:
    goes = {**GOES, "delete": {**GOES["delete"], "name": "${resources.db.status.host}"}}  # type: ignore[dict-item]
    (problem,) = check_action(action(DB, goes))
    assert problem.startswith("spec.execution.resources[1].delete.name: ")


def test_an_entry_that_is_left_out_gives_nothing() -> None:
    left_out = action({**DB, "when": "inputs.name == 'other'"}, note())
    with pytest.raises(
        EvaluationError, match=r"resources\.db.status.host, whose `when` is false with these inputs: give"
    ):
        judge(left_out, models.run())


def test_not_more_than_can_be_put_on_record() -> None:
    notes = [
        note(
            {f"k{n}": f"${{resources.db.status.f{n + 20 * each}}}" for n in range(20)},
            template={"metadata": {"name": f"a{each}", "namespace": "b"}},
        )
        | {"id": f"note{each}"}
        for each in range(2)
    ]
    with pytest.raises(EvaluationError, match="read 40 values of earlier entries, 32 are allowed"):
        judge(action(DB, *notes), models.run())


STATUS = {
    "type": "object",
    "properties": {"host": {"type": "string"}, "ports": {"type": "array", "items": {"type": "integer"}}},
}
KIND = {"type": "object", "properties": {"apiVersion": {}, "kind": {}, "metadata": {}, "status": STATUS}}
SCHEMA = {"platform.example.com/v1/Database": {"root": "it", "components": {"it": KIND}}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("${resources.db.status.hots}", "resources.db.status has no field hots; did you mean host?"),
        ("${resources.db.status.ports}", "resources.db.status.ports is a list: name one field of it"),
        ("${resources.db.status}", "resources.db.status is an object: name one field of it"),
        ("${string(resources.db.status.ports[0])}", None),
    ],
)
def test_where_the_kind_is_known_its_fields_are(text: str, problem: str | None) -> None:
    said = check_action(action(DB, note(text)), SCHEMA)
    assert said == (() if problem is None else (f"{WHERE}.data.host: {problem}",))
