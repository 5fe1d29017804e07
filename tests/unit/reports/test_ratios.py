"""reports.page.rows.ratios: from which size on shared memory wins, and the words for it."""

from __future__ import annotations

import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.reports.model import measured
from ipcbench.reports.page import render as page
from ipcbench.reports.page.found import find
from ipcbench.reports.page.rows.ratios import RatioTable, Wins, ratios
from ipcbench.reports.page.texts import ratio_phrases as phrases
from ipcbench.reports.page.texts.phrases import TIMES
from ipcbench.reports.verdicts.chapter import SHM_FASTEST
from ipcbench.reports.verdicts.decisions import decide
from tests.synthetic import cells, sweep
from tests.unit.reports.times import SHM

SIZES = (64, 4096, 65536, 1 << 20)


def table(speeds: dict[int, float], planned: list[Cell] | None = None) -> RatioTable:
    """Tabulate shared memory that is as many times as fast as a pipe, at each size."""

    def time(transport: str, pattern: str, size: int, *_: object) -> float:
        return 1e-5 / (speeds[size] if transport == SHM else 1)

    results = sweep(time, planned or cells(("pipe", SHM), sizes=speeds), noise=0.001, drift=0)
    found = find(results, measured(results))
    return ratios(decide(SHM_FASTEST, found.comparisons).comparisons)


@pytest.mark.parametrize(
    ("speeds", "wins", "words"),
    [
        ((0.5, 0.5, 2, 2), Wins.FROM, "from 64 KiB on, not at 4 KiB"),
        ((0.5, 2, 2, 2), Wins.FROM, "from 4 KiB on, not at 64 B"),
        ((0.5, 0.5, 0.5, 2), Wins.FROM, "at 1 MiB, the largest size, not at 64 KiB"),
        ((2, 2, 2, 2), Wins.EVERYWHERE, "at every size"),
        ((0.5, 0.5, 0.5, 0.5), Wins.NOWHERE, "at no size"),
        ((1, 1, 1, 1), Wins.NOWHERE, "at no size"),
        ((0.5, 2, 0.5, 2), Wins.SOMEWHERE, "at 4 KiB, 1 MiB"),
        ((2, 2, 0.5, 0.5), Wins.SOMEWHERE, "at 64 B, 4 KiB"),
    ],
)
def test_the_crossing_has_words(speeds: tuple[float, ...], wins: Wins, words: str) -> None:
    (row,) = table(dict(zip(SIZES, speeds, strict=True))).rows
    assert row.crossing.wins is wins
    assert phrases.wins(row.crossing) == words


@pytest.mark.parametrize(
    ("speed", "words"), [(2.0, "at 64 B, the only size"), (0.5, "not at 64 B, the only size")]
)
def test_one_size_alone_says_so(speed: float, words: str) -> None:
    (row,) = table({64: speed}).rows
    assert phrases.wins(row.crossing) == words


def test_a_ratio_is_above_one_and_names_the_other_side() -> None:
    (row,) = table({64: 0.5, 4096: 2}).rows
    slow, fast = row.by_size.values()
    assert phrases.ratio(slow).endswith(f"{TIMES} as slow")
    assert phrases.ratio(fast).endswith(f"{TIMES} as fast")
    assert phrases.ratio(slow)[:4] == phrases.ratio(fast)[:4] == "2.00"
    assert phrases.sides(slow) == ("20.0 µs", "pipe: 10.0 µs")


def test_only_usual_contests_are_steps_of_one_axis() -> None:
    """Spinning receivers, pauses, fresh payloads and more processes are other questions."""
    names = ("pipe", SHM)
    planned = cells(names, ("latency", "stream"), (64,), runtimes=("python", "native"))
    planned += cells(names, sizes=(64,), pace="pause:1ms") + cells(names, sizes=(64,), wait="spin")
    planned += cells(names, ("stream",), (64,), payload="fresh")
    planned += cells(names, ("pairs",), (64,), processes=(4,))
    rows = table({64: 2.0}, planned).rows
    told = [(phrases.row_place(row.situation), phrases.row_pattern(row.situation)) for row in rows]
    assert told == [
        ("Python, one core", "round trip"), ("Python, one core", "one way"),
        ("C, one core", "round trip"), ("C, one core", "one way"),
    ]  # fmt: skip


def test_without_rounds_enough_there_is_a_mark_and_no_dash() -> None:
    """A dash means that nothing was measured."""
    results = sweep(lambda *_: 1e-5, cells(("pipe", SHM), sizes=(64,)), rounds=3)
    found = find(results, measured(results))
    (row,) = ratios(decide(SHM_FASTEST, found.comparisons).comparisons).rows
    assert [phrases.ratio(one) for one in row.by_size.values()] == [""]
    text = page.render(results, measured(results), [])
    assert '<span class="mark">?</span>' in text
    assert '<span class="mark">?</span>\N{EN DASH}' not in text
