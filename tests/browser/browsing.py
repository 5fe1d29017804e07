"""A browser for the tests: the system's Chromium, driven by Playwright, never a downloaded one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PHONE, DESK = (390, 844), (1300, 900)


def chromium() -> str | None:
    """Find the program of the system's browser."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Tab:
    """A page in the browser, and all that it asked for or complained of."""

    page: Any
    requests: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # of the requests, by the page's policy
    messages: list[str] = field(default_factory=list)

    def clear(self) -> None:
        """Leave the page, and forget what it asked for."""
        self.page.goto("about:blank")
        self.page.mouse.move(0, 0)
        for noted in (self.requests, self.refused, self.messages):
            noted.clear()

    def texts(self, selector: str) -> list[str]:
        """Return the texts of the visible elements that match."""
        script = """(all) => all.filter((one) => one.checkVisibility())
            .map((one) => one.textContent.replace(/\\s+/g, " ").trim())"""
        return list(self.page.eval_on_selector_all(selector, script))

    def fragment(self) -> str:
        return str(self.page.evaluate("location.hash"))

    def focused(self) -> str:
        """Describe the focused element: its tag, class and text."""
        script = """() => { const one = document.activeElement;
            return [one.localName, one.getAttribute("class"), one.name, one.value,
                    one.textContent.trim()].filter(Boolean).join(" "); }"""
        return str(self.page.evaluate(script))

    def tabbed_to(self, selector: str, most: int = 400) -> None:
        """Press Tab until the focus is on the first element that matches."""
        script = "(wanted) => document.activeElement === document.querySelector(wanted)"
        for _ in range(most):
            if self.page.evaluate(script, selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by Tab; the focus is on {self.focused()}")


class Browser:
    """The browser of a run of tests."""

    def __init__(self, program: Any) -> None:
        self._program = program
        self._usual: list[Tab] = []  # without options, not in use

    @contextmanager
    def tab(
        self, file: Path, fragment: str = "", size: tuple[int, int] = DESK, **options: Any
    ) -> Iterator[Tab]:
        """Open a file, until the block ends. Tabs without options are used again."""
        usual = size == DESK and not options
        tab = self._usual.pop() if usual and self._usual else self._opened(size, options)
        try:
            tab.page.goto(f"{file.as_uri()}{fragment}")
            yield tab
        finally:
            if usual:
                tab.clear()
                self._usual.append(tab)
            else:
                tab.page.context.close()

    def _opened(self, size: tuple[int, int], options: Any) -> Tab:
        context = self._program.new_context(
            viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce", **options
        )
        tab = Tab(context.new_page())
        tab.page.set_default_timeout(10_000)
        tab.page.on("request", lambda request: tab.requests.append(request.url))
        tab.page.on("requestfailed", lambda request: _note_refusal(tab, request))
        tab.page.on("console", lambda message: tab.messages.append(message.text))
        tab.page.on("pageerror", lambda error: tab.messages.append(str(error)))
        tab.page.on("dialog", lambda dialog: _dismiss(tab, dialog))
        return tab


def _note_refusal(tab: Tab, request: Any) -> None:
    if request.failure == "csp":
        tab.refused.append(request.url)


def _dismiss(tab: Tab, dialog: Any) -> None:
    tab.messages.append(f"dialog: {dialog.message}")
    dialog.dismiss()


@contextmanager
def started() -> Iterator[Browser]:
    """Start the browser, until the block ends. Its files are in a folder that goes with it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = playwright.chromium.launch(
            executable_path=chromium(), chromium_sandbox=os.geteuid() != 0
        )
        try:
            yield Browser(program)
        finally:
            program.close()
