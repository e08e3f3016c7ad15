"""Says what is wrong with the fields of a form that offer objects. Pure; runs in the sandbox. Called by `checks`."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from pratique.api.v1alpha1.action import Action
from pratique.api.v1alpha1.options import CONDITIONS, InputField, Options, texts_of
from pratique.core.judging.computed import is_computed, is_found
from pratique.core.judging.expression_text import selections_of, tokens_of
from pratique.core.judging.expressions import EACH, compile_expression, errors_at
from pratique.core.judging.kind_schema import KindSchema, form_of
from pratique.core.judging.scopes import SCOPE
from pratique.core.kernel.errors import EvaluationError
from pratique.core.kernel.places import holders, place_of, schema_around, schema_of, values_of
from pratique.core.kernel.text import clean, nearest

Json = dict[str, Any]
Check = Callable[..., Iterator[str]]
_WORDS = ("options", *CONDITIONS, "default", "minimum or maximum", "pattern", "help")
_SCALARS = ("string", "integer", "number", "boolean")
_LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_NAME = re.compile(r"([a-z0-9][-a-z0-9.]{0,252}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def problems_of_fields(action: Action, check: Check) -> Iterator[str]:
    """Yield what is wrong with fields that offer objects; `check` does so for one expression."""
    form = action.spec.inputs.schema_.get("properties")
    known: Mapping[str, Any] = form if isinstance(form, Mapping) else {}
    for name, field in action.spec.inputs.fields.items():
        path = f"spec.inputs.fields.{clean(name, 80)}"
        if (nowhere := _find_nowhere(name, known, path)) is not None:
            yield nowhere
            continue
        if field.options is None and not is_computed(field):
            yield f"{path}: says nothing of its input: set {', '.join(_WORDS)}, or leave the field out"
        schema = schema_of(action.spec.inputs.schema_, name)
        yield from problems_of_computed(name, field, schema, check, action)
        options = field.options
        if options is None:
            continue
        yield from _problems_of_schema(schema, _path_of_schema(name))
        yield from _looked_up_in_vain(field, schema, path)
        for key, value in (options.from_.selector or {}).items():
            if not _LABEL_NAME.fullmatch(key) or not _LABEL.fullmatch(value):
                yield f"{path}.options.from.selector: {clean(f'{key}: {value}', 80)} is no label that an object can have"
        if options.from_.namespace is not None and options.from_.all_namespaces:
            yield f"{path}.options.from.allNamespaces: excludes namespace: leave one of the two out"
        if options.from_.name is not None and (options.from_.selector or options.from_.all_namespaces):
            yield f"{path}.options.from.name: excludes selector and allNamespaces: leave name or these out"
        if options.entries is not None:
            yield from check(name, options.entries, f"{path}.options.entries", condition=False)
            yield from _problems_of_entries(options, f"{path}.options")
        if options.filter is not None:
            yield from check(name, options.filter, f"{path}.options.filter", condition=True)
        for what, text in (("value", options.value), ("label", options.label), ("order", options.order)):
            if text is not None:
                yield from check(name, text, f"{path}.options.{what}", condition=False)


def _problems_of_entries(options: Options, path: str) -> Iterator[str]:
    if options.from_.kind == "Secret":
        yield f"{path}.entries: what is in a Secret is never offered: leave entries out, and offer Secrets by name"
    if EACH not in {token.text for token in tokens_of(options.value)}:
        yield f"{path}.value: with entries it is what the input holds of one, such as each.name: write that"


def _find_nowhere(name: str, known: Mapping[str, Any], path: str) -> str | None:
    """Return why the form has no such field; None if it has."""
    place, shown = place_of(name), clean(name, 80)
    if place.root not in known:
        if re.split(r"[.\[]", name)[0] in known:
            return f"{path}: a field inside of another is disks[].class, of each row, or network.cidr: one level deep"
        return f"{path}: the schema has no field {shown} at its top; {_hint(place.root, known)}"
    if not place.inside:
        return None
    kind = known[place.root].get("type") if isinstance(known[place.root], Mapping) else None
    if kind != ("array" if place.rows else "object"):
        other = {"array": f"{place.root}[].{place.inside}", "object": f"{place.root}.{place.inside}"}.get(str(kind))
        return f"{path}: {place.root} is of type {kind}; " + (f"write {other}" if other else "it has no fields inside")
    fields = schema_around({"properties": known}, place).get("properties") or {}
    if place.inside in fields:
        return None
    return f"{path}: the schema has no field {clean(place.inside, 80)} there; {_hint(place.inside, fields)}"


def _hint(name: str, known: Collection[str]) -> str:
    meant = nearest(name, known)
    return f"did you mean {meant}?" if meant else f"known are: {', '.join(known) or 'none'}"


def _path_of_schema(name: str) -> str:
    place, top = place_of(name), "spec.inputs.schema.properties"
    inside = f"{'.items' * place.rows}.properties.{place.inside}" if place.inside else ""
    return f"{top}.{place.root}{inside}"


def problems_of_computed(name: str, field: InputField, declared: Json, check: Check, action: Action) -> Iterator[str]:
    """Yield what is wrong with what is worked out for each request."""
    path = f"spec.inputs.fields.{clean(name, 80)}"
    for what, text in texts_of(field):
        yield from check(name, text, f"{path}.{what}", condition=what in CONDITIONS, of_object=False)
    if field.default is not None and "default" in declared:
        yield f"{path}.default: the schema has a default for {name} as well: leave one of the two out"
    bounded = declared.get("type") in ("integer", "number") or declared.get("format") in ("date", "date-time")
    for what in ("minimum", "maximum"):
        if getattr(field, what) is not None and not bounded:
            yield f"{path}.{what}: is for numbers and dates (type integer or number, format date or date-time)"
    if field.pattern is not None:
        if declared.get("type") != "string":
            yield f"{path}.pattern: is for text (type string)"
        yield from _problems_of_pattern(field.pattern, name, action, f"{path}.pattern")


def _problems_of_pattern(text: str, name: str, action: Action, path: str) -> Iterator[str]:
    """Yield what is wrong with a pattern: what a requester writes must not decide what their own text is held to."""
    if _ESCAPES not in text:
        beside = name.rpartition(".")[0]
        fields = {(root, each): f"{beside}.{each}" if root == EACH else each for root, each in selections_of(text)}
        asked = [
            (root, each)
            for (root, each), found in fields.items()
            if root in ("inputs", EACH) and _is_free(action, found)
        ]
        asked += [("run", "reason")] if ("run", "reason") in fields else []
        for each in sorted(f"{root}.{read}" for root, read in asked):
            yield (
                f"{path}: reads {each}, and what people write there would be read as a pattern: write"
                f" {_ESCAPES}{each}), or let the schema list its values in an enum"
            )
    if not any(token.kind == "name" and token.text in (*SCOPE, "target", EACH) for token in tokens_of(text)):
        yield from _problems_of_written_out(text, path)


def _problems_of_written_out(text: str, path: str) -> Iterator[str]:
    """Yield why a pattern that is the same for every request is none."""
    try:
        with errors_at(path):
            pattern = compile_expression(text, ()).evaluate({})
        if not isinstance(pattern, str):
            yield f"{path}: must be a text, and is none: {text}"
            return
        is_found(pattern, "", path)
    except EvaluationError as error:
        yield str(error)


_ESCAPES = "regex.escape("


def _is_free(action: Action, name: str) -> bool:
    """Whether an input holds any text that its requester likes."""
    schema = schema_of(action.spec.inputs.schema_, name)
    listed = "enum" in schema or name in action.spec.inputs.offers
    return bool(schema) and not listed and schema.get("type") not in ("integer", "number", "boolean")


def _looked_up_in_vain(field: InputField, schema: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield why a field would be looked up that is not asked for: whether it is hidden is known only after that."""
    has_default = field.default is not None or (isinstance(schema, Mapping) and "default" in schema)
    if field.visible is not None and has_default:
        yield (
            f"{path}.visible: excludes a default where the field has options: who may not list its objects would be refused"
            " though it is hidden from them: leave the default out, or visible"
        )


def _problems_of_schema(field: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield what does not go with options: they are of single values, and the schema lists no others."""
    schema = field if isinstance(field, Mapping) else {}
    several = schema.get("type") == "array"
    of = schema.get("items") if several else schema
    one = of if isinstance(of, Mapping) else {}
    if one.get("type") not in _SCALARS:
        yield f"{path}: offers objects, so its type{' of items' if several else ''} must be one of {', '.join(_SCALARS)}"
    for word in ("enum", "const"):
        if word in one:
            yield f"{path}.{word}: the values are those of the objects that it offers: leave {word} out"


def chosen_types(action: Action, names: set[str], kinds: Mapping[str, KindSchema]) -> Json:
    """Return the types of what was chosen, by field, as far as the kinds are known."""
    types = Json()
    for name, options in action.spec.inputs.offers.items():
        source, place = options.from_, place_of(name)
        kind = kinds.get(f"{source.api_version}/{source.kind}")
        live = form_of(kind, names) if kind is not None and options.entries is None else {}
        one: Json = {"items": live} if _is_list(action, name) else dict(live)
        if place.inside:
            around = types.setdefault(place.root, {"items": {"properties": {}}} if place.rows else {"properties": {}})
            (around["items"] if place.rows else around)["properties"][place.inside] = one
        else:
            types[name] = one
    return types


def example_choices(action: Action, inputs: Json) -> Json:
    """Return objects that are made up, for a trial of the templates: everything but their names is lacking."""
    chosen = Json()
    for name, options in action.spec.inputs.offers.items():
        source, named, place = (
            options.from_,
            {"name": "example", "namespace": "example", "uid": "example"},
            place_of(name),
        )
        live: Json = {"apiVersion": source.api_version, "kind": source.kind, "metadata": named}
        one: Any = live if options.entries is None else "example" if options.value.strip() == EACH else {}
        if place.inside and place.root in inputs:
            chosen.setdefault(place.root, [{} for _ in inputs[place.root]] if place.rows else {})
        for _, held in holders(chosen, place) if any(values_of(inputs, name)) else ():
            held[place.key] = [one] if _is_list(action, name) else one
    return chosen


def _is_list(action: Action, name: str) -> bool:
    return bool(schema_of(action.spec.inputs.schema_, name).get("type") == "array")
