"""The site of the docs: where links lead, the order of the pages, and what would be loaded from elsewhere."""

from pathlib import Path

import pytest
from tools.site.links import led, linked, place_of, slug, target_of
from tools.site.order import navigation

FOLDERS = {"docs/reference", "examples/gates"}


def is_folder(path: str) -> bool:
    return path in FOLDERS


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("What's new, and why", "whats-new-and-why"),
        ("`spec.ttl`: how long", "specttl-how-long"),
        ("Argo CD & Flux", "argo-cd--flux"),
    ],
)
def test_an_anchor_is_the_one_that_github_makes(heading: str, anchor: str) -> None:
    assert slug(heading, "-") == anchor


@pytest.mark.parametrize(
    ("origin", "link", "place"),
    [
        ("docs/guides/a.md", "b.md#c", "guides/b.md"),
        ("docs/guides/a.md", "../../examples/gates/wait.sh", "repository/examples/gates/wait.sh.md"),
        ("docs/guides/a.md", "../../examples/gates", "repository/examples/gates/index.md"),
        ("docs/guides/a.md", "../../CONTRIBUTING.md", "repository/CONTRIBUTING.md"),
        ("README.md", "docs/reference", "reference/index.md"),
    ],
)
def test_each_link_has_a_place_on_the_site(origin: str, link: str, place: str) -> None:
    path = target_of(link, origin)
    assert place_of(path, is_folder(path)) == place


def test_a_link_is_led_there_and_what_is_in_code_is_none() -> None:
    text = "[`wait`](../../examples/gates/wait.sh) `[a](b.md)` [x](https://x.example) [here](#y)\n"
    text += "```\n[c](d.md)\n```\n[e](e.md#f)"
    assert list(linked(text, "docs/guides/a.md")) == ["examples/gates/wait.sh", "docs/guides/e.md"]
    moved = led(text, "docs/guides/a.md", is_folder)
    assert moved == text.replace("../../examples/gates/wait.sh", "../repository/examples/gates/wait.sh.md")
    assert led("[a](docs/reference)", "README.md", is_folder) == "[a](../reference/index.md)"


def test_a_page_that_nobody_named_is_on_the_site_too() -> None:
    pages = [
        "index.md",
        "guides/new.md",
        "guides/install.md",
        "guides/channel-x.md",
        "concepts/a.md",
        "repository/README.md",
    ]
    assert navigation(pages) == [
        "index.md",
        {
            "Guides": [
                {"Installing": ["guides/install.md"]},
                {"Messages": ["guides/channel-x.md"]},
                {"More": ["guides/new.md"]},
            ]
        },
        {"Concepts": ["concepts/a.md"]},
        {"Repository": ["repository/README.md"]},
    ]


def test_the_search_of_pages_opened_as_files_is_ours() -> None:
    root = Path(__file__).parents[3]
    assert "polyfills: [assets/iframe-worker.js]" in (root / "mkdocs.yml").read_text()
    assert (root / "docs" / "assets" / "iframe-worker.js").exists()
