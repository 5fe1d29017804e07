"""bench.results.results: contests and looks in a journal, which is untrusted."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.results.entries import judgements
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.results.records import (
    AnyEntry,
    Contested,
    Looked,
    PlannedEntry,
    Promised,
    PromiseStand,
    Round,
    Skipped,
    Stand,
)
from ipcbench.bench.results.results import load
from tests.unit.bench.test_results import FACTS, FIFO, PIPE, a_cell, a_folder, a_run

TCP = a_cell("tcp")
PLAN: list[AnyEntry] = [
    PlannedEntry(cell=PIPE, facts=FACTS),
    PlannedEntry(cell=FIFO, facts=FACTS),
    Skipped(cell=TCP, reason="no network", remedy=""),
]
CONTEST = Contested(
    id="a", task="t", family="f", first=[PIPE.id], second=[FIFO.id], band=0.05, level=0.025
)
STAND = Stand(
    contest="a",
    rounds=8,
    first={PIPE.id: 0.2},
    second={FIFO.id: 0.5},
    tie=1.0,
    p=0.4,
    verdict="undecided",
    needed=16,
)
LOOK = Looked(rounds=8, stands=[STAND], goes_on=[PIPE.id, FIFO.id], left=20.0, at=90.0)


PROMISE = Promised(id="p", faster=PIPE.id, than=FIFO.id, at_least=1.5, level=0.025)
KEPT = PromiseStand(
    promise="p",
    rounds=8,
    above_least=0.001,
    below_most=0.0,
    below_least=1.0,
    above_most=1.0,
    verdict="inconclusive",
    needed=12,
)


def changed(entry: AnyEntry, **fields: object) -> AnyEntry:
    return msgspec.structs.replace(entry, **fields)


def a_look_at_it(rounds: int = 8, **fields: object) -> Looked:
    stand = msgspec.structs.replace(KEPT, rounds=rounds, **fields)
    return Looked(rounds=rounds, stands=[], promises=[stand])


def a_look(rounds: int = 8, **fields: object) -> Looked:
    return Looked(rounds=rounds, stands=[msgspec.structs.replace(STAND, rounds=rounds, **fields)])


FASTER = {"verdict": "faster", "needed": 0, "second": {FIFO.id: 0.001}, "p": 0.002}


FOR_BAND = msgspec.structs.replace(CONTEST, asks="band")


def a_look_for_band(rounds: int = 8, **fields: object) -> Looked:
    """Return a look at it behind which it is faster, and goes on."""
    known = {
        "verdict": "faster",
        "second": {FIFO.id: 0.001},
        "within": {PIPE.id: 1.0, FIFO.id: 0.0001},
        "beyond": {PIPE.id: 1.0, FIFO.id: 0.4},
    }
    return a_look(rounds, **known | fields)


OUTSIDE = {"extent": "outside", "beyond": {PIPE.id: 1.0, FIFO.id: 0.01}, "needed": 0}


def test_a_contest_for_the_band_goes_on_after_its_direction(tmp_path: Path) -> None:
    found = [a_look_for_band(), a_look_for_band(12, **OUTSIDE)]
    results = load(a_folder(tmp_path, *PLAN, FOR_BAND, *found))
    assert results.contests["a"].asks == "band"
    assert results.looks == found
    told = [a_look_for_band(verdict="undecided"), a_look_for_band()]  # when another one is judged
    assert load(a_folder(tmp_path, *PLAN, FOR_BAND, *told)).looks == told


def test_a_contest_of_an_older_journal_asks_for_the_direction(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, *PLAN, CONTEST, a_look(**FASTER))
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"asks":"direction",', b""))
    assert b'"asks"' not in journal.read_bytes()
    assert load(folder).contests["a"].asks == "direction"


def test_contests_and_looks_are_kept(tmp_path: Path) -> None:
    runs = [a_run(cell, 1, [1e-6]) for cell in (PIPE, FIFO)]
    done = a_look(12, **FASTER)
    results = load(a_folder(tmp_path, *PLAN, CONTEST, *runs, LOOK, done))
    assert results.contests == {"a": CONTEST}
    assert results.looks == [LOOK, done]
    assert results.spent == 90.0


def test_a_contest_may_be_decided_when_another_one_is_judged(tmp_path: Path) -> None:
    decided = a_look(**FASTER)
    results = load(a_folder(tmp_path, *PLAN, CONTEST, LOOK, changed(decided, rounds=12)))
    assert results.looks[-1].stands == decided.stands


def test_promises_and_looks_at_them_are_kept(tmp_path: Path) -> None:
    runs = [a_run(cell, 1, [1e-6]) for cell in (PIPE, FIFO)]
    found = [a_look_at_it(), a_look_at_it(8, verdict="kept")]  # decided with another one
    results = load(a_folder(tmp_path, *PLAN, PROMISE, *runs, *found))
    assert results.promises == {"p": PROMISE}
    assert results.looks == found


def test_a_journal_of_an_older_version_has_none(tmp_path: Path) -> None:
    line = Round(round=1, wall=1.0, timed=0.5, steal=0.0, load=0.1)
    results = load(a_folder(tmp_path, *PLAN, a_run(PIPE, 1, [1e-6]), line))
    assert (results.contests, results.looks) == ({}, [])
    assert not results.rounds[0].mini


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([CONTEST, CONTEST], "the contest 'a' stands twice"),
        ([a_run(PIPE, 1, [1e-6]), CONTEST], "the contest 'a' comes after the first run"),
        ([changed(CONTEST, second=["x"])], "names the cell 'x', which is not measured"),
        ([changed(CONTEST, second=[TCP.id])], "which is not measured"),
        ([changed(CONTEST, first=[])], "has an empty side"),
        ([changed(CONTEST, first=[FIFO.id])], "or a cell twice"),
        ([changed(CONTEST, id="")], "has no valid id"),
        ([changed(CONTEST, family="a\nb")], "has no valid id"),
        ([changed(CONTEST, task="t" * 2000)], "has no valid id"),
        ([changed(CONTEST, statement="s" * 2000)], "its statement has no valid name"),
        ([changed(CONTEST, band=1.5)], "<= 1.0"),
        ([changed(CONTEST, level=0.0)], "> 0.0"),
        ([LOOK], "a look at the contest 'a', which was not planned"),
        ([CONTEST, LOOK, LOOK], "at no more rounds than before"),
        ([CONTEST, a_look(**FASTER), a_look(12, second={FIFO.id: 0.001})], "after its verdict"),
        ([CONTEST, LOOK, a_look(12, second={})], "lacks a cell that it had"),
        ([CONTEST, LOOK, a_look(12, first={PIPE.id: 0.3})], "or its p-value has risen"),
        ([CONTEST, a_look(verdict="faster")], "that its p-values do not allow"),
        ([CONTEST, a_look(**FASTER | {"verdict": "slower"})], "that its p-values do not allow"),
        ([CONTEST, a_look(**FASTER | {"verdict": "tie"})], "that its p-values do not allow"),
        ([CONTEST, a_look(**FASTER | {"second": {}})], "that its p-values do not allow"),
        ([CONTEST, a_look_for_band()], "that its p-values do not allow"),
        ([CONTEST, a_look(**FASTER | {"extent": "inside"})], "that its p-values do not allow"),
        ([FOR_BAND, LOOK], "that its p-values do not allow"),
        ([FOR_BAND, a_look_for_band(extent="inside")], "that its p-values do not allow"),
        ([FOR_BAND, a_look_for_band(extent="outside")], "that its p-values do not allow"),
        ([FOR_BAND, a_look_for_band(**OUTSIDE | {"verdict": "slower"})], "do not allow"),
        ([FOR_BAND, a_look_for_band(verdict="tie", tie=0.001)], "do not allow"),
        ([FOR_BAND, a_look_for_band(verdict="undecided", extent="inside", tie=0.0)], "not allow"),
        ([FOR_BAND, a_look_for_band(), a_look_for_band()], "at no more rounds than before"),
        ([FOR_BAND, a_look_for_band(), a_look_for_band(12, verdict="undecided")], "its verdict"),
        ([FOR_BAND, a_look_for_band(**OUTSIDE), a_look_for_band(12, **OUTSIDE)], "its verdict"),
        ([FOR_BAND, a_look_for_band(), a_look_for_band(12, beyond={})], "do not allow"),
        ([changed(CONTEST, asks="size")], "Invalid enum value 'size'"),
        ([CONTEST, *map(a_look, range(1, 22))], "follows 20 others"),
        ([PROMISE, *map(a_look_at_it, range(1, 22))], "follows 20 others"),
        ([PROMISE, a_look_at_it(verdict="broken")], "that its p-values do not allow"),
        ([PROMISE, a_look_at_it(above_least=0.1, verdict="kept")], "do not allow"),
        ([CONTEST, a_look(first={FIFO.id: 0.1})], "names a cell that is on no side"),
        ([CONTEST, a_look(second={TCP.id: 0.1})], "names a cell that is on no side"),
        ([CONTEST, changed(LOOK, goes_on=["x"])], "a look names the cell 'x'"),
        ([CONTEST, changed(LOOK, rounds=0)], ">= 1"),
        ([CONTEST, a_look(p=-0.1)], ">= 0.0"),
        ([CONTEST, a_look(p=1e9)], "<= 1000000.0"),
        ([CONTEST, a_look(verdict="even")], "Invalid enum value 'even'"),
        ([PROMISE, PROMISE], "the promise 'p' stands twice"),
        ([a_run(PIPE, 1, [1e-6]), PROMISE], "the promise 'p' comes after the first run"),
        ([changed(PROMISE, than="x")], "names the cell 'x', which is not measured"),
        ([changed(PROMISE, faster=TCP.id)], "which is not measured"),
        ([changed(PROMISE, than=PIPE.id)], "has one cell alone, or no bound"),
        ([changed(PROMISE, at_least=None)], "has one cell alone, or no bound"),
        ([changed(PROMISE, at_least=1e9)], "<= 1000000.0"),
        ([changed(PROMISE, id="a\nb")], "has no valid name"),
        ([a_look_at_it()], "a look at the promise 'p', which was not planned"),
        ([PROMISE, a_look_at_it(), a_look_at_it()], "at no more rounds than before"),
        ([PROMISE, a_look_at_it(verdict="kept"), a_look_at_it(12)], "after its verdict"),
        ([PROMISE, a_look_at_it(verdict="tie")], "Invalid enum value 'tie'"),
        ([PROMISE, a_look_at_it(below_most=-0.5)], ">= 0.0"),
    ],
)
def test_what_makes_no_sense_is_refused(lines: list[AnyEntry], said: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        load(a_folder(tmp_path, *PLAN, *lines))
    message = str(caught.value)
    assert message.startswith(str(tmp_path)) and "\n" not in message
    assert said in message


def test_the_number_of_promises_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = a_folder(tmp_path, *PLAN, PROMISE, changed(PROMISE, id="q"), a_look_at_it())
    assert len(load(folder).promises) == 2
    monkeypatch.setattr(judgements, "MOST_PROMISES", 1)
    with pytest.raises(Unreadable, match="over 1 promises"):
        load(folder)


@pytest.mark.parametrize("bound", ["MOST_CONTESTS", "MOST_PAIRS", "MOST_STANDS"])
def test_their_numbers_are_bounded(
    bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_folder(tmp_path, *PLAN, CONTEST, changed(CONTEST, id="b"), LOOK, a_look(12))
    assert len(load(folder).contests) == 2
    monkeypatch.setattr(judgements, bound, 1)
    with pytest.raises(Unreadable, match="over 1"):
        load(folder)
