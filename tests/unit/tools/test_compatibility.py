"""CRDs stay compatible with each released version, and what counts as incompatible is a table.

`tests/golden/crds/<version>` holds the CRDs of a release; they are never edited. What differs and is kept all the same
stands in `accepted.yaml` with its reason.
"""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.compatibility import breaks, breaks_of_all, crds_in, main

ROOT = Path(__file__).parents[3]
RELEASED = sorted(path for path in (ROOT / "tests" / "golden" / "crds").iterdir() if path.is_dir())
ACCEPTED = yaml.safe_load((ROOT / "tests" / "golden" / "crds" / "accepted.yaml").read_text(encoding="utf-8"))
Json = dict[str, Any]


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.name)
def test_nothing_breaks_that_a_release_has_promised(released: Path) -> None:
    found = set(breaks_of_all(crds_in(released), crds_in(ROOT / "crds")))
    kept = {change for each in ACCEPTED.get(released.name, []) if each["why"] for change in each["changes"]}
    assert sorted(found - kept) == [], f"incompatible with {released.name}: undo it, or say why in accepted.yaml"
    assert sorted(kept - found) == [], "accepted.yaml has what is not so any more: take it out"


NEW = {"delegations"}
"""Kinds that the last release has not: empty again once there is another."""


def test_each_kind_has_a_released_form() -> None:
    assert RELEASED
    kinds = {path.stem for path in (ROOT / "crds").glob("*.yaml")}
    assert kinds - NEW == set(crds_in(RELEASED[-1])) and kinds >= NEW


def crd() -> Json:
    """Return a CRD that has one of everything."""
    name: Json = {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a+$", "default": "a"}
    entry: Json = {"type": "object", "required": ["name"], "properties": {"name": dict(name)}}
    spec: Json = {
        "type": "object",
        "required": ["name"],
        "x-kubernetes-validations": [{"rule": "self.size > 1", "message": "size is too small"}],
        "properties": {
            "name": name,
            "colour": {"type": "string", "enum": ["Red", "Blue"]},
            "size": {"type": "integer", "minimum": 1, "maximum": 9},
            "list": {
                "type": "array",
                "minItems": 1,
                "maxItems": 9,
                "items": entry,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
            "map": {"type": "object", "maxProperties": 9, "additionalProperties": {"type": "string", "maxLength": 9}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": name}},
            "port": {"x-kubernetes-int-or-string": True, "nullable": True},
        },
    }
    status: Json = {"type": "object", "default": {"phase": "New"}, "properties": {"phase": {"type": "string"}}}
    version: Json = {
        "name": "v1",
        "served": True,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": ".spec.name"}],
        "additionalPrinterColumns": [{"name": "Name"}],
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}},
    }
    names = {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"}
    return {
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {**names, "shortNames": ["th"], "categories": ["all"]},
            "versions": [version],
        }
    }


def spec_of(manifest: Json) -> Json:
    root: Json = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return root["spec"]["properties"]  # type: ignore[no-any-return]


def schema(change: Callable[[Json], Any]) -> Callable[[Json], None]:
    return lambda manifest: change(spec_of(manifest)) and None


def names(**values: Any) -> Callable[[Json], None]:
    return lambda manifest: manifest["spec"]["names"].update(values)


def version(**values: Any) -> Callable[[Json], None]:
    return lambda manifest: manifest["spec"]["versions"][0].update(values)


def whole(change: Callable[[Json], Any]) -> Callable[[Json], None]:
    """Change the schema of spec itself."""
    return lambda manifest: (
        change(manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]) and None
    )


RULE = {"rule": "self.name != 'b'", "message": "name must not be b"}
INCOMPATIBLE: list[tuple[str, Callable[[Json], Any], str]] = [
    ("group", lambda m: m["spec"].update(group="other.com"), "group was example.com and is other.com"),
    ("scope", lambda m: m["spec"].update(scope="Cluster"), "scope was Namespaced and is Cluster"),
    ("kind", names(kind="Other"), "names.kind was Thing and is Other"),
    ("plural", names(plural="others"), "names.plural was things and is others"),
    ("singular", names(singular="other"), "names.singular was thing and is other"),
    ("list kind", names(listKind="Others"), "names.listKind was ThingList and is Others"),
    ("short name", names(shortNames=["other"]), "names.shortNames has th no more"),
    ("category", names(categories=[]), "names.categories has all no more"),
    ("version gone", version(name="v2"), "version v1 is not served any more"),
    ("version not served", version(served=False), "version v1 is not served any more"),
    ("subresource", version(subresources={}), "version v1 has the subresource status no more"),
    ("selectable field", version(selectableFields=[]), "version v1 cannot be selected by .spec.name any more"),
    ("column", version(additionalPrinterColumns=[]), "version v1 has the column Name no more"),
    ("field removed", schema(lambda s: s.pop("size")), "spec.size: the field is gone"),
    (
        "field renamed",
        schema(lambda s: s.update(length=s.pop("size"))),
        "spec.size: the field is gone",
    ),
    ("type", schema(lambda s: s["size"].update(type="string")), "spec.size: type was integer and is string"),
    ("format", schema(lambda s: s["name"].update(format="uri")), "spec.name: format was None and is uri"),
    ("new required", whole(lambda s: s["required"].append("size")), "spec: size is required now"),
    (
        "new required in an entry",
        schema(lambda s: s["list"]["items"].update(required=["name", "b"])),
        "spec.list[]: b is required now",
    ),
    ("enum added", schema(lambda s: s["name"].update(enum=["a"])), "spec.name: only some values are taken now"),
    (
        "enum value removed",
        schema(lambda s: s["colour"].update(enum=["Red"])),
        "spec.colour: the value Blue is not taken any more",
    ),
    (
        "pattern changed",
        schema(lambda s: s["name"].update(pattern="^b$")),
        "spec.name: the pattern was ^a+$ and is ^b$",
    ),
    (
        "pattern added",
        schema(lambda s: s["colour"].update(pattern="^R")),
        "spec.colour: the pattern was None and is ^R",
    ),
    ("longest shorter", schema(lambda s: s["name"].update(maxLength=8)), "spec.name: maxLength was 9 and is 8"),
    ("longest added", schema(lambda s: s["colour"].update(maxLength=8)), "spec.colour: maxLength was None and is 8"),
    ("shortest longer", schema(lambda s: s["name"].update(minLength=2)), "spec.name: minLength was 1 and is 2"),
    ("largest smaller", schema(lambda s: s["size"].update(maximum=8)), "spec.size: maximum was 9 and is 8"),
    ("smallest larger", schema(lambda s: s["size"].update(minimum=2)), "spec.size: minimum was 1 and is 2"),
    ("fewer entries", schema(lambda s: s["list"].update(maxItems=8)), "spec.list: maxItems was 9 and is 8"),
    ("more entries", schema(lambda s: s["list"].update(minItems=2)), "spec.list: minItems was 1 and is 2"),
    ("fewer keys", schema(lambda s: s["map"].update(maxProperties=8)), "spec.map: maxProperties was 9 and is 8"),
    ("keys needed", schema(lambda s: s["map"].update(minProperties=1)), "spec.map: minProperties was None and is 1"),
    (
        "in a map",
        schema(lambda s: s["map"]["additionalProperties"].update(maxLength=1)),
        "spec.map[*]: maxLength was 9 and is 1",
    ),
    (
        "map closed",
        schema(lambda s: s["map"].pop("additionalProperties")),
        "spec.map: what is in it is not taken any more",
    ),
    (
        "list type",
        schema(lambda s: s["list"].update({"x-kubernetes-list-type": "set"})),
        "spec.list: x-kubernetes-list-type was map and is set",
    ),
    (
        "list keys",
        schema(lambda s: s["list"].update({"x-kubernetes-list-map-keys": ["id"]})),
        "spec.list: x-kubernetes-list-map-keys was ['name'] and is ['id']",
    ),
    (
        "free closed",
        schema(lambda s: s["free"].pop("x-kubernetes-preserve-unknown-fields")),
        "spec.free: x-kubernetes-preserve-unknown-fields is true no more",
    ),
    (
        "number or text",
        schema(lambda s: s["port"].pop("x-kubernetes-int-or-string")),
        "spec.port: x-kubernetes-int-or-string is true no more",
    ),
    ("null", schema(lambda s: s["port"].pop("nullable")), "spec.port: nullable is true no more"),
    ("default changed", schema(lambda s: s["name"].update(default="aa")), "spec.name: its default was a and is aa"),
    ("default removed", schema(lambda s: s["name"].pop("default")), "spec.name: its default was a and is None"),
    (
        "default added",
        schema(lambda s: s["colour"].update(default="Red")),
        "spec.colour: its default was None and is Red",
    ),
    (
        "new rule",
        whole(lambda s: s["x-kubernetes-validations"].append(RULE)),
        "spec: there is a new rule: name must not be b",
    ),
    (
        "another rule",
        whole(lambda s: s["x-kubernetes-validations"][0].update(rule="self.size > 2")),
        "spec: a rule is another now: size is too small",
    ),
    (
        "status field removed",
        lambda m: m["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"].clear(),
        "status.phase: the field is gone",
    ),
]
COMPATIBLE: list[tuple[str, Callable[[Json], Any]]] = [
    ("new field", schema(lambda s: s.update(new={"type": "string"}))),
    ("new value", schema(lambda s: s["colour"]["enum"].append("Green"))),
    ("enum gone", schema(lambda s: s["colour"].pop("enum"))),
    ("wider", schema(lambda s: s["name"].update(maxLength=10, minLength=0))),
    ("bound gone", schema(lambda s: s["size"].pop("maximum"))),
    ("not required", whole(lambda s: s.update(required=[]))),
    ("rule gone", whole(lambda s: s.pop("x-kubernetes-validations"))),
    ("another sentence", whole(lambda s: s["x-kubernetes-validations"][0].update(message="make it larger"))),
    ("a field of what is free", schema(lambda s: s["free"].pop("properties"))),
    ("description", schema(lambda s: s["name"].update(description="A name."))),
    ("short name", names(shortNames=["th", "thi"])),
    (
        "the default of a status",
        lambda m: m["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"].update(default={}),
    ),
    (
        "a rule that says what the pattern said",
        schema(
            lambda s: (
                s["name"].update(
                    {"x-kubernetes-validations": [{"rule": f"self.matches(r'{s['name'].pop('pattern')}')"}]}
                ),
                s["name"]["x-kubernetes-validations"][0].update(message="a name has letters a"),
            )
        ),
    ),
]


@pytest.mark.parametrize(
    ("change", "said"), [case[1:] for case in INCOMPATIBLE], ids=[case[0] for case in INCOMPATIBLE]
)
def test_what_is_incompatible_is_found(change: Callable[[Json], Any], said: str) -> None:
    after = deepcopy(crd())
    change(after)
    assert said in breaks(crd(), after)


@pytest.mark.parametrize("change", [case[1] for case in COMPATIBLE], ids=[case[0] for case in COMPATIBLE])
def test_what_is_compatible_is_not(change: Callable[[Json], Any]) -> None:
    after = deepcopy(crd())
    change(after)
    assert after != crd() and breaks(crd(), after) == []


def test_the_command_says_what_breaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
    (before / "things.yaml").write_text(yaml.safe_dump(crd()))
    assert main([str(before), str(before)]) == 0
    assert main([str(before), str(after)]) == 1
    assert capsys.readouterr().out == "compatible\nthings: the CRD is gone\n"
