"""Tests of closed parts: opened by links, and for the printer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.browsing import Browser, Tab


@pytest.fixture
def tab(browser: Browser, small: Path) -> Iterator[Tab]:
    with browser.tab(small) as found:
        yield found
        assert found.messages == []


def opened(tab: Tab) -> list[bool]:
    return list(tab.page.eval_on_selector_all("details", "(all) => all.map((one) => one.open)"))


def in_view(tab: Tab, selector: str) -> bool:
    box = tab.page.locator(selector).bounding_box()
    return box is not None and -1 < box["y"] < 900


def test_a_link_opens_what_its_target_is_in(tab: Tab) -> None:
    assert opened(tab) == [False, False, False]
    tab.page.click("text=to the deep")
    assert opened(tab) == [False, True, True]
    assert in_view(tab, "#deep")
    tab.page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = false)")
    tab.page.click("text=to the deep")  # the fragment is the same
    assert opened(tab) == [False, True, True]


def test_a_link_to_a_closed_part_opens_it_each_time(tab: Tab) -> None:
    for _ in range(2):  # the second time, the fragment is the same
        tab.page.click("text=to all of them")
        assert opened(tab) == [True, False, False]
        tab.page.click("#all-answers summary")
        assert opened(tab) == [False, False, False]


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [("#deep", [False, True, True]), ("#all-answers", [True, False, False]),
     ("#all%2Danswers", [True, False, False])],
)  # fmt: skip
def test_a_fragment_opens_it_on_load(
    browser: Browser, small: Path, fragment: str, expected: list[bool]
) -> None:
    with browser.tab(small, fragment) as tab:
        assert opened(tab) == expected


def test_all_is_open_for_the_printer_and_as_before_afterwards(tab: Tab) -> None:
    tab.page.click("#all-answers summary")
    assert opened(tab) == [True, False, False]
    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened(tab) == [True, True, True]
    tab.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened(tab) == [True, False, False]


def test_the_button_prints(tab: Tab) -> None:
    tab.page.evaluate(
        "() => { window.printed = 0; window.print = () => { window.printed += 1; }; }"
    )
    assert tab.page.eval_on_selector("button.print", "(one) => one.closest('header') !== null")
    tab.tabbed_to("button.print")
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("window.printed") == 1


def test_without_the_script_nothing_is_there_that_needs_it(browser: Browser, small: Path) -> None:
    with browser.tab(small, java_script_enabled=False) as tab:
        assert not tab.page.is_visible("#chooser")
        assert not tab.page.query_selector("button")
        assert not tab.page.query_selector("input[type=search]")
        assert tab.page.locator("#chosen tbody tr").count() == 3
