"""Says what a form is for one request: its fields in order, what each holds, and what there is to choose from. Pure.

Called by `judge`; what may be in a form is for `form_language` to say, and whether it was filled in properly for `forms`.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from pratique.core.judging.choices import Offered
from pratique.core.judging.computed import MAX_HELP, NO_BOUNDS, Bounds, Worked
from pratique.core.kernel.form import FormField, Option
from pratique.core.kernel.places import holders, name_of, place_of, schema_around
from pratique.core.kernel.text import clean
from pratique.core.telling.shown_inputs import MAX_TITLE, in_order, label_of

Json = Mapping[str, Any]
_YES_NO = (Option(True, "yes"), Option(False, "no"))


def fields_of(schema: Json, inputs: Json, named: Collection[str] = ()) -> tuple[FormField, ...]:
    """Return the fields of a sound form, in its order; `inputs` have their defaults filled in.

    Behind them come those that are `named`, and inside of another, once for each row that there is.
    """
    found = [_field(name, name, schema, inputs) for name in in_order(schema, schema.get("properties") or {})]
    for name in sorted(each for each in named if place_of(each).inside):
        place = place_of(name)
        around = schema_around(schema, place)
        if place.key in (around.get("properties") or {}):
            found += [_field(place.path(at), place.key, around, held) for at, held in holders(dict(inputs), place)]
    return tuple(found)


def _field(path: str, name: str, schema: Json, held: Json) -> FormField:
    field = schema["properties"][name]
    return FormField(
        name=path,
        title=clean(str(field.get("title") or name), MAX_TITLE),
        required=name in (schema.get("required") or ()),
        value=held.get(name),
        options=_options(field),
        help=clean(str(field.get("description") or ""), MAX_HELP),
    )


def with_states(fields: tuple[FormField, ...], worked: Worked, bounds: Bounds = NO_BOUNDS) -> tuple[FormField, ...]:
    """Return the fields with what was worked out for this request."""
    return tuple(
        replace(
            field,
            visible=field.name not in worked.hidden,
            disabled=field.name in worked.disabled,
            required=field.required or field.name in bounds.needed,
            help=bounds.help.get(field.name, field.help),
        )
        for field in fields
    )


def with_offers(fields: tuple[FormField, ...], offered: Mapping[str, Offered]) -> tuple[FormField, ...]:
    """Return the fields with the objects that there are to choose from."""
    return tuple(
        replace(field, options=tuple(Option(each.value, each.label or str(each.value)) for each in found.offers))
        if (found := offered.get(name_of(field.name))) is not None
        else field
        for field in fields
    )


def _options(field: Json) -> tuple[Option, ...] | None:
    """Return what there is to choose from, one or several: the listed values, and yes or no."""
    of = field.get("items") if field.get("type") == "array" else field
    if not isinstance(of, Mapping):
        return None
    if "enum" in of:
        return tuple(Option(each, label_of(of, each) or clean(str(each), MAX_TITLE)) for each in of["enum"])
    return _YES_NO if of.get("type") == "boolean" else None
