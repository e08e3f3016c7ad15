"""Puts a message into what surrounds it in its client: who posted it, when, and what was answered beneath it.

The clients' colours and proportions, none of their marks or pictures.
"""

from dataclasses import dataclass
from html import escape

from tools.render.html import drawn, page
from tools.render.mail import Mail
from tools.render.parts import Part


@dataclass(frozen=True)
class Post:
    """A message where it stands: `time` as its client shows it."""

    parts: tuple[Part, ...]
    time: str


def slack_page(post: Post, replies: tuple[Post, ...] = ()) -> str:
    """Return a message in a channel, or a thread that begins with it. What was updated looks as if it had been so."""
    body = f"<main>\n{_slack_post(post)}"
    if replies:
        count = "1 reply" if len(replies) == 1 else f"{len(replies)} replies"
        body += f'<div class="replies"><span>{count}</span></div>\n' + "".join(map(_slack_post, replies))
    return page("Slack", "slack", f"{body}</main>\n")


def teams_page(post: Post) -> str:
    """Return a card as a workflow posts it into a channel."""
    card = f'<div class="card">\n{drawn(post.parts)}</div>\n'
    return page("Microsoft Teams", "teams", f"<main>\n{_byline('W', 'Workflows', post)}{card}</main>\n")


def mail_page(mail: Mail) -> str:
    """Return a mail below its headers, as programs show them. The page of the mail is a frame of its own, as there."""
    headers = mail.headers
    lines = "".join(f'<div class="header"><b>{name}</b> {escape(headers[name])}</div>\n' for name in ("To", "Date"))
    head = (
        f'<h1 dir="auto">{escape(headers["Subject"])}</h1>\n<div class="avatar">P</div>\n'
        f'<div class="byline"><b>{escape(headers["From"])}</b></div>\n{lines}'
    )
    frame = f'<iframe sandbox="allow-same-origin" title="The mail" srcdoc="{escape(mail.html)}"></iframe>'
    return page(headers["Subject"], "mail", f"<main>\n<header>\n{head}</header>\n{frame}\n</main>\n")


def _slack_post(post: Post) -> str:
    return f"<article>\n{_byline('P', 'Pratique', post, 'APP')}{drawn(post.parts)}</article>\n"


def _byline(letter: str, name: str, post: Post, badge: str = "") -> str:
    mark = f' <span class="badge">{badge}</span>' if badge else ""
    who = f'<b>{escape(name)}</b>{mark} <span class="time">{escape(post.time)}</span>'
    return f'<div class="avatar">{letter}</div>\n<div class="byline">{who}</div>\n'
