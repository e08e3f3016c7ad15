"""Channels of every type, each with a secret of its own, whose receiver sends it back in one way, or whose Secret is wrong.

Each says what must come of it, so that a test knows that its way was really gone.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pratique.core.telling.credentials import ALLOWED_HOSTS
from pratique.core.telling.egress import NOT_ALLOWED
from tests.doubles.raw_receivers import Echo, Talk, answering, greeting, resetting, silent
from tests.support.channelling import server_of
from tests.support.planted import SENT, Channel, planted
from tests.support.planted_mails import mailers


def _ref(name: str, key: str = "url") -> dict[str, str]:
    return {"name": name, "key": key}


def _spec(kind: str, name: str) -> dict[str, Any]:
    fields = {"slack": "webhookUrlSecretRef", "msteams": "workflowUrlSecretRef"}
    return {kind: {fields.get(kind, "urlSecretRef"): _ref(name)}}


def _http(status: str, body: str, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", body)
    return "\r\n".join(lines).encode()


def _answers(secret: str) -> dict[str, tuple[Talk, dict[str, str]]]:
    """Return how a receiver may send its secret back, and what comes of it, by type where they differ."""
    based = base64.b64encode(secret.encode()).decode()
    echo = (f"X-Echo: {secret}", f"Set-Cookie: token={secret}", f"ETag: {secret[::-1]}", f"Server: {based}")
    quoted = json.dumps({"error": {"code": secret, "message": f"no workflow {secret}"}})
    backwards = json.dumps({"error": {"code": secret[::-1]}})
    four = {"": "the receiver answered 404 Not Found"}
    bad = {"": "the receiver answered 400 Bad Request"}
    broken = {"": "the receiver's answer is not HTTP"}
    texts = {
        "ok": (_http("200 OK", "ok", *echo), {"": SENT}),
        "echo": (_http("200 OK", secret, *echo), {"": SENT, "slack": "but not with Slack's ok"}),
        "accepted": (_http(f"202 {secret}", "", *echo), {"": SENT}),
        "missing": (_http("404 Not Found", secret, *echo), four),
        "backwards": (_http("400 Bad Request", secret[::-1]), bad),
        "encoded": (_http("400 Bad Request", based), bad),
        "code": (_http("400 Bad Request", quoted), bad),
        "turned": (_http("400 Bad Request", backwards), bad),
        "reason": (_http(f"499 {secret}", secret), {"": "the receiver answered 499"}),
        "busy": (_http("429 Slow", secret, f"Retry-After: {secret}"), {"": "429 Too Many Requests"}),
        "down": (_http("503 Down", secret * 50, "Retry-After: 3600"), {"": "503 Service Unavailable"}),
        "redirect": (_http("307 There", secret, f"Location: http://127.0.0.1:1/{secret}"), {"": "redirects are not"}),
        "relative": (_http("302 There", "", f"Location: //{secret}@[{secret}"), {"": "redirects are not"}),
        "protected": (_http("401 No", "", f'WWW-Authenticate: Basic realm="{secret}"'), {"": "401 Unauthorized"}),
        "greeting": (f"220 {secret} ESMTP\r\n\r\n".encode(), broken),
        "header": (f"HTTP/1.1 200 OK\r\n{secret}\r\n\r\n".encode(), broken),
        "length": (f"HTTP/1.1 200 OK\r\nContent-Length: {secret}\r\n\r\n".encode(), broken),
        "chunk": (f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{secret}\r\n\r\n".encode(), {"": ""}),
        "zip": (_http("200 OK", secret, "Content-Encoding: gzip"), {"": ""}),
        "charset": (_http("400 Bad", secret, f"Content-Type: text/plain; charset={secret}"), bad),
        "short": (f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{secret}".encode(), {"": ""}),
    }
    found = {name: (answering(answer), becomes) for name, (answer, becomes) in texts.items()}
    return found | {"hang": (silent, {"": "no answer within"}), "reset": (resetting, {"": "closed the connection"})}


def _told(echo: Echo) -> Iterator[Channel]:
    """A channel of each type with each answer."""
    for kind in ("slack", "msteams", "webhook", "apprise"):
        for how in _answers(""):
            name = f"{kind}-{how}"
            secret = planted(name)
            talk, becomes = _answers(secret)[how]
            port = echo.serve(name, talk)
            scheme = "json" if kind == "apprise" else "http"
            expected = becomes.get(kind, becomes[""])
            if kind == "apprise" and expected != SENT:
                expected = ""
            yield Channel(name, _spec(kind, name), {"url": f"{scheme}://127.0.0.1:{port}/{secret}".encode()}, expected)


def _signed(echo: Echo) -> Iterator[Channel]:
    """Webhooks with a key, in both modes; and with one that cannot be read."""
    right = "whsec_" + base64.b64encode(planted("webhook-key").encode() * 2).decode()
    usable = {"webhook-key": right, "webhook-binary": right}
    wrong = {
        "webhook-key-bare": planted("webhook-key-bare"),
        "webhook-key-short": f"whsec_{base64.b64encode(planted('webhook-key-short')[:15].encode()).decode()}",
        "webhook-key-signs": f"whsec_{planted('webhook-key-signs')}!",
        "webhook-key-many": "\n".join([right] * 9),
        "webhook-key-mixed": f"{right}\n{planted('webhook-key-mixed')}",
    }
    for name, key in (usable | wrong).items():
        url = f"http://127.0.0.1:{echo.serve(name, answering(_http('200 OK', 'ok')))}/{planted(name)}"
        mode = "Binary" if name == "webhook-binary" else "Structured"
        spec = {"webhook": {"urlSecretRef": _ref(name), "mode": mode, "signing": {"secretRef": _ref(name, "key")}}}
        becomes = SENT if name in usable else "must hold 1 to 4 signing keys"
        yield Channel(name, spec, {"url": url.encode(), "key": key.encode()}, becomes)


def _urls(echo: Echo) -> Iterator[Channel]:
    """URLs that hold the secret elsewhere, that lead nowhere, and that are none."""
    ok = echo.serve("ok", answering(_http("200 OK", "ok")))
    plain = echo.serve("plain", greeting)
    no_url = "must hold an http or https URL with a host"
    for kind in ("webhook", "slack", "msteams"):
        for how, (url, becomes) in {
            "user": ("http://SECRET:SECRET@127.0.0.1:OK/x", SENT),
            "query": ("http://127.0.0.1:OK/x?token=SECRET#SECRET", SENT),
            "name": ("http://SECRET.invalid/SECRET", "could not be resolved"),
            "label": ("http://SECRETSECRETSECRET.example.com/SECRET", ""),
            "tls": ("https://127.0.0.1:PLAIN/SECRET", "TLS handshake"),
            "private": ("http://10.255.255.1/SECRET", NOT_ALLOWED),
            "decimal": ("http://2130706433:OK/SECRET", ""),
            "closed": ("http://127.0.0.1:1/SECRET", "no connection to the receiver"),
            "bare": ("SECRET", no_url),
            "bracket": ("http://[SECRET", no_url),
            "port": ("http://127.0.0.1:SECRET/", no_url),
            "high": ("http://127.0.0.1:99999/SECRET", no_url),
            "scheme": ("SECRET://127.0.0.1/SECRET", no_url),
            "lines": ("http://127.0.0.1/SECRET\r\nX-Evil: SECRET", no_url),
            "bytes": ("http://127.0.0.1/SECRET\udcff\udcfe", "does not hold text"),
            "key": ("", "has no key url"),
        }.items():
            name = f"{kind}-url-{how}"
            value = (
                url.replace("SECRET", planted(name))
                .replace("OK", str(ok))
                .replace("PLAIN", str(plain))
                .encode(errors="surrogateescape")
            )
            values = {planted(name): b"x"} if how == "key" else {"url": value}
            yield Channel(name, _spec(kind, name), values, becomes)


def _apprise(echo: Echo) -> Iterator[Channel]:
    """Apprise URLs of other services, and such as it cannot read."""
    for how, (url, becomes) in {
        "gotify": ("gotify://127.0.0.1:PORT/SECRET", None),
        "ntfy": ("ntfy://SECRET:SECRET@127.0.0.1:PORT/topic", None),
        "matrix": ("matrix://SECRET:SECRET@127.0.0.1:PORT/%23leads", None),
        "mattermost": ("mmost://127.0.0.1:PORT/SECRET", None),
        "rocket": ("rocket://SECRET:SECRET@127.0.0.1:PORT/%23leads", None),
        "nextcloud": ("ncloud://SECRET:SECRET@127.0.0.1:PORT/admin", None),
        "form": ("form://127.0.0.1:PORT/?+X-Token=SECRET&-token=SECRET", None),
        "xml": ("xml://SECRET:SECRET@127.0.0.1:PORT/SECRET", None),
        "bare": ("SECRET", "must hold one Apprise URL"),
        "scheme": ("SECRET://127.0.0.1/SECRET", "of no service that a channel may use"),
        "bracket": ("json://[SECRET", ""),
        "port": ("json://127.0.0.1:SECRET/SECRET", ""),
        "verify": ("jsons://SECRET@127.0.0.1/SECRET?verify=no", "verify=no"),
        "telegram": ("tgram://SECRET", "must hold one Apprise URL that is complete"),
        "discord": ("discord://SECRET/SECRET?template=SECRET", "the parameter template"),
        "mail": ("mailto://SECRET:SECRET@example.com", "not reached by HTTP"),
        "two": ("json://127.0.0.1/SECRET json://127.0.0.1/SECRET", "must hold one Apprise URL"),
        "private": ("jsons://SECRET:SECRET@10.255.255.1/SECRET", NOT_ALLOWED),
        "name": ("jsons://SECRET.invalid/SECRET", "did not take the message"),
        "injected": ("json://127.0.0.1:PORT/?+X%0d%0aEvil=SECRET", None),
        "bytes": ("json://127.0.0.1/SECRET\udcff", "does not hold text"),
    }.items():
        name = f"apprise-{how}"
        secret = planted(name)
        answer = json.dumps({"errcode": secret, "error": secret, "id": secret, "message": secret})
        port = echo.serve(name, answering(_http("400 Bad", answer, f"X-Echo: {secret}"))) if becomes is None else 0
        value = url.replace("SECRET", secret).replace("PORT", str(port)).encode(errors="surrogateescape")
        yield Channel(name, _spec("apprise", name), {"url": value}, becomes or "")


def _bots(echo: Echo) -> Iterator[Channel]:
    """Slack by a bot's token, which is in a header; Slack answers 200 to everything, and in JSON."""
    for how, (token, answer, becomes) in {
        "ok": ("xoxb-SECRET", {"ok": True, "channel": "C0123ABCD", "ts": "1.1", "warning": "SECRET"}, SENT),
        "spot": ("xoxb-SECRET", {"ok": True, "channel": "SECRET", "ts": "SECRET"}, SENT),
        "code": (
            "xoxb-SECRET",
            {"ok": False, "error": "SECRET", "needed": "SECRET"},
            "an error that is not documented",
        ),
        "turned": ("xoxb-SECRET", {"ok": False, "error": "TERCES"}, "an error that is not documented"),
        "scope": ("xoxb-SECRET", {"ok": False, "error": "missing_scope", "needed": "SECRET"}, "missing_scope: give"),
        "text": ("xoxb-SECRET", {"ok": False, "error": "invalid_auth SECRET"}, "but not as Slack does"),
        "list": ("xoxb-SECRET", ["SECRET"], "but not as Slack does"),
        "bare": ("SECRET", {}, "must hold a bot's token"),
        "user": ("xoxp-SECRET", {}, "must hold a bot's token"),
        "two": ("xoxb-SECRET\nxoxb-SECRET", {}, "must hold a bot's token"),
    }.items():
        name = f"bot-{how}"
        secret = planted(name)
        body = json.dumps(answer).replace("SECRET", secret).replace("TERCES", secret[::-1])
        port = echo.serve(name, answering(_http("200 OK", body, f"X-OAuth-Scopes: {secret}")))
        bot = {"tokenSecretRef": _ref(name), "apiUrl": f"http://127.0.0.1:{port}/api/", "channel": "C0123ABCD"}
        yield Channel(name, {"slack": {"bot": bot}}, {"url": token.replace("SECRET", secret).encode()}, becomes)


def _mails() -> Iterator[Channel]:
    """E-mail with a password that cannot be used, or with one that can, and no server."""
    one_line = "must be one line, without control characters"
    no_pem = "must hold the certificates of a CA in PEM"
    for how, (values, becomes) in {
        "away": ({"username": "SECRET", "password": "SECRET"}, "no connection to the mail server"),
        "lines": ({"username": "robot", "password": "SECRET\r\nMAIL FROM:<SECRET>"}, one_line),
        "nul": ({"username": "robot", "password": "SECRET\0SECRET"}, one_line),
        "user": ({"username": "SECRET\nSECRET", "password": "SECRET"}, one_line),
        "bytes": ({"username": "robot", "password": "SECRET\udcff"}, "does not hold text"),
        "key": ({"username": "robot", "SECRET": "SECRET"}, "has no key password"),
        "empty": ({"username": "SECRET", "password": " "}, "the key password is empty"),
        "ca": ({"username": "robot", "password": "SECRET", "ca.crt": "SECRET"}, no_pem),
        "pem": ({"ca.crt": "-----BEGIN CERTIFICATE-----\nSECRET\n-----END CERTIFICATE-----"}, no_pem),
    }.items():
        name = f"email-{how}"
        spec: dict[str, Any] = {"server": "127.0.0.1:1", "from": "pratique@example.com", "to": ["team@example.com"]}
        if "username" in values:
            spec["credentialsSecretRef"] = {"name": name}
        if "ca.crt" in values:
            spec["caSecretRef"] = _ref(name, "ca.crt")
        held = {
            key.replace("SECRET", planted(name)): value.replace("SECRET", planted(name))
            for key, value in values.items()
        }
        raw = {key: value.encode(errors="surrogateescape") for key, value in held.items()}
        yield Channel(name, {"email": spec}, raw, becomes)


def hostile_channels(echo: Echo, folder: Path) -> tuple[Channel, ...]:
    """Return them all; their receivers listen."""
    return (
        *_told(echo),
        *_signed(echo),
        *_urls(echo),
        *_apprise(echo),
        *_bots(echo),
        *_mails(),
        *mailers(echo, folder),
    )


def manifests(channel: Channel) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the Secret and the NotificationChannel."""
    data = {key: base64.b64encode(value).decode() for key, value in channel.values.items()}
    server = server_of(channel.spec)
    lets = {ALLOWED_HOSTS: server} if server is not None else {}
    place = {"name": channel.name, "namespace": "pratique-system", "annotations": lets}
    ours = {"apiVersion": "pratique.dev/v1alpha1", "kind": "NotificationChannel", "spec": channel.spec}
    return (
        {"apiVersion": "v1", "kind": "Secret", "metadata": place, "data": data},
        ours | {"metadata": {"name": channel.name}},
    )
