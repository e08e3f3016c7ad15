"""E-mail: a message as one mail to one address, by SMTP. Who is told at which address is decided before.

Reads the settings and Secrets of a channel and says what is wrong with them; `mail_letter` makes the mail, and `mail_smtp`
hands it over.
"""

import functools
import re
import ssl

from pratique.api.v1alpha1.channel_email import IN_THE_CLEAR, EmailChannel, EmailTls
from pratique.api.v1alpha1.channel_parts import SecretKeyRef, SecretRef
from pratique.channels.email.address import Mailbox, read_mailbox, read_sender, read_server
from pratique.channels.email.letter import Writer, letter_to
from pratique.channels.email.smtp import Login, Server, hand_over
from pratique.channels.kit.settings import Means, NotReadyError, Send, Vault
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.credentials import MAIL
from pratique.core.telling.messages import Message

USERNAME, PASSWORD = "username", "password"
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
NOBODY = Delivery(
    sent=False,
    error="this channel reaches people only: whom this is for has no address, and spec.email.to names none",
    permanent=True,
)
NO_ADDRESS = Delivery(sent=False, error="what the recipient is reached at is not an e-mail address", permanent=True)


async def connect(spec: EmailChannel, vault: Vault, means: Means) -> Send:
    """Return what sends a mail to the message's recipient."""
    writer = Writer(_mailbox("from", read_sender(spec.sender)), None)
    if spec.reply_to is not None:
        writer = Writer(writer.sender, _mailbox("replyTo", read_mailbox(spec.reply_to)))
    server = await _server(spec, vault, spec.hello_name or writer.sender.domain)
    await means.expect(server.host, server.port)

    async def send(message: Message) -> Delivery:
        if message.recipient is None:
            return NOBODY
        recipient = read_mailbox(message.address, message.recipient.name)
        if recipient is None:
            return NO_ADDRESS
        letter = letter_to(recipient, message, writer)
        return await hand_over(letter, server, means.egress.open_socket, means.poster.seconds)

    return send


async def _server(spec: EmailChannel, vault: Vault, hello: str) -> Server:
    """Without another name, greet under the sender's domain: a Pod's own means nothing outside, and some refuse such."""
    address = read_server(spec.server)
    if address is None:
        raise NotReadyError("spec.email.server must be HOST:PORT, such as smtp.example.com:587")
    host, port = address
    credentials = spec.credentials_secret_ref
    if spec.tls is EmailTls.NONE:
        if credentials is not None:
            raise NotReadyError(IN_THE_CLEAR)
        return Server(host, port, hello, spec.tls)
    context = _trusting(None) if spec.ca_secret_ref is None else await _private(spec.ca_secret_ref, vault)
    login = None if credentials is None else await _login(credentials, vault)
    if credentials is not None:
        await vault.let(credentials.name, host, port, MAIL)
    return Server(host, port, hello, spec.tls, context, login)


def _mailbox(name: str, mailbox: Mailbox | None) -> Mailbox:
    if mailbox is None:
        raise NotReadyError(f"spec.email.{name} must be an e-mail address, such as pratique@example.com")
    return mailbox


async def _login(ref: SecretRef, vault: Vault) -> Login:
    found = {}
    for key in (USERNAME, PASSWORD):
        place = SecretKeyRef(name=ref.name, key=key)
        value = await vault.text(place)
        if not value or _CONTROL.search(value):
            reason = "must be one line, without control characters" if value else "is empty"
            raise NotReadyError(f"{vault.place(place)}: the key {key} {reason}")
        found[key] = value
    return Login(found[USERNAME], found[PASSWORD], vault.place(SecretKeyRef(name=ref.name, key=PASSWORD)))


async def _private(ref: SecretKeyRef, vault: Vault) -> ssl.SSLContext:
    found = _CERTIFICATE.findall(await vault.text(ref))  # between them may be anything, and often is
    try:
        return _trusting("\n".join(found))
    except (ssl.SSLError, ValueError):
        raise NotReadyError(
            f"{vault.place(ref)}: the key {ref.key} must hold the certificates of a CA in PEM, each between BEGIN"
            " CERTIFICATE and END CERTIFICATE"
        ) from None


@functools.lru_cache(maxsize=32)
def _trusting(pem: str | None) -> ssl.SSLContext:
    """Return how certificates are checked: against this CA alone, or all that the image trusts. Reading those is slow."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if pem is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cadata=pem)
    return context
