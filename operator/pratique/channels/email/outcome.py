"""Says what it means that a mail was not taken: whose fault it is, whether it may pass, and what somebody can do.

An answer to the recipient or the mail itself is about this message; all before is about the channel, and somebody will
mend that: such a message is tried again. Of an answer only its numbers are shown: its text is the server's own.
"""

import re
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum

from aiosmtplib import SMTPResponseException

from pratique.api.v1alpha1.channel_email import EmailTls
from pratique.core.kernel.effects import Delivery
from pratique.core.kernel.errors import ChannelError, PratiqueError

PAUSE_SECONDS = 60.0
"""Before a password is tried again that was wrong (accounts get locked), or a server that asked for patience."""
NO_STARTTLS = (
    "the mail server does not offer STARTTLS, and nothing is sent in the clear: is this the right port? One that is for"
    " TLS from the first byte, such as 465, needs tls: TLS"
)
NO_LOGIN = "the mail server offers no login that is known here (PLAIN, LOGIN or CRAM-MD5): is this the right port?"
NO_SMTPUTF8 = (
    "an address has other letters than those of ASCII before the @, and the mail server takes none (it does not offer"
    " SMTPUTF8): give the recipient another address, or the channel another server"
)


class Step(StrEnum):
    """What was asked of the server last; the value is how a sentence about a refusal begins."""

    CONNECTION = "no connection to the mail server"
    GREETING = "the mail server turned the connection away"
    HELLO = "the mail server refused the greeting"
    STARTTLS = "the mail server refused STARTTLS"
    LOGIN = "the mail server refused the login"
    SENDER = "the mail server refused the sender, which is the channel's spec.email.from"
    RECIPIENT = "the mail server refused the recipient"
    MESSAGE = "the mail server refused the mail"


@dataclass
class Talk:
    """How far a try has come. `place` is the Secret of the login, if there is one."""

    tls: EmailTls
    place: str
    seconds: float
    step: Step = Step.CONNECTION


class UnmetError(ChannelError):
    """The server lacks what is needed. The message is one sentence for people."""

    def __init__(self, sentence: str, *, permanent: bool = False) -> None:
        super().__init__(sentence)
        self.permanent = permanent


_OF_THE_MESSAGE = frozenset({Step.RECIPIENT, Step.MESSAGE})
_TOO_LARGE = 552
_WANTS_LOGIN = frozenset({530, 534, 535, 538})
_BUSY = frozenset({421, 450, 451, 452, 454})
_ENHANCED = re.compile(r"([45]\.[0-7]\.\d{1,2})(?!\S)")
"""RFC 3463; no more digits than it has, so that they say nothing else."""
_HELLO = re.compile(r"\b(helo|ehlo)[ ](command|name|host|argument|domain)", re.IGNORECASE)
"""Some refuse the greeting only at a later step. No address can say so: it has no spaces."""
_NO_FULL_NAME = 504
_NO_NAME = frozenset({501, _NO_FULL_NAME, 550, 553, 554})
_HELLO_HINT = "set spec.email.helloName to a full host name that it accepts"
_HINTS = {
    (Step.SENDER, 552): "it takes no mail of this size",
    (Step.RECIPIENT, 450): "the mailbox is busy, or the server wants to see a second try",
    (Step.RECIPIENT, 451): "the server wants to see a second try, or has trouble",
    (Step.RECIPIENT, 452): "it is out of room, or the mailbox is full",
    (Step.RECIPIENT, 550): "there is no such mailbox, or mail to it is not taken from here",
    (Step.RECIPIENT, 551): "the mailbox is on another server",
    (Step.RECIPIENT, 552): "the mailbox is full",
    (Step.RECIPIENT, 553): "it does not take this address",
    (Step.RECIPIENT, 554): "it does not deliver to there",
    (Step.MESSAGE, 550): "by its policy, or its filter",
    (Step.MESSAGE, 552): "it is too large, or the mailbox is full",
    (Step.MESSAGE, 554): "by its policy, or its filter",
}
_CERTIFICATES = {
    9: "is not valid yet",
    10: "has expired",
    62: "is for another host than spec.email.server names",
    64: "is for another host than spec.email.server names",
}
_UNKNOWN_CA = "is of no CA that the channel trusts: put the certificates of a private one into spec.email.caSecretRef"


def judge(error: Exception, talk: Talk) -> Delivery:
    """Return what became of a try that ended with this error."""
    tls = _tls_error(error)
    match error:
        case UnmetError():
            return Delivery(sent=False, error=str(error), permanent=error.permanent, channel_fault=not error.permanent)
        case PratiqueError():  # of the check of where the operator may connect to
            return Delivery(sent=False, error=str(error))
        case SMTPResponseException() if 400 <= error.code < 600:
            return _answered(error.code, error.message, talk)
        case SMTPResponseException():
            return Delivery(sent=False, error="the mail server's answer is not SMTP, or makes no sense here")
        case TimeoutError():
            return Delivery(sent=False, error=_silent(talk))
        case _ if tls is not None:
            return Delivery(sent=False, error=_tls_worded(tls), channel_fault=True)
        case socket.gaierror():
            return Delivery(sent=False, error="the mail server's host name could not be resolved")
        case OSError() if talk.step is Step.CONNECTION:
            return Delivery(sent=False, error=talk.step.value)
        case OSError():
            return Delivery(sent=False, error=f"the mail server closed the connection{_twice(talk)}")
        case _:
            return Delivery(sent=False, error=f"the mail could not be handed over ({type(error).__name__})")


def _answered(code: int, text: str, talk: Talk) -> Delivery:
    enhanced = _ENHANCED.match(text)
    numbers = f"({code} {enhanced[1]})" if enhanced else f"({code})"
    if code in _WANTS_LOGIN or (talk.step is Step.LOGIN and code >= 500):
        return Delivery(sent=False, error=_login_worded(numbers, talk), retry_after=PAUSE_SECONDS, channel_fault=True)
    passes = " for now" if code < 500 else ""
    if _is_of_the_greeting(code, text, talk):
        pause = PAUSE_SECONDS if code in _BUSY else None
        error = f"{Step.HELLO.value} {numbers}: {_HELLO_HINT}"
        return Delivery(sent=False, error=error, retry_after=pause, channel_fault=True)
    hint = _HINTS.get((talk.step, code))
    error = f"{talk.step.value}{passes} {numbers}" + (f": {hint}" if hint else "")
    of_the_message = talk.step in _OF_THE_MESSAGE or code == _TOO_LARGE
    pause = PAUSE_SECONDS if code in _BUSY else None
    return Delivery(
        sent=False,
        error=error,
        permanent=of_the_message and code >= 500,
        retry_after=pause,
        message_fault=of_the_message,
    )


def _is_of_the_greeting(code: int, text: str, talk: Talk) -> bool:
    """Whether it is our name that a server does not take, and neither the recipient nor the mail."""
    if talk.step is Step.HELLO:
        return code in _NO_NAME
    return talk.step in (Step.SENDER, *_OF_THE_MESSAGE) and (code == _NO_FULL_NAME or _HELLO.search(text) is not None)


def _login_worded(numbers: str, talk: Talk) -> str:
    if talk.step is Step.LOGIN:
        remedy = "put what it takes there; some servers want a password made for applications"
        return f"the mail server does not take username and password of {talk.place} {numbers}: {remedy}"
    if talk.place:
        return f"the mail server does not let the user of {talk.place} send this {numbers}"
    how = "name a Secret in spec.email.credentialsSecretRef"
    if talk.tls is EmailTls.NONE:
        how += ", with tls: StartTLS or TLS"
    return f"the mail server wants a login {numbers}: {how}"


def _silent(talk: Talk) -> str:
    sentence = f"the mail server did not answer within {talk.seconds:g} s"
    if talk.step is Step.GREETING and talk.tls is EmailTls.STARTTLS:
        return f"{sentence}: one that waits for TLS from the first byte is silent too, and needs tls: TLS"
    return sentence + _twice(talk)


def _twice(talk: Talk) -> str:
    """Nobody can know whether a mail arrived whose receipt did not."""
    return " before it had taken the mail; it may arrive twice" if talk.step is Step.MESSAGE else ""


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """Return the error of TLS that is behind an error, if there is one."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__
    return error


def _tls_worded(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the mail server's certificate {_CERTIFICATES.get(error.verify_code, _UNKNOWN_CA)}"
    return "the TLS handshake with the mail server failed: is `tls` right for this port?"
