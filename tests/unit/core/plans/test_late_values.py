"""What an object reads of earlier entries: found in a text, looked up, filled in as it is, and said for people."""

from typing import Any

import pytest
from tests.builders.models import manifest, planned

from pratique.api.v1alpha1.planned import LateValue, PlannedLate, PlannedLateTemporary, as_late, as_temporary
from pratique.core.plans.late_values import (
    NOTHING,
    fill,
    look_up,
    path_of,
    problem_of,
    reads_of,
    say_late,
    source_of,
    split,
    with_sources,
)

HOST = LateValue(at="/data/host", reads=["db.status.host"])
URL = LateValue(at="/data/a~1b", reads=["db.status.host", "db.status.ports[0]"], texts=["http://", ":", "/"])
MADE = manifest(data={"host": "x", "a/b": "y", "rest": ["z"]})
LATE = as_late(planned("late", MADE), [HOST, URL])


@pytest.mark.parametrize(
    ("text", "texts", "reads", "alone"),
    [
        ("${resources.db.status.host}", ("", ""), ("db.status.host",), True),
        ("${ resources.db['a.b/c'][\"d\"].e[12] }", ("", ""), ("db['a.b/c'][\"d\"].e[12]",), True),
        ("${string(resources.db.status.port)}", ("", ""), ("db.status.port",), False),
        ("http://${resources.db.a}:${ string( resources.db.b ) }/", ("http://", ":", "/"), ("db.a", "db.b"), False),
        ("${inputs.x}${resources.db.a}", ("${inputs.x}", ""), ("db.a",), False),
        ("$${resources.db.a}", ("$${resources.db.a}",), (), False),
        ("${resources.db}", ("${resources.db}",), (), False),
        ("${resources.db.a + 1}", ("${resources.db.a + 1}",), (), False),
        ("${resources.db['a'b']}", ("${resources.db['a'b']}",), (), False),
        ("${resources.db.a-b}", ("${resources.db.a-b}",), (), False),
        ("plain", ("plain",), (), False),
    ],
)
def test_it_stands_by_itself(text: str, texts: tuple[str, ...], reads: tuple[str, ...], alone: bool) -> None:
    found = split(text)
    assert (found.texts, found.reads, found.alone) == (texts, reads, alone)


@pytest.mark.parametrize(
    ("read", "source", "path"),
    [("db.status.host", "db", "status.host"), ("db['a.b']", "db", "['a.b']"), ("db[0].a", "db", "[0].a")],
)
def test_of_which_entry_and_what(read: str, source: str, path: str) -> None:
    assert (source_of(read), path_of(read)) == (source, path)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("db.status.host", "h"),
        ("db.status.ports[1]", 2),
        ("db['a.b'].c", False),
        ('db["a.b"].c', False),
        ("db.zero", 0),
        ("db.none", NOTHING),
        ("db.empty", NOTHING),
        ("db.status.ports[2]", NOTHING),
        ("db.status[0]", NOTHING),
        ("db.status.host.more", NOTHING),
        ("db.other", NOTHING),
    ],
)
def test_what_is_there(read: str, value: Any) -> None:
    seen = {"status": {"host": "h", "ports": [1, 2]}, "a.b": {"c": False}, "none": None, "empty": "", "zero": 0}
    assert look_up(seen, read) == value


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a", None),
        ("a" * 1024, None),
        (True, None),
        (1.5, None),
        ("é" * 513, "is longer than 1024 bytes"),
        ([], "is a list: a text, a number or a boolean can be read"),
        ({}, "is an object: a text, a number or a boolean can be read"),
    ],
)
def test_what_can_stand_in_an_object(value: Any, problem: str | None) -> None:
    assert problem_of(value) == problem


def test_it_is_filled_in_as_it_is_and_nothing_else_is_touched() -> None:
    assert reads_of(LATE) == ("db.status.host", "db.status.ports[0]")
    filled = fill(LATE, {"db.status.host": "${resources.db.a}", "db.status.ports[0]": 5432})
    assert filled is not None and filled.late is None
    data = {"host": "${resources.db.a}", "a/b": "http://${resources.db.a}:5432/", "rest": ["z"]}
    assert filled.manifest == {**MADE, "data": data}
    number = fill(as_late(planned(), [LateValue(at="/data/host", reads=["db.n"])]), {"db.n": True})
    assert number is not None and number.manifest == planned().manifest  # where nothing stands, nothing is put


@pytest.mark.parametrize("values", [None, {}, {"db.status.host": "h"}])
def test_what_is_not_known_is_not_filled_in(values: dict[str, Any] | None) -> None:
    assert fill(LATE, values) is None


def test_what_reads_nothing_is_as_it_is() -> None:
    assert fill(planned(), None) == planned()


def test_people_read_what_comes_from_where() -> None:
    told = list(say_late(LATE, lambda ident: f"Database {ident}"))
    assert told == [
        "data.host=(status.host of Database db)",
        "data.a/b=http://(status.host of Database db):(status.ports[0] of Database db)/",
    ]
    shown = with_sources(LATE, str)
    assert shown["data"]["host"] == "(status.host of db)" and shown["data"]["rest"] == ["z"]
    assert list(say_late(as_late(planned(), [LateValue(at="/spec/a/0/b", reads=["db.n"])]), str)) == [
        "spec.a[0].b=(n of db)"
    ]


def test_it_is_of_a_kind_of_its_own_with_an_end_or_without() -> None:
    assert isinstance(LATE, PlannedLate) and "unfinished" in LATE.to_wire() and "manifest" not in LATE.to_wire()
    brief = as_late(as_temporary(planned(), "8h"), [HOST])
    assert isinstance(brief, PlannedLateTemporary) and brief.expires_after == "8h"
    assert not {"manifest", "temporary"} & set(brief.to_wire())
