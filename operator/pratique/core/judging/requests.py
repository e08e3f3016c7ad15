"""Turns the step `request` of an Action into the call that will be made, or says why not. Pure; in the sandbox only.

Where it goes is the author's word alone: scheme, host and port are written out, and what an expression gives is one
segment of the path or one value of the query, encoded, so that no input leads to another address than the author's.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pratique.api.v1alpha1.action import ResourceTemplate
from pratique.api.v1alpha1.calling import HttpRequest, Method
from pratique.api.v1alpha1.meta import amend
from pratique.api.v1alpha1.planned import PlannedFollowUp, PlannedRequest
from pratique.core.judging.addresses import BASE, problem_of_server
from pratique.core.judging.expressions import Program, compile_expression, errors_at
from pratique.core.judging.following import ANSWER_SCOPE, problems_of_until
from pratique.core.judging.rendering import Literal, Scope, parse, render, render_text, strings
from pratique.core.kernel.errors import EvaluationError, UnsendableError
from pratique.core.kernel.foreign import fit_whole
from pratique.core.kernel.text import clean
from pratique.core.plans.late import LATE, MAX_URL, leads_elsewhere, names_of, without_late

Json = dict[str, Any]
_PATH = re.compile(r"[!$%&'()*+,./0-9:;=?@A-Z_a-z~-]*")
"""What may be written in path and query; no fragment, which is never sent."""
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[ -~]*")
"""Nothing in it ends a line."""
_MEDIA_TYPE = re.compile(r"application/([a-z0-9][a-z0-9.-]{0,60}\+)?json")
"""Of the body, which is JSON in any case."""
_OURS = re.compile(
    r"host|content-(length|encoding)|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|proxy-.*"
    r"|accept-encoding|idempotency-key|webhook-.*|x-hub-signature.*|ce-.*",
    re.IGNORECASE,
)
_SECRET = re.compile(r"authorization|cookie|token|secret|passw|api.?key|credential", re.IGNORECASE)
_NAME = re.compile(r"[a-z][a-zA-Z0-9_]{0,30}")
_MAX_TEXT = 1024
Check = Callable[[str, str], Iterable[str]]
"""Says what is wrong with a template string, of which it is told the text and the path of its field."""


def render_request(step: ResourceTemplate, scope: Scope, path: str) -> PlannedRequest:
    """Return the call exactly as it will be made; raises EvaluationError with the field."""
    request, path = _of(step), f"{path}.request"
    for problem in _plain_problems(request, path):
        raise EvaluationError(problem)
    event = request.cloud_event
    if event is not None:
        where = f"{path}.cloudEvent"
        named = {name: _line(text, scope, f"{where}.{name}") for name, text in _event_texts(request)}
        event = amend(event, source=named["source"], subject=named["subject"])
    body = None if request.body is None else render(request.body, scope, f"{path}.body")
    rendered = amend(
        request,
        url=_url(request.url, scope, f"{path}.url"),
        headers={name: _line(text, scope, f"{path}.headers.{name}") for name, text in request.headers.items()},
        body=body,
        cloud_event=event,
    )
    later = rendered.until is not None or names_of(rendered.url)
    return PlannedFollowUp(id=step.id, request=rendered) if later else PlannedRequest(id=step.id, request=rendered)


def problems_of_request(step: ResourceTemplate, path: str, check: Check) -> Iterator[str]:
    """Yield what is wrong with a call, before anybody asks for it."""
    request, path = _of(step), f"{path}.request"
    yield from _plain_problems(request, path)
    texts = [("url", without_late(request.url)), *((f"headers.{name}", text) for name, text in request.headers.items())]
    texts += [(f"cloudEvent.{name}", text) for name, text in _event_texts(request)]
    for field, text in texts:
        yield from check(text, f"{path}.{field}")
    try:
        for where, text in strings(request.body or {}, f"{path}.body"):
            yield from check(text, where)
    except EvaluationError as error:
        yield str(error)
    for name, rule in request.answer.items():
        try:
            compile_expression(rule, ANSWER_SCOPE)
        except EvaluationError as error:
            yield f"{path}.answer.{name}: {error}"
    if request.until is not None:
        yield from problems_of_until(request.until, f"{path}.until")


def evaluate_answer(rules: Mapping[str, str], seen: Json) -> Json:
    """Return what is kept of an answer; raises EvaluationError with the name."""
    kept: Json = {}
    for name, rule in rules.items():
        with errors_at(name):
            value = compile_expression(rule, ANSWER_SCOPE).evaluate({"answer": seen})
        if not isinstance(value, str | int | float):
            raise EvaluationError(f"{name}: gives {type(value).__name__}; a text, a number or a boolean can be kept")
        if isinstance(value, str) and len(value) > _MAX_TEXT:
            raise EvaluationError(f"{name}: is longer than {_MAX_TEXT} characters")
        kept[name] = _kept(value)
    return kept


def _kept(value: str | float) -> str | float:
    """Return what is shown to people as it is, and what every API server stores as it is."""
    if isinstance(value, str):
        return clean(value, _MAX_TEXT)
    return value if isinstance(value, bool | float) else fit_whole(value)


def _of(step: ResourceTemplate) -> HttpRequest:
    if step.request is None:
        raise TypeError(f"{step.id} is no request")
    return step.request


def _event_texts(request: HttpRequest) -> list[tuple[str, str]]:
    event = request.cloud_event
    return [] if event is None else [("source", event.source), ("subject", event.subject)]


def _plain_problems(request: HttpRequest, path: str) -> Iterator[str]:
    """Yield what is wrong whatever the inputs are."""
    problem = problem_of_server(request.url, private=bool(request.headers_from))
    if problem is not None:
        yield f"{path}.url: {problem}"
    sent = [*request.headers, *(each.name for each in request.headers_from)]
    for name in sent:
        if not _HEADER.fullmatch(name):
            yield f"{path}.headers: {name[:80]!r} is no name of a header, such as X-Team"
        elif _OURS.fullmatch(name):
            yield f"{path}.headers: {name} is set by the operator; leave it out"
    yield from _media_type_problems(request, path)
    for name in request.headers:
        if _SECRET.search(name):
            yield f"{path}.headers.{name}: a plan is stored and shown: put it into a Secret, and name that in headersFrom"
    lower = [each.lower() for each in sent]
    yield from (f"{path}.headers: {each} is there twice" for each in sorted({n for n in lower if lower.count(n) > 1}))
    for index, each in enumerate(request.headers_from):
        if not _VALUE.fullmatch(each.prefix):
            yield f"{path}.headersFrom[{index}].prefix: must be of printable ASCII characters, such as 'Bearer '"
    for name in request.answer:
        if not _NAME.fullmatch(name) or name == "status":
            yield f"{path}.answer.{name[:80]}: must be a name such as runId, and not status, which is there anyway"
    if request.method in (Method.GET, Method.DELETE) and request.signing is not None:
        yield f"{path}.signing: a signature covers the body, and {request.method.value} has none: leave it out"


def _media_type_problems(request: HttpRequest, path: str) -> Iterator[str]:
    for name, value in request.headers.items():
        if name.lower() != "content-type":
            continue
        if name != "Content-Type" or not _MEDIA_TYPE.fullmatch(value):
            yield f"{path}.headers.{name}: what is sent is JSON: write Content-Type: application/NAME+json, or leave it out"
        elif request.body is None or request.cloud_event is not None:
            yield f"{path}.headers.{name}: is about a body, which is none here or a CloudEvent: leave it out"
    if any(each.name.lower() == "content-type" for each in request.headers_from):
        yield f"{path}.headersFrom: Content-Type is no secret: leave it out, or write it in headers"


def _url(text: str, scope: Scope, path: str) -> str:
    """Render an address: what an expression gives is encoded, and changes neither host nor path around it."""
    base = BASE.match(text)
    at = base.end() if base is not None else 0
    with errors_at(path):
        rest = "".join(_pieces(text[at:], scope))
    shown = text[:at] + rest
    if len(shown) > MAX_URL:
        raise UnsendableError(f"{path}: is longer than {MAX_URL} characters")
    if leads_elsewhere(without_late(rest).partition("?")[0]):
        raise UnsendableError(f"{path}: has . or .. as a part of its path, which leads elsewhere: leave it out")
    return shown


def _pieces(text: str, scope: Scope) -> Iterator[str]:
    """Yield an address, rendered but for what an earlier call will have answered: nothing rendered looks like that."""
    end = 0
    for late in LATE.finditer(text):
        yield _piece(text[end : late.start()], scope)
        yield f"${{resources.{late[1]}.{late[2]}}}"
        end = late.end()
    yield _piece(text[end:], scope)


def _piece(text: str, scope: Scope) -> str:
    parts = parse(text, tuple(scope))
    shown = "".join(part.text if isinstance(part, Literal) else _segment(part, scope) for part in parts)
    if not _PATH.fullmatch(shown):
        raise EvaluationError("holds a character that no address may: write it as %XX, and no #")
    return shown


def _segment(part: Program, scope: Scope) -> str:
    """Return what an expression gives, so that it is one segment or one value."""
    value = part.evaluate(scope)
    if not isinstance(value, str | int | float):
        raise EvaluationError(f"${{{part.text}}} is a {type(value).__name__}: an address takes text and numbers only")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not text:
        raise UnsendableError(f"${{{part.text}}} is empty, and would leave out a part of the address")
    return quote(text, safe="")


def _line(text: str, scope: Scope, path: str) -> str:
    """Render a text of one line: what an input holds cannot begin another header."""
    with errors_at(path):
        value = render_text(text, scope)
    if not isinstance(value, str | int | float):
        raise EvaluationError(f"{path}: is a {type(value).__name__}, and must be a text")
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    if len(shown) > MAX_URL or not _VALUE.fullmatch(shown):
        raise UnsendableError(f"{path}: must be one line of at most {MAX_URL} printable ASCII characters")
    return shown
