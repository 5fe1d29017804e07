"""Tests of `reports.page.script`: the one script that a browser may run on the page."""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

from ipcbench.reports.page.script import policy, source
from tests.synthetic import cells, reference, sweep
from tests.unit.reports.test_page import read, scripts


def test_the_policy_allows_the_script_of_the_page_and_no_other(tmp_path: Path) -> None:
    _, page = read(sweep(reference, cells(patterns=("latency",))), tmp_path)
    (script,) = scripts(page)
    allowed = re.findall(r"script-src ([^;]*);", page)
    assert [b64decode(one.strip("'").removeprefix("sha256-")) for one in allowed] == [
        sha256(script.encode()).digest()
    ]
    assert page.index("Content-Security-Policy") < page.index("<style") < page.index("<script")


def test_the_policy_refuses_all_else() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in policy().split(";"))
    assert rules.pop("script-src").startswith("'sha256-")
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",  # the page's own style is in it
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_the_script_ends_where_it_ends() -> None:
    """In a `script` element, these begin a comment or end it: HTML, section 13.2.5.4."""
    assert not re.search(r"<!--|<script|</script", source(), re.IGNORECASE)
    assert "\r" not in source()  # a browser would hash a line feed in its place


def test_the_script_makes_no_markup_and_no_code_of_data() -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment"
        r"|DOMParser|srcdoc|\beval\b|Function\(|import\(|fetch\(|XMLHttpRequest"
        r"|setTimeout\(\s*[\"'`]|\.on[a-z]+ =|setAttribute\(\"(?:style|on)"
    )
    assert not re.findall(forbidden, source())
    assert source().startswith('"use strict";')
