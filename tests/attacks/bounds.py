"""Attacks on gates and channels that a bound beside a field stops."""

from tests.attacks.actions import PEOPLE
from tests.attacks.denials import (
    crd,
    own_name,
    schema,
)
from tests.attacks.gate_frozen import DECIDE
from tests.attacks.gate_removed import OPEN
from tests.attacks.model import Attack, Json, Twin, create, patch
from tests.attacks.world import APPROVE, MALLORY, gate
from tests.support import manifests as make
from tests.support.manifests import changed

GATES = [
    Attack(
        "gate-for-machines",
        14,
        "operator",
        "the operator's own account opens a gate to all machines",
        create(gate("fresh", spec__policy__approvers={"groups": ["system:serviceaccounts"]})),
        crd("approvals", PEOPLE),
        OPEN,
    ),
    Attack(
        "gate-for-a-machine",
        14,
        "operator",
        "the operator's own account opens a gate on behalf of a machine",
        create(gate("fresh", spec__onBehalfOf={"username": "system:serviceaccount:team-a:robot"})),
        crd("approvals", "onBehalfOf names a person: user names of the system (system:…) are none"),
        OPEN,
    ),
    Attack(
        "endless-user-name",
        17,
        "mallory",
        "somebody writes a user name of a thousand characters into the decisions",
        patch("approvals/gate", {"spec": {"decisions": {"x" * 1000: APPROVE}}}),
        crd("approvals", "a user name in decisions may have 253 characters at most"),
        DECIDE,
        behind=(own_name(MALLORY),),
    ),
    Attack(
        "crowd-of-deciders",
        17,
        "mallory",
        "somebody fills the decisions, so that nobody else has room",
        patch("approvals/gate", {"spec": {"decisions": {f"user-{n}": APPROVE for n in range(65)}}}),
        schema("spec.decisions: Too many: 65: must have at most 64 items"),
        DECIDE,
    ),
]


def _bot(**settings: str) -> Json:
    spec = {"slack": {"bot": {"tokenSecretRef": {"name": "slack", "key": "token"}, **settings}}}
    return changed(make.channel("fresh"), {"spec": spec})


CHANNELS = [
    Attack(
        "channel-of-two",
        7,
        "admin",
        "a channel has two receivers, one of them overlooked",
        create(changed(make.channel("fresh"), {"spec.webhook": {"urlSecretRef": {"name": "a", "key": "b"}}})),
        crd("notificationchannels", "a channel has exactly one of slack, msteams, webhook, apprise"),
        Twin("admin", "makes a channel", create(make.channel("fresh"))),
    ),
    Attack(
        "channel-to-anothers-secret",
        7,
        "admin",
        "a channel names a Secret of another namespace",
        create(
            changed(make.channel("fresh"), {"spec.slack.webhookUrlSecretRef.namespace": "kube-system"}),
            fieldValidation="Strict",
        ),
        schema('unknown field "spec.slack.webhookUrlSecretRef.namespace"'),
        Twin("admin", "makes a channel", create(make.channel("fresh"), fieldValidation="Strict")),
    ),
    Attack(
        "slack-of-two",
        7,
        "admin",
        "a channel of Slack has a webhook and a bot, one of them overlooked",
        create(changed(make.channel("fresh"), {"spec.slack.bot": {"tokenSecretRef": {"name": "a", "key": "b"}}})),
        crd("notificationchannels", "slack has exactly one of webhookUrlSecretRef and bot"),
        Twin("admin", "makes a channel with a bot", create(_bot())),
    ),
    Attack(
        "slack-token-elsewhere",
        7,
        "admin",
        "a bot's token is sent to a server in the clear",
        create(_bot(apiUrl="http://slack.example.com/api/")),
        crd(
            "notificationchannels",
            "apiUrl must be https://, a host and a path, such as https://slack.com/api/: the token is sent there",
        ),
        Twin("admin", "makes a channel for GovSlack", create(_bot(apiUrl="https://slack-gov.com/api/"))),
    ),
    Attack(
        "slack-channel-of-nobody",
        7,
        "admin",
        "a bot is to write to a person in place of a channel",
        create(_bot(channel="U0123ABCD")),
        crd(
            "notificationchannels",
            "channel must be the id of a channel, such as C0123ABCD, or its name, such as #approvals",
        ),
        Twin("admin", "makes a channel with a bot for #approvals", create(_bot(channel="#approvals"))),
    ),
]


ATTACKS = [*GATES, *CHANNELS]
