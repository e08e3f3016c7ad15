"""The part of a NotificationChannel that is e-mail."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from pratique.api.v1alpha1.channel_parts import AddressFrom, SecretKeyRef, SecretRef
from pratique.api.v1alpha1.meta import ApiModel, Rule
from pratique.api.v1alpha1.spelling import HostName, MailDomain


class EmailTls(StrEnum):
    """How a connection to a mail server is encrypted."""

    STARTTLS = "StartTLS"
    TLS = "TLS"
    NONE = "None"


_ATOM = r"[^\pZ\pC.@<>()\[\]\\,;:\"]{1,64}"
_LABEL = "[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_ADDRESS = rf"{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*"
_NAMED = rf"([^\pC<>\"@]{{1,100}}<{_ADDRESS}>|{_ADDRESS})"
_SERVER = (
    rf"({_LABEL}(\.{_LABEL})*|\[[0-9A-Fa-f:.]{{2,45}}\])"
    r":([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
IN_THE_CLEAR = "tls: None would send the password in the clear: take StartTLS or TLS, or leave out credentialsSecretRef"

EmailAddress = Annotated[str, Field(min_length=3, max_length=254)]


class EmailChannel(ApiModel):
    """A mail server that takes messages by SMTP."""

    server: Annotated[
        str,
        Field(max_length=320, description="Host and port, as smtp.example.com:587; an IPv6 address in brackets."),
    ]
    tls: Annotated[
        EmailTls,
        Field(
            description="StartTLS: encrypted after the greeting, or nothing is sent. TLS: encrypted from the first byte."
            " None: in the clear, without a password."
        ),
    ] = EmailTls.STARTTLS
    sender: Annotated[
        str,
        Field(
            alias="from",
            max_length=360,
            description="Who sends: an address, or a name and an address, as Pratique <pratique@example.com>.",
        ),
    ]
    hello_name: Annotated[
        HostName | None,
        Field(
            description="The full host name under which the operator greets the server (EHLO); without it, the domain of"
            " `from`.",
        ),
    ] = None
    reply_to: Annotated[EmailAddress | None, Field(description="Where answers go; without it, to `from`.")] = None
    to: Annotated[
        list[EmailAddress],
        Field(
            max_length=16,
            description="Addresses that get all that is told through this channel.",
            json_schema_extra={"x-kubernetes-list-type": "set"},
        ),
    ] = []
    address_from: AddressFrom = None
    annotation_domains: Annotated[
        list[MailDomain],
        Field(
            max_length=16,
            description="Domains of which the annotation pratique.dev/notify-email of a run or an Environment may name"
            " addresses: they are told what its requester is told.",
            json_schema_extra={"x-kubernetes-list-type": "set"},
        ),
    ] = []
    credentials_secret_ref: Annotated[
        SecretRef | None,
        Field(
            description="The Secret that holds `username` and `password`, as those of type kubernetes.io/basic-auth do;"
            " without it, there is no login."
        ),
    ] = None
    ca_secret_ref: Annotated[
        SecretKeyRef | None,
        Field(
            description="The Secret key that holds the certificates of a private CA, in PEM: the server's must be of it;"
            " without it, of a CA that the operator's image trusts."
        ),
    ] = None

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule=f"self.server.matches(r'^{_SERVER}$')",
            message="server must be HOST:PORT, such as smtp.example.com:587; an IPv6 address stands in brackets",
            field_path=".server",
        ),
        Rule(
            rule=f"self.from.matches(r'^{_NAMED}$')",
            message="from must be an address, or a name and an address, such as Pratique <pratique@example.com>, without"
            " quotes; a domain of other letters is written as xn--…",
            field_path=".from",
        ),
        Rule(
            rule=f"!has(self.replyTo) || self.replyTo.matches(r'^{_ADDRESS}$')",
            message="replyTo must be an e-mail address and nothing else, such as team@example.com",
            field_path=".replyTo",
        ),
        Rule(
            rule=f"!has(self.to) || self.to.all(address, address.matches(r'^{_ADDRESS}$'))",
            message="to must hold e-mail addresses and nothing else, such as team@example.com",
            field_path=".to",
        ),
        Rule(rule="self.tls != 'None' || !has(self.credentialsSecretRef)", message=IN_THE_CLEAR, field_path=".tls"),
        Rule(
            rule="self.tls != 'None' || !has(self.caSecretRef)",
            message="tls: None checks no certificate: take StartTLS or TLS, or leave out caSecretRef",
            field_path=".tls",
        ),
    )
