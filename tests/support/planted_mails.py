"""Mail servers that repeat the password of a channel in their answers, each at another step; part of `planted_channels`."""

from collections.abc import Iterator
from pathlib import Path

from tests.doubles.certificates import Authority
from tests.doubles.mail_servers import mailing
from tests.doubles.raw_receivers import Echo
from tests.support.planted import SENT, Channel, planted

LOGIN = "does not take username and password of Secret"
ANSWERS: dict[str, tuple[dict[str, str], str]] = {
    "taken": ({"EHLO": "250-SECRET\r\n250-AUTH PLAIN\r\n250 XSECRET", "end": "250 2.0.0 queued SECRET"}, SENT),
    "banner": ({"banner": "554 SECRET"}, "turned the connection away (554)"),
    "strange": ({"banner": "SECRET"}, "answer is not SMTP"),
    "hello": ({"EHLO": "550 5.7.1 SECRET", "HELO": "550 SECRET"}, "refused the greeting (550 5.7.1)"),
    "ways": ({"EHLO": "250-mail\r\n250 AUTH SECRET"}, "offers no login that is known here"),
    "login": ({"AUTH": "535 5.7.8 SECRET"}, LOGIN),
    "turned": ({"AUTH": "535 TERCES"}, LOGIN),
    "lines": ({"AUTH": "535-SECRET\r\n535-5.7.8 SECRET\r\n535 SECRET"}, LOGIN),
    "challenge": ({"EHLO": "250-mail\r\n250 AUTH CRAM-MD5", "AUTH": "334 SECRET"}, ""),
    "sender": ({"MAIL": "553 5.1.8 SECRET"}, "refused the sender"),
    "recipient": ({"RCPT": "550 5.1.1 SECRET"}, "refused the recipient (550 5.1.1)"),
    "data": ({"DATA": "554 SECRET"}, "refused the mail (554)"),
    "mail": ({"end": "451 4.SECRET SECRET"}, "refused the mail for now (451)"),
    "code": ({"end": "999 SECRET"}, ""),
}
"""What the server says, by command, and what comes of it."""


def mailers(echo: Echo, folder: Path) -> Iterator[Channel]:
    """Yield them all; their servers listen."""
    authority = Authority(folder)
    tls = authority.serve("127.0.0.1")
    for how, (answers, becomes) in ANSWERS.items():
        name = f"email-server-{how}"
        secret = planted(name)
        said = {
            verb: answer.replace("SECRET", secret).replace("TERCES", secret[::-1]) for verb, answer in answers.items()
        }
        email = {
            "server": f"127.0.0.1:{echo.serve(name, mailing(**said), tls)}",
            "tls": "TLS",
            "from": "pratique@example.com",
            "to": ["lead-1@example.com"],
            "credentialsSecretRef": {"name": name},
            "caSecretRef": {"name": name, "key": "ca.crt"},
        }
        values = {"username": "robot", "password": secret, "ca.crt": authority.pem}
        yield Channel(name, {"email": email}, {key: value.encode() for key, value in values.items()}, becomes)
