"""The generic webhook: the message as a CloudEvent 1.0, structured JSON. What its `data` holds is in the guide.

Must not send anything: `delivery` does.
"""

from typing import Any

from cloudevents.core.bindings.http import HTTPMessage, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from pratique.core.messages import Message


def event_type(message: Message) -> str:
    """Return the CloudEvents type: `dev.pratique.actionrun.approvalrequested.v1`."""
    return f"dev.pratique.{message.subject.kind.lower()}.{message.event.value.lower()}.v1"


def cloud_event(message: Message) -> HTTPMessage:
    """Return headers and body of the POST. The event's id is stable: a receiver drops repeats by it."""
    subject = message.subject
    space = f"/namespaces/{subject.namespace}" if subject.namespace else ""
    attributes = {
        "specversion": "1.0",
        "id": message.id,
        "type": event_type(message),
        "source": f"/apis/{subject.api_version}{space}/{subject.kind.lower()}s/{subject.name}",
        "subject": f"{subject.namespace}/{subject.name}" if subject.namespace else subject.name,
        "time": message.at,
        "datacontenttype": "application/json",
    }
    return to_structured(CloudEvent(attributes, data_of(message)), JSONFormat())


def data_of(message: Message) -> dict[str, Any]:
    """Return what every channel says, as JSON. Facts are a list: their order is the reading order, labels may repeat."""
    subject, audience = message.subject, message.audience
    return {
        "event": message.event.value,
        "headline": message.headline,
        "text": message.text,
        "audience": {
            "role": audience.audience.value,
            "users": list(audience.users),
            "groups": list(audience.groups),
        },
        "facts": [{"label": label, "text": text} for label, text in message.facts],
        "howToDecide": [{"label": label, "command": line} for label, line in message.how_to_decide],
        "object": {
            "apiVersion": subject.api_version,
            "kind": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
            "uid": subject.uid,
        },
    }
