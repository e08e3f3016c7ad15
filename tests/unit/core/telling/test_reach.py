"""How a channel reaches people, and how many messages its service takes."""

from typing import Any

import pytest

from pratique.api.v1alpha1.notification_channel import NotificationChannelSpec
from pratique.core.telling.directory import Medium, Reach
from pratique.core.telling.reach import rate_of, reach_of

REF = {"name": "a", "key": "b"}
MAIL = {"server": "smtp.example.com:25", "from": "p@example.com"}
BOT = {"tokenSecretRef": REF}


def spec(**more: Any) -> NotificationChannelSpec:
    return NotificationChannelSpec.model_validate(more)


@pytest.mark.parametrize(
    ("wanted", "reach"),
    [
        ({"email": MAIL}, Reach(Medium.EMAIL)),
        (
            {
                "email": {
                    **MAIL,
                    "to": ["a@example.com"],
                    "addressFrom": "Username",
                    "annotationDomains": ["example.com"],
                }
            },
            Reach(Medium.EMAIL, "Username", ("a@example.com",), domains=("example.com",)),
        ),
        ({"slack": {"bot": BOT}}, Reach(Medium.SLACK)),
        (
            {"slack": {"bot": {**BOT, "channel": "C0123", "addressFrom": "Username", "allowAnnotation": True}}},
            Reach(Medium.SLACK, "Username", place=True, annotated=True),
        ),
        ({"slack": {"webhookUrlSecretRef": REF}}, None),
        ({"msteams": {"workflowUrlSecretRef": REF}}, None),
        ({"webhook": {"urlSecretRef": REF}}, None),
        ({"apprise": {"urlSecretRef": REF}}, None),
    ],
)
def test_how_people_are_reached(wanted: dict[str, Any], reach: Reach | None) -> None:
    assert reach_of(spec(**wanted)) == reach


@pytest.mark.parametrize(
    ("wanted", "rate"),
    [
        ({"slack": {"webhookUrlSecretRef": REF}}, (1.0, 1.0)),
        ({"slack": {"bot": BOT}, "rateLimit": {"messages": 30}}, (30.0, 60.0)),
        ({"email": MAIL, "rateLimit": {"messages": 100, "per": "1h"}}, (100.0, 3600.0)),
        ({"msteams": {"workflowUrlSecretRef": REF}}, (1.0, 1.0)),
        ({"email": MAIL}, None),
    ],
)
def test_how_many_messages_go_through(wanted: dict[str, Any], rate: tuple[float, float] | None) -> None:
    assert rate_of(spec(**wanted)) == rate
