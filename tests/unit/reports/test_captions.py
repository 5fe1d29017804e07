"""reports.charts.captions: what a placement means, by the processes and CPUs that it had."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from ipcbench.bench.results.axes import PLACEMENTS
from ipcbench.bench.results.entries.machine import CoreKind
from ipcbench.reports.charts.bodies.curves import Curves
from ipcbench.reports.charts.captions import about_placement, label, placed
from ipcbench.reports.charts.gallery import all_charts
from ipcbench.reports.model import Measured, measured
from tests.synthetic import cells, sweep
from tests.unit.reports.times import constant

P = CoreKind(name="performance cores", cpus=[0, 1, 2, 3], used=True)
E = CoreKind(name="efficiency cores", cpus=[4, 5], used=False)


def shown(
    placement: str,
    processes: Iterable[int],
    cpus: Iterable[list[int]],
    kinds: Iterable[CoreKind] = (),
) -> list[Measured]:
    """Cells whose processes had these CPUs, in turn."""
    own = list(cpus)
    planned = cells(
        ("pipe",), ("pairs",), sizes=(64,), placements=(placement,), processes=processes
    )
    results = sweep(constant(), planned)
    results.header.machine = msgspec.structs.replace(results.header.machine, cores=list(kinds))
    for result in results.cells.values():
        for run in result.runs:
            run.cpus = [own[number % len(own)] for number in range(result.cell.processes)]
    return measured(results)


@pytest.mark.parametrize(
    ("placement", "processes", "cpus", "kinds", "said"),
    [
        ("same-core", [2], [[1]], [], "2 processes on one CPU"),
        ("same-core", [2, 8], [[1]], [], "2 to 8 processes on one CPU"),
        ("same-core", [2], [[3]], [P, E], "2 processes on one performance core"),
        ("cross-core", [2], [[1], [0]], [], "2 processes on 2 CPUs, idle states allowed"),
        ("cross-core", [8], [[1], [0]], [], "8 processes on 2 CPUs, idle states allowed"),
        (
            "smt",
            [2],
            [[1], [5]],
            [],
            "2 processes on 2 CPUs, threads of one core, idle states allowed",
        ),
        (
            "cross-node",
            [2],
            [[3], [7]],
            [],
            "2 processes on 2 CPUs, of two NUMA nodes, idle states allowed",
        ),
        (
            "cross-core-awake",
            [2, 8],
            [[3], [2], [1], [0]],
            [P, E],
            "2 to 8 processes on 2 to 4 performance cores, idle states forbidden",
        ),
        (
            "unpinned",
            [2],
            [[0, 1, 2, 3, 4, 5]],
            [P, E],
            "2 processes on 6 CPUs of 2 kinds, placed by the scheduler",
        ),
        ("moon", [2], [[1]], [], ""),
    ],
)
def test_a_placement_in_words(
    placement: str,
    processes: list[int],
    cpus: list[list[int]],
    kinds: list[CoreKind],
    said: str,
) -> None:
    assert about_placement(placement, shown(placement, processes, cpus, kinds)) == said


def test_a_placement_without_cells_has_no_words() -> None:
    assert about_placement("same-core", shown("cross-core", [2], [[1], [0]])) == ""


def test_a_row_names_its_own_processes_and_cpus() -> None:
    one, other = shown("cross-core", [2, 6], [[0], [1], [2]])
    assert (placed(one), placed(other)) == ("2 processes on 2 CPUs", "6 processes on 3 CPUs")


def test_cpus_that_were_not_recorded_are_not_counted() -> None:
    assert placed(shown("cross-core", [2], [[]])[0]) == "2 processes"


@pytest.mark.parametrize(
    ("transport", "axes", "said"),
    [
        ("pipe", {}, "pipe"),
        ("pipe", {"wait": "poll"}, "pipe, poll(2) then read"),
        ("shm:posix+futex", {"wait": "spin"}, "shared memory, spinning"),
        (
            "shm:posix+futex/in-place",
            {"wait": "spin-block", "looks": 2000},
            "shared memory + futex, in place, spinning then sleeping, 2000 looks",
        ),
        ("shm:posix+spin", {}, "shared memory, spinning"),  # of an older journal
        ("shm:posix+posix-sem", {"wait": "spin"}, "shared memory + POSIX sem., spinning"),
        ("mp-queue", {}, "mp.Queue"),
        ("pipe", {"batch": 16, "payload": "fresh"}, "pipe, 16 messages a call, fresh payload"),
        (
            "pipe",
            {"depths": (4,), "wait": "spin", "pace": "pause:1ms"},
            "pipe, spinning, depth 4, pauses of 1 ms",
        ),
        ("null", {}, "nothing (floor)"),
    ],
)
def test_a_label_names_the_axes_that_are_not_at_their_default(
    transport: str, axes: dict[str, Any], said: str
) -> None:
    (one,) = measured(
        sweep(constant(**{transport: 1e-6}), cells((transport,), sizes=(64,), **axes))
    )
    assert label(one) == said


def test_each_panel_says_what_it_holds() -> None:
    """A panel of eight processes on two CPUs must not say that each has its own."""
    charts, _ = all_charts(shown("cross-core", [2, 4, 8], [[1], [0]]))
    notes = [
        panel.note for chart in charts if isinstance(chart.body, Curves)
        for panel in chart.body.panels
    ]  # fmt: skip
    assert notes
    assert set(notes) == {"2 to 8 processes on 2 CPUs, idle states allowed"}


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_has_words(placement: str) -> None:
    assert about_placement(placement, shown(placement, [2], [[1], [0]]))
