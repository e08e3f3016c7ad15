"""What must hold for a message in a browser: all of it is there as text, nothing sticks out, nothing leaves the page."""

from typing import Any

from playwright.sync_api import Page

from pratique.core.telling.messages import Message

_LOOK = """() => {
  // what is a preview is shown in a list of mails, and nowhere else
  const all = [...document.querySelectorAll('body, body *')].filter(e => !e.matches('.preview'));
  const framed = e => e.matches('iframe[sandbox="allow-same-origin"][srcdoc]');  // looked at as a frame of its own
  const name = e => `<${e.tagName.toLowerCase()} class="${e.className}"> ${e.textContent.slice(0, 80)}`;
  const block = e => getComputedStyle(e).display !== 'inline';
  const box = e => e.getBoundingClientRect();
  const attributes = [...document.querySelectorAll('*')].flatMap(e => framed(e) ? [] : [...e.attributes]);
  const rgb = text => text.match(/[0-9.]+/g).map(Number);
  const light = c => { const s = c / 255; return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  function behind(e) {
    for (; e; e = e.parentElement) {
      const [r, g, b, a = 1] = rgb(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
  }
  function contrast(e) {
    const [dim, bright] = [luminance(rgb(getComputedStyle(e).color)), luminance(behind(e))].sort((a, b) => a - b);
    return (bright + 0.05) / (dim + 0.05);
  }
  const worded = e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  return {
    wide: all.filter(e => block(e) && e.scrollWidth > e.clientWidth && e.clientWidth).map(name),
    outside: all.filter(e => box(e).right > innerWidth || box(e).left < 0).map(name),
    empty: all.filter(e => !e.children.length && !e.textContent.trim() && !framed(e)).map(name),
    unseen: all.filter(e => !e.getClientRects().length || !box(e).height).map(name),
    faint: all.filter(e => worded(e) && contrast(e) < 4.5).map(e => `${contrast(e).toFixed(1)} ${name(e)}`),
    active: [...document.querySelectorAll('script, iframe, object, embed, form, input, button, a, link')]
      .filter(e => !framed(e)).map(name),
    fetched: attributes.filter(a => /^(on|src|href|action|background|poster|ping)/.test(a.name)).map(a => a.name),
    sheets: [...document.styleSheets].flatMap(s => [...s.cssRules]).map(r => r.cssText)
      .filter(t => /url\\(|@import/.test(t)),
  };
}"""


def problems(page: Page) -> dict[str, Any]:
    """Return what does not hold, in the page or in a frame of it; empty if all does."""
    return {what: found for frame in page.frames for what, found in frame.evaluate(_LOOK).items() if found}


def missing(page: Page, expected: list[str]) -> list[str]:
    """Return which texts cannot be read on the page or in a frame of it."""
    shown = _flat("\n".join(frame.locator("body").inner_text() for frame in page.frames))
    return [text for text in expected if _flat(text) not in shown]


def texts(message: Message) -> list[str]:
    """Return all that a message says, line by line."""
    facts = [text for label, value in message.facts for text in (label, *value.split("\n"))]
    how = [text for pair in message.how_to_decide for text in pair]
    return [message.headline, message.text, *facts, *how]


def _flat(text: str) -> str:
    return " ".join(text.split())
