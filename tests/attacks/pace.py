"""Attacks on when a channel speaks: silences and floods that its bounds stop."""

from typing import Any

from tests.attacks.denials import crd
from tests.attacks.model import Attack, Twin, create
from tests.builders import manifests as make
from tests.builders.manifests import DELETE, changed

_MAKES = Twin("admin", "makes a channel", create(make.channel("fresh")))


def _channel(name: str, told: str, change: dict[str, Any], rule: str) -> Attack:
    return Attack(
        name,
        17,
        "admin",
        told,
        create(changed(make.channel("fresh"), change)),
        crd("notificationchannels", rule),
        _MAKES,
    )


ATTACKS = [
    _channel(
        "quiet-for-ever",
        "a channel is quiet from eight to eight",
        {"spec.quietHours": {"timeZone": "UTC", "start": "08:00", "end": "08:00"}},
        "start and end are the same: this would be no hour, or all of them",
    ),
    _channel(
        "digest-of-a-year",
        "a channel collects for a year, and says nothing meanwhile",
        {"spec.digest": {"every": "52w"}},
        "every must be 15m to 7d",
    ),
    _channel(
        "no-rate",
        "a channel takes a message in no time",
        {"spec.rateLimit": {"messages": 1, "per": "0s"}},
        "per must be longer than 0s",
    ),
    _channel(
        "machine-that-sleeps",
        "an endpoint that records what happens has quiet hours",
        {
            "spec.slack": DELETE,
            "spec.webhook": {"urlSecretRef": {"name": "a", "key": "b"}},
            "spec.quietHours": {"timeZone": "UTC", "start": "20:00", "end": "08:00"},
        },
        "quietHours and digest are for people: a webhook is told each event when it happens",
    ),
]
