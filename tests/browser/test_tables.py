"""Tests of the tables: sorted, filtered, and saved as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.browsing import PHONE, Browser, Tab
from tests.browser.checking import OPEN_ALL
from tests.browser.fixture import FIGURES

ORDER = ["pipe", "=HYPERLINK(1)", "fifo 10", "fifo 9", 'say "hi", twice', "-x"]
COLUMNS = """(table) => {
    const heads = [...table.tHead.rows[0].cells];
    const shown = heads.filter((one) => one.checkVisibility());
    return [heads.length - shown.length, shown.length];
}"""
BY_TIME = ["fifo 9", "-x", "pipe", "=HYPERLINK(1)", 'say "hi", twice']


@pytest.fixture
def tab(browser: Browser, small: Path) -> Iterator[Tab]:
    with browser.tab(small, "#figures") as found:
        yield found
        assert found.messages == []


def names(tab: Tab) -> list[str]:
    return tab.texts("#figures tbody th")


def order(tab: Tab) -> list[str | None]:
    script = "(all) => all.map((one) => one.getAttribute('aria-sort'))"
    return list(tab.page.eval_on_selector_all("#figures thead th", script))


def test_a_column_is_sorted_by_its_raw_numbers(tab: Tab) -> None:
    median = tab.page.locator("#figures thead button", has_text="median")
    assert order(tab) == [None, None]
    median.click()
    assert names(tab) == [*BY_TIME, "fifo 10"]
    assert order(tab) == [None, "ascending"]
    median.click()
    assert names(tab) == [*BY_TIME[::-1], "fifo 10"]  # what is absent stays last
    assert order(tab) == [None, "descending"]
    median.click()
    assert names(tab) == ORDER
    assert order(tab) == [None, None]


def test_names_are_sorted_as_people_count(tab: Tab) -> None:
    tab.page.click("#figures thead button >> nth=0")
    sorted_names = names(tab)
    assert sorted_names.index("fifo 9") < sorted_names.index("fifo 10") < sorted_names.index("pipe")
    tab.page.click("#figures thead button >> nth=1")
    assert order(tab) == [None, "ascending"]


def test_columns_that_cannot_be_sorted_have_no_button(tab: Tab) -> None:
    assert tab.texts("#spanned thead button") == []  # its cells are not one below the other
    assert tab.texts("#drawn thead button") == ["a"]


def test_rows_are_filtered_by_all_words(tab: Tab) -> None:
    field = tab.page.locator("#evidence input[type=search]")
    field.fill("FIFO")
    assert names(tab) == ["fifo 10", "fifo 9"]
    assert "2 of 6 rows" in tab.texts("#evidence [role=status]")
    field.fill("fifo 800")
    assert names(tab) == ["fifo 9"]
    field.fill("hyperlink")  # in the table in capitals
    assert names(tab) == ["=HYPERLINK(1)"]
    field.fill("nothing like it")
    assert names(tab) == []
    field.fill("")
    assert names(tab) == ORDER
    assert tab.texts("#evidence [role=status]") == [""]


def saved(tab: Tab) -> tuple[str, list[list[str]]]:
    with tab.page.expect_download() as download:
        tab.page.click("#evidence button.csv >> nth=0")
    path = download.value.path()
    with open(path, newline="", encoding="utf-8") as file:
        return download.value.suggested_filename, list(csv.reader(file))


def test_a_table_is_saved_as_csv(tab: Tab) -> None:
    name, rows = saved(tab)
    assert name == "figures.csv"
    assert rows[0] == ["transport", "median"]
    assert rows[1] == ["pipe", "4.9 µs"]
    assert [row[1] for row in rows] == ["median", *(text for _, _, text in FIGURES)]


def test_no_cell_of_the_csv_is_a_formula(tab: Tab) -> None:
    _, rows = saved(tab)
    assert [row[0] for row in rows[1:]] == [
        "pipe", "'=HYPERLINK(1)", "fifo 10", "fifo 9", 'say "hi", twice', "'-x",
    ]  # fmt: skip


def test_the_csv_has_the_rows_that_are_shown_in_their_order(tab: Tab) -> None:
    tab.page.fill("#evidence input[type=search]", "fifo")
    tab.page.click("#figures thead button >> nth=0")
    _, rows = saved(tab)
    assert [row[0] for row in rows[1:]] == ["fifo 9", "fifo 10"]


def test_they_are_worked_by_keys_alone(tab: Tab) -> None:
    tab.tabbed_to("#evidence input[type=search]")
    tab.page.keyboard.type("fifo")
    tab.tabbed_to("#figures thead th:first-child button")
    tab.page.keyboard.press("Enter")
    assert names(tab) == ["fifo 9", "fifo 10"]
    tab.page.keyboard.press("Space")
    assert names(tab) == ["fifo 10", "fifo 9"]
    assert order(tab) == ["descending", None]
    tab.page.keyboard.press("Shift+Tab")
    with tab.page.expect_download():
        tab.page.keyboard.press("Enter")


def test_cards_are_sorted_by_a_choice(browser: Browser, small: Path) -> None:
    """On a phone the heads of a table are not shown."""
    with browser.tab(small, "#figures", size=PHONE) as tab:
        choice = tab.page.get_by_label("sort by").first
        choice.select_option("median, rising")
        assert names(tab) == [*BY_TIME, "fifo 10"]
        assert order(tab) == [None, "ascending"]
        choice.select_option("median, falling")
        assert names(tab) == [*BY_TIME[::-1], "fifo 10"]
        choice.select_option("the page's order")
        assert names(tab) == ORDER
        assert order(tab) == [None, None]
        assert tab.messages == []


def test_a_table_with_heads_needs_no_choice(tab: Tab) -> None:
    assert not tab.page.get_by_label("sort by").first.is_visible()
    tab.page.locator("#figures thead button", has_text="median").click()
    assert tab.page.locator("#evidence .sort-by select >> nth=0").input_value() == "1 ascending"


def test_wide_tables_fit_a_desk_and_show_all_columns_when_asked(
    browser: Browser, whole: Path
) -> None:
    with browser.tab(whole) as tab:
        tab.page.evaluate(OPEN_ALL)
        tables = tab.page.locator("table:has(thead .rare)")
        assert tables.count() == 2  # all results, and single times
        for table in tables.all():
            hidden, shown = table.evaluate(COLUMNS)
            assert hidden > 0
            assert table.evaluate("(one) => one.scrollWidth <= one.parentElement.clientWidth")
            button = table.locator("xpath=../preceding-sibling::div[1]").locator("button.fold")
            assert button.text_content() == f"{hidden} more columns"
            button.click()
            assert button.get_attribute("aria-expanded") == "true"
            assert table.evaluate(COLUMNS) == [0, hidden + shown]
            button.click()
            assert table.evaluate(COLUMNS) == [hidden, shown]
        assert tab.messages == []
