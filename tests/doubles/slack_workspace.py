"""A Slack workspace on loopback: its Web API as far as a bot uses it, with channels, people, threads and what goes wrong.

It is as strict as Slack where that is known: the token in the header, arguments of each method, Block Kit by slack_sdk's
models, membership. A reply to a message that was deleted becomes a message of the channel, as it does in Slack.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from slack_sdk.models.blocks import Block

from tests.doubles.serving import serving

TOKEN = "xoxb-1234567890-abcdefhunter2secret"
PLACE = "C0123ABCD"
PRIVATE = "G0123ABCD"
LEAD = "U0LEAD001"
EMAIL = "lead-1@example.com"
TOKEN_REF = {"name": "slack", "key": "token"}
SECRETS = {"slack/token": TOKEN}
_WRITTEN = {"text", "blocks", "channel"}
_ARGUMENTS = {
    "chat.postMessage": _WRITTEN | {"thread_ts", "unfurl_links", "unfurl_media"},
    "chat.update": _WRITTEN | {"ts", "parse"},
    "users.lookupByEmail": {"email"},
}


class SlackError(Exception):
    """An answer with `ok: false`."""


@dataclass
class Post:
    """A message as it reads now."""

    channel: str
    ts: str
    args: dict[str, Any]
    thread_ts: str | None = None

    @property
    def reference(self) -> str:
        return f"{self.channel}:{self.ts}"

    @property
    def texts(self) -> str:
        return repr(self.args)


@dataclass
class Workspace:
    """What is there, what was called, and what the next calls of a method get instead of an answer."""

    url: str = ""
    token: str = TOKEN
    names: dict[str, str] = field(default_factory=lambda: {"#approvals": PLACE})
    joined: set[str] = field(default_factory=lambda: {PLACE})
    public: set[str] = field(default_factory=lambda: {PLACE})
    archived: set[str] = field(default_factory=set)
    people: dict[str, str] = field(default_factory=lambda: {EMAIL: LEAD})
    posts: list[Post] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failing: dict[str, list[str | web.Response]] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)
    seconds: float = 0.0
    posted: Callable[[Post], None] = lambda post: None
    """Told of each new message, before its answer."""

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    def thread(self, ts: str) -> list[Post]:
        return [post for post in self.posts if post.thread_ts == ts]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.queries.append(request.query_string)
        args: dict[str, Any] = dict(await (request.post() if method.startswith("users.") else request.json()))
        self.calls.append((method, args))
        await asyncio.sleep(self.seconds)
        planned = self.failing.get(method)
        if planned:
            outcome = planned.pop(0)
            if isinstance(outcome, web.Response):
                return outcome
            return web.json_response({"ok": False, "error": outcome})
        try:
            return web.json_response({"ok": True, **self._do(method, args, request)})
        except SlackError as error:
            return web.json_response({"ok": False, "error": str(error), "needed": self.token})

    def _do(self, method: str, args: dict[str, Any], request: web.Request) -> dict[str, Any]:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise SlackError("invalid_auth")
        if method not in _ARGUMENTS:
            raise SlackError("unknown_method")
        if set(args) - _ARGUMENTS[method]:
            raise SlackError("invalid_arguments")
        match method:
            case "chat.postMessage":
                return self._post(args)
            case "chat.update":
                return self._update(args)
        if args["email"] not in self.people:
            raise SlackError("users_not_found")
        return {"user": {"id": self.people[args["email"]], "profile": {"email": args["email"]}}}

    def _post(self, args: dict[str, Any]) -> dict[str, Any]:
        channel = self._writable(args["channel"])
        _check(args)
        at = len(self.posts) + 1
        parents = {post.ts for post in self.posts if post.channel == channel and post.thread_ts is None}
        thread = args["thread_ts"] if args.get("thread_ts") in parents else None
        post = Post(channel, f"17000000{at:02}.{at:06}", args, thread)
        self.posts.append(post)
        self.posted(post)
        return {"channel": channel, "ts": post.ts, "message": {**args, "ts": post.ts, "padding": "x" * 4096}}

    def _update(self, args: dict[str, Any]) -> dict[str, Any]:
        channel = self._writable(args["channel"], by_id=True)
        _check(args)
        found = next((each for each in self.posts if (each.channel, each.ts) == (channel, args["ts"])), None)
        if found is None:
            raise SlackError("message_not_found")
        found.args = {**found.args, **args}
        return {"channel": channel, "ts": found.ts, "text": args["text"]}

    def _writable(self, channel: str, *, by_id: bool = False) -> str:
        channel = channel if by_id else self.names.get(channel, channel)
        if channel[0] in "UW" and not by_id and channel in self.people.values():
            return f"D{channel[1:]}"
        if channel[0] == "D" and f"U{channel[1:]}" in self.people.values():
            return channel
        if channel in self.archived:
            raise SlackError("is_archived")
        if channel in self.joined:
            return channel
        raise SlackError("not_in_channel" if channel in self.public else "channel_not_found")


def _check(args: dict[str, Any]) -> None:
    if not args.get("text"):
        raise SlackError("no_text")
    try:
        for block in Block.parse_all(args["blocks"]):
            block.validate_json()
    except Exception:
        raise SlackError("invalid_blocks") from None
    if len(args["blocks"]) > 50:
        raise SlackError("invalid_blocks")


@asynccontextmanager
async def workspace(**settings: Any) -> AsyncIterator[Workspace]:
    """Start a workspace on a free port of loopback."""
    slack = Workspace(**settings)
    app = web.Application()
    app.router.add_post("/api/{method}", slack.answer)
    async with serving(app) as port:
        slack.url = f"http://127.0.0.1:{port}/api/"
        yield slack


def bot_spec(slack: Workspace, channel: str | None = PLACE) -> dict[str, Any]:
    """Return the spec of a channel that writes to this workspace."""
    place = {"channel": channel} if channel is not None else {}
    return {"slack": {"bot": {"tokenSecretRef": TOKEN_REF, "apiUrl": slack.url, **place}}}
