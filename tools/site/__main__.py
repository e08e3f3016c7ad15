"""`python -m tools.site`: builds the site of docs/ into .run/site; a link that leads nowhere is an error, and so is what a
page would load from another host."""

import os
import re
import sys
from pathlib import Path

os.environ["NO_MKDOCS_2_WARNING"] = "1"  # read when the theme is loaded

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

ROOT = Path(__file__).parents[2]
_TAG = re.compile(r"<(?:script|link|img|iframe|source|video|audio|object|embed)\b[^>]*>")
_FROM = re.compile(r'\b(?:src|href|data|srcset)="?((?:https?:)?//[^"\s>]+)')
_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^)\"'\s]+)")


def foreign(folder: Path) -> list[str]:
    """Return what the pages and styles of a site would load from elsewhere, each with the file that would."""
    found = []
    for file in sorted(folder.rglob("*.html")):
        tags = _TAG.findall(file.read_text())
        found += [f"{file.relative_to(folder)}: {each}" for tag in tags for each in _FROM.findall(tag)]
    for file in sorted(folder.rglob("*.css")):
        found += [f"{file.relative_to(folder)}: {each}" for each in _STYLE.findall(file.read_text())]
    return found


def make(folder: Path, docs: Path | None = None) -> None:
    """Build the site into a folder; of other pages, if they are named."""
    chosen = {} if docs is None else {"docs_dir": str(docs)}
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True, **chosen)
    config.plugins.on_startup(command="build", dirty=False)
    try:
        build(config)
    finally:
        config.plugins.on_shutdown()


def main() -> int:
    """Build it, and say where it is."""
    folder = ROOT / ".run" / "site"
    try:
        make(folder)
    except Abort as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if found := foreign(folder):
        sys.stderr.write("".join(f"loaded from another host: {each}\n" for each in found))
        return 1
    sys.stdout.write(f"The site is in {folder}: open {folder / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
