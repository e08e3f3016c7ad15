"""A mail in a browser: readable in light and dark, on a narrow phone, without its style sheet; commands copied whole."""

import re

import pytest
from tests.pictures.clients import in_mail
from tests.pictures.conftest import Opener
from tests.pictures.looks import missing, problems, texts
from tests.pictures.stories import STORIES

READABLE = 4.5
"""WCAG 2: contrast of text against what it stands on."""
_CONTRASTS = """() => {
  const parts = colour => colour.match(/[0-9.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = parts(colour).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const spoken = [...document.querySelectorAll('body *')]
    .filter(e => [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.textContent.trim()));
  return spoken.map(e => {
    const [over, under] = [light(getComputedStyle(e).color), light(ground(e))];
    return [e.textContent.slice(0, 60), (Math.max(over, under) + 0.05) / (Math.min(over, under) + 0.05)];
  });
}"""
_SELECTED = """e => {
  const range = document.createRange(), chosen = getSelection();
  range.selectNodeContents(e); chosen.removeAllRanges(); chosen.addRange(range);
  return chosen.toString();
}"""
BACKGROUND = "e => getComputedStyle(e).backgroundColor"


def without_sheet(page: str) -> str:
    """Some programs leave out what stands in the head."""
    return re.sub(r"<head>.*</head>", "<head></head>", page, flags=re.DOTALL)


@pytest.mark.parametrize("story", ["held", "declined", "hostile"])
@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read(show: Opener, story: str, dark: bool) -> None:
    frame = show(in_mail(STORIES[story]), 360, dark=dark).main_frame
    contrasts = frame.evaluate(_CONTRASTS)
    assert len(contrasts) > 15
    assert [each for each in contrasts if each[1] < READABLE] == []
    first, *_ = re.findall(r"\d+", frame.locator(".card").evaluate(BACKGROUND))
    assert (int(first) < 64) is dark


def test_what_is_too_faint_is_seen(show: Opener) -> None:
    frame = show("<p style='color: #999'>faint</p><p>strong</p>", 360).main_frame
    assert [text for text, contrast in frame.evaluate(_CONTRASTS) if contrast < READABLE] == ["faint"]


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("width", [320, 1200])
def test_without_its_style_sheet(show: Opener, story: str, width: int) -> None:
    page = show(without_sheet(in_mail(STORIES[story])), width)
    assert problems(page.main_frame) == {}
    assert missing(page.main_frame, texts(STORIES[story]())) == []
    box = page.locator(".card").bounding_box()
    assert box is not None
    assert box["width"] <= 602


def test_commands_are_copied_whole(show: Opener) -> None:
    page = show(in_mail(STORIES["held"]), 320)
    copied = [each.evaluate(_SELECTED) for each in page.locator("pre").element_handles()]
    assert copied == [line for _, line in STORIES["held"]().how_to_decide]
    assert len(copied) == 2
