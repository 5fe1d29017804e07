"""The browser of these tests, and the pages that they look at."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib import font_manager

from ipcbench.bench.results.results import Results
from ipcbench.reports.page.page import write
from tests.browser import browsing, fixture, pages
from tests.synthetic import cells, reference, sweep
from tests.unit.reports import test_page


@pytest.fixture(scope="package")
def browser(nothing_left_by_the_run: None) -> Iterator[browsing.Browser]:
    """Start one browser for all of these tests, or skip them where there is none."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed")
    if browsing.chromium() is None:
        pytest.skip("this machine has no Chromium: install your distribution's package")
    with browsing.started() as found:
        yield found


@pytest.fixture(scope="package")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the small page, of which every row is known."""
    path = tmp_path_factory.mktemp("small") / "report.html"
    path.write_text(fixture.page(), encoding="utf-8")
    return path


@pytest.fixture(scope="package", autouse=True)
def fonts_are_let_go() -> Iterator[None]:
    """Close the font files that matplotlib keeps open, which would be reported as leaks."""
    yield
    font_manager._get_font.cache_clear()


def _written(results: Results, folder: Path) -> Path:
    """Write the page of a run. Its charts need no browser, so `browser` comes first in a test."""
    return write(results, folder)


@pytest.fixture(scope="package")
def whole(browser: browsing.Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a run that has all parts."""
    return _written(pages.everything(), tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="package")
def narrow(browser: browsing.Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a run of two transports."""
    results = sweep(reference, cells(("pipe", "unix-stream"), ("latency", "stream"), (64,)))
    return _written(results, tmp_path_factory.mktemp("narrow"))


@pytest.fixture(scope="package")
def hostile(browser: browsing.Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a run in which every string is hostile."""
    return _written(test_page.hostile(), tmp_path_factory.mktemp("hostile"))
