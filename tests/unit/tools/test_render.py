"""The readers behind the pictures: they show what a channel sends, and whatever they do not know is an error."""

from copy import deepcopy
from typing import Any

import pytest
from tests.builders.messages import EVERY_EVENT
from tests.pictures.clients import mail_of
from tests.pictures.stories import STORIES
from tools.render.frames import Post, slack_page, teams_page
from tools.render.mail import read_mail, read_text
from tools.render.mrkdwn import read_markup
from tools.render.parts import Paragraph, Part, Role, Run, Style, UnknownPartError, text_of
from tools.render.slack import read_slack
from tools.render.teams import read_teams
from tools.render.terminal import WIDTH, box

from pratique.api.v1alpha1.notifications import EventType
from pratique.channels import teams as msteams
from pratique.channels.email.address import Mailbox
from pratique.channels.email.letter import Writer, letter_to
from pratique.channels.slack import blocks as slack_blocks

READ = {"slack": (read_slack, slack_blocks.payload), "teams": (read_teams, msteams.payload)}


def places(value: Any) -> list[Any]:
    """Return all JSON objects of a payload, itself too."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, dict) else []), *(each for part in inside for each in places(part))]


@pytest.mark.parametrize("event", EVERY_EVENT)
@pytest.mark.parametrize("client", READ)
def test_all_that_is_sent_can_be_read(client: str, event: EventType) -> None:
    read, payload = READ[client]
    assert read(payload(EVERY_EVENT[event]()))


@pytest.mark.parametrize("client", READ)
def test_a_key_that_is_not_known_is_an_error_wherever_it_stands(client: str) -> None:
    read, payload = READ[client]
    whole = payload(STORIES["held"]())
    for at in range(len(places(whole))):
        changed = deepcopy(whole)
        known = set(map(id, places(changed["attachments"][0]["content"]["msteams"]))) if client == "teams" else set()
        place = places(changed)[at]
        place["accent"] = "red"
        with pytest.raises(UnknownPartError, match=r"full width" if id(place) in known else "accent|only|bold"):
            read(changed)


@pytest.mark.parametrize("client", READ)
def test_a_type_that_is_not_known_is_an_error_wherever_it_stands(client: str) -> None:
    read, payload = READ[client]
    whole = payload(STORIES["held"]())
    typed = [at for at, place in enumerate(places(whole)) if "type" in place]
    assert len(typed) > 10
    for at in typed:
        changed = deepcopy(whole)
        places(changed)[at]["type"] = "image"
        with pytest.raises(UnknownPartError):
            read(changed)


@pytest.mark.parametrize(
    "text",
    ["*a*", "say _a b_ now", "~a~", "`a`", "```a```", "<https://example.com>", "<!channel>", "<@U1>", "a > b", "&"],
)
def test_markup_that_would_not_be_seen_is_an_error(text: str) -> None:
    with pytest.raises(UnknownPartError):
        read_markup(text, {})


def test_markup_that_we_send() -> None:
    names = {"U0LEAD001": "lead-1", "S0LEADS01": "leads"}
    runs = read_markup("For <@U0LEAD001>, <!subteam^S0LEADS01>, a_b &lt;c&gt; &amp; 2 * 3 · 12:00 UTC", names)
    mention = frozenset({Style.MENTION})
    assert runs == (
        Run("For "),
        Run("@lead-1", mention),
        Run(", "),
        Run("@leads", mention),
        Run(", a_b <c> & 2 * 3 · 12:00 UTC"),
    )


@pytest.mark.parametrize("value", ["*a*", "[a](b)", "a\nb", "_a_", "https://example.com", "&amp;"])
def test_a_fact_that_teams_may_read_as_markdown_is_an_error(value: str) -> None:
    payload = msteams.payload(STORIES["held"]())
    facts = next(each for each in payload["attachments"][0]["content"]["body"] if each["type"] == "FactSet")
    facts["facts"][0]["value"] = value
    with pytest.raises(UnknownPartError, match="Markdown"):
        read_teams(payload)


class TestMail:
    @pytest.mark.parametrize("event", EVERY_EVENT)
    def test_all_that_is_sent_can_be_read(self, event: EventType) -> None:
        mail = mail_of(EVERY_EVENT[event]())
        assert mail.headers["From"] == "Pratique <pratique@example.com>"
        assert mail.headers["Subject"] == EVERY_EVENT[event]().headline
        assert mail.parts

    @pytest.mark.parametrize("story", STORIES)
    def test_its_text_says_all(self, story: str) -> None:
        told = STORIES[story]()
        shown = text_of(mail_of(told).parts).split("\n")
        for label, value in (*told.facts, *told.how_to_decide):
            assert " ".join(label.split()) in shown
            assert all(" ".join(line.split()) in shown for line in value.split("\n"))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"Auto-Submitted:", b"X-Priority:"),
            (b"multipart/alternative", b"multipart/mixed"),
            (b"Content-Type: text/plain", b"Content-Type: text/calendar"),
        ],
    )
    def test_what_is_not_known_is_an_error(self, old: bytes, new: bytes) -> None:
        sender = Mailbox("pratique", "example.com")
        content = letter_to(sender, STORIES["held"](), Writer(sender)).content
        assert read_mail(content)
        with pytest.raises(UnknownPartError):
            read_mail(content.replace(old, new, 1))

    def test_what_is_indented_has_a_label(self) -> None:
        with pytest.raises(UnknownPartError, match="label"):
            read_text("Headline\n\nno label\n  value\n")


HOSTILE = "<script>alert(1)</script><b>&amp;\"'"


@pytest.mark.parametrize("page", [slack_page, teams_page])
def test_no_text_is_html(page: Any) -> None:
    html = page(Post((Part(((Paragraph(((Run(HOSTILE),),)),),)),), "12:00"))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;b&gt;&amp;amp;&quot;&#x27;" in html


class TestTerminal:
    def test_a_box(self) -> None:
        lines = (
            "Environment ends soon: team-a/load-test",
            "Namespace env-team-a-load-test will be deleted at 2026-11-24 14:00 UTC, with everything in it",
            "Namespace  env-team-a-load-test",
            "For        developer@example.com",
            "Kept for   10d",
            "Ends       2026-11-24 14:00 UTC",
            "For developer@example.com · 2026-11-24 12:00 UTC",
        )
        assert box("developer · Slack", read_slack(slack_blocks.payload(STORIES["expiring"]()))).split("\n") == [
            "╭─ developer · Slack " + "─" * 78 + "╮",
            *(f"│ {line:<96} │" for line in lines),
            "╰" + "─" * 98 + "╯",
        ]

    @pytest.mark.parametrize("story", ["expiring", "declined", "held"])
    def test_all_clients_say_the_same(self, story: str) -> None:
        told = STORIES[story]()
        shown = [read_slack(slack_blocks.payload(told)), read_teams(msteams.payload(told)), mail_of(told).parts]
        in_slack, *others = (sorted(box("", parts).split("\n")) for parts in shown)
        assert others == [in_slack, in_slack]

    @pytest.mark.parametrize("client", READ)
    def test_nothing_sticks_out_and_commands_are_whole(self, client: str) -> None:
        read, payload = READ[client]
        for story in STORIES.values():
            told = story()
            shown = box("who", read(payload(told)))
            assert {len(line) for line in shown.split("\n") if line.isascii()} <= {WIDTH}
            flat = "".join(line[2:-2].rstrip() for line in shown.split("\n")).replace(" ", "")
            assert all(line.replace(" ", "") in flat for _, line in told.how_to_decide)

    def test_no_control_reaches_the_terminal(self) -> None:
        for control in ("\x1b[31m", "\x07", "\x9b31m", "\r"):
            with pytest.raises(UnknownPartError, match="control"):
                box("who", (Part(((Paragraph(((Run(f"a{control}b"),),)),),)),))

    def test_rich_reads_no_markup(self) -> None:
        assert "[bold]c[/bold] :tada:" in box("who", (Part(((Paragraph(((Run("[bold]c[/bold] :tada:"),),)),),)),))

    def test_colour_is_asked_for(self) -> None:
        part = Part(((Paragraph(((Run("head"),),), Role.HEADLINE),),))
        assert "\x1b[1m" in box("who", (part,), colour=True)
        assert "\x1b" not in box("who", (part,))
