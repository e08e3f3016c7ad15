"""Lists changes as plans of version 0.1.0 hold them, so that what waits since then is compared like with like. Pure.

Lists are compared by position, or as a whole. What is listed anew is listed by `changes`. Called by `dry_run`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pratique.api.v1alpha1.planned import FieldChange
from pratique.core.kernel.text import clean, fit
from pratique.core.plans.field_changes import MAX_VALUE, bound, bound_path, fingerprint
from pratique.core.plans.sameness import contains


def first_changes(template: Any, before: Any, after: Any) -> list[FieldChange]:  # noqa: ANN401 - any JSON value
    """Return the changes from `before` to `after` in the fields of `template`, in its order; many are counted only."""
    found = [
        FieldChange(path=path, before=_shown(old), after=_shown(new))
        for path, old, new in _walk(template, before, after, "")
    ]
    return bound(found)


def _walk(template: Any, before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401
    match template:
        case Mapping() if template or isinstance(after, Mapping):  # an empty one sets nothing inside
            for key, value in template.items():
                yield from _walk(value, _field(before, key), _field(after, key), f"{path}.{key}" if path else str(key))
        case list() if template and _same_shape(template, before, after):
            for index, value in enumerate(template):
                yield from _walk(value, before[index], after[index], f"{path}[{index}]")
        case _:
            if not (_empty(before) and _empty(after)) and not (contains(after, before) and contains(before, after)):
                yield bound_path(path), before, after


def _empty(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return value is None or value in ({}, [])


def _field(value: Any, key: str) -> Any:  # noqa: ANN401 - any JSON value
    return value.get(key) if isinstance(value, Mapping) else None


def _same_shape(template: list[Any], *others: Any) -> bool:  # noqa: ANN401 - any JSON value
    return all(isinstance(other, list) and len(other) == len(template) for other in others)


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    shown = fit(clean(text, MAX_VALUE), MAX_VALUE)
    return shown if shown == text else f"{fit(shown, MAX_VALUE - 40)} {fingerprint(text)}"
