"""Tests of the chooser: rows that fit the form, and a state that stands in the fragment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.browsing import Browser, Tab

FIRST = ["Small, one way pipe", "One server socket, one client", "Frames of 6 MB frames"]
MISSING = "not measured: ipcbench run --task"


@pytest.fixture
def tab(browser: Browser, small: Path) -> Iterator[Tab]:
    with browser.tab(small) as found:
        yield found
        assert found.messages == []


def rows(tab: Tab) -> list[str]:
    """Return the text of each row that is shown, its cells set apart by a space."""
    return [
        " ".join(" ".join(cells).split())
        for cells in tab.page.eval_on_selector_all(
            "#chosen tbody tr",
            "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))",
        )
    ]


def test_the_default_view_stays_and_the_form_appears(tab: Tab) -> None:
    assert tab.page.is_visible("#chooser")
    assert rows(tab) == FIRST
    assert tab.fragment() == ""


def test_a_row_of_each_case_fits_the_form(tab: Tab) -> None:
    tab.page.select_option("[name=placement]", "cross-core")
    assert rows(tab)[0] == "Small, one way queue"
    tab.page.check("[name=spin]")
    assert rows(tab)[0] == "Small, one way spinning"
    tab.page.uncheck("[name=spin]")
    tab.page.select_option("[name=placement]", "same-core")
    tab.page.select_option("[name=size]", "65536")
    assert rows(tab)[0] == "Small, one way memory"
    assert rows(tab)[2] == FIRST[2]  # a case without a size of its own stays


def test_permission_to_spin_alone_leaves_the_answer_of_a_sleeper(tab: Tab) -> None:
    tab.page.check("[name=spin]")
    assert rows(tab) == FIRST


def test_the_nearest_row_is_marked_by_a_class_and_in_words(tab: Tab) -> None:
    tab.page.select_option("[name=size]", "1024")
    assert rows(tab)[0] == "Small, one way nearest measured: 64 B pipe"
    assert tab.page.eval_on_selector_all(".nearest", "(all) => all.length") == 2
    tab.page.select_option("[name=size]", "64")
    tab.page.select_option("[name=processes]", "8")
    assert rows(tab) == [
        "Small, one way nearest measured: 2 processes pipe",
        "One server socket, seven clients",
        FIRST[2],
    ]
    assert not tab.page.query_selector("#choices .nearest")


def test_what_was_not_measured_is_said_with_its_command(tab: Tab) -> None:
    tab.page.check("[value=native]")
    assert rows(tab) == [
        "Small, one way pipe in C",
        f"One server {MISSING} server",
        f"Frames of 6 MB {MISSING} frames",
    ]
    assert "2 not measured" in tab.texts("[role=status]")[0]


def test_ids_stay_unique(tab: Tab) -> None:
    tab.page.select_option("[name=size]", "65536")
    ids = tab.page.eval_on_selector_all("[id]", "(all) => all.map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_the_state_is_in_the_fragment_and_makes_the_same_view(
    tab: Tab, browser: Browser, small: Path
) -> None:
    tab.page.check("[value=native]")
    tab.page.check("[name=spin]")
    tab.page.select_option("[name=size]", "1024")
    fragment = tab.fragment()
    assert fragment == "#language=native&spin=1&placement=same-core&size=1024&processes=2"
    with browser.tab(small, fragment) as other:
        assert rows(other) == rows(tab)
        assert other.page.is_checked("[value=native]")
        assert other.page.is_checked("[name=spin]")
        assert other.page.input_value("[name=size]") == "1024"
        assert other.messages == []


def test_back_and_forward_lead_through_the_views(tab: Tab) -> None:
    tab.page.select_option("[name=size]", "65536")
    tab.page.check("[value=native]")
    second = rows(tab)
    tab.page.go_back()
    assert rows(tab)[0] == "Small, one way memory"
    assert tab.page.is_checked("[value=python]")
    tab.page.go_back()
    assert rows(tab) == FIRST
    assert tab.page.input_value("[name=size]") == "64"
    tab.page.go_forward()
    tab.page.go_forward()
    assert rows(tab) == second


def test_a_link_to_a_place_leaves_the_view_alone(tab: Tab) -> None:
    tab.page.select_option("[name=size]", "65536")
    before = rows(tab)
    tab.page.click("text=to the deep")
    assert tab.fragment() == "#deep"
    assert rows(tab) == before


@pytest.mark.parametrize(
    "fragment",
    [
        "#size=9999&language=rust&placement=%3Cb%3E&processes=-1&spin=yes",
        "#size=&language=&placement=&processes=&spin=",
        "#language=python&__proto__=1&constructor=1&length=9",
        "#%E0%A4%A&%",
        "#<img src=x onerror=alert(1)>",
        "#size=64&size=65536&",
    ],
)
def test_a_strange_fragment_changes_nothing(browser: Browser, small: Path, fragment: str) -> None:
    with browser.tab(small, fragment) as tab:
        assert rows(tab) == FIRST
        assert tab.messages == []
        assert tab.page.is_visible("button.print")  # the script came to its end


def test_it_is_worked_by_keys_alone(tab: Tab) -> None:
    keyboard = tab.page.keyboard
    tab.tabbed_to("[name=language]")
    keyboard.press("ArrowRight")
    assert rows(tab)[0] == "Small, one way pipe in C"
    keyboard.press("ArrowLeft")
    tab.tabbed_to("[name=placement]")
    keyboard.press("ArrowDown")
    tab.page.keyboard.press("Shift+Tab")
    tab.page.keyboard.press("Shift+Tab")
    tab.page.keyboard.press("Shift+Tab")
    keyboard.press("Space")
    assert tab.page.is_checked("[name=spin]")
    assert rows(tab)[0] == "Small, one way spinning"
    keyboard.press("Enter")
    tab.page.evaluate("document.getElementById('chooser').requestSubmit()")  # as Enter may do
    assert rows(tab)[0] == "Small, one way spinning"
