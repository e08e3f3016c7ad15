"""The site of the docs in a browser, opened as files: it is searched without a server, and asks nobody for anything."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request
from tools.site.__main__ import foreign, make

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two pages, made as the whole is."""
    docs, made = tmp_path_factory.mktemp("docs"), tmp_path_factory.mktemp("site")
    (docs / "assets").mkdir()
    (docs / "assets" / "iframe-worker.js").write_text((ROOT / "docs" / "assets" / "iframe-worker.js").read_text())
    (docs / "index.md").write_text("# Start\n\n[The other](concepts/other.md)\n")
    (docs / "concepts").mkdir()
    (docs / "concepts" / "other.md").write_text("# Other\n\n## Break-glass\n\nAt night, with the database down.\n")
    make(made, docs)
    return made


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_searched_without_a_server(browser: Browser, site: Path, scheme: str) -> None:
    asked: list[Request] = []
    errors: list[str] = []
    with browser.new_context(color_scheme="dark" if scheme == "dark" else "light") as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((site / "index.html").as_uri())
        page.wait_for_function("document.body.dataset.mdColorScheme !== undefined")
        assert page.evaluate("document.body.dataset.mdColorScheme") == ("slate" if scheme == "dark" else "default")
        page.focus(".md-search__input")
        page.keyboard.type("database")
        page.wait_for_selector(".md-search-result__link")
        first = page.locator(".md-search-result__link").first.get_attribute("href") or ""
        assert "concepts/other.html" in first
    assert [each.url for each in asked if not each.url.startswith(("file:", "data:", "blob:", "about:"))] == []
    assert errors == []


def test_what_a_page_would_load_from_elsewhere_is_found(site: Path, tmp_path: Path) -> None:
    assert foreign(site) == []
    (tmp_path / "a.html").write_text(
        '<a href="https://fine.example"></a><script src="https://cdn.example/x.js"></script>'
    )
    (tmp_path / "a.css").write_text("@font-face{src:url(https://fonts.example/a.woff2)}")
    assert foreign(tmp_path) == ["a.html: https://cdn.example/x.js", "a.css: https://fonts.example/a.woff2"]
