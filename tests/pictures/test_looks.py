"""Every story in every client, on a phone and on a desk: all of it is there to be read, and nothing else happens."""

import pytest
from tests.pictures.clients import CLIENTS, in_thread
from tests.pictures.conftest import Opener
from tests.pictures.looks import missing, problems, texts
from tests.pictures.stories import STORIES, held_as_it_reads

WIDTHS = [360, 800]
HEADER = str.maketrans("<>", "‹›")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize(("client", "dark"), [*((client, False) for client in CLIENTS), ("mail", True)])
def test_a_message_is_whole_and_still(show: Opener, client: str, dark: bool, story: str, width: int) -> None:
    headline, *rest = texts(STORIES[story]())
    page = show(CLIENTS[client](STORIES[story]), width, dark=dark)
    assert problems(page) == {}
    assert missing(page, [headline.translate(HEADER) if client == "slack" else headline, *rest]) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_thread(show: Opener, width: int) -> None:
    page = show(in_thread(), width)
    assert problems(page) == {}
    ends = [STORIES[story]().headline for story in ("approved", "succeeded")]
    assert missing(page, [*texts(held_as_it_reads()), *ends, "2 replies", "@platform-leads", "@developer"]) == []
    assert missing(page, ["kubectl"]) == ["kubectl"]


FAULTS = {
    "wide": '<p style="white-space: nowrap">' + "wide " * 200,
    "outside": '<p style="position: absolute; left: 380px">outside',
    "empty": "<p>text</p><p style='height: 1px'></p>",
    "unseen": "<p>text</p><p hidden>unseen",
    "faint": '<p style="background: #fff; color: #888">faint',
    "active": '<a href="https://example.com">link</a>',
    "fetched": "<p onclick='1'>text",
    "sheets": "<style>p { background: url(data:,) }</style><p>text",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_look_sees(show: Opener, fault: str) -> None:
    """So that its silence says something."""
    assert fault in problems(show(FAULTS[fault], 360))


def test_what_is_not_there_is_missed(show: Opener) -> None:
    page = show("<p>some <b>text</b></p><p hidden>hidden</p>", 360)
    assert missing(page, ["some text", "hidden", "Some text"]) == ["hidden", "Some text"]
