"""The page of a mail alone: dark where the reader's program is, whole without its style sheet; commands copied whole."""

import re

import pytest
from tests.pictures.clients import mail_of
from tests.pictures.conftest import Opener
from tests.pictures.looks import missing, problems, texts
from tests.pictures.stories import STORIES

_SELECTED = """e => {
  const range = document.createRange(), chosen = getSelection();
  range.selectNodeContents(e); chosen.removeAllRanges(); chosen.addRange(range);
  return chosen.toString();
}"""
BACKGROUND = "e => getComputedStyle(e).backgroundColor"


def without_sheet(page: str) -> str:
    """Some programs leave out what stands in the head."""
    return re.sub(r"<head>.*</head>", "<head></head>", page, flags=re.DOTALL)


@pytest.mark.parametrize("dark", [False, True])
def test_it_is_as_dark_as_the_program(show: Opener, dark: bool) -> None:
    page = show(mail_of(STORIES["held"]()).html, 360, dark=dark)
    first, *_ = re.findall(r"\d+", page.locator(".card").evaluate(BACKGROUND))
    assert (int(first) < 64) is dark


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("width", [320, 1200])
def test_without_its_style_sheet(show: Opener, story: str, width: int) -> None:
    page = show(without_sheet(mail_of(STORIES[story]()).html), width)
    assert problems(page) == {}
    assert missing(page, texts(STORIES[story]())) == []
    box = page.locator(".card").bounding_box()
    assert box is not None
    assert box["width"] <= 602


def test_commands_are_copied_whole(show: Opener) -> None:
    page = show(mail_of(STORIES["held"]()).html, 320)
    copied = [each.evaluate(_SELECTED) for each in page.locator("pre").element_handles()]
    assert copied == [line for _, line in STORIES["held"]().how_to_decide]
    assert len(copied) == 2
