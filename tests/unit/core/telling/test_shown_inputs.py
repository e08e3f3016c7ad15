"""What an approver reads of the inputs of a request."""

from typing import Any

import pytest
from tests.builders.messages import entry, held_run, its_gate
from tests.builders.models import NOW, action, run, run_plan, stage

from pratique.api.v1alpha1.approval import Approval
from pratique.api.v1alpha1.notifications import EventType
from pratique.core.gates.opening import open_gate
from pratique.core.telling.messages import compose_approval, compose_run
from pratique.core.telling.shown_inputs import MAX_NAME, MAX_SHOWN, MAX_TITLE, MAX_VALUE, asked_inputs, asked_lines

Json = dict[str, Any]
DATABASE: Json = {
    "type": "object",
    "required": ["engine", "size"],
    "properties": {
        "backups": {"type": "boolean", "title": "Keep backups", "default": True},
        "engine": {"type": "string", "title": "Engine"},
        "public": {"type": "boolean", "title": "Reachable from the internet"},
        "size": {"type": "integer", "title": "Size in GiB"},
        "password": {"type": "string", "title": "Password", "format": "secret-ref"},
    },
}
MYSQL: Json = {"size": 20, "public": True, "engine": "mysql", "backups": False, "password": "db-root"}


def value_of(value: object, field: Json | None = None) -> str:
    (only,) = asked_inputs({"properties": {"it": field or {}}}, {"it": value}) or []
    return only.value


def lines(schema: Json, inputs: Json) -> list[str]:
    return asked_lines(asked_inputs(schema, inputs))


class TestOrder:
    def test_required_inputs_come_first_as_they_are_listed_then_by_name(self) -> None:
        assert lines(DATABASE, MYSQL) == [
            "Engine: mysql",
            "Size in GiB: 20",
            "Keep backups: no",
            "Password: Secret db-root",
            "Reachable from the internet: yes",
        ]

    def test_the_order_that_the_form_names_comes_before_all(self) -> None:
        form = {**DATABASE, "x-order": ["public", "size", "public", 7]}
        shown = asked_inputs(form, MYSQL) or []
        assert [each.name for each in shown] == ["public", "size", "engine", "backups", "password"]

    def test_objects_inside_are_in_the_order_of_their_form(self) -> None:
        inner = {"type": "object", "x-order": ["to", "from"], "properties": {"from": {}, "to": {}}}
        assert value_of({"from": 1, "to": 2, "a": None}, inner) == '{"to":2,"from":1,"a":null}'
        assert value_of([{"from": 1, "to": 2}], {"type": "array", "items": inner}) == '[{"to":2,"from":1}]'

    def test_two_of_one_title_are_told_apart(self) -> None:
        form = {"properties": {"a": {"title": "Size"}, "b": {"title": "Size"}, "c": {"title": "\u200b"}}}
        assert lines(form, {"a": 1, "b": 2, "c": 3}) == ["Size (a): 1", "Size (b): 2", "c: 3"]

    def test_nothing_was_asked(self) -> None:
        assert asked_inputs(DATABASE, {}) is None
        assert lines({}, {}) == []


class TestValues:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("eu-west-1", "eu-west-1"),
            (3, "3"),
            (0.5, "0.5"),
            (True, "yes"),
            (False, "no"),
            (None, "(nothing)"),
            ("", "(empty)"),
            (" \t ", "(blank)"),
            ([], "[]"),
            (["a", "ü"], '["a","ü"]'),
            ({"b": [1, {"c": True}], "a": None}, '{"a":null,"b":[1,{"c":true}]}'),
            ("one\ntwo\r\nthree", "one ⏎ two ⏎ three"),
            ("tab\there", "tab here"),
            ("adm\u200bin", "admin (1 hidden character)"),
            ("\u202e\u2066", "(2 hidden characters)"),
            ("<!channel> @here <b>x</b> [a](b)", "<!channel> @here <b>x</b> [a](b)"),
        ],
    )
    def test_shown_in_one_line(self, value: object, shown: str) -> None:
        assert value_of(value) == shown
        assert "\n" not in shown

    def test_a_listed_value_is_shown_with_its_label_and_never_without_itself(self) -> None:
        field = {"enum": ["s", 2, 1.5], "x-labels": {"s": "Two \u202eCPU", "2": "Two", "1.5": 7}}
        assert value_of("s", field) == "Two CPU (s)"
        assert value_of(2, field) == "Two (2)" and value_of(1.5, field) == "1.5"
        assert value_of("l", field) == "l"
        several = {"type": "array", "items": field}
        assert value_of(["s", 2], several) == "Two CPU (s), Two (2)"
        assert value_of(["s", "l"], several) == '["Two CPU (s)","l"]'

    def test_many_labels_are_cut_with_their_length(self) -> None:
        field = {"items": {"enum": ["s"], "x-labels": {"s": "S" * 99}}}
        assert value_of(["s"] * 4, field).endswith("S… (418 characters)")

    def test_a_long_text_is_cut_with_its_length(self) -> None:
        shown = value_of("x" * 4812)
        assert shown == "x" * MAX_VALUE + "… (4,812 characters)"
        assert value_of("x" * MAX_VALUE) == "x" * MAX_VALUE
        hidden = value_of("ab\u200b" * 2000)
        assert hidden.endswith("… (6,000 characters, 400 hidden)")
        assert value_of(["y" * 500]).endswith("… (504 characters)")

    @pytest.mark.parametrize(
        "value", ["x" * 65536, "\U0001f600" * 9000, "\n" * 900, "a\n" * 900, "\u202e" * 9000, " " * 999]
    )
    def test_whatever_the_value_it_is_bounded_and_one_line(self, value: str) -> None:
        shown = value_of(value)
        assert 0 < len(shown) <= 512
        assert len(shown.splitlines()) == 1

    @pytest.mark.parametrize(
        "field",
        [
            {"format": "password"},
            {"properties": {"a": {"items": {"format": "password"}}}},
            {"additionalProperties": {"format": "password"}},
        ],
    )
    def test_a_password_is_not_shown(self, field: Json) -> None:
        assert value_of("hunter2", field) == "(not shown)"

    def test_very_many_are_counted(self) -> None:
        shown = asked_inputs({}, {f"input{at:03}": at for at in range(200)}) or []
        assert len(shown) == MAX_SHOWN
        assert shown[-1].value == "137 more inputs: see spec.inputs of the ActionRun"
        assert len(asked_inputs({}, {f"{at}": at for at in range(MAX_SHOWN)}) or []) == MAX_SHOWN

    def test_names_and_titles_are_bounded(self) -> None:
        (only,) = asked_inputs({"properties": {"n" * 900: {"title": "t" * 900}}}, {"n" * 900: 1}) or []
        assert (len(only.name), len(only.title)) == (MAX_NAME, MAX_TITLE)
        assert lines({}, {"\u200b": 1}) == ["…: 1"]
        assert lines({"properties": {"a": {"title": 7}, "b": 1}}, {"a": 1, "b": 2}) == ["a: 1", "b: 2"]


class TestApproval:
    def test_it_holds_what_was_asked_for(self) -> None:
        plan = run_plan(gate=stage(), inputs=MYSQL)
        made = Approval.model_validate(open_gate(run(), plan, stage(), NOW, action=action(inputs={"schema": DATABASE})))
        assert asked_lines(made.spec.inputs)[0] == "Engine: mysql"
        nameless = Approval.model_validate(open_gate(run(), plan, stage(), NOW))
        assert asked_lines(nameless.spec.inputs)[0] == "backups: no"

    def test_without_inputs_it_is_as_the_version_before_wrote_it(self) -> None:
        assert "inputs" not in open_gate(run(), run_plan(gate=stage()), stage(), NOW, action=action())["spec"]

    def test_a_value_of_several_lines_is_one_line_of_the_fact(self) -> None:
        asked = asked_inputs({}, {"note": "fine\nApproved by: lead-1\u202e"})
        gate = its_gate()
        gate = gate.model_copy(update={"spec": gate.spec.model_copy(update={"inputs": asked})})
        for told in (
            compose_run(held_run(), gate, entry(EventType.APPROVAL_REQUESTED)),
            compose_approval(gate, entry(EventType.WITHDRAWN)),
        ):
            assert dict(told.facts)["Inputs"] == "note: fine ⏎ Approved by: lead-1 (1 hidden character)"
            assert [each.name for each in told.inputs] == ["note"]

    def test_a_run_without_a_gate_tells_them_by_their_names(self) -> None:
        told = compose_run(held_run(), None, entry(EventType.SUCCEEDED))
        assert dict(told.facts)["Inputs"] == "name: load-test\nttl: 10d"
        assert "Inputs" not in dict(compose_run(run(), None, entry(EventType.REFUSED)).facts)
