"""The page on the file format names every record and field of the code, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pyperf
import pytest
from msgspec import structs

from ipcbench.bench.results import (
    cell,
    journal,
    pyperf_file,
    records,
    results,
    units,
)
from ipcbench.bench.results.comparison import comparison, selftest
from ipcbench.bench.results.comparison import records as comparison_records
from ipcbench.bench.results.comparison.records import AnyComparisonEntry
from ipcbench.bench.results.entries import bounds, checks, judgements, machine
from ipcbench.bench.results.entries.fingerprint import Fingerprint
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.records import AnyEntry
from ipcbench.bench.results.suite import write_suite
from ipcbench.bench.selftest.records import AnySelftestEntry
from tests import synthetic

PAGE = (Path(__file__).parents[2] / "docs/format.md").read_text()
PARTS = {
    "settings": records.Settings,
    "machine": MachineInfo,
    "fingerprint": Fingerprint,
    "core's kind": machine.CoreKind,
    "usage": records.Usage,
    "disturbance": records.Disturbance,
    "contest's state": records.Stand,
    "promise's state": records.PromiseStand,
    "cell's axes": cell.Cell,
    "cell's facts": cell.Facts,
}
COMPARED = {
    "arm": comparison_records.ArmEntry,
    **{
        line.__struct_config__.tag: line
        for line in get_args(AnyComparisonEntry)
        if line not in get_args(AnyEntry)
    },
}
TESTED = {
    "Result of a selftest": selftest.SelftestResult,
    "Verdict on a cell": selftest.CellOutcome,
    "Class of cells": selftest.Sight,
    "Shares by slow-down": selftest.Point,
    **{
        line.__struct_config__.tag: line
        for line in get_args(AnySelftestEntry)
        if line not in get_args(AnyEntry)
    },
}
LINES = {line.__struct_config__.tag: line for line in get_args(AnyEntry)}


def tables(page: str) -> dict[str, list[tuple[str, str]]]:
    """Heading -> (field, type) of the table below it; the headings of records and their parts."""
    found: dict[str, list[tuple[str, str]]] = {}
    title = ""
    for line in page.splitlines():
        if heading := re.fullmatch(r"#+ (.+)", line):
            title = heading[1].strip("`")
        elif row := re.match(r"\| `(\w+)` \| ([^|]+) \|", line):
            found.setdefault(title, []).append((row[1], row[2]))
    return found


OF_SUITE = PAGE.partition("## suite.json")[2].partition("\n## ")[0]
OF_COMPARISON = PAGE.partition("## comparison.jsonl")[2].partition("\n## ")[0]
OF_SELFTEST = PAGE.partition("## selftest.jsonl")[2].partition("\n## ")[0]
FIELDS = tables(PAGE.partition("## results.csv")[0]) | tables(OF_COMPARISON) | tables(OF_SELFTEST)
STRUCTS = {**LINES, **PARTS, **COMPARED, **TESTED}


@pytest.mark.parametrize("name", STRUCTS)
def test_every_field_is_named(name: str) -> None:
    fields = msgspec.structs.fields(STRUCTS[name])
    assert [field for field, _ in FIELDS[name]] == [field.name for field in fields]
    for (_, kind), field in zip(FIELDS[name], fields, strict=True):
        assert ("default" in kind) == (not field.required), field.name


def test_nothing_else_is_named() -> None:
    assert FIELDS.keys() == STRUCTS.keys()


def test_the_versions_are_the_codes() -> None:
    assert f"Journal schema: **{records.SCHEMA}**" in PAGE
    assert f"writes schema {records.SCHEMA}. It" in PAGE
    assert f"reads schemas {' and '.join(map(str, records.READABLE))}, and refuses" in PAGE
    assert f"`--resume` takes schema {records.SCHEMA} alone" in PAGE
    assert f"Comparison schema: **{comparison_records.SCHEMA}**" in PAGE


@pytest.mark.parametrize(
    ("what", "bound"),
    [
        ("the file", f"{journal.LARGEST >> 20} MiB"),
        ("a line", f"{journal.LONGEST_LINE >> 20} MiB"),
        ("cells", f"{cell.MOST_CELLS:,}"),
        ("contests", f"{judgements.MOST_CONTESTS:,}"),
        ("pairs of cells of two sides, of all contests together", f"{judgements.MOST_PAIRS:,}"),
        ("promises", f"{judgements.MOST_PROMISES:,}"),
        ("states of contests and promises, of all looks together", f"{judgements.MOST_STANDS:,}"),
        ("looks at one contest or promise", f"{judgements.MOST_LOOKS}"),
        ("experiments of a sweep", f"{records.MOST_EXPERIMENTS:,}"),
        ("figures, texts and rows of an observation", f"{records.MOST_FIGURES:,} each"),
        ("columns of a row of an observation", f"{bounds.MOST_COLUMNS:,}"),
        ("characters of a text of an observation", f"{bounds.LONGEST_TEXT:,}"),
        ("blocks of a run, warm-ups likewise", f"{records.MOST_BLOCKS:,}"),
        ("values and histogram buckets of all runs together", f"{results.MOST_NUMBERS:,}"),
        (
            "entries of a run's `usage`, `observations`, `metadata`, `cpus`",
            f"{checks.MOST_BESIDE:,} each",
        ),
    ],
)
def test_the_bounds_are_the_codes(what: str, bound: str) -> None:
    assert f"| {what} | {bound} |" in PAGE


def test_the_bounds_in_powers_are_the_codes() -> None:
    assert f"At most {comparison.MOST_PAIRS:,} pairs of a cell" in PAGE
    assert f"above 0, up to {comparison_records.LARGEST_DELTA:.0f}" in PAGE
    assert (pyperf_file.SHORTEST, pyperf_file.LONGEST) == (1e-12, 1e6)
    assert "| a value | 1e-12 to 1e6 s |" in PAGE
    assert units.LARGEST == 1 << 50 and cell.MOST == 1 << 20
    assert "| `size` | 0 to 2^50 |" in PAGE
    assert PAGE.count(f"| `rounds` | 1 to {records.MOST_ROUNDS:,} |") == 2


def test_every_reason_for_an_end_is_named() -> None:
    (row,) = re.findall(r"^\| `reason` \| text \| (`complete`.+) \|$", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == set(get_args(records.Reason))


def test_every_key_of_the_suite_is_named(tmp_path: Path) -> None:
    asked = [structs.replace(cell, looks=7) for cell in synthetic.cells(["pipe"])]
    made = synthetic.sweep(lambda *axes: 1e-6, asked, rounds=3)
    for run in next(made.ok()).runs:
        run.depth, run.in_flight = 4, 256
    path = tmp_path / "suite.json"
    assert write_suite(made, path)
    suite = pyperf.BenchmarkSuite.load(str(path))
    written = {key for one in suite for run in one.get_runs() for key in run.get_metadata()}
    written -= made.header.metadata.keys() | records.OF_A_RUN
    rows = re.findall(r"^\| (`[^|]+) \|", OF_SUITE, re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"`(\w+)`", row)} == written


def test_deviations_are_found() -> None:
    """The function that reads the page for the tests above can fail."""
    page = "## A\n### `run`\n| field | type |\n|---|---|\n| `at` | number, default 0 | x |\n"
    assert tables(page) == {"run": [("at", "number, default 0")]}
