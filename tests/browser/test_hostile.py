"""Tests of hostile strings in a browser: they are shown, and nothing but the page's script runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import fixture
from tests.browser.browsing import Browser
from tests.browser.checking import OPEN_ALL

INTRUDERS = (
    "<script>document.title = 'run'</script>",
    "<script src='data:text/javascript,document.title=1'></script>",
    "<img src='data:,x' onerror=\"document.title = 'run'\">",
    "<svg onload=\"document.title = 'run'\"></svg>",
    "<iframe srcdoc=\"<script>parent.document.title = 'run'</script>\"></iframe>",
    "<details open ontoggle=\"document.title = 'run'\"><summary>x</summary></details>",
    "<style>body { background: url(http://evil.example/x) }</style>",
    "<link rel=stylesheet href='http://evil.example/x.css'>",
    "<meta http-equiv=Content-Security-Policy content=\"script-src 'unsafe-inline'\">"
    "<script>document.title = 'run'</script>",
    "<base href='http://evil.example/'>",
)


@pytest.mark.parametrize("intruder", INTRUDERS)
def test_no_markup_in_the_page_can_run_or_load(
    browser: Browser, tmp_path: Path, intruder: str
) -> None:
    """As if text of a journal were markup; the policy is the second wall."""
    page = fixture.page().replace("<main>", f"<main>{intruder}")
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    with browser.tab(path) as tab:
        tab.page.wait_for_timeout(50)
        assert tab.page.title() == "A small page"
        assert set(tab.requests) - set(tab.refused) <= {path.as_uri(), "about:srcdoc"}
        assert tab.page.is_visible("#chooser")  # the page's own script runs


def test_hostile_strings_are_text(browser: Browser, hostile: Path) -> None:
    with browser.tab(hostile) as tab:
        tab.page.evaluate(OPEN_ALL)
        for mark in tab.page.locator("svg .mark[tabindex='0']").all():
            mark.focus()
        for button in tab.page.locator("button.fold, button.sort").all():
            button.click()
        for field in tab.page.locator("input[type=search]").all():
            field.fill("<script>")
        assert tab.page.locator("script, img").count() == 1  # the page's own script
        assert tab.requests == [hostile.as_uri()]
        assert tab.messages == []


def test_hostile_strings_leave_each_table_a_grid(browser: Browser, hostile: Path) -> None:
    with browser.tab(hostile) as tab:
        script = """(tables) => tables.filter((table) => {
            const wide = (row) => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
            const spans = table.querySelector("[rowspan]");
            return !spans && new Set([...table.rows].map(wide)).size > 1;
        }).map((table) => table.outerHTML.slice(0, 200))"""
        assert tab.page.locator("table").count() > 3
        assert tab.page.eval_on_selector_all("table", script) == []
