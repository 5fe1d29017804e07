"""Judges of a page: axe-core in the browser, and html-validate on the file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.browser.browsing import Tab

_FOLDER = Path(__file__).parent
_MODULES = Path(sys.prefix) / "node" / "node_modules"  # of `make test`
OPEN_ALL = "() => document.querySelectorAll('details').forEach((one) => one.open = true)"


def _module(path: str) -> Path:
    found = _MODULES / path
    if not found.exists():
        pytest.skip("npm's packages are not installed: `make test` does it where npm exists")
    return found


@cache
def _axe() -> str:
    return _module("axe-core/axe.min.js").read_text(encoding="utf-8")


_ALIKE = """() => {
    for (const body of document.querySelectorAll("tbody"))
        [...body.rows].slice(4).forEach((row) => row.remove());
    for (const drawing of document.querySelectorAll("svg"))
        [...drawing.querySelectorAll(".mark")].slice(4).forEach((mark) => mark.remove());
}"""


def leave_few_of_a_kind(tab: Tab) -> None:
    """Remove rows and marks that are like others: axe-core computes the contrast of each."""
    tab.page.evaluate(_ALIKE)


def accessibility(tab: Tab) -> list[str]:
    """Run all rules of axe-core, and describe its findings."""
    tab.page.evaluate(f"() => {{ {_axe()} }}")  # the policy allows it no element
    found = tab.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [_finding(one) for one in found["violations"]]


def _finding(one: dict[str, Any]) -> str:
    nodes = one["nodes"]
    first = "; ".join(f"{node['target']}: {node['html'][:160]}" for node in nodes[:3])
    return f"{one['id']}: {one['help']} ({len(nodes)} times): {first}"


def markup(*files: Path) -> list[str]:
    """Validate files of HTML, and describe the errors and warnings."""
    program = _module("html-validate/bin/html-validate.mjs")
    node = shutil.which("node") or pytest.skip("html-validate runs on Node.js")
    with tempfile.NamedTemporaryFile(suffix=".json") as found:  # a pipe is cut at 64 KiB
        done = subprocess.run(
            [node, program, "--config", _FOLDER / "htmlvalidate.config.cjs",
             "--formatter", f"json={found.name}", *files],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        reports = json.load(found)  # of the files that have errors
    return [
        f"{report['filePath']}:{each['line']}: {each['ruleId']}: {each['message']}"
        for report in reports
        for each in report["messages"]
    ]


def sheets(pdf: bytes) -> int:
    """Count the pages of a PDF that Chromium has written: their objects are not compressed."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
