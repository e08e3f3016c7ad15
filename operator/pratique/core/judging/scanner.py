"""Finds where an expression ends inside a text. Pure; called by `rendering` only. It decides nothing about the expression.

A `}` inside a string or a comment of CEL closes nothing, so strings are read as CEL reads them: in single or double
quotes, in three of them, raw or with backslashes.
"""

import re

_TOKEN = re.compile(
    r"""
    //[^\n]*                                             # a comment
    | (?<!\w)[bB]?[rR][bB]?(?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|"[^"\n]*")  # a raw string: a backslash is a backslash
    | '''(?:\\.|[^\\])*?''' | \"\"\"(?:\\.|[^\\])*?\"\"\"        # a long string
    | '(?:\\.|[^'\\\n])*' | "(?:\\.|[^"\\\n])*"          # a string
    | [{}]
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


def closing_brace(text: str, start: int) -> int | None:
    """Return where the brace is that closes the one opened just before `start`; None if none does."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            if depth == 0:
                return token.start()
            depth -= 1
    return None
