"""docs/format.md names every key of the gate's report in JSON, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from ipcbench.reports.gate.exports.json import SCHEMA, to_data
from ipcbench.reports.gate.report import GateVerdict, Measure
from tests.unit.reports.gate.a_report import a_report

PAGE = (
    (Path(__file__).parents[4] / "docs/format.md").read_text().partition("## The gate's report")[2]
)
REPORT, LINE = PAGE.split("A line:")


def keys(part: str) -> list[str]:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", part, re.MULTILINE)
    return [key for row in rows for key in re.findall(r"`(\w+)`", row)]


def test_every_key_is_named() -> None:
    data = to_data(a_report())
    assert keys(REPORT) == list(data)
    assert sorted(keys(LINE)) == sorted(data["lines"][0])
    assert f"schema **{SCHEMA}**" in PAGE


def test_every_word_is_named() -> None:
    for word in (*GateVerdict, *Measure):
        assert f"`{word.value}`" in LINE
