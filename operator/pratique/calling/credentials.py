"""Reads what a call takes from Secrets, as the Action's ServiceAccount: the operator lends no right of its own to a call.

Whoever writes an Action names the server; who may write the Secret owns what is in it, and names the servers that may see
it. Values go into headers and signatures and nowhere else: no sentence here quotes one.
"""

import hashlib
import hmac
import re
import time
from dataclasses import dataclass

from pratique.api.v1alpha1.calling import RequestSigning, SecretValueRef, SigningStyle
from pratique.api.v1alpha1.people import ServiceAccountRef
from pratique.channels.cloudevents.signing import MAX_KEYS, parse_keys, signed
from pratique.cluster.client import Api, ApiError
from pratique.cluster.connection import decode_secret
from pratique.core.kernel.answers import Cause
from pratique.core.kernel.calling import Outgoing
from pratique.core.kernel.effects import Failure
from pratique.core.kernel.errors import PratiqueError
from pratique.core.telling.credentials import ALLOWED_HOSTS, ANY, Service, named_server, why_not

_SENT = Service(frozenset({443}), frozenset())
"""For what is itself sent, or can be guessed from what is: the Secret has to name the server.

A signature in GitHub's style tells whoever gets it whether a guess at its key is right, and the key may be any text, such
as the password of a database. Keys of Standard Webhooks are 24 random bytes or more, and of a form of their own.
"""
_MAX_VALUE = 8192
"""Bytes of one value; no server takes a longer header."""
_VALUE = re.compile(r"[\t -~]+")


class CallError(PratiqueError):
    """A call cannot be made: nothing was sent. The `failure` says why, in a sentence for people."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True)
class Credentials:
    """The headers that come from Secrets, and the values that no answer may repeat."""

    headers: dict[str, str]
    hidden: tuple[str, ...] = ()


async def credentials_of(api: Api, outgoing: Outgoing, host: str, port: int) -> Credentials:
    """Read what a call to this server takes; raises CallError."""
    vault = _Vault(api, outgoing.account, host, port, clear=outgoing.url.lower().startswith("http:"))
    headers, hidden = {}, []
    for each in outgoing.headers_from:
        value = await vault.text(each.secret_ref, _SENT)
        if not _VALUE.fullmatch(value):
            raise _refused(f"{vault.place(each.secret_ref)} must be one line of printable ASCII to be sent as a header")
        headers[each.name] = f"{each.prefix}{value}"
        hidden.append(value)
    if outgoing.signing is not None:
        whole = outgoing.signing.style is SigningStyle.GITHUB
        key = await vault.text(outgoing.signing.secret_ref, _SENT if whole else ANY)
        headers |= _signature(outgoing, outgoing.signing, key, vault.place(outgoing.signing.secret_ref))
        hidden += [key] if whole else [each.strip() for each in key.splitlines()]
    return Credentials(headers, tuple(each for each in hidden if each))


def _signature(outgoing: Outgoing, signing: RequestSigning, key: str, place: str) -> dict[str, str]:
    body = (outgoing.body or "").encode()
    if signing.style is SigningStyle.GITHUB:
        if not key:
            raise _refused(f"{place} is empty; nothing is sent unsigned")
        return {"X-Hub-Signature-256": f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"}
    keys = parse_keys(key)
    if keys is None:
        raise _refused(
            f"{place} must hold 1 to {MAX_KEYS} signing keys, one a line, each whsec_ and 24 to 64 bytes in base64;"
            " nothing is sent unsigned"
        )
    return signed(keys, outgoing.key, body, time.time())


@dataclass(frozen=True)
class _Vault:
    api: Api
    account: ServiceAccountRef
    host: str
    port: int
    clear: bool

    def place(self, ref: SecretValueRef) -> str:
        return f"the key {ref.key} of Secret {self.account.namespace}/{ref.name}"

    async def text(self, ref: SecretValueRef, service: Service) -> str:
        """Return a value without the white space around it, if its Secret lets it go to the server."""
        where = f"{self.account.namespace}/{ref.name}"
        path = f"/api/v1/namespaces/{self.account.namespace}/secrets/{ref.name}"
        try:
            secret = await self.api.request("GET", path, run_as=self.account.username)
        except ApiError as error:
            raise self._unread(error, where) from None
        annotation = (secret["metadata"].get("annotations") or {}).get(ALLOWED_HOSTS)
        if (why := why_not(annotation, self.host, self.port, service, clear=self.clear)) is not None:
            raise _refused(f"Secret {where} {why}: {self._remedy(ref)}")
        try:
            value = decode_secret(secret.get("data") or {}, ref.key)
        except ValueError:
            raise _refused(f"{self.place(ref)} does not hold text") from None
        if value is None:
            raise CallError(
                Failure("NotFound", f"Secret {where} has no key {ref.key}: put the value there", cause=Cause.MISSING)
            )
        if len(value.encode()) > _MAX_VALUE:
            raise _refused(
                f"{self.place(ref)} is longer than {_MAX_VALUE // 1024} KiB: put nothing but the value there"
            )
        return value.strip()

    def _remedy(self, ref: SecretValueRef) -> str:
        """Return what is not done, and how the owner of a Secret lets it be done."""
        server = f"{'http://' if self.clear else ''}{named_server(self.host, self.port)}"
        https = "; write request.url with https://, or," if self.clear else "."
        right = "if everybody on the way may read it" if self.clear else "If that is the right server"
        return (
            f"nothing is sent to {server}{https} {right}, let the Secret name it: kubectl annotate secret {ref.name}"
            f" -n {self.account.namespace} --overwrite {ALLOWED_HOSTS}={server}"
        )

    def _unread(self, error: ApiError, where: str) -> CallError:
        account = f"ServiceAccount {self.account.namespace}/{self.account.name}"
        if error.code == 404:
            text = f"Secret {where} is not there: create it, or name the one that is meant in headersFrom or signing"
            return CallError(Failure("NotFound", text, cause=Cause.MISSING))
        if error.transient:
            return CallError(Failure(error.reason, f"Secret {where} could not be read now", transient=True))
        text = f"{account} may not read Secret {where}, and it is read as that account: give it get on that Secret"
        return CallError(Failure("Forbidden", text, cause=Cause.RIGHTS))


def _refused(text: str) -> CallError:
    return CallError(Failure("Invalid", text))
