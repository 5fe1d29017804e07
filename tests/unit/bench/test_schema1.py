"""Journals of schema 1: read with the present axes and names, and not resumed.

`schema1.jsonl` is the journal of a small sweep, written by the last version with schema 1
under the made-up clock.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.errors import SweepError
from ipcbench.bench.results.journal import NAME
from ipcbench.bench.results.records import Settings
from ipcbench.bench.results.results import Results, Status, Unreadable, load
from ipcbench.bench.sweep import sweep
from ipcbench.bench.sweep.display import Silent
from ipcbench.reports.model import measured

STORED = Path(__file__).parent / "schema1.jsonl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / NAME).write_bytes(STORED.read_bytes())
    return tmp_path


@pytest.fixture
def results(folder: Path) -> Results:
    return load(folder)


def test_every_line_is_read(results: Results) -> None:
    lines = [json.loads(line) for line in STORED.read_bytes().splitlines()]
    runs = [line for line in lines if line["kind"] == "run"]
    assert sum(len(cell.runs) for cell in results.cells.values()) == len(runs) > 0
    planned = [line for line in lines if line["kind"] in ("cell", "skipped")]
    assert len(results.cells) == len(planned)
    assert all(cell.loops for cell in results.cells.values() if cell.skipped is None)
    assert sum(len(cell.failures) for cell in results.cells.values()) == 2
    assert len(list(results.ok())) == len([line for line in lines if line["kind"] == "cell"])


def test_the_seconds_of_a_tail_pass_are_read(results: Results) -> None:
    """Now a pass has a number of stamps: no seconds are written."""
    old = results.header.settings
    assert (old.tail, old.stamps) == (0.001, 0)
    assert b"tail" not in msgspec.json.encode(Settings(values=1, warmups=0, block=0.01, rounds=1))


def test_axes_that_it_did_not_know_are_at_their_defaults(results: Results) -> None:
    assert {cell.cell.pace for cell in results.cells.values()} == {"closed"}
    plain = results.cells["latency/pipe/python/64B/2p/same-core"].cell
    assert plain.wait == "block"


def test_poll_is_a_wait(results: Results) -> None:
    polled = {identity for identity, cell in results.cells.items() if cell.cell.wait == "poll"}
    assert polled == {
        "latency/pipe/python/64B/2p/same-core/wait-poll",
        "latency/pipe/python/64B/2p/same-core/wait-poll~twin",
        "latency/pipe/native/64B/2p/same-core/wait-poll",
        "latency/sysv-queue/python/64B/2p/same-core/wait-poll",
        "latency/sysv-queue/native/64B/2p/same-core/wait-poll",
    }
    skipped = {cell.cell.id for cell in results.with_status(Status.SKIPPED)}
    assert skipped == {identity for identity in polled if "sysv" in identity}


def test_ways_of_waiting_have_their_present_names(results: Results) -> None:
    found = {
        cell.cell.transport: cell.facts.wait
        for cell in results.cells.values()
        if cell.facts is not None and cell.cell.wait == "block"
    }
    assert found == {
        "pipe": "block",
        "shm:posix+futex": "block",
        "shm:posix+spin": "spin",
        "shm:posix+spin-block": "spin-block",
        "null": "none",
        "sysv-queue": "block",
        "posix-sem": "block",
    }


def test_the_placement_without_idle_states_has_its_present_name(results: Results) -> None:
    assert {cell.cell.placement for cell in results.cells.values()} == {
        "same-core",
        "cross-core-awake",
    }
    assert "stream/sysv-queue/python/64B/2p/cross-core-awake/depth2" in results.cells


def test_a_report_takes_it(results: Results) -> None:
    assert len(measured(results)) == len(list(results.ok()))


def test_it_is_not_resumed(folder: Path) -> None:
    before = (folder / NAME).read_bytes()
    with pytest.raises(SweepError, match="schema 1 of the journal, which can be read but not"):
        sweep.resume(folder, ["ipcbench"], Silent())
    assert (folder / NAME).read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"poll":true', '"poll":1'),
        ('"poll":true', '"wait":"poll"'),
        ('"placement":"same-core"', '"placement":"same  core"'),
        ('"size":64', '"size":-1'),
        ('"schema":1', '"schema":0'),
    ],
)
def test_lines_that_are_not_of_schema_1_are_refused(folder: Path, old: str, new: str) -> None:
    text = STORED.read_text()
    assert old in text
    (folder / NAME).write_text(text.replace(old, new, 1))
    with pytest.raises(Unreadable):
        load(folder)
