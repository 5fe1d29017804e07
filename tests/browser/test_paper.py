"""Tests of the real page on paper: all parts are open, on a few sheets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.browsing import Browser
from tests.browser.checking import sheets

MOST_SHEETS = 15


@pytest.mark.parametrize("script", [True, False])
def test_it_is_printed_on_a_few_sheets(browser: Browser, whole: Path, script: bool) -> None:
    with browser.tab(whole, java_script_enabled=script) as tab:
        closed = tab.page.locator("details:not([open])").count()
        assert 3 < sheets(tab.page.pdf(format="A4")) < MOST_SHEETS
        assert tab.page.locator("details:not([open])").count() == closed
