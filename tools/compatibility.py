"""Finds what a change of the CRDs would break for those who have objects, manifests or programs of a version before. Pure.

What was taken must be taken, what was there must be there, and what it meant it must mean. A rule in CEL cannot be
compared, so that each new one counts as narrower, but for one that says what a pattern said.

    python -m tools.compatibility OLD_FOLDER NEW_FOLDER

`tests/unit/tools/test_compatibility.py` compares `crds/` with each released version in `tests/golden/crds`.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Json = Mapping[str, Any]

_UPPER = ("maxLength", "maxItems", "maxProperties", "maximum")
_LOWER = ("minLength", "minItems", "minProperties", "minimum")
_SAME = ("type", "format", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type")
_OPEN = ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string", "nullable")
_NAMES = ("kind", "plural", "singular", "listKind")


def breaks(before: Json, after: Json) -> list[str]:
    """Return what of one CRD is incompatible with what it was, one line each: where, and what."""
    return sorted(_of_crd(before, after))


def breaks_of_all(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[str]:
    """Return the same of all CRDs, by the names of their files."""
    found = [f"{name}: the CRD is gone" for name in before if name not in after]
    for name in before:
        if name in after:
            found += [f"{name}: {each}" for each in breaks(before[name], after[name])]
    return sorted(found)


def crds_in(folder: Path) -> dict[str, Json]:
    """Return the CRDs of a folder by their plural names."""
    files = sorted(folder.glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}


def _of_crd(before: Json, after: Json) -> Iterator[str]:
    old, new = before["spec"], after["spec"]
    for field in ("group", "scope"):
        if old[field] != new[field]:
            yield f"{field} was {old[field]} and is {new[field]}"
    for field in _NAMES:
        if old["names"].get(field) != new["names"].get(field):
            yield f"names.{field} was {old['names'].get(field)} and is {new['names'].get(field)}"
    for field in ("shortNames", "categories"):
        for gone in _gone(old["names"].get(field), new["names"].get(field)):
            yield f"names.{field} has {gone} no more"
    versions = {each["name"]: each for each in new["versions"]}
    for version in old["versions"]:
        yield from _of_version(version, versions.get(version["name"]))


def _of_version(old: Json, new: Json | None) -> Iterator[str]:
    name = old["name"]
    if new is None or (old["served"] and not new["served"]):
        yield f"version {name} is not served any more"
        return
    for gone in _gone(old.get("subresources"), new.get("subresources")):
        yield f"version {name} has the subresource {gone} no more"
    paths = [[each["jsonPath"] for each in of.get("selectableFields", ())] for of in (old, new)]
    for gone in _gone(*paths):
        yield f"version {name} cannot be selected by {gone} any more"
    columns = [[each["name"] for each in of.get("additionalPrinterColumns", ())] for of in (old, new)]
    for gone in _gone(*columns):
        yield f"version {name} has the column {gone} no more"
    yield from _of_schema(old["schema"]["openAPIV3Schema"], new["schema"]["openAPIV3Schema"], "")


def _of_schema(old: Json, new: Json, path: str) -> Iterator[str]:
    where = path or "the object"
    for word in _SAME:
        if old.get(word) != new.get(word):
            yield f"{where}: {word} was {old.get(word)} and is {new.get(word)}"
    for word in _OPEN:
        if old.get(word) and not new.get(word):
            yield f"{where}: {word} is true no more"
    yield from _of_values(old, new, where)
    yield from _of_rules(old, new, where)
    for name in _gone(new.get("required"), old.get("required")):
        yield f"{where}: {name} is required now"
    if not path.startswith("status") and old.get("default") != new.get("default"):
        yield f"{where}: its default was {old.get('default')} and is {new.get('default')}"
    yield from _inside(old, new, path)


def _inside(old: Json, new: Json, path: str) -> Iterator[str]:
    properties = new.get("properties", {})
    for name, child in old.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        if name in properties:
            yield from _of_schema(child, properties[name], inner)
        elif not new.get("x-kubernetes-preserve-unknown-fields"):
            yield f"{inner}: the field is gone"
    for word, mark in (("items", "[]"), ("additionalProperties", "[*]")):
        if isinstance(old.get(word), Mapping):
            if isinstance(new.get(word), Mapping):
                yield from _of_schema(old[word], new[word], path + mark)
            else:
                yield f"{path}: what is in it is not taken any more"


def _of_values(old: Json, new: Json, where: str) -> Iterator[str]:
    """Say which values are not taken any more."""
    if "enum" in new:
        if "enum" not in old:
            yield f"{where}: only some values are taken now"
        for gone in _gone(old.get("enum"), new["enum"]):
            yield f"{where}: the value {gone} is not taken any more"
    if new.get("pattern", old.get("pattern")) != old.get("pattern"):
        yield f"{where}: the pattern was {old.get('pattern')} and is {new['pattern']}"
    for word in (*_UPPER, *_LOWER):
        if word in new:
            was, now = old.get(word), new[word]
            if was is None or (now < was if word in _UPPER else now > was):
                yield f"{where}: {word} was {was} and is {now}"


def _of_rules(old: Json, new: Json, where: str) -> Iterator[str]:
    rules = {each["rule"]: each["message"] for each in old.get("x-kubernetes-validations", ())}
    if "pattern" in old:
        rules[f"self.matches(r'{old['pattern']}')"] = ""
    for each in new.get("x-kubernetes-validations", ()):
        if each["rule"] not in rules:
            known = each["message"] in rules.values()
            yield f"{where}: {'a rule is another now' if known else 'there is a new rule'}: {each['message']}"


def _gone(old: Any, new: Any) -> list[Any]:  # noqa: ANN401 - lists and mappings, of any JSON
    return [each for each in old or () if each not in (new or ())]


def main(arguments: list[str]) -> int:
    """Print what is incompatible; return 1 if anything is."""
    before, after = (crds_in(Path(each)) for each in arguments)
    found = breaks_of_all(before, after)
    print("\n".join(found) or "compatible")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
