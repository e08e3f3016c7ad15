"""Where a field of a form is, and what holds it."""

import pytest

from pratique.core.kernel.places import Place, holders, name_of, place_of, schema_around, schema_of, values_of


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("size", Place("size")),
        ("disks[].class", Place("disks", "class", True)),
        ("net.zone", Place("net", "zone")),
        ("a.b.c", Place("a.b.c")),
        ("a[0].b", Place("a[0].b")),
    ],
)
def test_a_name_says_where_a_field_is(name: str, place: Place) -> None:
    assert place_of(name) == place


def test_what_holds_a_field_is_found_row_by_row() -> None:
    inputs = {"size": 1, "disks": [{"class": "a"}, "no row", {"class": "b"}, {}], "net": {"zone": "z"}, "flat": 1}
    assert list(values_of(inputs, "size")) == [("size", 1)]
    assert list(values_of(inputs, "disks[].class")) == [("disks[0].class", "a"), ("disks[2].class", "b")]
    assert list(values_of(inputs, "net.zone")) == [("net.zone", "z")]
    for other in ("disks.class", "net[].zone", "flat.x", "flat[].x", "none.x"):
        assert list(holders(inputs, place_of(other))) == []
    assert name_of("disks[12].class") == "disks[].class" and name_of("net.zone") == "net.zone"


def test_what_a_form_says_of_a_field_is_empty_where_it_has_none() -> None:
    leaf = {"type": "string"}
    row = {"properties": {"class": leaf}}
    form = {"properties": {"disks": {"items": row}, "net": row, "odd": 1}}
    assert schema_of(form, "disks[].class") == schema_of(form, "net.class") == leaf
    assert schema_around(form, place_of("disks[].x")) == row and schema_around(form, place_of("x")) == form
    for name in ("odd[].x", "odd.x", "none.x", "disks.x", "none"):
        assert schema_of(form, name) == {}
