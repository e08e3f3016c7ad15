"""The order of the site's pages. What stands first is named here; a new page of a folder follows by itself. Pure."""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from typing import Any

_FIRST: dict[str, dict[str, Sequence[str]]] = {
    "Guides": {
        "Installing": (
            "install", "installing-by-gitops", "upgrading", "uninstalling", "older-clusters", "backup", "doctor",
        ),
        "Running it": ("operating", "hardening", "sizing", "metrics", "alerts", "limits"),
        "Actions and rules": (
            "writing-actions", "approval-rules", "acting-on-objects", "expiry", "calling-out", "testing-rules",
            "gate-in-a-pipeline",
        ),
        "People": ("rbac", "inbox", "break-glass", "on-call", "holidays", "questions", "recipients"),
        "Messages": ("notifications", "channel-*"),
        "With GitOps": ("argo-cd", "environments-in-git"),
    },
}  # fmt: skip
_PARTS = {
    "Guides": "guides",
    "Concepts": "concepts",
    "Reference": "reference",
    "Specification": "spec",
    "Design": "design",
}


def navigation(pages: Iterable[str]) -> list[Any]:
    """Return the navigation of all pages, by their places."""
    left = sorted(pages)
    result: list[Any] = _taken(left, lambda page: page == "index.md")
    for part, folder in _PARTS.items():
        inside: list[Any] = []
        for title, names in _FIRST.get(part, {}).items():
            chosen = [page for name in names for page in _named(left, f"{folder}/{name}")]
            inside += [{title: chosen}] if chosen else []
            left = [page for page in left if page not in chosen]
        others = _taken(left, lambda page, folder=folder: page.startswith(f"{folder}/"))  # type: ignore[misc]
        left = [page for page in left if page not in others]
        result.append({part: [*inside, {"More": others}] if inside and others else inside + others})
    result.append({"Benchmark": _taken(left, lambda page: page.startswith("benchmark/"))})
    result.append({"Repository": _taken(left, lambda page: page.startswith("repository/"))})
    return [each for each in result if not isinstance(each, dict) or all(each.values())]


def _taken(pages: Iterable[str], wanted: Callable[[str], bool]) -> list[str]:
    return [page for page in pages if wanted(page)]


def _named(pages: Iterable[str], pattern: str) -> list[str]:
    return [page for page in pages if fnmatch(page, f"{pattern}.md")]
