"""Who is told in the chaos tests: an endpoint, a room of Teams, a Slack workspace and a mail server, all on loopback.

What arrives is kept in one list, in the order of arrival, and read alike for all. Must not judge it (`invariants` does).
"""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from tests.doubles.serving import serving
from tests.doubles.slack_workspace import PLACE, TOKEN, Post, Workspace
from tools.mailbox import Mail, Mailbox

from pratique.core.telling.events import EVENTS

LEADS = ("lead-1@example.com", "lead-2@example.com")
REQUESTER = "developer@example.com"
PLACES = ("hook", "teams", "slack")
PEOPLES = ("slack", "mail")
"""The channels that write to a place, and those that write to people."""
_IDS = {name: f"U0PERSON{number}" for number, name in enumerate((*LEADS, REQUESTER))}
_WHERE = re.compile(r"\bchaos/([a-z0-9-]+)")
_EVENTS = {info.headline: event.value for event, info in EVENTS.items()}
_ENDED = ("Approved", "Declined", "Expired", "Withdrawn", "Superseded")
_ASKED = "ApprovalRequested"


@dataclass(frozen=True)
class Heard:
    """One message: through which channel, to whom (empty for a place), of what, and by what a repeat is known.

    Slack and Teams have no key: the words are one. It is None for a request that says by now how it ended.
    """

    channel: str
    to: str
    event: str
    key: str | None
    about: str
    """The name of the run, of its gate or of the Environment."""
    at: float = 0.0
    reply: bool = False

    @property
    def receiver(self) -> str:
        """Whoever waits for it: a place by its channel, a person as `mail:lead-1@example.com`."""
        return f"{self.channel}:{self.to}" if self.to else self.channel


def heard_of(channel: str, to: str, headline: str, footer: str, key: str, *, reply: bool = False) -> Heard:
    """Read a message as its reader would: the event by its headline. A request may say meanwhile how it ended."""
    first, where = headline.partition(": ")[0], _WHERE.search(headline)
    asked = first in _ENDED and "group platform-leads" in footer
    event = _ASKED if asked else _EVENTS.get(first, first)
    about = where[1] if where else ""
    return Heard(channel, to, event, None if asked else key, about, time.monotonic(), reply)


class _Mails(Mailbox):
    arrived: Callable[[Mail], None] = staticmethod(lambda mail: None)

    async def handle_DATA(self, *given: Any) -> str:  # noqa: N802 - aiosmtpd's name
        answer = await super().handle_DATA(*given)
        self.arrived(self.mails[-1])
        return answer


@dataclass
class Receivers:
    """All of them. `taken` is called for each message before its answer, `answered` right after it; in any thread."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    """The calls of Actions: of which run, and by which key. What comes twice with one key is done once."""
    looks: Counter[str] = field(default_factory=Counter)
    """How often somebody asked after what was started, by run."""
    slack: Workspace = field(default_factory=lambda: Workspace(people={name: _IDS[name] for name in _IDS}))
    mails: _Mails = field(default_factory=_Mails)
    taken: Callable[[Heard], None] = lambda heard: None
    answered: Callable[[Heard], None] = lambda heard: None
    _post: Post | None = None

    def channels(self) -> dict[str, dict[str, Any]]:
        """Return the specs of the channels to them, by name."""
        rate = {"rateLimit": {"messages": 1000, "per": "1s"}}
        bot = {"tokenSecretRef": {"name": "slack", "key": "token"}, "channel": PLACE, "addressFrom": "Username"}
        mail = {"server": f"127.0.0.1:{self.mails.port}", "tls": "None", "from": "pratique@example.com"}
        return {
            "hook": {"webhook": {"urlSecretRef": {"name": "hook", "key": "url"}}},
            "teams": {"msteams": {"workflowUrlSecretRef": {"name": "teams", "key": "url"}}, **rate},
            "slack": {"slack": {"bot": {**bot, "apiUrl": f"{self.url}/api/"}}, **rate},
            "mail": {"email": {**mail, "addressFrom": "Username"}},
        }

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return the values of the Secrets of those channels, by name and key."""
        return {"hook": {"url": f"{self.url}/hook"}, "teams": {"url": f"{self.url}/teams"}, "slack": {"token": TOKEN}}

    def told(self, about: str, since: int = 0) -> list[Heard]:
        """Return what was told of an object and of the gate of that name, in order."""
        return [each for each in self.heard[since:] if each.about == about or each.about.startswith(f"{about}-lead-")]

    def left_open(self, about: str) -> list[str]:
        """Return the requests in Slack that do not say how they ended, though something stands beneath them."""
        answered = {(post.channel, post.thread_ts) for post in self.slack.posts}
        asking = [post for post in self.slack.posts if post.args["text"].startswith("Approval needed: ")]
        mine = [post for post in asking if (where := _WHERE.search(post.args["text"])) and where[1] == about]
        return [f"{post.channel} still asks" for post in mine if (post.channel, post.ts) in answered]

    def _take(self, heard: Heard) -> None:
        self.heard.append(heard)
        self.taken(heard)

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        about = str(body["subject"]).removeprefix("chaos/")
        heard = Heard("hook", "", body["data"]["event"], body["id"], about, time.monotonic())
        return await self._answer(request, heard, web.Response(text="ok"))

    async def _done(self, request: web.Request) -> web.StreamResponse:
        by = (await request.json())["by"]
        self.calls.append((by, request.headers["Idempotency-Key"]))
        return web.json_response({"work": by})

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        work = request.match_info["work"]
        self.looks[work] += 1
        return web.json_response({"done": self.looks[work] > 1})

    async def _teams(self, request: web.Request) -> web.StreamResponse:
        card = (await request.json())["attachments"][0]["content"]["body"]
        headline, footer = (part["inlines"][0]["text"] for part in (card[0], card[-1]))
        heard = heard_of("teams", "", headline, footer, json.dumps(card, sort_keys=True))
        return await self._answer(request, heard, web.Response(status=202))

    async def _answer(self, request: web.Request, heard: Heard, answer: web.Response) -> web.StreamResponse:
        self._take(heard)
        await answer.prepare(request)
        await answer.write_eof()
        self.answered(heard)
        return answer

    async def _slack(self, request: web.Request) -> web.StreamResponse:
        answer = await self.slack.answer(request)
        post, self._post = self._post, None  # nobody else's turn has come since it was put there
        if post is None or not isinstance(answer, web.Response):
            return answer
        return await self._answer(request, self._posted(post), answer)

    def _noted(self, post: Post) -> None:
        self._post = post

    def _posted(self, post: Post) -> Heard:
        names = {ident[1:]: name for name, ident in _IDS.items()}
        to = "" if post.channel == PLACE else names[post.channel[1:]]
        text, footer = str(post.args["text"]), str(post.args["blocks"][-1]["elements"][0]["text"])
        return heard_of("slack", to, text, footer, text, reply=post.thread_ts is not None)

    def _mailed(self, mail: Mail) -> None:
        headline, footer = str(mail.content["Subject"]).strip(), mail.text.strip().rpartition("\n")[2]
        heard = heard_of("mail", mail.to[0], headline, footer, str(mail.content["Message-ID"]))
        self._take(heard)
        # The answer goes out once this returns.
        asyncio.get_running_loop().call_later(0.01, lambda: self.answered(heard))

    def app(self) -> web.Application:
        """Return what answers over HTTP."""
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        app.router.add_post("/done", self._done)
        app.router.add_get("/done/{work}", self._asked)
        app.router.add_post("/teams", self._teams)
        app.router.add_post("/api/{method}", self._slack)
        self.mails.arrived, self.slack.posted = self._mailed, self._noted
        return app


@asynccontextmanager
async def receiving() -> AsyncIterator[Receivers]:
    """Start all of them."""
    receivers = Receivers()
    async with serving(receivers.app()) as port:
        receivers.url = f"http://127.0.0.1:{port}"
        with receivers.mails:
            yield receivers
