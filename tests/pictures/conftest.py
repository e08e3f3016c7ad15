"""A browser for all tests of this folder; each page in a context of its own that reaches nothing."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright
from tools import chromium

Opener = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = chromium.program()
    assert program is not None, chromium.ADVICE
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def show(browser: Browser) -> Iterator[Opener]:
    """Open pages of given HTML, width and scale. Whatever one asks for is refused, and fails the test."""
    asked: list[Request] = []
    contexts = []

    def opened(html: str, width: int, *, scale: float = 1, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 100},
            device_scale_factor=scale,
            color_scheme="dark" if dark else "light",
            java_script_enabled=False,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request))
        page.route("**/*", lambda route: route.abort())
        page.set_content(html)
        for frame in page.frames[1:]:  # a mail program gives a mail as much room as it needs
            height = frame.evaluate("document.documentElement.scrollHeight")
            frame.frame_element().evaluate("(element, height) => element.height = height", height)
        whole = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": whole})  # what is outside is not painted in frames
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [request.url for request in asked] == []
