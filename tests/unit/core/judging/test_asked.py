"""What was asked for is in the line of the object: which fields, how, and what is hidden."""

from typing import Any

import pytest
from tests.builders.models import action, run
from tests.support.certain import certain

from pratique.core.judging.asked import MAX_FIELDS, asked_fields
from pratique.core.judging.judge import judge
from pratique.core.plans.summary import MAX_LINE, summarize

META = {"name": "${inputs.name}", "namespace": "${run.namespace}"}
DATABASE = {"apiVersion": "example.org/v1", "kind": "MySQLInstance", "metadata": META}


@pytest.mark.parametrize(
    ("template", "manifest", "expected"),
    [
        ({"a": "${inputs.x}"}, {"a": True}, ["a=true"]),
        ({"a": "${inputs.x}"}, {"a": "large"}, ["a=large"]),
        ({"a": "${inputs.x}"}, {"a": "true"}, ['a="true"']),
        ({"a": "${inputs.x}"}, {"a": "3"}, ['a="3"']),
        ({"a": "${inputs.x}"}, {"a": "two words\u202e"}, ['a="two words"']),
        ({"a": "x-${run.name}-${inputs.x}"}, {"a": "x-r-1"}, ["a=x-r-1"]),
        ({"a": "${run.name}", "b": "inputs", "c": 1}, {"a": "r", "b": "inputs", "c": 1}, []),
        ({"a": "${run.inputs}"}, {"a": "r"}, []),
        ({"a": "${inputs.x}"}, {}, []),
        ({"a": {"b": "${inputs.x}"}}, {"a": "other"}, []),
        ({"a": "${inputs.x}"}, {"a": {"b": 1, "c": {"d": []}}}, ["a.b=1", "a.c.d=[]"]),
        ({"a": "${inputs.x}"}, {"a": {}}, ["a={}"]),
        (
            {"l": [{"name": "web", "image": "${inputs.x}"}]},
            {"l": [{"name": "web", "image": "i:1"}]},
            ["l[web].image=i:1"],
        ),
        ({"l": ["${inputs.x}", {"y": "${inputs.y}"}]}, {"l": ["a", {"y": 2}]}, ["l[0]=a", "l[1].y=2"]),
        ({"l": ["${inputs.x}", "${inputs.y}"]}, {"l": ["a"]}, []),
        ({"a": {"dbPassword": "${inputs.x}"}}, {"a": {"dbPassword": "hunter2"}}, ["a.dbPassword=(hidden)"]),
        (
            {"e": [{"name": "TOKEN", "value": "${inputs.x}"}]},
            {"e": [{"name": "TOKEN", "value": "t"}]},
            ["e[TOKEN].value=(hidden)"],
        ),
        (
            {"a": {"passwordSecretRef": "${inputs.x}"}},
            {"a": {"passwordSecretRef": "db"}},
            ["a.passwordSecretRef=db"],
        ),
        ({"a": {"secretName": "${inputs.x}"}}, {"a": {"secretName": "db"}}, ["a.secretName=db"]),
        (
            {"tokens": {"a": {"b": {"size": "${inputs.x}"}}}},
            {"tokens": {"a": {"b": {"size": 1}}}},
            ["tokens.a.b.size=1"],
        ),
    ],
)
def test_which_fields_come_from_inputs(template: dict[str, Any], manifest: dict[str, Any], expected: list[Any]) -> None:
    assert asked_fields(template, manifest) == expected


def test_many_fields_are_counted() -> None:
    template = {f"k{n:02}": "${inputs.x}" for n in range(20)}
    found = asked_fields(template, dict.fromkeys(template, "x" * 500))
    assert (len(found), found[-1]) == (MAX_FIELDS + 1, "and 12 more")
    line = summarize({**DATABASE, "metadata": {"name": "x"}}, patch=False, asked=found)
    assert len(line) <= MAX_LINE


def test_the_line_of_a_new_object_says_what_was_asked_for_and_its_names_once() -> None:
    template = {**DATABASE, "spec": {"size": "${inputs.size}", "public": "${inputs.public}", "engine": "8.4"}}
    names = ("name", "size", "public")
    form = {"schema": {"type": "object", "properties": {name: {} for name in names}}}
    how = {"serviceAccountRef": {"namespace": "a", "name": "b"}, "resources": [{"id": "db", "template": template}]}
    asking = run(spec={"inputs": {"name": "orders", "size": "large", "public": True}})
    plan = certain(judge(action(inputs=form, execution=how), asking).plan)
    assert plan.summary == ["MySQLInstance team-a/orders: spec.size=large, spec.public=true"]


def test_a_time_to_live_is_said_once() -> None:
    made = {"kind": "Environment", "metadata": {"name": "e"}, "spec": {"ttl": "10d"}}
    assert summarize(made, patch=False, asked=["spec.ttl=10d", "spec.size=2"]) == "Environment e for 10d: spec.size=2"
    assert summarize(made, patch=False, asked=['spec.ttl="10d"']) == "Environment e for 10d"
