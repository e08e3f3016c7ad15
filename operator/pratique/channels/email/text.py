"""A message as the plain text of a mail: for readers without HTML, and for who reads mail in a terminal or by a machine.

Lines are wrapped, so that a program which does not wrap shows them whole; the kubectl lines are not, they are copied.
What belongs to a label is indented: no reason can look like a label of its own.
"""

import textwrap

from pratique.core.telling.messages import Message, name_readers
from pratique.core.telling.wording import moment

WIDTH = 72
_STEP = "  "


def text_of(message: Message, more: tuple[tuple[str, str], ...] = ()) -> str:
    """Return the text: headline, what happened, facts, how to decide, and `more` lines to copy."""
    parts = [
        _wrapped(message.headline),
        _wrapped(message.text),
        *(_fact(label, value) for label, value in message.facts),
        *(f"{_wrapped(f'{label}:')}\n{_STEP}{line}" for label, line in (*message.how_to_decide, *more)),
        _wrapped(f"For {name_readers(message.audience)} · {moment(message.at)}"),
    ]
    return "\n\n".join(parts) + "\n"


def _fact(label: str, value: str) -> str:
    lines = value.split("\n")
    return "\n".join([_wrapped(f"{label}:"), *(_wrapped(line, _STEP) for line in lines)])


def _wrapped(line: str, indent: str = "") -> str:
    """Break between words only: a name that is cut in two would be read as two, and cannot be searched for."""
    return textwrap.fill(
        line,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + _STEP if indent else "",
        break_long_words=False,
        break_on_hyphens=False,
    )
