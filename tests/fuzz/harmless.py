"""Checks that output has no active markup, no requests and no control characters.

Used by the fuzzed readers and by the tests of hostile folders.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pyperf

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


class Reader(HTMLParser):
    """A parser that rejects markup which a browser would run or load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.policies = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in FORBIDDEN, tag
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            assert name not in LOADING, (tag, name, value)
            if name == "href":
                assert value == "data:," or (value or "").startswith("#"), (tag, value)
            if name == "style":
                assert not re.search(r"url\((?!#)|expression|@import", value or ""), value
            if name == "id":
                self.ids.append(value or "")
            if (name, value) == ("http-equiv", "Content-Security-Policy"):
                self.policies += 1


def page(text: str) -> None:
    """Check a page. Raises: AssertionError if it is unsafe to open in a browser."""
    reader = Reader()
    reader.feed(text)
    reader.close()
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
