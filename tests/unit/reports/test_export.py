"""Rows of a run, and the formats that they are written in."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.commands import export
from ipcbench.bench.results.results import CellResult, Results
from ipcbench.reports.export import formats
from ipcbench.reports.export.formats import FORMULA, to_csv, to_json, to_markdown
from ipcbench.reports.export.rows import cell_rows, contest_rows
from tests import synthetic

FORMAT = (Path(__file__).parents[3] / "docs/format.md").read_text()


def time(transport: str, pattern: str, size: int, *_: object) -> float:
    return (2e-6 if transport == "pipe" else 3e-6) * (1 + size / 64)


@pytest.fixture
def results() -> Results:
    planned = synthetic.cells(("pipe", "unix-stream"), sizes=(64, 4096))
    return synthetic.sweep(time, planned, rounds=12, tail=200)


def test_each_cell_has_a_row(results: Results) -> None:
    rows = cell_rows(results)
    assert [row["cell"] for row in rows] == list(results.cells)
    first = rows[0]
    assert first["seconds"] == pytest.approx(4e-6, rel=0.2)
    assert first["seconds_low"] <= first["seconds"] <= first["seconds_high"]  # type: ignore[operator]
    assert (first["status"], first["rounds"], first["void_runs"]) == ("ok", 12, 0)
    assert first["p50_seconds"] is not None
    assert first["p99.9_seconds"] is None  # the sample does not bear it


def test_all_rows_have_the_columns_that_the_docs_name(results: Results) -> None:
    cell = next(iter(results.cells.values()))
    missing = msgspec.structs.replace(cell.cell, transport="fifo")
    results.cells[missing.id] = CellResult(missing)
    rows = cell_rows(results)
    assert len({tuple(row) for row in rows}) == 1
    assert (rows[-1]["status"], rows[-1]["seconds"]) == ("not measured", None)
    assert rows[-1]["reason"] == "the sweep ended before its first run"
    assert rows[0]["reason"] == ""
    table = FORMAT.partition("## results.csv")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w.]+)`", table))
    percentiles = {name for name in rows[0] if re.fullmatch(r"p[\d.]+_seconds", name)}
    assert set(rows[0]) - percentiles <= named
    assert {"p50_seconds", "p99.9_seconds"} <= percentiles & named


def test_each_contest_has_a_row(results: Results) -> None:
    rows = contest_rows(results)
    (small, large) = (row for row in rows if row["statement"] == "pipe-beats-socket")
    assert (small["verdict"], large["verdict"]) == ("faster", "faster")
    assert small["ratio"] == pytest.approx(1.5, rel=0.1)
    assert small["ratio_low"] > 1  # type: ignore[operator]
    table = FORMAT.partition("## results.csv")[2].partition("\n## ")[0]
    assert set(small) <= set(re.findall(r"`(\w+)`", table))


def test_csv_reads_back(results: Results) -> None:
    rows = cell_rows(results)
    read = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert [one["cell"] for one in read] == [row["cell"] for row in rows]
    assert [float(one["seconds"]) for one in read] == [row["seconds"] for row in rows]
    assert {one["depth"] for one in read} == {""}


@pytest.mark.parametrize("first", FORMULA)
def test_csv_has_no_formula(first: str) -> None:
    (read,) = csv.DictReader(io.StringIO(to_csv([{"name": f"{first}cmd|' /C calc'!A0"}])))
    assert not read["name"].startswith(FORMULA)


def test_json_reads_back(results: Results) -> None:
    rows = cell_rows(results)
    assert json.loads(to_json(rows)) == rows
    assert to_json([{"name": "\x1b[2J\u202e"}]).isascii()


def test_markdown_is_a_table_of_what_differs() -> None:
    rows = [
        {"transport": "pipe", "size": 64, "depth": None, "seconds": 2e-6, "cell": "a"},
        {"transport": "tcp|x\n", "size": 64, "depth": None, "seconds": None, "cell": "b"},
    ]
    assert to_markdown(rows).split("\n") == [  # type: ignore[arg-type]
        "size: 64",
        "",
        "| transport | time |",
        "| --- | --- |",
        "| pipe | 2.00 µs |",
        r"| tcp\|x\\n |  |",
        "",
    ]


def test_no_rows_are_no_error() -> None:
    assert (to_csv([]), to_markdown([]), to_json([])) == ("", "", "[]\n")


def test_the_command_has_all_formats() -> None:
    """It names them itself, since `--help` need not load what writes them."""
    assert tuple(formats.FORMATS) == export.FORMATS
