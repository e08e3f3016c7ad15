"""The rules of an e-mail channel, against the real API server; what it accepts, the operator can use."""

import json
from typing import Any

import pytest
from tests.builders import manifests as make
from tests.builders.manifests import DELETE, changed
from tests.support.cluster import Answer, Cluster

from pratique.api.v1alpha1.channel_email import EmailChannel
from pratique.channels.email.address import read_mailbox, read_sender, read_server

pytestmark = pytest.mark.cluster

REQUIRED = "Required value"
REF = {"name": "a", "key": "b"}
EMAIL = {"server": "smtp.example.com:587", "from": "Pratique <pratique@example.com>"}
NO_SERVERS = ["smtp.example.com", "a:0", "a:65536", "::1:25", "[::1]", "a b:25", "smtp://a:25", "a:25\n", "a:025", ""]
NO_SERVERS += ["a..b:25", "-a:25", f"{'a' * 64}:25"]
NO_ADDRESSES = ["team", "a@b@c", "a b@c", "a@b,c@d", "a@b\r\nBcc: c@d", "<a@b>", "a@b\u202e", "a\u00a0@b", "a\u200b@b"]
NO_ADDRESSES += ["ä@ö", ".a@b", "a.@b", "a..b@c", "a@b..c", "a@-b", '"a b"@c', "Team <a@b>"]
NO_SENDERS = ["", "a@", "@b", '"Pratique" <a@b>', "Pratique a@b", "Pratique <a@b", "a@b <c@d>", "P\n <a@b>"]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"server": DELETE}, f"spec.email.server: {REQUIRED}"),
    ({"from": DELETE}, f"spec.email.from: {REQUIRED}"),
    ({"password": "x"}, 'unknown field "spec.email.password"'),
    ({"tls": "Off"}, "spec.email.tls: Unsupported value"),
    ({"to": ["a@b", "a@b"]}, "spec.email.to[1]: Duplicate value"),
    ({"to": [f"a{at}@b" for at in range(17)]}, "spec.email.to: Too many: 17"),
    ({"to": [f"a@{'b.' * 127}c"]}, "spec.email.to[0]: Too long"),
    ({"credentialsSecretRef": {}}, f"spec.email.credentialsSecretRef.name: {REQUIRED}"),
    *(({"server": each}, "server must be HOST:PORT, such as smtp.example.com:587") for each in NO_SERVERS),
    *(({"from": each}, "from must be an address, or a name and an address, such as") for each in NO_SENDERS),
    *(({"replyTo": each}, "replyTo must be an e-mail address and nothing else") for each in NO_ADDRESSES),
    *(({"to": ["a@b", each]}, "to must hold e-mail addresses and nothing else") for each in NO_ADDRESSES),
    ({"tls": "None", "credentialsSecretRef": {"name": "a"}}, "tls: None would send the password in the clear"),
    ({"tls": "None", "caSecretRef": REF}, "tls: None checks no certificate"),
]
ACCEPTED: list[dict[str, Any]] = [
    {},
    {"tls": "TLS", "credentialsSecretRef": {"name": "mailer"}, "caSecretRef": REF},
    {"tls": "None", "server": "mailpit:1025", "from": "pratique@localhost"},
    {"server": "10.20.0.7:25"},
    {"server": "[2001:db8::25]:65535"},
    {"from": "Team, Platform (Pratique) <a+b@mail.example.com>"},
    {"from": "承認 🚀 <jörg.müller@xn--bcher-kva.example>", "replyTo": "jörg@example.com"},
    {"to": ["team@example.com", "o'neil_x/y=z@example.com", "TEAM@EXAMPLE.COM"]},
]


def create(cluster: Cluster, fields: dict[str, Any]) -> Answer:
    changes = {f"spec.email.{name}": value for name, value in fields.items()}
    manifest = changed(make.channel(), {"spec": {"email": EMAIL}})
    text = json.dumps(changed(manifest, changes))
    return cluster.kubectl("admin", "create", "--dry-run=server", "-o", "json", "-f", "-", input=text, check=False)


@pytest.mark.parametrize(("fields", "sentence"), REFUSED)
def test_what_is_refused(cluster: Cluster, fields: dict[str, Any], sentence: str) -> None:
    answer = create(cluster, fields)
    assert answer.code != 0
    assert sentence in answer.err


@pytest.mark.parametrize("fields", ACCEPTED)
def test_what_is_accepted_can_be_used(cluster: Cluster, fields: dict[str, Any]) -> None:
    answer = create(cluster, fields)
    assert answer.code == 0, answer.err
    spec = EmailChannel.model_validate(json.loads(answer.out)["spec"]["email"])
    assert spec.tls == fields.get("tls", "StartTLS")
    assert read_server(spec.server) is not None
    assert read_sender(spec.sender) is not None
    assert None not in [read_mailbox(each) for each in (*spec.to, *filter(None, [spec.reply_to]))]


def test_the_operator_reads_addresses_alike() -> None:
    """Names of a sender it reads more kindly: they have no power."""
    assert [each for each in NO_ADDRESSES if read_mailbox(each) is not None] == []
