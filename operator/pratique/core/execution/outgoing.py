"""Makes of a planned call what is sent, the same at each try: key, headers, body. Pure; for `request` and `dry_run`."""

import json
from typing import Any

from pratique.api.v1alpha1.action_run import ActionRun, RunPlan
from pratique.api.v1alpha1.calling import HttpRequest
from pratique.api.v1alpha1.planned import PlannedRequest
from pratique.api.v1alpha1.scalars import duration_of, format_time
from pratique.core.kernel.calling import Outgoing


def outgoing_of(run: ActionRun, plan: RunPlan, planned: PlannedRequest) -> Outgoing:
    """Return what is sent, but for what comes from Secrets."""
    request, key = planned.request, f"{run.metadata.uid}.{planned.id}"
    body, kind = _body_of(run, request, key)
    # who keeps that key would answer a GET that waits with its first answer for ever
    headers = dict(request.headers) if request.until is not None else {**request.headers, "Idempotency-Key": key}
    if not any(each.lower() == "accept" for each in (*headers, *(from_.name for from_ in request.headers_from))):
        headers["Accept"] = "application/json"
    return Outgoing(
        method=request.method.value,
        url=request.url,
        key=key,
        account=plan.service_account_ref,
        headers=headers if body is None else {"Content-Type": kind, **headers},
        headers_from=tuple(request.headers_from),
        body=body,
        signing=request.signing,
        within=duration_of(request.answer_within),
    )


def _body_of(run: ActionRun, request: HttpRequest, key: str) -> tuple[str | None, str]:
    """Return the body, the same at each try, and its media type."""
    event = request.cloud_event
    if event is None:
        return None if request.body is None else _text(request.body), "application/json"
    path = f"/pratique/namespaces/{run.metadata.namespace}/actionruns/{run.metadata.name}"
    attributes = {
        "specversion": "1.0",
        "id": key,
        "type": event.type,
        "source": event.source or path,
        "time": format_time(run.status.started_at or run.metadata.creation_timestamp),
        **({"subject": event.subject} if event.subject else {}),
    }
    data = {} if request.body is None else {"datacontenttype": "application/json", "data": request.body}
    return _text({**attributes, **data}), "application/cloudevents+json"


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)
