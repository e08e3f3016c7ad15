"""Any service that Apprise reaches: one of its URLs, from a Secret. The library is only loaded once there is a channel.

It blocks, so it runs in threads. It says yes or no and never why, and its texts may hold the URL: no word of it is shown.
Which services may be used at all is decided in `apprise_schemes`, before the library sees the URL.
"""

import logging
from typing import TYPE_CHECKING

from pratique.api.v1alpha1.notification_channel import AppriseChannel
from pratique.channels.apprise.schemes import refusal
from pratique.channels.kit.egress import NotAllowedError
from pratique.channels.kit.settings import Means, NotReadyError, Send, Vault
from pratique.core.kernel.effects import Delivery
from pratique.core.telling.messages import Message

if TYPE_CHECKING:
    from pratique.channels.apprise.service import Service


_LIBRARIES = ("apprise", "urllib3", "requests_oauthlib", "oauthlib")
"""Their log lines hold URLs, at some level or other."""
_NOWHERE = logging.NullHandler()


async def connect(spec: AppriseChannel, vault: Vault, means: Means) -> Send:
    """Return what hands a message to the library."""
    ref = spec.url_secret_ref
    url = await vault.text(ref)
    lane = f"{ref.name}/{ref.key}"
    reason = refusal(url)
    if reason is None:
        try:
            opened = await means.threads.run(lane, lambda: _open(url))
        except TimeoutError:
            raise NotReadyError(f"{vault.place(ref)}: Apprise took too long to read the URL in {ref.key}") from None
        if not isinstance(opened, str):
            if opened.address:
                await means.expect(opened.address, 0)
            return _sender(opened, lane, means)
        reason = opened
    raise NotReadyError(f"{vault.place(ref)}: the key {ref.key} {reason}")


def _open(url: str) -> "Service | str":
    for name in _LIBRARIES:  # before the import: it logs too
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(_NOWHERE)
    from pratique.channels.apprise.service import open_service  # noqa: PLC0415 - 21 MB, for those who use it

    return open_service(url)


def _sender(service: "Service", lane: str, means: Means) -> Send:
    async def send(message: Message) -> Delivery:
        try:
            taken = await means.threads.run(lane, lambda: service.tell(message, means.egress))
        except NotAllowedError as refused:
            return Delivery(sent=False, error=str(refused))
        except TimeoutError:
            return Delivery(sent=False, error=f"no answer within {means.threads.seconds:g} s")
        if taken:
            return Delivery(sent=True)
        error = f"{service.name} did not take the message or was not reached (Apprise does not say which)"
        return Delivery(sent=False, error=error)

    return send
