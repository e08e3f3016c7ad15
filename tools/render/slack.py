"""Reads what the Slack channel posts, as Slack's clients read Block Kit. What we do not send, block or key, is an error."""

from typing import Any

from tools.render.mrkdwn import Names, read_markup
from tools.render.parts import Paragraph, Part, Role, Run, Style, UnknownPartError, known

Json = dict[str, Any]
_KEYS = {"text", "blocks", "unfurl_links", "unfurl_media"}
_BESIDE = {Role.ITEM, Role.COMMAND}
"""What stands below its label."""


def read_slack(payload: Json, names: Names | None = None) -> tuple[Part, ...]:
    """Return the parts of a message. Its `text` is for notifications; where there are blocks, clients show those."""
    known(payload, _KEYS, "message")
    if payload["unfurl_links"] is not False or payload["unfurl_media"] is not False:
        raise UnknownPartError("message: what Slack would unfurl is not known")
    return read_blocks(payload["blocks"], names)


def read_blocks(blocks: list[Json], names: Names | None = None) -> tuple[Part, ...]:
    """Return the parts of the blocks of a message."""
    return tuple(_block(block, names or {}) for block in blocks)


def _block(block: Json, names: Names) -> Part:
    match block.get("type"):
        case "header":
            known(block, {"type", "text"}, "header")
            text = known(block["text"], {"type", "text", "emoji"}, "header")
            if text["type"] != "plain_text" or text["emoji"] is not False:
                raise UnknownPartError("header: only plain text without shortcodes is known")
            return Part(((Paragraph(((Run(str(text["text"])),),), Role.HEADLINE),),))
        case "rich_text":
            known(block, {"type", "elements"}, "rich_text")
            return Part(_cells([_element(each) for each in block["elements"]]))
        case "context":
            known(block, {"type", "elements"}, "context")
            lines = tuple(_footer(each, names) for each in block["elements"])
            return Part(((Paragraph(lines, Role.FOOTER),),), space="small")
        case kind:
            raise UnknownPartError(f"what a block of type {kind} would look like is not known")


def _cells(paragraphs: list[Paragraph]) -> tuple[tuple[Paragraph, ...], ...]:
    """Each section begins a cell; a list or a command belongs to the section above it."""
    cells: list[tuple[Paragraph, ...]] = []
    for paragraph in paragraphs:
        if paragraph.role in _BESIDE and cells:
            cells[-1] = (*cells[-1], paragraph)
        else:
            cells.append((paragraph,))
    return tuple(cells)


def _element(element: Json) -> Paragraph:
    match element.get("type"):
        case "rich_text_section":
            return Paragraph((_line(element),))
        case "rich_text_preformatted":
            return Paragraph((_line(element),), Role.COMMAND)
        case "rich_text_list":
            known(element, {"type", "style", "elements"}, "rich_text_list")
            if element["style"] != "bullet" or {each["type"] for each in element["elements"]} != {"rich_text_section"}:
                raise UnknownPartError("rich_text_list: only bullets before sections are known")
            return Paragraph(tuple(_line(each) for each in element["elements"]), Role.ITEM)
        case kind:
            raise UnknownPartError(f"what an element of type {kind} would look like is not known")


def _line(element: Json) -> tuple[Run, ...]:
    known(element, {"type", "elements"}, "rich text")
    return tuple(_run(each) for each in element["elements"])


def _run(text: Json) -> Run:
    known(text, {"type", "text", "style"}, "text")
    if text["type"] != "text" or "\n" in text["text"] or text.get("style", {"bold": True}) != {"bold": True}:
        raise UnknownPartError(f"text: only a line, bold or not, is known: {text!r}")
    return Run(text["text"], frozenset({Style.BOLD} if "style" in text else ()))


def _footer(text: Json, names: Names) -> tuple[Run, ...]:
    known(text, {"type", "text", "verbatim"}, "context")
    if text["type"] != "mrkdwn" or text["verbatim"] is not True:
        raise UnknownPartError("context: only verbatim mrkdwn is known, else Slack makes links of what looks like one")
    return read_markup(text["text"], names)
