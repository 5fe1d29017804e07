"""reports.page.sentences: the answer of each section, with numbers from the run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.page.found import Found, find
from ipcbench.reports.page.rows.narrow import narrow_rows
from ipcbench.reports.page.rows.ratios import ratios
from ipcbench.reports.page.sections.evidence import judged
from ipcbench.reports.page.sentences import (
    evidence,
    ladder,
    large,
    many,
    narrow,
    situation,
    small,
)
from ipcbench.reports.page.sentences import ratios as sizes
from ipcbench.reports.page.texts.phrases import TIMES
from ipcbench.reports.verdicts.chapter import SHM_FASTEST
from ipcbench.reports.verdicts.decisions import decide
from tests.synthetic import cells, sweep
from tests.unit.reports.times import SHM

AWAKE, ONE, TWO = "cross-core-awake", "same-core", "cross-core"
NAMES = ("pipe", "unix-stream", SHM)
Sentence = Callable[[Found], str]
Times = Mapping[str, float] | Callable[..., float]


def marked(text: str) -> str:
    """Write the sign of a ratio, for which the tests have an x."""
    return re.sub(r"(?<=[0-9])x(?= as)", TIMES, text)


def found(times: Times, planned: list[Cell], **options) -> Found:
    def constant(transport: str, *_: object) -> float:
        assert isinstance(times, Mapping)
        return times[transport]

    time = constant if isinstance(times, Mapping) else times
    results = sweep(time, planned, noise=0.001, drift=0, **options)
    return of(results)


def of(results: Results) -> Found:
    return find(results, measured(results))


def small_messages(**options) -> Found:
    planned = cells(NAMES, sizes=(64,), placements=(AWAKE,), runtimes=("python", "native"))
    planned += cells(NAMES, sizes=(64,), placements=(AWAKE,), runtimes=("native",), wait="spin")
    return found({"pipe": 4e-6, "unix-stream": 8e-6, SHM: 6e-6}, planned, **options)


def test_small_messages_in_each_language_and_spinning() -> None:
    assert small.sentence(small_messages()) == (
        "A message of 64 B and its answer take 4.00 µs in Python (pipe) and 4.00 µs in C (pipe) "
        "on two cores awake, with receivers that sleep; 30.0 ns in C if both ends spin "
        "(shared memory)."
    )


def test_small_messages_one_way_where_no_answer_was_sent() -> None:
    one_way = found({"pipe": 4e-7, SHM: 6e-7}, cells(("pipe", SHM), ("stream",), (64,), (AWAKE,)))
    assert small.sentence(one_way) == (
        "A message of 64 B takes, one way, 400 ns in Python (pipe) on two cores awake, with "
        "receivers that sleep."
    )


def test_members_that_are_not_told_apart_are_counted() -> None:
    planned = cells(NAMES, sizes=(64,), placements=(AWAKE,))
    alike = found({"pipe": 4e-6, "unix-stream": 4.001e-6, SHM: 9e-6}, planned)
    assert "socket; 1 other is not told apart)" in small.sentence(alike)


@pytest.mark.parametrize(
    ("memory", "words"),
    [
        (5e-5, "takes 50.0 µs (21.0 GB/s) through shared memory in Python on two cores awake: "
               "2.00x as fast as the best other facility, pipe."),
        (2e-4, "2.00x as slow as the best other facility, pipe."),
        (1e-4, "as fast as the best other facility, pipe (100 µs)."),
    ],
)  # fmt: skip
def test_large_blocks_are_compared(memory: float, words: str) -> None:
    planned = cells(NAMES, ("stream",), (4096, 1 << 20), (AWAKE, ONE))
    text = large.sentence(found({"pipe": 1e-4, "unix-stream": 4e-4, SHM: memory}, planned))
    assert text.startswith("A block of 1 MiB takes")
    assert text.endswith(marked(words))


def test_a_server_with_the_most_clients() -> None:
    planned = cells(("pipe", "unix-stream"), ("echo",), (64,), (TWO,), processes=(2, 4, 8))
    served = found({"pipe": 4e-6, "unix-stream": 8e-6}, planned)
    assert many.sentence(served) == (
        "With 7 clients, a server answers a request every 4.00 µs in Python on two cores (pipe)."
    )


def test_pairs_of_processes_where_there_is_no_server() -> None:
    planned = cells(("pipe", "unix-stream"), ("pairs",), (64,), (TWO,), processes=(2,))
    paired = found({"pipe": 4e-6, "unix-stream": 8e-6}, planned)
    assert many.sentence(paired).startswith("With 1 pair of processes, all together transfer")


def test_one_facility_in_several_places() -> None:
    def time(transport: str, pattern: str, size: int, processes: int, place: str, _: int) -> float:
        return {ONE: 3e-6, TWO: 7.5e-5}[place]

    placed = found(time, cells(NAMES, sizes=(64, 4096), placements=(ONE, TWO)))
    assert situation.sentence(placed) == marked(
        "One facility (pipe), one round trip of 64 B, one language (Python): 3.00 µs on one "
        "core, and 75.0 µs on two cores, which is 25.0x as long."
    )
    assert situation.sentence(found(time, cells(NAMES, placements=(ONE,)))) == ""


def test_the_range_of_one_round_trip() -> None:
    text = ladder.sentence(small_messages())
    assert text == marked(
        "In this run alone, a round trip of 64 B takes from 30.0 ns (shared memory, C, two cores "
        "awake, spinning) to 8.00 µs (Unix socket, Python, two cores awake): "
        "267x as long."
    )


def test_the_evidence_is_counted() -> None:
    some = found({"pipe": 4e-6, SHM: 6e-6}, cells(("pipe", SHM)), twins=cells(("pipe",))[:1])
    assert evidence.sentence(some, judged(some)) == (
        "4 cells in 12 rounds, 2 of 2 contests decided."
    )


def ratio(some: Found) -> str:
    return sizes.sentence(some, ratios(decide(SHM_FASTEST, some.comparisons).comparisons))


def test_one_size_is_not_every_size() -> None:
    one = found({"pipe": 2e-6, SHM: 1e-6}, cells(("pipe", SHM), sizes=(64,)))
    assert "shared memory wins at 64 B, the only size: 2.0" in ratio(one)


def test_a_narrow_run_names_the_way_of_waiting_and_the_unit_has_its_article() -> None:
    planned = cells(("pipe",), sizes=(64,)) + cells(("pipe",), sizes=(64,), wait="spin")
    text = narrow.sentence(run := found({"pipe": 2e-6}, planned), narrow_rows(run.cells))
    assert text.startswith("A round trip of 64 B on one core takes ")
    assert "through pipe (Python)" in text and "through pipe, spinning (Python)" in text
    updates = cells(("posix-sem", "eventfd"), ("counter",), (0,), processes=(2,))
    run = found({"posix-sem": 2e-6, "eventfd": 3e-6}, updates)
    assert narrow.sentence(run, narrow_rows(run.cells)).startswith("An update on one core takes ")


def test_the_size_from_which_shared_memory_wins() -> None:
    def time(transport: str, pattern: str, size: int, *_: object) -> float:
        return 2e-6 if transport != SHM else 1e-6 if size >= 65536 else 4e-6

    crossed = found(time, cells(NAMES, sizes=(64, 65536, 1 << 20)))
    assert ratio(crossed) == marked(
        "In Python on one core (round trip), shared memory wins from 64 KiB on: 2.00x as fast at "
        "64 KiB and 2.00x as fast at 1 MiB as the best other facility."
    )
    never = found({"pipe": 1e-6, "unix-stream": 2e-6, SHM: 3e-6}, cells(NAMES, sizes=(64, 4096)))
    assert ratio(never) == (
        "In Python on one core (round trip), shared memory has no lead at 64 B, 4 KiB."
    )


def untrusted() -> Found:
    """Measure cells whose twin differs from them by far, so that no figure can be trusted."""
    planned = cells(NAMES, ("latency", "stream"), (64, 1 << 20), (ONE,))
    planned += cells(NAMES, ("echo",), (64,), (ONE,), processes=(4,))
    times = {"pipe": 4e-6, "unix-stream": 8e-6, SHM: 6e-6}
    results = sweep(lambda name, *_: times[name], planned, noise=0.001, drift=0, twins=planned[:1])
    for entry in results.cells.values():
        if entry.cell.twin:
            for run in entry.runs:
                run.values = [value * 2 for value in run.values]
    return of(results)


@pytest.mark.parametrize(
    "sentence", [small.sentence, large.sentence, many.sentence, situation.sentence,
                 ladder.sentence, ratio],
)  # fmt: skip
def test_figures_that_cannot_be_trusted_have_no_sentence(sentence: Sentence) -> None:
    assert sentence(untrusted()) == ""


@pytest.mark.parametrize("sentence", [situation.sentence, ladder.sentence])
def test_figures_of_two_rounds_have_no_sentence(sentence: Sentence) -> None:
    planned = cells(NAMES, sizes=(64,), placements=(ONE, AWAKE))
    times = {"pipe": 4e-6, "unix-stream": 8e-6, SHM: 6e-6}
    assert sentence(found(times, planned, rounds=6)) != ""
    assert sentence(found(times, planned, rounds=2)) == ""


@pytest.mark.parametrize(
    "sentence", [small.sentence, large.sentence, many.sentence, situation.sentence,
                 ladder.sentence, ratio],
)  # fmt: skip
def test_nothing_measured_has_no_sentence(sentence: Sentence) -> None:
    assert sentence(found({}, [])) == ""
