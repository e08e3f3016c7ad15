"""Reads what the Teams channel posts, as Teams reads an Adaptive Card. An element or a key that we do not send is an error.

Text is taken as it stands: our channel puts none where Teams reads Markdown, and this reader holds it to that.
"""

import re
from typing import Any

from tools.render.parts import Layout, Paragraph, Part, Role, Run, Style, UnknownPartError, known

_CARD = {"$schema", "type", "version", "msteams", "body"}
_LOOKS: dict[str, tuple[object, ...]] = {
    "weight": ("Bolder",),
    "size": ("Large", "Small"),
    "fontType": ("Monospace",),
    "isSubtle": (True,),
}
_SPACES = {"None", "Default", "Medium"}
_MARKDOWN = re.compile(r"[][<>*`~\\|#{}&\n]|(?<!\w)_|_(?!\w)|://")
"""What Teams may read as Markdown in a fact, and then show as something else."""


def read_teams(payload: dict[str, Any]) -> tuple[Part, ...]:
    """Return the parts of the card in its envelope."""
    known(payload, {"type", "attachments"}, "message")
    (attachment,) = payload["attachments"]
    known(attachment, {"contentType", "contentUrl", "content"}, "attachment")
    card = attachment["content"]
    known(card, _CARD, "card")
    if payload["type"] != "message" or card["type"] != "AdaptiveCard" or card["msteams"] != {"width": "Full"}:
        raise UnknownPartError("only an Adaptive Card of full width is known")
    return tuple(_element(each) for each in card["body"])


def _element(element: dict[str, Any]) -> Part:
    match element.get("type"):
        case "RichTextBlock":
            return _rich(element)
        case "FactSet":
            known(element, {"type", "facts"}, "FactSet")
            return Part(tuple(_fact(each) for each in element["facts"]), Layout.TABLE)
        case kind:
            raise UnknownPartError(f"what an element of type {kind} would look like is not known")


def _rich(element: dict[str, Any]) -> Part:
    known(element, {"type", "spacing", "inlines"}, "RichTextBlock")
    if element["spacing"] not in _SPACES:
        raise UnknownPartError(f"RichTextBlock: spacing {element['spacing']} is not known")
    (run,) = element["inlines"]  # so that it is the whole line that has one look
    known(run, {"type", "text", *_LOOKS}, "TextRun")
    looks = {key: run[key] for key in _LOOKS if key in run}
    for key, value in looks.items():
        if value not in _LOOKS[key]:
            raise UnknownPartError(f"TextRun: {key} {value} is not known")
    if run["type"] != "TextRun" or "\n" in run["text"]:
        raise UnknownPartError("TextRun: only a single line is known")
    role = Role.COMMAND if "fontType" in looks else _SIZES.get(looks.get("size", ""), Role.TEXT)
    styles = {Style.BOLD} if "weight" in looks else set[Style]()
    styles |= {Style.SUBTLE} if "isSubtle" in looks else set()
    line = (Run(run["text"], frozenset(styles)),)
    return Part(((Paragraph((line,), role),),), space=element["spacing"].lower())


def _fact(fact: dict[str, Any]) -> tuple[Paragraph, ...]:
    known(fact, {"title", "value"}, "fact")
    for text in fact.values():
        if _MARKDOWN.search(text):
            raise UnknownPartError(f"fact: Teams may read Markdown in {text!r}")
    label, value = Run(fact["title"], frozenset({Style.BOLD})), Run(fact["value"])
    return Paragraph(((label,),)), Paragraph(((value,),))


_SIZES = {"Large": Role.HEADLINE, "Small": Role.FOOTER}
