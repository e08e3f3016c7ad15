"""What a message looks like in each client: from what the channel sends, through the reader of that client."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from tests.doubles.slack_workspace import SECRETS, Post, bot_spec, workspace
from tests.pictures.stories import STORIES, held_as_it_reads
from tests.support.channelling import told_by
from tools.render import frames
from tools.render.mail import Mail, read_mail
from tools.render.slack import read_blocks, read_slack
from tools.render.teams import read_teams

from pratique.channels import teams as msteams
from pratique.channels.email.address import Mailbox, read_mailbox, read_sender
from pratique.channels.email.letter import Writer, letter_to
from pratique.channels.slack import blocks as slack_blocks
from pratique.core.telling.messages import Earlier, Message

HANDLES = (("developer@example.com", "U0DEV0001"), ("platform-leads", "S0LEADS01"))
LEAD = Mailbox("lead-1", "example.com")
NAMES = {"U0DEV0001": "developer", "S0LEADS01": "platform-leads"}

Teller = Callable[[], Message]


def in_slack(story: Teller) -> str:
    message = replace(story(), handles=HANDLES)
    return frames.slack_page(frames.Post(read_slack(slack_blocks.payload(message), NAMES), _time(message.at)))


def in_teams(story: Teller) -> str:
    message = story()
    return frames.teams_page(frames.Post(read_teams(msteams.payload(message)), _time(message.at)))


def in_mail(story: Teller) -> str:
    return frames.mail_page(mail_of(story()))


def mail_of(message: Message) -> Mail:
    """Return the mail to the first of the people whom a message is for, as a mail program reads it."""
    to = message.audience.users[0] if message.audience.users else "lead-1@example.com"
    recipient, sender = read_mailbox(to) or LEAD, read_sender("Pratique <pratique@example.com>")
    assert sender is not None
    return read_mail(letter_to(recipient, message, Writer(sender)).content)


def in_thread() -> str:
    """Return a request as a bot leaves it in Slack: updated in place, what followed as replies."""
    with ThreadPoolExecutor(1) as other:  # a loop may run in this thread: the browser's
        first, *replies = other.submit(asyncio.run, _told_by_a_bot()).result()
    assert all(post.thread_ts == first[0].ts for post, _ in replies)
    shown = [frames.Post(read_blocks(post.args["blocks"], NAMES), _time(told.at)) for post, told in (first, *replies)]
    return frames.slack_page(shown[0], tuple(shown[1:]))


async def _told_by_a_bot() -> list[tuple[Post, Message]]:
    """Return what stands in the workspace at the end, each with the message that made it."""
    held = replace(STORIES["held"](), handles=HANDLES)
    async with workspace() as slack:
        first = await told_by(bot_spec(slack), SECRETS, held)
        earlier = Earlier(first.reference, replace(held_as_it_reads(), handles=HANDLES))
        ends = [replace(STORIES[story](), earlier=earlier, handles=HANDLES) for story in ("approved", "succeeded")]
        for end in ends:
            assert (await told_by(bot_spec(slack), SECRETS, end)).sent
        return list(zip(slack.posts, [held, *ends], strict=True))


def _time(moment: datetime) -> str:
    return f"{moment:%-I:%M %p}"


CLIENTS: dict[str, Callable[[Teller], str]] = {"slack": in_slack, "teams": in_teams, "mail": in_mail}
