"""Checks that output has no active markup, no requests and no control characters.

Used by the fuzzed readers and by the tests of hostile folders.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pyperf

from ipcbench.reports.page import script

FORBIDDEN = {
    "script", "iframe", "object", "embed", "img", "base", "form", "input", "button", "video",
    "audio", "foreignobject", "animate", "set", "template", "marquee", "frame", "applet", "b2",
}  # fmt: skip
LOADING = {
    "src",
    "srcset",
    "poster",
    "data",
    "action",
    "formaction",
    "background",
    "ping",
    "xlink:href",
}
FILES = ("results.csv", "suite.json")  # of the run's folder, to which the page has links
CONTROLS = {"radio", "checkbox"}  # of the page's form, which is sent nowhere


class Reader(HTMLParser):
    """A parser that rejects markup which a browser would run or load.

    The page's own script is allowed, once and as it is in the package, and so is its form.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.policies = 0
        self.scripts: list[str] = []
        self._forms, self._form, self._script = 0, False, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in FORBIDDEN or self._is_ours(tag, dict(attrs)), (tag, attrs)
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            assert name not in LOADING, (tag, name, value)
            if name == "href":
                assert value in ("data:,", *FILES) or (value or "").startswith("#"), (tag, value)
            if name == "style":
                assert not re.search(r"url\((?!#)|expression|@import", value or ""), value
            if name == "id":
                self.ids.append(value or "")
            if (name, value) == ("http-equiv", "Content-Security-Policy"):
                self.policies += 1

    def _is_ours(self, tag: str, attributes: dict[str, str | None]) -> bool:
        if tag == "script":
            self._script = True
            return not attributes
        if tag == "form":
            self._forms += 1
            self._form = True
            return self._forms == 1 and attributes == {"id": "chooser", "hidden": None}
        return tag == "input" and self._form and attributes.get("type") in CONTROLS

    def handle_endtag(self, tag: str) -> None:
        self._form = self._form and tag != "form"
        self._script = self._script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._script:
            self.scripts.append(data)


def page(text: str) -> None:
    """Check a page. Raises: AssertionError if it is unsafe to open in a browser."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert "".join(reader.scripts) in ("", script.source())
    assert f'content="{script.policy()}"' in text
    assert reader.policies == 1
    assert len(reader.ids) == len(set(reader.ids)), "two elements with one id"
    lines(text)
    text.encode()


def drawing(text: str) -> None:
    """Check an SVG file: well-formed, with shapes and text only."""
    for element in ET.fromstring(text).iter():
        name = element.tag.rpartition("}")[2].lower()
        assert name not in FORBIDDEN - {"set"}, name
        for key, value in element.attrib.items():
            assert not key.lower().startswith("on"), key
            if key.endswith("href"):
                assert value.startswith("#"), value


def line(text: str) -> None:
    """Check one line for a terminal."""
    assert text, "an empty refusal"
    assert text.isprintable(), repr(text)
    assert len(text) < 6000, len(text)


def lines(text: str) -> None:
    """Check lines for a terminal or a page: no control characters."""
    bad = [c for c in set(text) if not c.isprintable() and c not in "\n\t"]
    assert not bad, bad


def suite(path: Path) -> None:
    """Check that pyperf reads a suite and formats what its commands show."""
    found = pyperf.BenchmarkSuite.load(str(path))
    for benchmark in found:
        benchmark.get_dates()
        benchmark.get_total_duration()
        benchmark.format_value(benchmark.median())
        for run in benchmark.get_runs():
            for name, value in run.get_metadata().items():
                pyperf.format_metadata(name, value)
