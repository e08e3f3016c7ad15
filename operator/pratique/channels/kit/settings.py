"""What a channel needs before it can send: the values of its Secrets, or the sentence that says what is missing.

Values are secrets: no sentence quotes one, only names of Secrets and keys. Must not send anything.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from yarl import URL

from pratique.api.v1alpha1.channel_parts import SecretKeyRef
from pratique.api.v1alpha1.conditions import Reason
from pratique.channels.kit.egress import Egress
from pratique.channels.kit.posting import Poster, parse_url
from pratique.channels.kit.processes import Processes
from pratique.channels.kit.remembered import Remembered
from pratique.core.kernel.effects import Delivery
from pratique.core.kernel.errors import ChannelError, PratiqueError
from pratique.core.telling.credentials import ALLOWED_HOSTS, Service, named_server, why_not
from pratique.core.telling.egress import NOT_ALLOWED
from pratique.core.telling.messages import Message

ReadSecret = Callable[[str, str], Awaitable[str | None]]
"""Name and key of a Secret in the operator's namespace to its value; None if there is no such Secret or key."""
ReadAnnotation = Callable[[str, str], Awaitable[str | None]]
"""Name of a Secret in the operator's namespace and of an annotation to its value; None if there is no such."""
Send = Callable[[Message], Awaitable[Delivery]]
"""One try to deliver a message. Never raises for what a receiver does."""


@dataclass(frozen=True)
class Means:
    """What channels send with: posts of our own, processes of a library that blocks, the way out for all of them.

    And what receivers have told lately, so that they are not asked again for each message.
    """

    poster: Poster
    library: Processes
    egress: Egress
    remembered: Remembered = field(default_factory=Remembered)
    looking: bool = False
    """Whether it is only looked whether a channel can work."""

    async def expect(self, host: str, port: int) -> None:
        """Say, before the first try, that no address of a receiver may be connected to."""
        if self.looking and await self.egress.is_shut(host, port):
            raise NotReadyError(NOT_ALLOWED, Reason.NOT_ALLOWED)


class NotReadyError(ChannelError):
    """A channel cannot send as it is. The message is one sentence for people."""

    def __init__(self, sentence: str, reason: Reason = Reason.SECRET_NOT_FOUND) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class Vault:
    """The Secrets of the operator's namespace."""

    read: ReadSecret
    annotation: ReadAnnotation
    namespace: str

    def place(self, ref: SecretKeyRef) -> str:
        """Return where a value is, as sentences name it."""
        return f"Secret {self.namespace}/{ref.name}"

    async def text(self, ref: SecretKeyRef) -> str:
        """Return a value, without the white space around it."""
        try:
            value = await self.read(ref.name, ref.key)
        except PratiqueError:
            reason = "could not be read: the API server did not give it to the operator"
            raise NotReadyError(f"{self.place(ref)} {reason}") from None
        except ValueError:
            raise NotReadyError(f"{self.place(ref)}: the key {ref.key} does not hold text") from None
        if value is None:
            raise NotReadyError(f"{self.place(ref)} has no key {ref.key}")
        return value.strip()

    async def url(self, ref: SecretKeyRef) -> URL:
        """Return a value that is a URL to post to."""
        url = parse_url(await self.text(ref))
        if url is None:
            raise NotReadyError(f"{self.place(ref)}: the key {ref.key} must hold an http or https URL with a host")
        return url

    async def let(self, secret: str, host: str, port: int, service: Service) -> None:
        """Raise NotReadyError unless the Secret lets what it holds go to this server."""
        try:
            annotation = await self.annotation(secret, ALLOWED_HOSTS)
        except PratiqueError:
            reason = "could not be read: the API server did not give it to the operator"
            raise NotReadyError(f"Secret {self.namespace}/{secret} {reason}") from None
        why = why_not(annotation, host, port, service)
        if why is not None:
            server = named_server(host, port)
            raise NotReadyError(
                f"Secret {self.namespace}/{secret} {why}: nothing is sent to {server}. If that is the right server, let the"
                f" Secret name it: kubectl annotate secret {secret} -n {self.namespace} --overwrite"
                f" {ALLOWED_HOSTS}={server}",
                Reason.NOT_ALLOWED,
            )
