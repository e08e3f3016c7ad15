"""Draws parts as a box of plain text, for a terminal or a log: what stands in a message, not how its client looks.

What is bold at the beginning of a line, or as a whole line, is the label of what follows it.
"""

import io
import unicodedata
from dataclasses import replace

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tools.render.parts import Paragraph, Part, Role, Run, Style, UnknownPartError

WIDTH = 100
_STYLES = {
    Style.BOLD: "bold",
    Style.MENTION: "cyan",
    Style.SUBTLE: "dim",
}
_ROLES = {Role.HEADLINE: "bold", Role.COMMAND: "cyan", Role.FOOTER: "dim", Role.ITEM: "", Role.TEXT: ""}


def box(title: str, parts: tuple[Part, ...], *, colour: bool = False) -> str:
    """Return a box with a title and, in it, the parts."""
    drawn = Panel(Group(*_blocks(parts)), title=Text(title), title_align="left", box=ROUNDED, width=WIDTH)
    out = io.StringIO()
    console = Console(
        file=out, width=WIDTH, color_system="standard" if colour else None, force_terminal=colour, highlight=False
    )
    console.print(drawn)
    return out.getvalue().rstrip("\n")


def _blocks(parts: tuple[Part, ...]) -> list[RenderableType]:
    """What has a label goes into one table, so that all labels stand below each other."""
    table = Table.grid(padding=(0, 2))
    table.add_column(max_width=30, overflow="fold")
    table.add_column(overflow="fold", ratio=1)
    before: list[RenderableType] = []
    after: list[RenderableType] = []
    for cell in _cells(parts):
        label, *rest = _paragraphs(cell)
        if rest and _is_label(label) and not any(each.role is Role.COMMAND for each in rest):
            table.add_row(_text(label), Text("\n").join(_text(each) for each in rest))
        else:
            (after if table.row_count else before).extend(_text(paragraph) for paragraph in cell)
    return [*before, *([table] if table.row_count else []), *after]


def _cells(parts: tuple[Part, ...]) -> list[tuple[Paragraph, ...]]:
    """Return all cells; what follows a label without a space belongs to it."""
    cells: list[tuple[Paragraph, ...]] = []
    for part in parts:
        for cell in part.cells:
            if part.space == "none" and cells and _is_label(cells[-1][0]):
                cells[-1] = (*cells[-1], *cell)
            else:
                cells.append(cell)
    return cells


def _paragraphs(cell: tuple[Paragraph, ...]) -> tuple[Paragraph, ...]:
    """Return the paragraphs of a cell; a label at the beginning of a line is one of its own."""
    (label, *rest), *more = cell[0].lines
    if more or not rest or Style.BOLD not in label.styles or not label.text.endswith(": "):
        return cell
    named = replace(label, text=label.text.removesuffix(": "))
    return Paragraph(((named,),)), Paragraph((tuple(rest),)), *cell[1:]


def _is_label(paragraph: Paragraph) -> bool:
    (line, *more) = paragraph.lines
    return paragraph.role is Role.TEXT and not more and all(Style.BOLD in run.styles for run in line)


def _text(paragraph: Paragraph) -> Text:
    return Text("\n").join(_line(line, paragraph.role) for line in paragraph.lines)


def _line(line: tuple[Run, ...], role: Role) -> Text:
    shown = Text(style=_ROLES[role])
    for run in line:
        if any(unicodedata.category(character) == "Cc" for character in run.text):
            raise UnknownPartError(f"a control character would act on the terminal: {run.text!r}")
        shown.append(run.text, " ".join(_STYLES[style] for style in sorted(run.styles)))
    return shown
