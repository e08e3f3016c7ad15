"""The generic webhook: the message as a CloudEvent 1.0, structured JSON."""

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from pratique.core.messages import Message

CONTENT_TYPE = "application/cloudevents+json"


def event_type(message: Message) -> str:
    """Return the CloudEvents type: `dev.pratique.actionrun.approvalrequested.v1`."""
    return f"dev.pratique.{message.subject.kind.lower()}.{message.event.value.lower()}.v1"


def body(message: Message) -> bytes:
    """Return the event; `data` holds what every channel says."""
    subject = message.subject
    source = f"/apis/{subject.api_version}/namespaces/{subject.namespace}/{subject.kind.lower()}s/{subject.name}"
    event = CloudEvent(
        attributes={
            "id": message.id,
            "source": source,
            "type": event_type(message),
            "specversion": "1.0",
            "subject": subject.name,
            "time": message.at,
            "datacontenttype": "application/json",
        },
        data={
            "headline": message.headline,
            "text": message.text,
            "audience": {
                "role": message.audience.audience.value,
                "users": list(message.audience.users),
                "groups": list(message.audience.groups),
            },
            "facts": dict(message.facts),
            "howToDecide": dict(message.how_to_decide),
            "object": {
                "kind": subject.kind,
                "namespace": subject.namespace,
                "name": subject.name,
                "uid": subject.uid,
            },
        },
    )
    return JSONFormat().write(event)
