"""Holds an object to the CEL rules of its CRD, where no API server has done so: it comes from a file. Pure.

The rules are the models' own, from which the CRD is made; patterns and bounds the models hold themselves.
"""

from collections.abc import Iterator, Mapping

from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.core.judging.expressions import compile_own

_UNIQUE = {"stages": "name", "resources": "id", "requireFrom": "group"}
"""Lists whose entries are told apart by a field of theirs: the API server takes no two of one name."""


def broken_rules(model: ApiModel, path: str = "") -> Iterator[str]:
    """Yield the sentence of each rule that an object breaks, with the field that it is about."""
    rules: tuple[Rule, ...] = getattr(model, "cel_rules", ())
    seen = {"self": model.to_wire()} if rules else {}
    for rule in rules:
        if not compile_own(rule.rule).holds(seen):
            yield f"{(path + (rule.field_path or '')).lstrip('.')}: {rule.message}"
    for name, field in type(model).model_fields.items():
        if name != "status":
            alias = field.alias or name
            yield from _broken_in(getattr(model, name), f"{path}.{alias}".lstrip("."), alias)


def _broken_in(value: object, path: str, name: str) -> Iterator[str]:
    match value:
        case ApiModel():
            yield from broken_rules(value, path)
        case list():
            if key := _UNIQUE.get(name):
                yield from _twice(value, key, path)
            for index, each in enumerate(value):
                yield from _broken_in(each, f"{path}[{index}]", "")
        case Mapping():
            for key, each in value.items():
                yield from _broken_in(each, f"{path}.{key}", "")


def _twice(entries: list[object], key: str, path: str) -> Iterator[str]:
    names = [getattr(each, key) for each in entries]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"{path}[{index}].{key}: {name} is there twice; give it another name"
