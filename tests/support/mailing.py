"""Tells a message through an e-mail channel: its spec, its Secrets, and to whom."""

from dataclasses import replace
from typing import Any

from pratique.api.v1alpha1.notifications import Recipient, RecipientKind
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.messages import Message
from tests.builders.messages import requested
from tests.doubles.certificates import Authority
from tests.support.channelling import PLANTED, told_by

LOGIN = {"mailer/username": "robot", "mailer/password": PLANTED}
WRONG = {"mailer/username": "robot", "mailer/password": f"not-{PLANTED}"}
CREDENTIALS: dict[str, Any] = {"credentialsSecretRef": {"name": "mailer"}}


def spec_of(port: int, host: str = "127.0.0.1", **fields: Any) -> dict[str, Any]:
    return {"email": {"server": f"{host}:{port}", "from": "Pratique <pratique@example.com>", **fields}}


def trusting(authority: Authority, port: int, **fields: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Return spec and Secrets of a channel that trusts this CA."""
    return spec_of(port, caSecretRef={"name": "ca", "key": "ca.crt"}, **fields), {"ca/ca.crt": authority.pem}


def user(name: str) -> Recipient:
    """Return a person, as a recipient."""
    return Recipient(kind=RecipientKind.USER, name=name)


def to(address: str = "lead-1@example.com", name: str = "lead-1@example.com") -> Message:
    return replace(requested(), recipient=user(name), address=address)


async def in_the_clear(port: int, message: Message | None = None, **settings: Any) -> Delivery:
    return await told_by(spec_of(port, tls="None"), {}, message or to(), **settings)
