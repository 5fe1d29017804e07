"""Tests of the real page in a browser: complete, accessible, valid, and it asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.browsing import DESK, Browser, Tab
from tests.browser.checking import OPEN_ALL, accessibility, leave_few_of_a_kind, markup


@pytest.fixture(scope="module")
def tab(browser: Browser, whole: Path) -> Iterator[Tab]:
    """Open the page once; tests leave it as it was."""
    with browser.tab(whole) as found:
        yield found
        assert found.requests == [whole.as_uri()]
        assert found.messages == []


def test_the_page_asks_for_nothing_and_complains_of_nothing(tab: Tab, whole: Path) -> None:
    tab.page.wait_for_load_state("networkidle")
    assert tab.requests == [whole.as_uri()]
    assert tab.messages == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, whole: Path, scheme: str) -> None:
    with browser.tab(whole, color_scheme=scheme) as tab:
        leave_few_of_a_kind(tab)
        assert "\n".join(accessibility(tab)) == ""
        tab.page.evaluate(OPEN_ALL)
        assert "\n".join(accessibility(tab)) == ""


def test_the_markup_is_valid(whole: Path, narrow: Path, hostile: Path) -> None:
    assert "\n".join(markup(whole, narrow, hostile)) == ""


def contents(tab: Tab) -> dict[str, object]:
    """Collect what a reader finds on the page."""
    return {
        "charts": tab.page.locator("figure svg").count(),
        "tables": tab.page.locator("table").count(),
        "rows": tab.page.locator("tr").count(),
        "answers": tab.page.eval_on_selector_all(
            "#chosen td", "(all) => all.map((one) => one.textContent)"
        ),
        "headings": tab.page.eval_on_selector_all(
            "h1, h2, h3, h4", "(all) => all.map((one) => one.textContent)"
        ),
    }


def test_without_the_script_all_is_there(browser: Browser, whole: Path, tab: Tab) -> None:
    with browser.tab(whole, java_script_enabled=False) as plain:
        assert contents(plain) == contents(tab)
        assert plain.page.locator("form:visible, button:visible, input:visible").count() == 0


def test_no_part_of_the_page_is_an_image(tab: Tab) -> None:
    assert tab.page.locator("img, picture, image, video, object, iframe").count() == 0
    script = """(all) => all.filter((one) =>
        getComputedStyle(one).backgroundImage.includes("url(")).length"""
    assert tab.page.eval_on_selector_all("*", script) == 0
    assert tab.page.locator("figure svg").count() > 2


def test_dark_is_dark(browser: Browser, whole: Path) -> None:
    script = """() => ["body", "section"].map((name) =>
        getComputedStyle(document.querySelector(name)).backgroundColor)"""
    found = {}
    for scheme in ("light", "dark"):
        with browser.tab(whole, color_scheme=scheme) as tab:
            found[scheme] = tab.page.evaluate(script)
    assert all(sum(rgb(color)) > 600 for color in found["light"])
    assert all(sum(rgb(color)) < 200 for color in found["dark"])


def rgb(color: str) -> list[float]:
    return [float(part) for part in color.partition("(")[2].rstrip(")").split(",")[:3]]


def test_each_control_is_reached_by_keys(browser: Browser, whole: Path) -> None:
    """Each has a place in the order of Tab: none is a click alone."""
    with browser.tab(whole, size=DESK) as tab:
        tab.page.evaluate(OPEN_ALL)
        script = """(all) => all.filter((one) => one.tabIndex < 0).length"""
        controls = "a[href], button, input, select, summary, .scroll"
        assert tab.page.locator(controls).count() > 10
        assert tab.page.eval_on_selector_all(controls, script) == 0
        order = """(all) => all.filter((one) => one.tabIndex > 0).length"""
        assert tab.page.eval_on_selector_all("*", order) == 0
