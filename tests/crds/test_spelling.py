"""A value that is spelled wrongly is answered with what to write, at kubectl apply: one table, one request a row."""

import json
from copy import deepcopy
from typing import Any

import pytest
from tests.attacks.spelling import sentence_of
from tests.builders.manifests import changed
from tests.crds.test_rules import base_of, send
from tests.support.cluster import Cluster

from pratique.api.v1alpha1.spelling import (
    AddressTemplate,
    Duration,
    HostName,
    MailDomain,
    NamespaceName,
    ObjectName,
    ResourceId,
    SecretKey,
    StageName,
    TimeOfDay,
    ZoneName,
)

pytestmark = pytest.mark.cluster

MAIL = {"server": "smtp.example.com:587", "from": "a@example.com"}
REF = {"name": "a", "key": "b"}
STAGE, EXECUTION = "spec.approval.stages.0", "spec.execution"
# Kind, then per field: its path, the wrong value, its type, and what is said behind the sentence.
TABLE: list[tuple[str, list[tuple[str, str, Any, str]]]] = [
    (
        "environment",
        [
            ("spec.ttl", "1h30m", Duration, ""),
            ("spec.maxTTL", "2W", Duration, "; write 2w"),
            ("spec.warnings.0", "30 min", Duration, "; write 30m"),
            ("spec.warnings.1", "1.5h", Duration, ""),
            ("spec.warnings.2", "03d", Duration, "; write 3d"),
            ("spec.warnings.3", "1 hour and 30 minutes", Duration, ""),
            ("spec.warnings.4", "5ms", Duration, ""),
            ("spec.target.namespace.name", "My.Space", NamespaceName, "; write my-space"),
            ("spec.notifications.0.channels.0", "Team_Chat", ObjectName, "; write team-chat"),
            ("spec.notifications.0.channels.1", "#team", ObjectName, ""),
        ],
    ),
    ("environment", [("spec.ttl", "90", Duration, "; 90 has no unit")]),
    (
        "action",
        [
            (f"{STAGE}.name", "Platform Team", StageName, "; write platform-team"),
            (f"{STAGE}.deadline", "1 day", Duration, "; write 1d"),
            (f"{EXECUTION}.timeout", "PT5M", Duration, ""),
            (f"{EXECUTION}.startDeadline", "00s", Duration, ""),
            (f"{EXECUTION}.resources.0.id", "my-db", ResourceId, "; write my_db"),
            (f"{EXECUTION}.serviceAccountRef.name", "Maker_1", ObjectName, "; write maker-1"),
            (f"{EXECUTION}.serviceAccountRef.namespace", "a.b", NamespaceName, "; write a-b"),
            ("spec.notifications.0.channels.0", "a b", ObjectName, "; write a-b"),
        ],
    ),
    ("action", [(f"{EXECUTION}.resources.0.id", "Database", ResourceId, "; write database")]),
    ("action", [(f"{STAGE}.name", "x" * 33, StageName, "")]),
    ("run", [("spec.actionRef.name", "Create_Environment", ObjectName, "; write create-environment")]),
    ("approval", [("spec.notifications.0.channels.0", "-a", ObjectName, "")]),
    (
        "channel",
        [
            ("spec.slack.webhookUrlSecretRef.name", "Slack", ObjectName, "; write slack"),
            ("spec.slack.webhookUrlSecretRef.key", "a b", SecretKey, ""),
            ("spec.quietHours.start", "7:30", TimeOfDay, "; write 07:30"),
            ("spec.quietHours.end", "20:00:00", TimeOfDay, "; write 20:00"),
            ("spec.quietHours.timeZone", "Central European Time", ZoneName, ""),
            ("spec.digest.every", "1h30m", Duration, ""),
            ("spec.rateLimit.per", "minute", Duration, ""),
        ],
    ),
    (
        "channel",
        [
            ("spec.slack.bot.addressFrom", "{user}@example.com", AddressTemplate, "; write ${user}@example.com"),
            ("spec.quietHours.start", "24:00", TimeOfDay, "; write 00:00"),
            ("spec.quietHours.end", "8", TimeOfDay, "; write 08:00"),
        ],
    ),
    (
        "channel",
        [
            ("spec.email.helloName", "localhost", HostName, ""),
            ("spec.email.addressFrom", "username", AddressTemplate, "; write Username"),
            ("spec.email.annotationDomains.0", "@Example.com", MailDomain, "; write example.com"),
            ("spec.quietHours.start", "8pm", TimeOfDay, ""),
            ("spec.quietHours.end", "20", TimeOfDay, "; write 20:00"),
        ],
    ),
]
# What has to be there for a value to be set in it.
AROUND: dict[str, dict[str, Any]] = {
    "spec.warnings.": {"spec.warnings": ["30m"] * 5},
    "spec.notifications.": {"spec.notifications": [{"channels": ["a", "b"], "events": ["Failed"]}]},
    "spec.quietHours.": {"spec.quietHours": {"timeZone": "UTC", "start": "20:00", "end": "08:00"}},
    "spec.digest.": {"spec.digest": {"every": "1h"}},
    "spec.rateLimit.": {"spec.rateLimit": {"messages": 1, "per": "1m"}},
    "spec.slack.bot.": {"spec.slack": {"bot": {"tokenSecretRef": REF}}},
    "spec.email.": {"spec": {"email": {**MAIL, "annotationDomains": ["example.com"]}}},
}


def around(values: list[tuple[str, str, Any, str]]) -> dict[str, Any]:
    needed = [begin for begin in AROUND if any(path.startswith(begin) for path, *_ in values)]
    needed.sort(key=lambda begin: begin != "spec.email.")  # it replaces the whole spec
    return {path: deepcopy(value) for begin in needed for path, value in AROUND[begin].items()}


def indexed(path: str) -> str:
    """Return a path as the API server writes it: positions in brackets."""
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path.split("."))[1:]


@pytest.mark.parametrize(("kind", "values"), TABLE, ids=lambda each: each if isinstance(each, str) else each[0][1])
def test_each_wrong_value_is_answered_with_what_to_write(
    cluster: Cluster, kind: str, values: list[tuple[str, str, Any, str]]
) -> None:
    manifest = changed(base_of(kind), around(values) | {path: value for path, value, *_ in values})
    answer = send(cluster, kind, manifest, check=False)
    said = answer.err.partition("invalid: ")[2].strip()
    told = sorted(line.removeprefix("* ") for line in said.splitlines())
    expected = [
        f"{indexed(path)}: Invalid value: {json.dumps(value)}: {sentence_of(written)}{more}"
        for path, value, written, more in values
    ]
    assert told == sorted(expected)  # each value once, and nothing else: no pattern, no rule that stumbled over it
