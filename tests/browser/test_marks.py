"""Tests of the charts' marks: a tooltip on hover and focus, and keys that lead through them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.browsing import PHONE, Browser, Tab
from tests.browser.fixture import MARKS, OTHER_MARKS


@pytest.fixture
def tab(browser: Browser, small: Path) -> Iterator[Tab]:
    with browser.tab(small) as found:
        yield found
        assert found.messages == []


def tips(tab: Tab) -> list[str]:
    return tab.texts("[role=tooltip]")


def mark(number: int, chart: str = "one") -> str:
    return f"#chart-{chart} .mark >> nth={number}"


def focused_mark(tab: Tab) -> str | None:
    found = tab.page.evaluate("document.activeElement.getAttribute('aria-label')")
    return None if found is None else str(found)


def test_a_mark_under_the_pointer_has_a_tooltip(tab: Tab) -> None:
    assert tips(tab) == []
    for number, text in enumerate(MARKS):
        tab.page.hover(mark(number))
        assert tips(tab) == [text]
    tab.page.mouse.move(5, 5)
    assert tips(tab) == []


def test_the_pointer_may_move_onto_the_tooltip(tab: Tab) -> None:
    tab.page.hover(mark(1))
    tab.page.hover("#tip")
    assert tips(tab) == [MARKS[1]]
    tab.page.mouse.move(5, 5)
    assert tips(tab) == []


def test_the_browser_shows_no_tooltip_of_its_own_beside(tab: Tab) -> None:
    tab.page.hover(mark(1))
    assert tab.page.eval_on_selector_all("#chart-one title", "(all) => all.length") == 2


def test_the_tooltip_is_at_its_mark_and_in_the_window(browser: Browser, small: Path) -> None:
    with browser.tab(small, size=PHONE) as tab:
        for number in range(len(MARKS)):
            tab.page.focus(mark(number))
            tip = tab.page.locator("#tip").bounding_box()
            own = tab.page.locator(mark(number)).bounding_box()
            assert tip["height"] < 32  # one line: it is not pressed against the edge
            assert tip["x"] >= 0
            assert tip["x"] + tip["width"] <= PHONE[0]
            assert min(abs(tip["y"] + tip["height"] - own["y"]),
                       abs(own["y"] + own["height"] - tip["y"])) < 4  # fmt: skip


def test_one_mark_of_a_chart_is_reached_by_tab_and_the_others_by_arrows(tab: Tab) -> None:
    keyboard = tab.page.keyboard
    assert tab.page.locator("#chart-one .mark[tabindex='0']").count() == 1
    tab.tabbed_to("#chart-one .mark")
    assert (focused_mark(tab), tips(tab)) == (MARKS[0], [MARKS[0]])
    for key, expected in (
        ("ArrowRight", 1), ("ArrowDown", 2), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 2),
        ("Home", 0), ("ArrowUp", 0), ("ArrowRight", 1),
    ):  # fmt: skip
        keyboard.press(key)
        assert (focused_mark(tab), tips(tab)) == (MARKS[expected], [MARKS[expected]])
    keyboard.press("Tab")
    assert (focused_mark(tab), tips(tab)) == (OTHER_MARKS[0], [OTHER_MARKS[0]])
    keyboard.press("Shift+Tab")
    assert focused_mark(tab) == MARKS[1]  # where the focus was before


def test_arrows_do_not_scroll_the_page(tab: Tab) -> None:
    tab.page.focus(mark(0))
    before = tab.page.evaluate("scrollY")
    tab.page.keyboard.press("ArrowDown")
    assert tab.page.evaluate("scrollY") == before


def test_keys_with_control_are_left_to_the_browser(tab: Tab) -> None:
    tab.page.focus(mark(0))
    tab.page.keyboard.press("Control+ArrowRight")
    assert focused_mark(tab) == MARKS[0]


def test_the_tooltip_moves_with_its_mark(tab: Tab) -> None:
    tab.page.focus(mark(0))
    distance = """() => document.getElementById("tip").getBoundingClientRect().y -
        document.activeElement.getBoundingClientRect().y"""
    before = tab.page.evaluate(distance)
    tab.page.evaluate("scrollBy(0, 60)")
    tab.page.wait_for_timeout(100)
    assert tab.page.evaluate("scrollY") == 60
    assert abs(tab.page.evaluate(distance) - before) < 2


def test_escape_closes_the_tooltip(tab: Tab) -> None:
    tab.page.focus(mark(0))
    tab.page.keyboard.press("Escape")
    assert tips(tab) == []
    assert focused_mark(tab) == MARKS[0]
    tab.page.hover(mark(1))
    tab.page.keyboard.press("Escape")
    assert tips(tab) == []


def test_the_focus_that_leaves_takes_the_tooltip_with_it(tab: Tab) -> None:
    tab.page.focus(mark(0))
    tab.page.hover(mark(2))
    assert tips(tab) == [MARKS[2]]
    tab.page.mouse.move(5, 5)
    assert tips(tab) == [MARKS[0]]  # the focused one
    tab.page.focus("button.print")
    assert tips(tab) == []


def test_marks_are_there_for_a_screen_reader(tab: Tab) -> None:
    snapshot = tab.page.locator("#chart-one svg").aria_snapshot()
    assert "group" in snapshot
    for text in MARKS:
        assert f'img "{text}"' in snapshot
