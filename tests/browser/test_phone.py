"""Tests of the real page on a phone."""

from __future__ import annotations

from pathlib import Path

from tests.browser.browsing import PHONE, Browser
from tests.browser.checking import OPEN_ALL

WIDE = """() => [...document.querySelectorAll("body *")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width && box.right > innerWidth + 1 && !one.closest(".unseen, svg, .cards > thead");
}).slice(0, 5).map((one) => one.outerHTML.slice(0, 200))"""
SCROLLED = """() => [...document.querySelectorAll("body *")].filter((one) =>
    one.scrollWidth > one.clientWidth + 1 && one.clientWidth && !one.closest("svg") &&
    ["auto", "scroll"].includes(getComputedStyle(one).overflowX)
).slice(0, 5).map((one) => one.outerHTML.slice(0, 200))"""


def test_a_phone_shows_it_without_sideways_scrolling(browser: Browser, whole: Path) -> None:
    with browser.tab(whole, size=PHONE, is_mobile=True, has_touch=True) as tab:
        for _ in ("closed", "open"):
            width = tab.page.evaluate("document.documentElement.scrollWidth")
            assert (width, tab.page.evaluate(WIDE)) == (PHONE[0], [])
            assert tab.page.evaluate(SCROLLED) == []
            tab.page.evaluate(OPEN_ALL)
        assert tab.messages == []


def test_tables_are_cards_on_a_phone(browser: Browser, whole: Path) -> None:
    """Each cell names its column, but those of the statements, and those that are drawings."""
    with browser.tab(whole, size=PHONE) as tab:
        tab.page.evaluate(OPEN_ALL)
        side_by_side = """(all) => all.filter((one) => one.checkVisibility() &&
            getComputedStyle(one).display === "table-cell").length"""
        nameless = """(all) => all.filter((one) => one.checkVisibility() && one.colSpan === 1 &&
            !one.dataset.label && one.textContent.trim() && !one.closest(".statements")
        ).map((one) => one.closest("tr").outerHTML.slice(0, 300))"""
        cells = "table.cards > tbody > tr > td"
        assert tab.page.locator("table.cards").count() > 5
        assert tab.page.eval_on_selector_all(cells, side_by_side) == 0
        assert tab.page.eval_on_selector_all(cells, nameless) == []


LEAST_TEXT = """() => {
    const texts = [...document.querySelectorAll("figure.chart svg text")];
    return Math.min(...texts.map((one) => {
        const scale = one.getScreenCTM();
        return parseFloat(getComputedStyle(one).fontSize) * Math.hypot(scale.a, scale.b);
    }));
}"""


def test_the_texts_of_charts_can_be_read_on_a_phone(browser: Browser, whole: Path) -> None:
    with browser.tab(whole, size=PHONE, is_mobile=True, has_touch=True) as tab:
        tab.page.evaluate(OPEN_ALL)
        assert tab.page.evaluate(LEAST_TEXT) >= 9
