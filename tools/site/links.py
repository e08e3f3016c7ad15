"""Where things stand on the site: pages of docs/ as they are, all else that a page links to below `repository/`. Pure."""

import posixpath
import re
from collections.abc import Callable, Iterator

DOCS = "docs"
ELSEWHERE = "repository"
_PARTS = re.compile(
    r"```.*?```|~~~.*?~~~|(?P<before>\[[^\]\[]*\]\()(?P<link>[^)\s]+)(?P<after>\))|`[^`\n]*`", re.DOTALL
)
"""Blocks of code, links, and code in a line, whichever begins first: what is in code is no link."""

_FOREIGN = ("http://", "https://", "mailto:")


def slug(text: str, separator: str) -> str:
    """Return the anchor of a heading as GitHub makes it, so that links hold in both places."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", separator)


def target_of(link: str, origin: str) -> str:
    """Return the path in the repository that a link of the file `origin` leads to; empty: nowhere in it."""
    path = link.partition("#")[0]
    if link.startswith(_FOREIGN) or not path:
        return ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))


def place_of(path: str, is_folder: bool) -> str:
    """Return where the site has the page of a path of the repository."""
    if path.startswith(f"{DOCS}/"):
        inside = path.removeprefix(f"{DOCS}/")
        return f"{inside}/index.md" if is_folder else inside
    if is_folder:
        return f"{ELSEWHERE}/{path}/index.md"
    return f"{ELSEWHERE}/{path}" if path.endswith(".md") else f"{ELSEWHERE}/{path}.md"


def linked(text: str, origin: str) -> Iterator[str]:
    """Yield the paths in the repository that a text of this file links to."""
    for found in _PARTS.finditer(text):
        if path := target_of(found["link"] or "", origin):
            yield path


def led(text: str, origin: str, is_folder: Callable[[str], bool]) -> str:
    """Return the text with links that lead where the site has their pages."""
    here = posixpath.dirname(place_of(origin, False))

    def moved(found: "re.Match[str]") -> str:
        path = target_of(found["link"] or "", origin)
        if not path:
            return found[0]
        place = posixpath.relpath(place_of(path, is_folder(path)), here or ".")
        _, mark, anchor = found["link"].partition("#")
        return f"{found['before']}{place}{mark}{anchor}{found['after']}"

    return _PARTS.sub(moved, text)
