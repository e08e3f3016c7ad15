"""What must hold for a message in a browser: all of it is there as text, nothing sticks out, nothing leaves the page."""

from typing import Any

from playwright.sync_api import Frame

from pratique.core.messages import Message

_LOOK = """() => {
  const all = [...document.querySelectorAll('body, body *')];
  const hidden = e => !e.getClientRects().length;
  const name = e => `<${e.tagName.toLowerCase()} class="${e.className}"> ${e.textContent.slice(0, 80)}`;
  const block = e => getComputedStyle(e).display !== 'inline';
  const attributes = [...document.querySelectorAll('*')].flatMap(e => [...e.attributes]);
  return {
    wide: all.filter(e => block(e) && e.scrollWidth > e.clientWidth && e.clientWidth).map(name),
    outside: all.filter(e => e.getBoundingClientRect().right > innerWidth || e.getBoundingClientRect().left < 0).map(name),
    empty: all.filter(e => !e.children.length && !e.textContent.trim()).map(name),
    unseen: all.filter(e => hidden(e) || !e.getBoundingClientRect().height).map(name),
    active: [...document.querySelectorAll('script, iframe, object, embed, form, input, button, a, link')].map(name),
    fetched: attributes.filter(a => /^(on|src|href|action|background|poster|ping)/.test(a.name)).map(a => a.name),
    sheets: [...document.styleSheets].flatMap(s => [...s.cssRules]).map(r => r.cssText)
      .filter(t => /url\\(|@import/.test(t)),
  };
}"""


def problems(frame: Frame) -> dict[str, Any]:
    """Return what does not hold; empty if all does."""
    return {what: found for what, found in frame.evaluate(_LOOK).items() if found}


def missing(frame: Frame, expected: list[str]) -> list[str]:
    """Return which texts cannot be read on the page."""
    shown = _flat(frame.locator("body").inner_text())
    return [text for text in expected if _flat(text) not in shown]


def texts(message: Message) -> list[str]:
    """Return all that a message says, line by line."""
    facts = [text for label, value in message.facts for text in (label, *value.split("\n"))]
    how = [text for pair in message.how_to_decide for text in pair]
    return [message.headline, message.text, *facts, *how]


def _flat(text: str) -> str:
    return " ".join(text.split())
