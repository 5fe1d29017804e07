"""Tests of `reports.charts.alike`: segments of shared memory that share a row."""

from __future__ import annotations

from ipcbench.reports.charts.alike import folded
from ipcbench.reports.charts.bodies.dots import Dots
from ipcbench.reports.charts.captions import label
from ipcbench.reports.charts.gallery import all_charts
from ipcbench.reports.model import Measured, measured
from tests.synthetic import cells, sweep

SEGMENTS = ("posix", "sysv", "file", "tmpfs", "memfd")
NAMES = tuple(f"shm:{segment}+posix-sem" for segment in SEGMENTS)


def played(
    times: dict[str, float], *, placements: tuple[str, ...] = ("same-core",)
) -> list[Measured]:
    def time(transport: str, *rest: object) -> float:
        return times.get(transport, 1e-5)

    planned = cells((*NAMES, "pipe"), sizes=(64, 65536))
    return measured(sweep(time, planned, noise=1e-4, drift=0.0))


def labels(found: list[Measured]) -> list[str]:
    return sorted({label(one) for one in found})


def test_segments_that_are_alike_share_a_row() -> None:
    found = folded(played({}))
    assert labels(found) == ["pipe", "shared memory + POSIX sem., 5 segments alike"]
    assert len(found) == 4  # one for each size
    assert all(one.alike == 5 for one in found if one.cell.transport != "pipe")


def test_a_segment_that_differs_keeps_its_row() -> None:
    found = folded(played({"shm:file+posix-sem": 1.06e-5}))
    assert labels(found) == [
        "mapped file + POSIX sem.",
        "pipe",
        "shared memory + POSIX sem., 4 segments alike",
    ]


def test_five_percent_is_between_the_slowest_and_the_fastest_of_all() -> None:
    """Each of a chain is near the next one; the ends are not near each other."""
    steps = {name: 1e-5 * 1.03**at for at, name in enumerate(NAMES)}
    for one in folded(played(steps)):
        members = [name for name in NAMES if steps[name] / one.interval.median < 1.05]
        assert one.alike <= len(members)
        assert one.alike < 3


def test_other_waiters_and_other_ways_of_reading_are_no_segments() -> None:
    names = ("shm:posix+posix-sem", "shm:posix+futex", "shm:posix+posix-sem/in-place", "pipe")
    found = measured(sweep(lambda *_: 1e-5, cells(names, sizes=(64,)), noise=1e-4, drift=0.0))
    assert folded(found) == found


def test_one_that_stands_for_others_has_their_cells() -> None:
    """The segment with fewer placements is folded into the one with more, and not the reverse."""
    planned = cells(NAMES[1:2], sizes=(64,), placements=("same-core", "cross-core"))
    planned += cells(NAMES[:1], sizes=(64,))
    found = folded(measured(sweep(lambda *_: 1e-5, planned, noise=1e-4, drift=0.0)))
    assert {one.cell.transport for one in found} == {"shm:sysv+posix-sem"}
    assert {one.cell.placement for one in found} == {"same-core", "cross-core"}
    apart = cells(NAMES[:1], sizes=(64,)) + cells(NAMES[1:2], sizes=(65536,))
    both = measured(sweep(lambda *_: 1e-5, apart, noise=1e-4, drift=0.0))
    assert folded(both) == both


def test_charts_have_one_row_for_them() -> None:
    charts, _ = all_charts(played({}))
    body = next(chart.body for chart in charts if chart.name.startswith("round-trip"))
    assert isinstance(body, Dots)
    assert [row.label for row in body.rows] == [
        "pipe",
        "shared memory + POSIX sem., 5 segments alike",
    ]
