"""Journals of schema 2 that lack later fields: read, with those at their defaults.

`schema2_first.jsonl` is the journal of a small sweep under the made-up clock, written by the
first version with schema 2. No version with this schema has been released since, so fields
may come with a default and go, but a line is read as it was.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ipcbench.bench.results.journal import NAME
from ipcbench.bench.results.results import Results, load
from ipcbench.reports.model import measured

STORED = Path(__file__).parent / "schema2_first.jsonl"
LINES = [json.loads(line) for line in STORED.read_bytes().splitlines()]


def of_kind(kind: str) -> list[dict[str, object]]:
    return [line for line in LINES if line["kind"] == kind]


@pytest.fixture
def results(tmp_path: Path) -> Results:
    (tmp_path / NAME).write_bytes(STORED.read_bytes())
    return load(tmp_path)


def test_every_line_is_read(results: Results) -> None:
    assert results.header.schema == 2
    assert len(results.cells) == len(of_kind("cell")) > 0
    assert sum(len(cell.runs) for cell in results.cells.values()) == len(of_kind("run")) > 0
    assert len(results.rounds) == len(of_kind("round"))
    assert results.ended is not None
    assert len(measured(results)) == len(of_kind("cell"))


def test_ids_are_as_they_were(results: Results) -> None:
    """A run names its cell by the id; the id is made of the axes, so both must agree."""
    assert {line["cell"] for line in of_kind("run")} == set(results.cells)
    assert "latency/pipe/python/64B/2p/cross-core-awake/wait-poll/pause1ms~twin" in results.cells


def test_values_are_as_they_were(results: Results) -> None:
    runs = {
        (run.cell, run.round): run.values
        for result in results.cells.values()
        for run in result.runs
    }
    assert runs == {(line["cell"], line["round"]): line["values"] for line in of_kind("run")}


def test_runs_without_later_fields_are_read(results: Results) -> None:
    runs = [run for result in results.cells.values() for run in result.runs]
    assert {run.in_flight for run in runs} == {None}


def test_a_machine_without_later_fields_is_described(results: Results) -> None:
    machine = results.header.machine
    assert machine.cores == []
    assert machine.cores_used == ""
    assert machine.identity == "AMD EPYC x2, Linux 6.18, Python 3.11"


def test_a_cell_with_several_messages_a_call_is_read(tmp_path: Path) -> None:
    """No call carries several now: the fact remains for the figures of older journals."""
    stored = STORED.read_text()
    (tmp_path / NAME).write_text(stored.replace('"batch":false', '"batch":true'))
    found = load(tmp_path).cells.values()
    assert '"batch":false' in stored
    assert all(cell.facts is not None and cell.facts.batch for cell in found)
