"""Makes Actions and cases of documents. What is wrong is a sentence: file and line, field, why, and the remedy."""

import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pratique.api.v1alpha1 import API_VERSION, Action, spelling
from pratique.core.kernel.text import clean, nearest
from pratique.testing.cases import KIND, ActionTest
from pratique.testing.documents import Document, Place
from pratique.testing.expectations import (
    find_contradictions,
    find_other_kind,
    find_unknown_options,
    find_unknown_resource,
    find_unknown_sources,
    find_wrong_offers,
)

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Book:
    """All that was read: Actions by name, and cases of them; and every sentence about what cannot be used."""

    actions: dict[str, tuple[Action, Document]] = field(default_factory=dict)
    tests: list[tuple[ActionTest, Document]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_book(documents: Sequence[Document]) -> Book:
    """Return the Actions and cases among the documents; of other kinds nothing is asked."""
    book = Book()
    for document in documents:
        data = document.data
        if not isinstance(data, dict) or not str(data.get("apiVersion", "")).startswith("pratique.dev/"):
            if isinstance(data, dict) and data.get("kind") in ("Action", KIND):
                said = clean(str(data.get("apiVersion")), 64)
                book.problems.append(f"{document.where(('apiVersion',))}: apiVersion is {said}; write {API_VERSION}")
        elif data.get("kind") == "Action":
            _add_action(book, document)
        elif data.get("kind") == KIND:
            _add_test(book, document)
        elif meant := nearest(str(data.get("kind")), [KIND], 0.8):
            where = document.where(("kind",))
            book.problems.append(f"{where}: kind is {clean(str(data['kind']), 64)}; did you mean {meant}?")
    for test, document in book.tests:
        book.problems.extend(_find_misfits(book, test, document))
    return book


def _add_action(book: Book, document: Document) -> None:
    action = _read(Action, book, document)
    if action is None:
        return
    name = action.metadata.name
    if name in book.actions:
        other = book.actions[name][1].where(("metadata", "name"))
        book.problems.append(f"{document.where(('metadata', 'name'))}: Action {name} is also in {other}: leave one out")
    else:
        book.actions[name] = action, document


def _add_test(book: Book, document: Document) -> None:
    test = _read(ActionTest, book, document)
    if test is not None:
        book.tests.append((test, document))


def _read(model: type[Model], book: Book, document: Document) -> Model | None:
    """Return what a document holds, or None; what is wrong with it is noted in the book."""
    book.problems.extend(_find_unknown(model, document, ()))
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        book.problems.extend(_say(document, each) for each in error.errors())
        return None


def _find_misfits(book: Book, test: ActionTest, document: Document) -> Iterator[str]:
    if test.action not in book.actions:
        meant = nearest(test.action, book.actions)
        known = f"did you mean {meant}?" if meant else f"read were: {', '.join(sorted(book.actions)) or 'none'}"
        yield f"{document.where(('action',))}: there is no Action named {test.action} in what was read; {known}"
        return
    action, names = book.actions[test.action][0], [each.name for each in test.cases]
    for place, problem in find_unknown_sources(test.given.sources, action):
        yield f"{document.where(('given', *place))}: {_path(('given', *place))}: {problem}"
    for index, case in enumerate(test.cases):
        if case.name in names[:index]:
            yield f"{document.where(('cases', index, 'name'))}: a case named {case.name} is there twice; give it another"
        wrong = [(("expect", *place), problem) for place, problem in find_contradictions(case.expect, action)]
        wrong += find_other_kind(test.given.target, case, action)
        wrong += find_wrong_offers(case, action)
        wrong += find_unknown_options({**test.given.options, **case.options}, action)
        wrong += find_unknown_sources(case.sources, action)
        wrong += [found for name in case.live for found in find_unknown_resource(name, action, ("live", name))]
        for place, problem in wrong:
            where: Place = ("cases", index, *place)
            yield f"{document.where(where)}: {_path(where)}: {problem}"


def _find_unknown(model: type[BaseModel], document: Document, place: Place) -> Iterator[str]:
    """Yield every field that no model knows, as an API server does for `kubectl apply`."""
    data = document.data
    for step in place:
        data = data[step]
    if isinstance(data, list):
        for index in range(len(data)):
            yield from _find_unknown(model, document, (*place, index))
    elif isinstance(data, dict):
        known = {each.alias or name: each for name, each in model.model_fields.items()}
        for key in data:
            here = (*place, key)
            if key not in known:
                meant = nearest(str(key), known)
                hint = f"did you mean {meant}?" if meant else f"known are: {', '.join(sorted(known))}"
                yield f"{document.where(here)}: {_path(here)}: there is no such field; {hint}"
            elif here not in (("metadata",), ("status",)) and (inner := _model_in(known[key])) is not None:
                yield from _find_unknown(inner, document, here)


def _model_in(field_: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field's value or of the entries of its list."""
    return _model_of(field_.annotation)


def _model_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type there is
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) is dict:
        return None
    found = (_model_of(each) for each in typing.get_args(annotation))
    return next((each for each in found if each is not None), None)


def _say(document: Document, error: ErrorDetails) -> str:
    place: Place = tuple(step for step in error["loc"] if step not in ("str", "dict[str,any]"))
    where = f"{document.where(place)}: {_path(place)}"
    value, context = error["input"], error.get("ctx", {})
    match error["type"]:
        case "missing":
            return f"{where}: is missing; add it"
        case "string_pattern_mismatch" if context["pattern"] in _sentences():
            return f"{where}: {_quoted(value)}: {_sentences()[context['pattern']]}"
        case "enum" | "literal_error":
            known = [each.strip("'") for each in context["expected"].replace(" or ", ", ").split(", ")]
            meant = nearest(str(value), known)
            hint = f"; did you mean {meant}?" if meant and len(known) > 1 else ""
            return f"{where}: {_quoted(value)} is not {' or '.join(known)}{hint}"
        case "model_type" | "dict_type":
            return f"{where}: is {_kind(value)}; it has to be a map of fields"
        case "list_type":
            return f"{where}: is {_kind(value)}; it has to be a list"
        case "string_type":
            return f"{where}: is {_kind(value)}; it has to be a text: put it into quotation marks"
        case "too_short" | "too_long" if isinstance(value, list):
            least = context.get("min_length")
            bound = f"at least {least}" if least is not None else f"{context['max_length']} at most"
            return f"{where}: has {len(value)} entries; it has to have {bound}"
        case _:
            return f"{where}: {_quoted(value)}: {clean(error['msg'][:1].lower() + error['msg'][1:], 200)}"


@cache
def _sentences() -> dict[str, str]:
    """Return what is said of a value that is not spelled well, by the pattern that it does not match."""
    found = {}
    for each in vars(spelling).values():
        marks: Sequence[Any] = getattr(each, "__metadata__", ())
        says = [mark.sentence for mark in marks if isinstance(mark, spelling.Spelled)]
        patterns = [
            part.pattern
            for mark in marks
            if isinstance(mark, FieldInfo)
            for part in mark.metadata
            if getattr(part, "pattern", None)
        ]
        found.update(dict.fromkeys(patterns, says[0]) if says else {})
    return found


def _kind(value: object) -> str:
    names = {"dict": "a map", "list": "a list", "str": "a text", "int": "a number", "float": "a number"}
    return "empty" if value is None else names.get(type(value).__name__, "true or false")


def _quoted(value: object) -> str:
    return clean(str(value), 80) if isinstance(value, str | int | float) else _kind(value)


def _path(place: Place) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
