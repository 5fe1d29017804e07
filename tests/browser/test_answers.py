"""Tests of the chooser on the real page: each choice shows answers that fit it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.browsing import Browser, Tab

ROWS = """(rows) => rows.map((row) => ({ ...row.dataset, missing: "missing" in row.dataset,
    why: row.querySelector(".not-measured")?.textContent ?? "",
    near: row.classList.contains("nearest"),
    text: row.textContent.replace(/\\s+/g, " ").trim() }))"""
VALUES = "(options) => options.map((one) => one.value)"


@pytest.fixture
def tab(browser: Browser, whole: Path) -> Iterator[Tab]:
    with browser.tab(whole) as found:
        yield found
        assert found.requests == [whole.as_uri()]
        assert found.messages == []


def rows(tab: Tab) -> list[dict[str, Any]]:
    return list(tab.page.eval_on_selector_all("#chosen tbody tr", ROWS))


def values(tab: Tab, name: str) -> list[str]:
    return list(tab.page.eval_on_selector_all(f"[name={name}] option", VALUES))


def test_the_default_view_is_the_one_without_the_script(
    tab: Tab, browser: Browser, whole: Path
) -> None:
    with browser.tab(whole, java_script_enabled=False) as plain:
        expected = rows(plain)
    assert rows(tab) == expected
    assert len(expected) >= 8
    assert len({row["case"] for row in expected}) == len(expected)


@pytest.mark.parametrize("language", ["python", "native"])
def test_rows_fit_the_language_and_the_placement(tab: Tab, language: str) -> None:
    cases = [row["case"] for row in rows(tab)]
    tab.page.check(f"[name=language][value={language}]")
    for placement in values(tab, "placement"):
        tab.page.select_option("[name=placement]", placement)
        shown = rows(tab)
        assert [row["case"] for row in shown] == cases
        for row in shown:
            assert row["language"] == language
            assert row["placement"] == placement
            if row["missing"]:
                assert row["why"] or "ipcbench run" in row["text"]
        assert any(not row["missing"] for row in shown)


@pytest.mark.parametrize("name", ["size", "processes"])
def test_rows_have_the_size_and_the_processes_or_are_marked(tab: Tab, name: str) -> None:
    exact = 0
    for value in values(tab, name):
        tab.page.select_option(f"[name={name}]", value)
        for row in rows(tab):
            if name in row and row[name] != value:
                assert row["near"]
                assert "nearest measured" in row["text"]
            exact += row.get(name) == value
    assert exact > 1


def test_permission_to_spin_changes_an_answer(tab: Tab) -> None:
    tab.page.select_option("[name=placement]", "cross-core")
    before = rows(tab)
    tab.page.check("[name=spin]")
    spinning = [row for row in rows(tab) if row.get("spin") == "1"]
    assert spinning
    assert rows(tab) != before
    tab.page.uncheck("[name=spin]")
    assert rows(tab) == before


def test_a_view_can_be_sent(tab: Tab, browser: Browser, whole: Path) -> None:
    tab.page.check("[name=language][value=native]")
    tab.page.select_option("[name=placement]", "same-core")
    with browser.tab(whole, tab.fragment()) as other:
        assert rows(other) == rows(tab)
        assert other.page.is_checked("[name=language][value=native]")
