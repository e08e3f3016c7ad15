"""Draws parts as HTML that has no script, no address and nothing to fetch; what it looks like, a style sheet says."""

from html import escape
from pathlib import Path

from tools.render.parts import Paragraph, Part, Role, Run

_STYLES = Path(__file__).parent / "styles"


def page(title: str, style: str, body: str) -> str:
    """Return a whole page with one of the style sheets beside this module."""
    sheet = "".join((_STYLES / f"{name}.css").read_text() for name in ("base", style))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{sheet}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def drawn(parts: tuple[Part, ...]) -> str:
    """Return the parts, one below the other."""
    return "".join(f'<div class="part {part.layout} space-{part.space}">\n{_cells(part)}</div>\n' for part in parts)


def _cells(part: Part) -> str:
    return "".join(f'<div class="cell">{"".join(map(_paragraph, cell))}</div>\n' for cell in part.cells)


def _paragraph(paragraph: Paragraph) -> str:
    """A line says by its own letters in which direction it runs; commands always run from left to right."""
    direction = "ltr" if paragraph.role is Role.COMMAND else "auto"
    lines = "".join(f'<div class="line" dir="{direction}">{"".join(map(_run, line))}</div>' for line in paragraph.lines)
    return f'<div class="{paragraph.role}">{lines}</div>'


def _run(run: Run) -> str:
    if not run.styles:
        return escape(run.text)
    return f'<span class="{" ".join(sorted(run.styles))}">{escape(run.text)}</span>'
