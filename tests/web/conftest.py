"""A real Chromium for the tests of pages, and what it heard.

In:  Chromium on PATH (fixture `chromium`). Out: fixtures `browser`, `heard` and `window`, one of each a file, and `page`.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Heard:
    """What the browser complained of and whom it asked, over all pages of this file."""

    errors: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._request)
        page.on("websocket", lambda socket: self.asked.add(host_of(socket.url)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _request(self, request: Request) -> None:
        self.asked.add(host_of(request.url))


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # not in every worker

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def window(browser: Browser, heard: Heard) -> Iterator[Page]:
    """One page that all tests of a file open their address in: a page of its own for each is a process of its own, which takes
    longer than what most of them do."""
    opened = browser.new_page(color_scheme="light")
    heard.listen(opened)
    yield opened
    opened.close()


@pytest.fixture
def page(window: Page) -> Iterator[Page]:
    """It as it is for each test: of one size, and left empty."""
    window.set_viewport_size({"width": 1440, "height": 900})
    yield window
    window.goto("about:blank")


def host_of(address: str) -> str:
    return urllib.parse.urlsplit(address).hostname or ""
