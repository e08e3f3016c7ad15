"""A message as the HTML of a mail: one column, light or dark as the reader's program is, nothing fetched and nothing run.

Styles stand at the elements, since some programs drop the sheet in the head; only what dark mode changes is there. What
people write is escaped, and isolated: the direction of a name does not turn the sentence around it.
"""

from html import escape

from pratique.core.telling.messages import Message, name_readers
from pratique.core.telling.wording import moment

_FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace"
_BREAK = "overflow-wrap:anywhere;word-break:break-word"
_PREVIEW = 140
_DARK = """
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #16181d !important; color: #e6e8ec !important; }
  .card { background: #1f2229 !important; border-color: #343944 !important; }
  .label, .footer { color: #a3abb8 !important; }
  .code { background: #14161a !important; border-color: #343944 !important; color: #e6e8ec !important; }
}
"""
_HEAD = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n<meta name="supported-color-schemes" content="light dark">\n'
    '<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">\n'
)
_PAGE = (
    f"margin:0;padding:12px;background:#f3f4f6;color:#1c1f26;font:16px/1.5 {_FONT};"
    f"-webkit-text-size-adjust:100%;{_BREAK}"
)
_CARD = (
    "max-width:560px;margin:0 auto;padding:20px;background:#ffffff;border:1px solid #d9dde3;border-radius:8px;"
    "text-align:start"
)
_HEADLINE = "margin:0 0 12px;font-size:20px;line-height:1.3;font-weight:600"
_LABEL = "margin:16px 0 2px;font-size:13px;line-height:1.4;font-weight:600;color:#5a6270"
_CODE = (
    f"margin:4px 0 0;padding:12px;background:#f3f4f6;border:1px solid #d9dde3;border-radius:6px;color:#1c1f26;"
    f"font:13px/1.5 {_MONO};white-space:pre-wrap;{_BREAK}"
)
_HANGING = "padding-inline-start:16px;text-indent:-16px"
_FOOTER = "max-width:600px;margin:12px auto 0;padding:0 8px;font-size:13px;color:#5a6270"
_HIDDEN = "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all"


def html_of(message: Message, more: tuple[tuple[str, str], ...] = ()) -> str:
    """Return the page: headline, what happened, facts, how to decide, and `more` lines to copy."""
    preview = message.text if len(message.text) <= _PREVIEW else message.text[: _PREVIEW - 1] + "…"
    body = [
        f'<div class="preview" style="{_HIDDEN}">{escape(preview)}</div>',
        f'<div class="card" style="{_CARD}">',
        f'<h1 dir="auto" style="{_HEADLINE}">{escape(message.headline)}</h1>',
        f'<p dir="auto" style="margin:0">{escape(message.text)}</p>',
        *_facts(message.facts),
        *(_command(label, line) for label, line in (*message.how_to_decide, *more)),
        "</div>",
        f'<p class="footer" style="{_FOOTER}">For <bdi>{escape(name_readers(message.audience))}</bdi> · '
        f"{moment(message.at)}</p>",
    ]
    title = f"<title>{escape(message.headline)}</title>\n<style>{_DARK}</style>\n</head>\n"
    page = f'<body class="page" style="{_PAGE}">\n' + "\n".join(body) + "\n</body>\n</html>\n"
    return _HEAD + title + page


def _facts(facts: tuple[tuple[str, str], ...]) -> list[str]:
    if not facts:
        return []
    rows = [
        f'<dt class="label" style="{_LABEL}"><bdi>{escape(label)}</bdi></dt>\n<dd style="margin:0">{_lines(value)}</dd>'
        for label, value in facts
    ]
    return ['<dl style="margin:0">', *rows, "</dl>"]


def _lines(value: str) -> str:
    """One block for each line; of several, what is wrapped is indented, so that one can tell them apart."""
    lines = value.split("\n")
    style = f' style="{_HANGING}"' if len(lines) > 1 else ""
    return "".join(f'<div dir="auto"{style}>{escape(line)}</div>' for line in lines)


def _command(label: str, line: str) -> str:
    return (
        f'<p class="label" style="{_LABEL}">{escape(label)}</p>\n'
        f'<pre class="code" dir="ltr" style="{_CODE}">{escape(line)}</pre>'
    )
