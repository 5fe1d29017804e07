"""The page's rows of newest values, and what they say in short."""

from __future__ import annotations

import pytest

from ipcbench.bench.results.histogram import count
from ipcbench.bench.results.records import MISSED, TORN, VAIN
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.page.rows.newest import in_short, newest
from tests.synthetic import cells, sweep

AGES = {"latest:seqlock": 300, "latest:pipe": 9000}


@pytest.fixture
def results() -> Results:
    planned = cells(tuple(AGES), patterns=("latest",), sizes=(64,), runtimes=("python",))
    found = sweep(lambda *rest: 1e-6, planned, rounds=8, twins=planned[:1])
    for result in found.cells.values():
        for run in result.runs:
            run.observations = {MISSED: 0.25, VAIN: 0.5, TORN: 0.01}
            run.tail = dict(count([AGES[result.cell.transport]] * 1000))
    return found


def test_a_row_has_the_shares_and_the_ages(results: Results) -> None:
    found = newest(measured(results))
    assert found.total == len(AGES)  # without the twin
    for row in found.rows:
        assert (row.missed, row.vain, row.torn, row.readers) == (0.25, 0.5, 0.01, 3)
        assert row.age is not None and row.oldest is not None
        assert row.age.median == pytest.approx(AGES[row.measured.cell.transport], rel=0.05)


def test_the_youngest_and_the_oldest_values_are_named(results: Results) -> None:
    (sentence,) = in_short(newest(measured(results)).rows)
    assert sentence.startswith("3 readers, 64 B, one core, Python loop: ")
    assert "youngest values came through shared memory, seqlock, " in sentence
    assert "oldest through pipe, read to its end, " in sentence


def test_ages_are_not_ranked_by_few_rounds_or_where_their_intervals_meet() -> None:
    def of(rounds: int, *ages: int) -> list[str]:
        planned = cells(tuple(AGES), patterns=("latest",), sizes=(64,))
        found = sweep(lambda *rest: 1e-6, planned, rounds=rounds)
        for result, age in zip(found.cells.values(), ages, strict=True):
            for run in result.runs:
                run.tail = dict(count([age + 40 * (run.round % 3)] * 1000))
        return in_short(newest(measured(found)).rows)

    assert of(5, 300, 9000) == []
    (apart,) = of(8, 300, 9000)
    assert "the youngest values" in apart
    (alike,) = of(8, 300, 310)
    assert "no facility is told apart by it" in alike and "youngest" not in alike


def test_ages_that_were_not_taken_say_nothing(results: Results) -> None:
    for result in results.cells.values():
        for run in result.runs:
            run.tail, run.observations = {}, {}
    found = newest(measured(results))
    assert found.total == len(AGES)
    assert all(row.age is row.oldest is row.missed is None for row in found.rows)
    assert in_short(found.rows) == []
