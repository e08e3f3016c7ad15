"""Mails as they are sent: golden files of every event, read back by the standard library; hostile texts; the limit."""

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.messages import EVERY_EVENT, declined, requested
from tests.doubles.mail_servers import read_mail
from tests.support.generated import examples
from tests.support.golden import assert_golden_text

from pratique.api.v1alpha1.notifications import EventType
from pratique.channels.email.address import Mailbox, header_text, name_text, read_mailbox, read_sender, read_server
from pratique.channels.email.html import html_of
from pratique.channels.email.letter import MAX_BYTES, MAX_SUBJECT, NOTE, Writer, letter_to
from pratique.channels.email.text import WIDTH, text_of
from pratique.core.kernel.text import clean
from pratique.core.telling.messages import Message, name_readers
from pratique.core.telling.wording import moment

WRITER = Writer(Mailbox("pratique", "example.com", "Pratique"))
LEAD = Mailbox("lead-1", "example.com")
EVIL = "evil\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>\n.\nQUIT"
HEADERS = ["from", "to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted"]
HEADERS += ["x-auto-response-suppress", "mime-version", "content-type"]
WORDS = [
    "<script>alert('x')</script><img src=https://evil.example/x onerror=alert(1)>",
    "</pre></div><!-- --> <![endif] &amp; &lt;b&gt; &#x27;",
    "=?utf-8?q?Approved=0D=0ABcc=3A_victim@example.com?= =?utf-8?b?QXBwcm92ZWQ=?=",
    "נועה כהן (מאשרת)",
    "محمد بن عبد الله",
    "🚀👩🏽‍💻🏳️‍🌈",
    "田中さんの申請 " * 20,
    "x" * 900,
    "\u202egnp.exe \u2066hidden\u2069",
    "--=_boundary\n--\n.\n..\nFrom someone",
    "=3D=0D=0A = at the end of a line =",
    "e\u0301 Å ﬁ ﷽",
]


class Page(HTMLParser):
    """What a page shows, and what it is made of. `shown` has a line for each block."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.shown = [""]
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "bdi":
            self.shown.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag != "bdi":
            self.shown.append("")

    def handle_data(self, data: str) -> None:
        self.shown[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def mail_of(message: Message, recipient: Mailbox = LEAD, writer: Writer = WRITER) -> EmailMessage:
    """Return the mail, once its form is what every server takes."""
    letter = letter_to(recipient, message, writer)
    assert len(letter.content) <= MAX_BYTES
    assert re.search(rb"[^\r]\n|\r[^\n]", letter.content) is None
    assert max(map(len, letter.content.split(b"\r\n"))) <= 998
    if not letter.utf8:
        assert letter.content.isascii()
    return read_mail(letter.content)


def parts_of(mail: EmailMessage) -> tuple[str, str]:
    assert mail.get_content_type() == "multipart/alternative"
    text, page = mail.iter_parts()
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert isinstance(text, EmailMessage)
    assert isinstance(page, EmailMessage)
    return text.get_content().replace("\r\n", "\n"), page.get_content().replace("\r\n", "\n")


def squeezed(text: str) -> str:
    """All white space is one space: a text is wrapped where it likes to be."""
    return " ".join(text.split())


def written_to(mail: EmailMessage) -> tuple[str, str]:
    """Return name and address in `To`, by the old parser too: the new one puts a space between encoded words."""
    (to,) = mail["To"].addresses
    raw = dict(mail.raw_items())["To"]
    ((name, address),) = getaddresses([re.sub(r"\r?\n", "", raw)])
    assert address == to.addr_spec
    return str(make_header(decode_header(name))), address


def assert_all_is_shown(message: Message, mail: EmailMessage) -> None:
    """Every word of a message is in both parts, in the reading order; what is copied is whole, and a line of its own."""
    text, page = parts_of(mail)
    shown = Page(page).shown
    wanted = [message.headline, message.text]
    wanted += [line for label, value in message.facts for line in (label, *value.split("\n"))]
    wanted += [part for pair in message.how_to_decide for part in pair]
    wanted += [f"For {name_readers(message.audience)} · {moment(message.at)}"]
    at, flat = 0, squeezed(text)
    for each in map(squeezed, wanted):
        at = flat.index(each, at) + len(each)
    blocks = iter(map(squeezed, shown))
    assert all(squeezed(each) in blocks for each in wanted), wanted
    for _, line in message.how_to_decide:
        assert f"  {line}" in text.split("\n")
        assert line in shown


def hostile(text: str) -> Message:
    """Return a message in which everything that people write is this text, cleaned as `core` does."""
    told, text = requested(), clean(text)
    names = replace(told.audience, users=(text,), groups=(text, text))
    facts = (*((label, text) for label, _ in told.facts), (text, f"{text}\n{text}"))
    return replace(told, headline=text, text=text, facts=facts, audience=names)


@pytest.mark.parametrize("event", EVERY_EVENT)
def test_golden(event: EventType) -> None:
    told = EVERY_EVENT[event]()
    assert_all_is_shown(told, mail_of(told))
    content = letter_to(LEAD, told, WRITER).content.decode()
    assert_golden_text(f"notifications/email-{event.lower()}.eml", content.replace("\r\n", "\n"))


class TestHeaders:
    def test_whom_and_when(self) -> None:
        mail = mail_of(requested(), Mailbox("lead-1", "example.com", "Noa Cohen"))
        assert (mail["From"], mail["To"]) == ("Pratique <pratique@example.com>", "Noa Cohen <lead-1@example.com>")
        assert mail["Subject"] == requested().headline
        assert parsedate_to_datetime(mail["Date"]) == requested().at
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["X-Auto-Response-Suppress"] == "All"
        assert mail["Reply-To"] is None

    def test_the_date_is_in_utc(self) -> None:
        there = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=-7)))
        assert mail_of(replace(requested(), at=there))["Date"] == "Wed, 01 Jul 2026 19:00:00 +0000"

    def test_answers_go_where_the_channel_says(self) -> None:
        mail = mail_of(requested(), writer=replace(WRITER, reply_to=Mailbox("team", "example.com")))
        assert mail["Reply-To"] == "team@example.com"

    def test_a_repeat_is_the_same_mail(self) -> None:
        assert letter_to(LEAD, requested(), WRITER) == letter_to(LEAD, requested(), WRITER)

    def test_each_person_and_message_has_an_id_of_its_own(self) -> None:
        told = requested()
        mails = [mail_of(told), mail_of(told, Mailbox("lead-2", "example.com")), mail_of(replace(told, id="other"))]
        assert len({mail["Message-ID"] for mail in mails}) == 3
        assert all(re.fullmatch(r"<[0-9a-f]{40}@example\.com>", mail["Message-ID"]) for mail in mails)

    def test_all_about_one_request_is_one_thread(self) -> None:
        asked, answered, other = requested(), declined(), replace(requested(), thread="another")
        assert asked.thread == answered.thread != ""
        roots = [mail_of(each)["References"] for each in (asked, answered, other)]
        assert roots[0] == roots[1] != roots[2]
        assert all(mail_of(each)["In-Reply-To"] == mail_of(each)["References"] for each in (asked, answered))
        assert asked.thread not in letter_to(LEAD, asked, WRITER).content.decode()

    def test_what_belongs_to_nothing_has_no_thread(self) -> None:
        mail = mail_of(replace(requested(), thread=""))
        assert mail["References"] is None
        assert mail["In-Reply-To"] is None

    def test_ids_of_a_long_domain_are_not_folded(self) -> None:
        domain = ".".join(["a" * 60] * 4)
        mail = letter_to(LEAD, requested(), Writer(Mailbox("x", domain)))
        for name in ("Message-ID", "In-Reply-To", "References"):
            assert re.search(rf"\r\n{name}: <[0-9a-f]{{40}}@{domain}>\r\n".encode(), mail.content), name

    def test_a_long_headline_is_cut(self) -> None:
        mail = mail_of(replace(requested(), headline="word " * 200))
        assert len(mail["Subject"]) <= MAX_SUBJECT
        assert mail["Subject"].endswith("…")

    @pytest.mark.parametrize("text", [EVIL, *WORDS])
    def test_no_text_becomes_a_header(self, text: str) -> None:
        mail = mail_of(replace(hostile(text), headline=text), Mailbox("lead", "example.com", name_text(text)))
        assert [name.lower() for name in mail] == HEADERS
        assert squeezed(mail["Subject"]) == squeezed(header_text(text, MAX_SUBJECT))
        assert written_to(mail) == (name_text(text), "lead@example.com")

    @examples(150)
    @given(st.text(max_size=300), st.text(max_size=80))
    def test_any_text_is_read_back(self, headline: str, name: str) -> None:
        told = replace(requested(), headline=clean(headline) or "x")
        letter = letter_to(Mailbox("lead", "example.com", name_text(name)), told, WRITER)
        mail = read_mail(letter.content)
        assert [key.lower() for key in mail] == HEADERS
        assert squeezed(mail["Subject"]) == squeezed(header_text(headline, MAX_SUBJECT) or "x")
        assert written_to(mail) == (name_text(name), "lead@example.com")


class TestUtf8:
    def test_an_address_of_other_letters_needs_smtputf8(self) -> None:
        letter = letter_to(Mailbox("jörg", "example.com"), requested(), WRITER)
        assert letter.utf8
        assert "To: jörg@example.com\r\n".encode() in letter.content

    @pytest.mark.parametrize(
        "writer",
        [
            Writer(Mailbox("münster", "example.com")),
            Writer(Mailbox("x", "example.com"), reply_to=Mailbox("köln", "example.com")),
        ],
    )
    def test_so_does_the_senders(self, writer: Writer) -> None:
        assert letter_to(LEAD, requested(), writer).utf8

    def test_a_name_of_other_letters_needs_nothing(self) -> None:
        letter = letter_to(Mailbox("lead", "example.com", "נועה כהן 🚀"), requested(), WRITER)
        assert not letter.utf8
        assert letter.content.isascii()
        assert read_mail(letter.content)["To"] == "נועה כהן 🚀 <lead@example.com>"


class TestText:
    def test_lines_are_wrapped_but_those_to_copy(self) -> None:
        told = replace(hostile("word " * 150), how_to_decide=requested().how_to_decide)
        lines = parts_of(mail_of(told))[0].split("\n")
        assert [line.strip() for line in lines if len(line) > WIDTH] == [line for _, line in told.how_to_decide]

    def test_words_are_not_cut(self) -> None:
        assert "x" * 200 in text_of(replace(requested(), facts=(("Reason", f"see {'x' * 200} there"),)))

    def test_what_belongs_to_a_label_is_indented(self) -> None:
        reason = f"{'x' * WIDTH} Approve: {'y' * WIDTH}"
        text = text_of(replace(requested(), facts=(("Reason", reason),), how_to_decide=()))
        assert "\nApprove:" not in text
        assert "\n    Approve:\n" in text

    def test_each_line_of_a_plan_is_one(self) -> None:
        text = text_of(replace(requested(), facts=(("Plan", f"create {'a ' * 60}b\ncreate c"),)))
        assert re.search(r"Plan:\n  create [a ]+\n    [a ]+b\n  create c\n", text)


class TestPage:
    @pytest.mark.parametrize("text", [EVIL, *WORDS])
    def test_what_people_write_is_text(self, text: str) -> None:
        told = hostile(text)
        mail = mail_of(told)
        assert_all_is_shown(told, mail)
        tags = Page(parts_of(mail)[1]).tags
        assert {tag for tag, _ in tags} == {
            *("html", "head", "meta", "title", "style", "body"),
            *("div", "h1", "p", "dl", "dt", "dd", "pre", "bdi"),
        }
        assert {name for _, attributes in tags for name in attributes} <= {
            *("lang", "charset", "name", "content", "class", "style", "dir")
        }

    @pytest.mark.parametrize("event", EVERY_EVENT)
    def test_nothing_is_fetched(self, event: EventType) -> None:
        page = html_of(EVERY_EVENT[event]())
        assert re.search(r"url\(|@import|//|src=|href=|<link|<script", page) is None

    def test_no_direction_turns_what_is_beside_it(self) -> None:
        told = hostile("نص")
        isolated = re.sub(r'<(\w+) dir="auto"[^>]*>[^<]*</\1>|<bdi>[^<]*</bdi>', "", html_of(told))
        assert html_of(told).count("نص") > 15
        assert isolated.count("نص") == 2  # the title, and the line that mail programs show beside it

    def test_nobody_is_told_anything_else_by_the_preview(self) -> None:
        page = html_of(replace(requested(), text="<b>" * 100))
        assert f">{'&lt;b&gt;' * 46}&lt;…</div>" in page

    def test_a_message_without_facts(self) -> None:
        told = replace(requested(), facts=(), how_to_decide=())
        assert_all_is_shown(told, mail_of(told))
        assert "<dl" not in html_of(told)

    @examples(60)
    @given(st.lists(st.tuples(st.text(max_size=200), st.text(max_size=900)), max_size=12), st.text(max_size=900))
    def test_any_text_is_read_back(self, facts: list[tuple[str, str]], text: str) -> None:
        cleaned = tuple((clean(label) or "x", clean(value) or "x") for label, value in facts)
        told = replace(requested(), text=clean(text) or "x", facts=cleaned)
        assert_all_is_shown(told, mail_of(told))


PLAN = "What will happen if approved"


def planned(lines: int, **changes: Any) -> Message:
    told = requested()
    plan = "\n".join(f"create ConfigMap team-a/{at:0>90}" for at in range(lines))
    return replace(told, facts=tuple((label, plan if label == PLAN else text) for label, text in told.facts), **changes)


class TestLimit:
    def test_nothing_is_cut_without_need(self) -> None:
        told = planned(500)
        mail = mail_of(told)
        assert_all_is_shown(told, mail)
        assert NOTE not in parts_of(mail)[0]

    def test_what_is_cut_is_said(self) -> None:
        for part in parts_of(mail_of(planned(5000))):
            assert re.search(r"… and \d+ more", part)
            assert NOTE in part
            assert "kubectl get actionrun ten-days -n team-a -o yaml" in part

    @pytest.mark.thorough
    @pytest.mark.parametrize("character", ["a", "é", "語", "💥", '"', "=", "<"])
    @pytest.mark.parametrize("lines", [1, 20, 40])
    def test_whatever_a_message_holds(self, character: str, lines: int) -> None:
        told = replace(hostile("x"), headline=character * 2048, text=character * 2048)
        long = (character * 253,) * 64
        facts = tuple((character * 300, "\n".join([character * 500] * lines)) for _ in range(20))
        told = replace(told, facts=facts, audience=replace(told.audience, users=long, groups=long))
        text, _ = parts_of(mail_of(told))
        assert all(f"  {line}\n" in text for _, line in requested().how_to_decide)


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "name", "address"),
        [
            ("pratique@example.com", "", "pratique@example.com"),
            ("Pratique <pratique@example.com>", "Pratique", "pratique@example.com"),
            ("Team, Platform <a+b@mail.example.com>", "Team, Platform", "a+b@mail.example.com"),
            ("<a@localhost>", "", "a@localhost"),
            ("Jörg <jörg@xn--bcher-kva.example>", "Jörg", "jörg@xn--bcher-kva.example"),
        ],
    )
    def test_senders(self, text: str, name: str, address: str) -> None:
        box = read_sender(text)
        assert box is not None
        assert (box.name, box.address) == (name, address)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a@b,c@d",
            "a@b c@d",
            "a@b\n",
            "a@b\r\nRCPT TO:<c@d>",
            "a b@c",
            '"a b"@c',
            "<a@b>",
            "a@b>",
            "a <a@b>",
            "a@-b",
            "a@b..c",
            "a@b.",
            "a@[127.0.0.1]",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a\u202e@b",
            "a\u00a0@b",
            "a\ud800@b",
            "a@bücher.example",
            f"{'a' * 65}@b",
            f"a@{'b' * 64}.example",
            f"a@{'.'.join(['b' * 60] * 5)}",
        ],
    )
    def test_what_is_no_address(self, text: str) -> None:
        assert read_mailbox(text) is None

    def test_a_name_that_is_the_address_is_not_said_twice(self) -> None:
        assert read_mailbox("a@example.com", "a@example.com") == Mailbox("a", "example.com")

    @pytest.mark.parametrize(
        ("text", "server"),
        [
            ("smtp.example.com:587", ("smtp.example.com", 587)),
            ("127.0.0.1:25", ("127.0.0.1", 25)),
            ("[::1]:2525", ("::1", 2525)),
            ("smtp.example.com", None),
            ("smtp.example.com:0", None),
            ("smtp.example.com:65536", None),
            ("::1:25", None),
            ("a b:25", None),
            ("smtp.example.com:25\r\n", None),
            ("https://smtp.example.com:25", None),
            ("", None),
        ],
    )
    def test_servers(self, text: str, server: tuple[str, int] | None) -> None:
        assert read_server(text) == server
