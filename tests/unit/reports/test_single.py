"""reports.verdicts.single: where a map and system calls cross, and the phases of a set-up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import PHASES
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.page.page import write
from ipcbench.reports.page.texts.single_phrases import crossing
from ipcbench.reports.verdicts.single.files import MAPS, WAYS, Order, Standing, orders
from ipcbench.reports.verdicts.single.set_up import phases
from tests.synthetic import cells, sweep
from tests.unit.reports.pages import part

SIZES = (1, 64, 4096, 65536, 1 << 20)
READ, PREAD, MAP, ANEW = WAYS


def crossing_at(limit: int) -> object:
    """Return times of which a map's are the shorter ones below a size, and equal ones at it."""

    def time(transport: str, pattern: str, size: int, *_: object) -> float:
        call = 1e-6 + size * 1e-10
        if transport != MAP:
            return call * {READ: 1, PREAD: 1.3, ANEW: 1.8}.get(transport, 1)
        return call if size == limit else call / 3 if size < limit else call * 2

    return time


def planned(
    names: Sequence[str] = WAYS, patterns: Sequence[str] = ("file",), **axes: object
) -> list[Cell]:
    where = {"sizes": SIZES, "processes": (1,), **axes}
    return cells(names, patterns, **where)  # type: ignore[arg-type]


def found(limit: int, some: Sequence[Cell], rounds: int = 12) -> list[Order]:
    return orders(measured(sweep(crossing_at(limit), some, rounds=rounds)))  # type: ignore[arg-type]


def test_a_crossing_is_found() -> None:
    (order,) = found(65536, planned())
    assert order.stretches(MAP) == [
        (Standing.FASTER, 1, 4096),
        (Standing.ALIKE, 65536, 65536),
        (Standing.SLOWER, 1 << 20, 1 << 20),
    ]
    assert crossing(order) == (
        "A file read in order, one core, Python loop: the map is faster from 1 B to 4 KiB, "
        "is not told apart at 64 KiB, is slower at 1 MiB; a map made anew is slower from 1 B to "
        "1 MiB."
    )


def test_the_faster_call_is_the_rival() -> None:
    (order,) = found(65536, planned())
    for one in order.sizes:
        assert one.ratios.keys() == {MAP, ANEW}
    three = order.sizes[0].ratios[MAP]
    assert three.low < 3 < three.high


def test_a_map_may_be_faster_everywhere() -> None:
    (order,) = found(1 << 30, planned())
    assert order.stretches(MAP) == [(Standing.FASTER, 1, 1 << 20)]


def test_few_rounds_tell_nothing_apart() -> None:
    (order,) = found(1 << 30, planned(), rounds=3)
    assert {one.standing(name) for one in order.sizes for name in MAPS} == {Standing.ALIKE}


@pytest.mark.parametrize("names", [(MAP,), (READ, PREAD)])
def test_one_way_alone_is_compared_with_nothing(names: Sequence[str]) -> None:
    (order,) = found(64, planned(names))
    assert not any(order.stretches(name) for name in MAPS)
    assert crossing(order).endswith(": nothing to compare.")


def test_orders_stand_by_loop_and_reading_comes_first() -> None:
    some = planned(
        patterns=("file-write", "file-random", "file", "file-write-random"),
        runtimes=("native", "python"),
    )
    assert [(one.cell.runtime, one.about) for one in found(64, some)] == [
        (runtime, about)
        for runtime in ("python", "native")
        for about in (
            "read in order", "read at random", "written in order", "written at random",
        )
    ]  # fmt: skip


def test_controls_and_other_patterns_are_left_out() -> None:
    some = planned()
    assert orders(measured(sweep(crossing_at(64), planned(patterns=("self",))))) == []  # type: ignore[arg-type]
    twins = orders(measured(sweep(crossing_at(64), some, twins=some)))  # type: ignore[arg-type]
    assert len(twins) == 1
    assert not any(one.cell.is_control for each in twins[0].sizes for one in each.ways.values())


# Set-up.


def set_up_times(transport: str, *_: object) -> float:
    return {"pipe": 1e-4, "unix-stream": 3e-4}.get(transport, 5e-4)


def a_sweep(observed: bool = True) -> Results:
    some = cells(("tcp", "unix-stream", "pipe"), ("set-up",), (64,), processes=(1,))
    results = sweep(set_up_times, some)
    for result in results.cells.values():
        for run in result.runs:
            if observed:
                run.observations = {
                    phase: (number + 1) * 1e-5 for number, phase in enumerate(PHASES)
                }
    return results


def test_facilities_stand_by_their_time() -> None:
    rows = phases(measured(a_sweep()))
    assert [one.measured.cell.transport for one in rows] == ["pipe", "unix-stream", "tcp"]
    for one in rows:
        assert one.seconds == pytest.approx([1e-5, 2e-5, 3e-5, 4e-5])


def test_phases_that_were_not_recorded_are_no_numbers() -> None:
    for one in phases(measured(a_sweep(observed=False))):
        assert one.seconds == [None] * 4


def test_the_page_shows_them(tmp_path: Path) -> None:
    page = write(a_sweep(), tmp_path).read_text()
    section = part(page, "set-up")
    for word in ("first message", "remove", "pipe", "10.0 µs", "40.0 µs"):
        assert word in section
    assert "<h3>Setting up a channel</h3>" in page
    assert 'id="files"' not in page


def test_the_page_shows_the_crossing(tmp_path: Path) -> None:
    page = write(sweep(crossing_at(4096), planned()), tmp_path).read_text()  # type: ignore[arg-type]
    section = part(page, "files")
    assert "the map is faster from 1 B to 64 B" in section
    assert section.count('<tr><th scope="row"') == len(SIZES)
    assert "<h3>A file: system calls or a map</h3>" in page
    assert 'id="set-up"' not in page
