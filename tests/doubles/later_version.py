"""A later version of the operator, as far as its models are concerned: some classes have one more field, with a default."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

from pydantic.fields import FieldInfo

from pratique.api.v1alpha1.meta import ApiModel
from pratique.core.plans import document

ADDED, WIRE = "added_later", "addedLater"


def models_in(*roots: type[ApiModel]) -> dict[str, type[ApiModel]]:
    """Return these models and all that their fields hold, by name."""
    found: dict[str, type[ApiModel]] = {}
    left = list(roots)
    while left:
        each = left.pop()
        if each.__name__ not in found:
            found[each.__name__] = each
            left += [inner for field in each.model_fields.values() for inner in _classes_of(field.annotation)]
    return found


@contextmanager
def wider(*models: type[ApiModel]) -> Iterator[None]:
    """Give each of these models a field that says something by default; take it away again in the end."""
    for model in models:
        name: dict[str, Any] = {
            "alias": WIRE,
            "validation_alias": WIRE,
            "serialization_alias": WIRE,
            "alias_priority": 2,
        }
        model.model_fields[ADDED] = FieldInfo(annotation=str, default="new", **name)
    affected = [each for each in _all_models() if any(model in models_in(each).values() for model in models)]
    _rebuild(affected)
    try:
        yield
    finally:
        for model in models:
            del model.model_fields[ADDED]
        _rebuild(affected)


def _all_models() -> Iterator[type[ApiModel]]:
    """Yield all models."""
    level: list[type[ApiModel]] = [ApiModel]
    while level:
        level = [below for each in level for below in each.__subclasses__()]
        yield from level


def _rebuild(models: list[type[ApiModel]]) -> None:
    """Build them anew, each after those that it is made of."""
    for model in sorted(models, key=lambda each: len(models_in(each))):
        model.model_rebuild(force=True)
    document._read.cache_clear()


def _classes_of(annotation: Any) -> list[type[ApiModel]]:
    if isinstance(annotation, type) and issubclass(annotation, ApiModel):
        return [annotation]
    return [each for inner in get_args(annotation) for each in _classes_of(inner)]
