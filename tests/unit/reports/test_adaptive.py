"""Pages of adaptive sweeps: contests stop at different rounds, and their cells with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcbench.bench.decisions.contest import LOOKS, Verdict
from ipcbench.bench.decisions.contests import contests_of
from ipcbench.bench.decisions.looks import Judge
from ipcbench.bench.decisions.tasks import tasks_of
from ipcbench.bench.decisions.verdicts import of_results
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Contested
from ipcbench.bench.results.results import Results, load
from ipcbench.reports.model import Measured, measured
from ipcbench.reports.page.page import write
from ipcbench.reports.page.texts import verdict_phrases as phrases
from ipcbench.reports.verdicts.answers import answers
from ipcbench.reports.verdicts.contests import Comparison, comparisons
from tests.synthetic import Time, cells, sweep, write_journal

SHM = "shm:posix+posix-sem"
NAMES = ("pipe", "unix-stream", "tcp", SHM)


def adaptive(time: Time, planned: Sequence[Cell], **options: float) -> Results:
    """Sweep as an adaptive sweep does: after each look, only cells of open contests go on."""
    results = sweep(time, planned, rounds=LOOKS[-1], **options)  # type: ignore[arg-type]
    results.header = msgspec.structs.replace(
        results.header,
        settings=msgspec.structs.replace(results.header.settings, rounds=LOOKS[0], adaptive=True),
    )
    for entry in results.cells.values():
        assert entry.facts is not None
        entry.tasks = list(tasks_of(entry.cell, entry.facts))
    contests = contests_of(
        (entry.cell, entry.facts, entry.tasks)
        for entry in results.cells.values()
        if entry.facts is not None
    )
    for one in contests:
        results.contests[one.id] = Contested(
            id=one.id, task=one.task, family=one.family, statement=one.statement,
            first=list(one.first), second=list(one.second), band=one.band, level=0.025,
        )  # fmt: skip
    judge = Judge(contests, lambda cell: results.cells[cell].cell.placement)
    for number in LOOKS:
        times = {key: entry.by_round() for key, entry in results.cells.items()}
        line = judge.look(times, number)
        going = {cell for one in judge.open() for cell in one.cells}
        results.looks.append(msgspec.structs.replace(line, goes_on=sorted(going)))
        for key, entry in results.cells.items():
            if key not in going:
                entry.runs = [run for run in entry.runs if run.round <= number]
        if not going:
            break
    most = max(len(entry.runs) for entry in results.cells.values())
    results.rounds = results.rounds[:most]
    for line_of_round in results.rounds:
        line_of_round.mini = line_of_round.round > LOOKS[0]
    return results


def judged(results: Results) -> tuple[list[Comparison], list[Measured]]:
    known = measured(results)
    return comparisons(of_results(results), known), known


def made(noise: float = 0.02, seed: int = 1, shm: float = 0.99e-5) -> Results:
    times = {"pipe": 1e-5, "unix-stream": 2e-5, "tcp": 3e-5, SHM: shm}
    planned = cells(NAMES, sizes=(64,))
    return adaptive(lambda name, *_: times[name], planned, noise=noise, seed=seed, drift=0.0)


def test_a_cell_that_stopped_shows_its_base_rounds_alone() -> None:
    found, known = judged(made(noise=0.05))
    rounds = {one.cell.transport: one.interval.n for one in known}
    assert rounds["tcp"] == LOOKS[0]
    assert rounds["pipe"] == rounds[SHM] > LOOKS[0]
    early = next(one for one in found if one.second.cell.transport == "unix-stream")
    assert (early.judged.rounds, early.judged.stopped_early) == (LOOKS[0], True)
    assert phrases.EARLY in phrases.ratio(early)


@settings(deadline=None, max_examples=15)
@given(st.floats(0.005, 0.2), st.integers(0, 99), st.floats(0.8e-5, 1.2e-5))
def test_intervals_agree_with_verdicts_at_all_looks(noise: float, seed: int, shm: float) -> None:
    found, _ = judged(made(noise, seed, shm))
    assert found
    for one in found:
        if one.ratio is None:
            assert one.is_open
            continue
        assert (one.ratio.low > 1) == (one.verdict is Verdict.FASTER)
        assert (one.ratio.high < 1) == (one.verdict is Verdict.SLOWER)
        assert one.ratio.low <= one.ratio.value <= one.ratio.high


@settings(deadline=None, max_examples=10)
@given(st.floats(0.005, 0.2), st.integers(0, 99))
def test_no_winner_is_slower_than_its_runner_up(noise: float, seed: int) -> None:
    results = made(noise, seed)
    found, known = judged(results)
    for answer in answers(results, found, known):
        for tier in answer.tiers:
            medians = [one.median for one in tier.found.entrants]
            assert medians == sorted(medians)
            assert {one.cell for one in tier.members} <= tier.cells.keys()


@pytest.mark.parametrize("noise", [0.005, 0.05, 0.1])
def test_the_page_of_a_journal_is_that_of_the_results(noise: float, tmp_path: Path) -> None:
    results = made(noise)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    write_journal(results, second)
    assert write(results, first).read_bytes() == write(load(second), second).read_bytes()
    text = (first / "report.html").read_text()
    looks = [look.rounds for look in results.looks]
    said = phrases.multiplicity(of_results(results), results)
    assert said in text
    assert all(str(one) in said.lower().partition("look")[2] for one in looks)
    assert phrases.EARLY in text
