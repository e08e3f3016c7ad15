"""Says what a call does, for people who have to decide: method, address and body, never what comes from a Secret. Pure."""

import json
from typing import Any
from urllib.parse import urlsplit

from pratique.api.v1alpha1.calling import HttpRequest
from pratique.api.v1alpha1.planned import Planned, PlannedDeletion, PlannedRequest
from pratique.core.kernel.text import clean
from pratique.core.plans.deletions import ref_of_deletion
from pratique.core.plans.late import say_late
from pratique.core.plans.summary import MAX_LINE, name_of

_MAX_URL = 256


def say_call(request: HttpRequest) -> str:
    """Return `POST https://host/path`, without the query: short enough to begin a sentence."""
    url = urlsplit(say_late(request.url))
    return f"{request.method.value} {clean(f'{url.scheme}://{url.netloc}{url.path}', _MAX_URL)}"


def line_of_call(request: HttpRequest) -> str:
    """Return the line of a call in a plan: all that is sent, as far as it fits."""
    event = f" as CloudEvent {request.cloud_event.type}" if request.cloud_event is not None else ""
    body = f" {json.dumps(request.body, ensure_ascii=False)}" if request.body is not None else ""
    until = f" until {request.until.done}" if request.until is not None else ""
    return clean(f"Call {request.method.value} {say_late(request.url)}{event}{body}{until}", MAX_LINE)


def name_of_step(planned: Planned) -> str:
    """Return what a step makes, calls or deletes, as sentences begin with it."""
    if isinstance(planned, PlannedDeletion):
        return str(ref_of_deletion(planned))
    return say_call(planned.request) if isinstance(planned, PlannedRequest) else name_of(planned.manifest)


def sent_of(planned: Planned) -> dict[str, Any]:
    """Return what is sent: an object, or a call or a deletion as the Action has it, rendered."""
    match planned:
        case PlannedRequest():
            return planned.request.to_wire()
        case PlannedDeletion():
            return planned.delete.to_wire()
        case _:
            return planned.manifest
