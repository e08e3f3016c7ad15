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
from tests.builders import manifests as make
from tests.builders.manifests import changed

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


def _mail(**settings: object) -> Json:
    spec = {"email": {"server": "smtp.example.com:587", "from": "pratique@example.com", **settings}}
    return changed(make.channel("fresh"), {"spec": spec})


_MAKES_MAIL = Twin("admin", "makes a channel for e-mail", create(_mail(credentialsSecretRef={"name": "mailer"})))
MAIL = [
    Attack(
        "mail-server-of-none",
        7,
        "admin",
        "a mail server is named in a way that could be read as two",
        create(_mail(server="smtp.example.com:587:25")),
        crd(
            "notificationchannels",
            "server must be HOST:PORT, such as smtp.example.com:587; an IPv6 address stands in brackets",
        ),
        _MAKES_MAIL,
    ),
    Attack(
        "mail-header-in-from",
        7,
        "admin",
        "the sender of mails brings a header of its own along",
        create(_mail(**{"from": "Pratique <pratique@example.com>\r\nBcc: mallory@example.com"})),
        crd(
            "notificationchannels",
            "from must be an address, or a name and an address, such as Pratique <pratique@example.com>, without quotes; a"
            " domain of other letters is written as xn--…",
        ),
        _MAKES_MAIL,
    ),
    Attack(
        "mail-answers-to-two",
        7,
        "admin",
        "answers go to somebody else besides",
        create(_mail(replyTo="team@example.com,mallory@example.com")),
        crd("notificationchannels", "replyTo must be an e-mail address and nothing else, such as team@example.com"),
        _MAKES_MAIL,
    ),
    Attack(
        "mail-to-more-than-named",
        7,
        "admin",
        "one address of a channel stands for more",
        create(_mail(to=["team@example.com", "a@example.com> ORCPT=rfc822;mallory@example.com"])),
        crd("notificationchannels", "to must hold e-mail addresses and nothing else, such as team@example.com"),
        _MAKES_MAIL,
    ),
    Attack(
        "mail-password-in-the-clear",
        7,
        "admin",
        "a password is sent without encryption",
        create(_mail(tls="None", credentialsSecretRef={"name": "mailer"})),
        crd(
            "notificationchannels",
            "tls: None would send the password in the clear: take StartTLS or TLS, or leave out credentialsSecretRef",
        ),
        _MAKES_MAIL,
    ),
    Attack(
        "mail-certificate-of-nothing",
        7,
        "admin",
        "a CA is named, and nothing is checked against it",
        create(_mail(tls="None", caSecretRef={"name": "mailer", "key": "ca.crt"})),
        crd("notificationchannels", "tls: None checks no certificate: take StartTLS or TLS, or leave out caSecretRef"),
        _MAKES_MAIL,
    ),
]


CHANNELS = [
    Attack(
        "channel-of-two",
        7,
        "admin",
        "a channel has two receivers, one of them overlooked",
        create(changed(make.channel("fresh"), {"spec.webhook": {"urlSecretRef": {"name": "a", "key": "b"}}})),
        crd("notificationchannels", "a channel has exactly one of slack, msteams, webhook, apprise, email"),
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


ATTACKS = [*GATES, *CHANNELS, *MAIL]
