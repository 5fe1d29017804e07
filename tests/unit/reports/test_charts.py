"""Tests of `reports.charts`: charts as data, and the texts of ticks and labels."""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.results import Results
from ipcbench.reports.charts.bodies.curves import CROWDED, MOST_PANELS, Curves
from ipcbench.reports.charts.bodies.dots import Dots
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.gallery import KINDS, MOST_CHARTS, all_charts
from ipcbench.reports.charts.groups import by_family, memory
from ipcbench.reports.charts.kinds.curves import MOST_OF_FAMILIES
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.rows import MOST_ALIKE, MOST_ROWS, MOST_SERIES
from ipcbench.reports.charts.sections import SECTIONS
from ipcbench.reports.drawing.canvas import (
    EDGE,
    TEXT_LINE,
    WIDTH,
    lines_of,
    printable,
    spread,
)
from ipcbench.reports.drawing.dots import LONGEST_ROW
from ipcbench.reports.drawing.figures import draw
from ipcbench.reports.drawing.panels import head_height
from ipcbench.reports.drawing.scales import tick
from ipcbench.reports.model import measured
from ipcbench.reports.names import place
from tests.synthetic import CARRYING, breadth, cells, reference, sweep

PLACEMENTS = ("same-core", "cross-core")


def test_a_label_that_is_cut_keeps_its_end() -> None:
    label = "shared memory + System V sem., in place, fresh payload"
    short = printable(label, 39)
    assert len(short) == 39
    assert short.startswith("shared memory + Sys…") and short.endswith("lace, fresh payload")
    assert printable("shared memory + System V sem., in place", 39).count("…") == 0


def flat(*rest: object) -> float:
    return 1e-5


def by_name(transport: str, *rest: object) -> float:
    """A time of its own for each segment."""
    return 1e-5 * 1.1 ** (zlib.crc32(transport.encode()) % 40)


def charts_of(results: Results) -> dict[str, Chart]:
    charts, more = all_charts(measured(results))
    assert more == 0
    return {chart.name: chart for chart in charts}


def curves(chart: Chart) -> Curves:
    assert isinstance(chart.body, Curves)
    return chart.body


def dots(chart: Chart) -> Dots:
    assert isinstance(chart.body, Dots)
    return chart.body


@pytest.fixture(scope="module")
def few() -> dict[str, Chart]:
    planned = cells(patterns=("latency", "stream"), placements=PLACEMENTS)
    planned += cells(("pipe",), patterns=("pairs", "fan-in"), processes=(4, 8), sizes=(64,))
    return charts_of(sweep(reference, planned, twins=planned[:1]))


@pytest.fixture(scope="module")
def many() -> dict[str, Chart]:
    return charts_of(breadth(tail=0))


def test_charts_have_a_panel_for_each_placement(few: dict[str, Chart]) -> None:
    sections = [chart.section for chart in few.values()]
    assert sections == [
        "ladder", "small", "small", "large", "large", "many", "many", "situation", "situation",
    ]  # fmt: skip
    latency, stream = curves(few["latency-python"]), curves(few["throughput-python"])
    pairs, fan_in = curves(few["scaling-pairs-python"]), curves(few["scaling-fan-in-python"])
    assert [panel.title for panel in latency.panels] == list(map(place, PLACEMENTS))
    for panel in latency.panels + stream.panels:  # the floor moves no data
        assert not any("floor" in line.label for line in panel.curves)
    (pipe,) = (line for line in pairs.panels[0].curves if line.label == "pipe")
    assert pipe.x == [2, 4, 8]  # 2 processes are the stream
    assert fan_in.panels[0].curves[0].x == [4, 8]


@pytest.mark.parametrize("which", ["few", "many"])
def test_every_chart_has_its_texts(which: str, request: pytest.FixtureRequest) -> None:
    found: dict[str, Chart] = request.getfixturevalue(which)
    for chart in found.values():
        assert "Python loop" in chart.note
        assert "sleeping in the facility's call" in chart.note
        assert "medians over" in chart.caption
        assert chart.name.startswith(KINDS)
        assert chart.section in SECTIONS
        if isinstance(chart.body, Curves):
            for line in (line for panel in chart.body.panels for line in panel.curves):
                bounds = zip(line.low, line.y, line.high, strict=True)
                assert line.x == sorted(line.x)
                assert all(low <= y <= high for low, y, high in bounds)
        elif isinstance(chart.body, Dots):
            for panel in chart.body.panels:
                assert len(panel.dots) == len(chart.body.rows)
                assert all(index < len(chart.body.series) for row in panel.dots for index in row)


def test_no_panel_is_crowded(many: dict[str, Chart]) -> None:
    for chart in many.values():
        if isinstance(chart.body, Curves):
            assert all(len(panel.curves) <= CROWDED for panel in chart.body.panels)


def test_the_families_share_a_scale_and_show_the_best_of_the_others(many: dict[str, Chart]) -> None:
    names = [f"latency-python-{placement}" for placement in (*PLACEMENTS, "cross-core-awake")]
    assert len({curves(many[name]).y_limits for name in names}) == 1
    panels = curves(many["latency-python-same-core"]).panels
    pipe = next(panel for panel in panels if panel.title == "pipe")
    assert [line.label for line in pipe.curves] == [
        "FIFO", "FIFO (mknod)", "pipe", "pipe, 1 MiB buffer",
    ]  # fmt: skip
    assert pipe.reference is not None
    best = min(
        line.y[0] for panel in panels[1:] for line in panel.curves if "spin" not in line.label
    )
    assert pipe.reference.y[0] == best
    waiters = next(panel for panel in panels if "each waiter" in panel.title)
    assert {"futex", "shared memory, spinning", "POSIX sem., in place"} <= {
        line.label for line in waiters.curves
    }


def test_all_transports_are_drawn_by_family(many: dict[str, Chart]) -> None:
    found = measured(sweep(flat, cells(CARRYING), rounds=1))
    drawn = {one.cell.transport for group in by_family(found) for one in group.members}
    assert drawn == set(CARRYING) - {"null"}


def test_the_best_of_a_family_is_its_fastest_at_each_point() -> None:
    def time(transport: str, pattern: str, size: int, *rest: object) -> float:
        return {"pipe": 1.0, "fifo": 2.0}.get(transport, 9.0) if size == 64 else 3.0

    planned = cells(["pipe", "fifo", *(f"fifo:{i}" for i in range(20))])
    chart = charts_of(sweep(time, planned, noise=0.0))["latency-python"]
    assert "best of each family" in chart.title
    (line,) = curves(chart).panels[0].curves
    assert line.y[0] == pytest.approx(1.0, rel=0.2)


def test_the_chart_of_placements_has_a_row_for_each_transport(many: dict[str, Chart]) -> None:
    body = dots(many["placement-python"])
    assert [panel.title for panel in body.panels] == ["64 B", "64 KiB"]
    row = [row.label for row in body.rows].index("pipe")
    same, cross = (body.panels[0].dots[row][index].median for index in (0, 1))
    assert same == pytest.approx(2.12e-6, rel=0.2)
    assert cross == pytest.approx(76e-6, rel=0.2)


def test_charts_of_one_axis_each(many: dict[str, Chart]) -> None:
    waits = [series.name for series in dots(many["waiting-python"]).series]
    assert waits == ["sleeping in the facility's call", "spinning, then sleeping", "spinning"]
    assert {row.label for row in dots(many["waiting-python"]).rows} == {
        "shared memory, 64 B", "shared memory, 4 KiB", "shared memory, 64 KiB",
        "shared memory, 1 MiB",
    }  # fmt: skip
    poll = dots(many["poll-python"])
    assert [series.name for series in poll.series] == ["read alone", "poll(2), then read"]
    assert all(len(row) == 2 for panel in poll.panels for row in panel.dots)
    in_place = dots(many["in-place-latency-python"])
    assert all(len(row) == 2 for panel in in_place.panels for row in panel.dots)
    assert {row.label for row in dots(many["signal-python"]).rows} == {
        "POSIX sem.", "System V sem.", "eventfd", "futex", "signal",
    }  # fmt: skip
    depth = curves(many["depth-python"]).panels[0]
    assert all(line.x == [1, 2, 8, 64] for line in depth.curves)
    assert {line.label for line in depth.curves} >= {"POSIX queue", "shared memory + futex"}


def test_lost_updates_are_a_share(many: dict[str, Chart]) -> None:
    body = dots(many["lost-updates-python"])
    shares = {
        row.label: found[0].median
        for row, found in zip(body.rows, body.panels[1].dots, strict=True)
    }
    assert shares["POSIX sem., 8 processes"] == 0
    assert shares["no guard, 8 processes"] == pytest.approx(7 / 8, rel=0.1)


def test_the_round_trip_of_a_client_of_an_echo_includes_the_others(many: dict[str, Chart]) -> None:
    rate, wait = curves(many["scaling-echo-python"]), curves(many["echo-round-trip-python"])
    assert wait.panels[0].curves[0].x == [3, 7]
    a_second, seconds = rate.panels[0].curves[0].y[1], wait.panels[0].curves[0].y[1]
    assert a_second * seconds == pytest.approx(7)


def test_a_requested_depth_is_no_point_of_the_default() -> None:
    planned = cells(("sysv-queue",))
    deep = [msgspec.structs.replace(cell, depth=1) for cell in planned]
    both = charts_of(sweep(flat, planned + deep))
    assert [line.label for line in curves(both["latency-python"]).panels[0].curves] == [
        "System V queue"
    ]
    alone = charts_of(sweep(flat, deep))
    labels = [line.label for line in curves(alone["latency-python"]).panels[0].curves]
    assert labels == ["System V queue, depth 1"]


def test_a_placement_of_one_size_is_no_curve() -> None:
    planned = cells(("pipe",)) + cells(("pipe",), sizes=(64,), placements=("unpinned",))
    chart = charts_of(sweep(reference, planned))["latency-python"]
    assert [panel.title for panel in curves(chart).panels] == ["one core"]


def test_charts_are_bounded() -> None:
    crowd = cells([f"shm:s{i}+futex" for i in range(70)], placements=[f"p{i}" for i in range(60)])
    charts, more = all_charts(measured(sweep(by_name, crowd, rounds=1)))
    # placements in rows and against CPU time, the best, each family, the chart of placements
    assert len(charts) + more == MOST_ALIKE + 1 + 1 + MOST_OF_FAMILIES + 1
    by_kind = {chart.name: chart for chart in charts}
    assert len(dots(by_kind["placement-python"]).series) == MOST_SERIES
    for chart in charts:
        if isinstance(chart.body, Dots):
            assert len(chart.body.rows) <= MOST_ROWS
        if isinstance(chart.body, Curves | Dots):
            assert len(chart.body.panels) <= MOST_PANELS
    runtimes = cells(("pipe",), runtimes=[f"r {i}" for i in range(30)], placements=PLACEMENTS)
    charts, more = all_charts(measured(sweep(flat, runtimes, rounds=1)))
    assert (len(charts), more) == (MOST_CHARTS, 4 * 30 - MOST_CHARTS)


def test_equal_names_of_charts_are_numbered() -> None:
    planned = cells(("pipe",), runtimes=("a b", "a-b", "a_b"))
    charts, _ = all_charts(measured(sweep(flat, planned, rounds=1)))
    assert [chart.name for chart in charts] == ["latency-a-b", "latency-a-b-2", "latency-a-b-3"]


@given(st.lists(st.floats(-1, 4), min_size=1, max_size=12))
def test_labels_keep_their_distance_and_their_order(wanted: list[float]) -> None:
    found = spread(wanted, 0.1, 0.0, 2.0)
    assert all(-1e-9 <= place <= 2.0 + 1e-9 for place in found)
    order = sorted(range(len(wanted)), key=lambda index: (found[index], wanted[index]))
    assert [wanted[index] for index in order] == sorted(wanted)
    places = sorted(found)
    assert all(b - a >= 0.1 - 1e-9 for a, b in pairwise(places))


def test_labels_that_do_not_collide_stay() -> None:
    assert spread([1.0, 0.2, 0.6], 0.1, 0.0, 2.0) == [1.0, 0.2, 0.6]
    assert spread([1.0, 1.0], 0.2, 0.0, 2.0) == pytest.approx([0.9, 1.1])


def test_ticks_are_round() -> None:
    texts = [tick(Axis.SECONDS, value) for value in (1e-6, 1.5e-6, 2e-5, 3e-7, 1e-3, 10.0)]
    assert texts == ["1 µs", "1.5 µs", "20 µs", "300 ns", "1 ms", "10 s"]
    assert tick(Axis.BYTES_PER_SECOND, 1e10) == "10 GB/s"
    assert tick(Axis.UNITS_PER_SECOND, 1.5e3) == "1.5 k/s"
    assert tick(Axis.SHARE, 0.25) == "25 %"
    assert tick(Axis.BYTES, 65536) == "64K"


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("shm:memfd+futex", "shm:memfd"),
        ("shm:memfd+futex/huge", "shm:memfd/huge"),
        ("shm:posix+spin/in-place", "shm:posix/in-place"),
    ],
)
def test_the_waiter_is_cut_out_of_a_name(name: str, where: str) -> None:
    assert memory(name) == where


def test_ways_of_waiting_are_compared_over_the_same_pages() -> None:
    names = ("shm:memfd+futex", "shm:memfd+spin", "shm:memfd+futex/huge", "shm:memfd+spin/huge")
    planned = cells(names, sizes=(64,), placements=("cross-core",))
    body = dots(charts_of(sweep(lambda *_: 1e-6, planned))["waiting-python"])
    assert {row.label for row in body.rows} == {
        "memfd memory, 64 B", "memfd memory in huge pages, 64 B",
    }  # fmt: skip


PACES = ("pause:10ms", "closed", "pause:1ms")


def test_no_dots_of_different_paces_are_in_one_row() -> None:
    planned = [
        cell
        for pace in PACES
        for wait in ("block", "poll")
        for cell in cells(("pipe",), sizes=(64,), wait=wait, pace=pace)
    ]
    body = dots(charts_of(sweep(flat, planned))["poll-python"])
    assert [row.label for row in body.rows] == [
        "pipe, 64 B", "pipe, 64 B, pauses of 1 ms", "pipe, 64 B, pauses of 10 ms",
    ]  # fmt: skip
    assert all(len(row) == 2 for row in body.panels[0].dots)


def test_charts_of_paced_cells_alone_name_their_pauses() -> None:
    names = ("shm:posix+futex", "shm:posix+spin", "shm:posix+futex/in-place")
    planned = [
        cell
        for pace in ("pause:1ms", "pause:10ms")
        for cell in cells(names, sizes=(64,), pace=pace)
    ]
    found = charts_of(sweep(flat, planned))
    assert [row.label for row in dots(found["waiting-python"]).rows] == [
        "shared memory, 64 B, pauses of 1 ms", "shared memory, 64 B, pauses of 10 ms",
    ]  # fmt: skip
    assert [row.label for row in dots(found["in-place-latency-python"]).rows] == [
        "shared memory + futex, 64 B, pauses of 1 ms",
        "shared memory + futex, 64 B, pauses of 10 ms",
    ]  # fmt: skip


def test_the_best_of_a_family_is_one_of_each_pace() -> None:
    """The shorter the pause, the faster: the best of all would hide the longer ones."""
    planned = [cell for pace in ("pause:1ms", "pause:10ms") for cell in cells(CARRYING, pace=pace)]
    found = charts_of(sweep(flat, planned))
    labels = [line.label for line in curves(found["latency-python"]).panels[0].curves]
    assert labels[:2] == ["pipe, pauses of 1 ms", "pipe, pauses of 10 ms"]
    families = curves(found["latency-python-same-core"])
    grey = {panel.reference.label for panel in families.panels if panel.reference is not None}
    assert grey == {"best of the others, pauses of 1 ms"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (
            {"idle driver": "intel_idle", "idle governor": "menu"},
            "driver intel_idle, governor menu",
        ),
        ({"idle governor": "haltpoll"}, "governor haltpoll"),
        ({"idle driver": "\x1b[31m" + "x" * 500}, "driver \\x1b[31m" + "x" * 34 + "…"),
        ({}, ""),
    ],
)
@pytest.mark.parametrize("placement", ["same-core", "cross-core", "cross-core-awake", "unpinned"])
def test_idle_states_stand_beside_the_figures_that_they_decide(
    settings: dict[str, str], named: str, placement: str
) -> None:
    results = sweep(flat, cells(placements=(placement,)))
    results.header = msgspec.structs.replace(
        results.header, machine=msgspec.structs.replace(results.header.machine, settings=settings)
    )
    captions = [chart.caption for chart in charts_of(results).values()]
    decided = named and placement in ("cross-core", "unpinned")
    expected = f"CPUs that wait go idle ({place(placement)}): {named}." if decided else ""
    assert all(expected in caption for caption in captions)
    assert decided or not any("go idle" in caption for caption in captions)


@pytest.mark.parametrize(("times", "number"), [(1, 1), (2, 2), (3, 3)])
def test_the_note_of_a_panel_is_whole_at_every_length(times: int, number: int) -> None:
    note = ", ".join(["2 to 8 processes on 2 performance cores, idle states forbidden"] * times)
    lines = lines_of(note, WIDTH - 2 * EDGE)
    assert (" ".join(lines), len(lines)) == (note, number)
    higher = head_height("title", note) - head_height("title", "")
    assert higher == pytest.approx(TEXT_LINE * number)


# Several ways of waiting, batches and payloads of one transport.


def varied(*axes: dict[str, Any]) -> list[Cell]:
    names = ("pipe", "shm:posix+futex")
    return [cell for one in axes for cell in cells(names, **one)]


def test_lines_distinguish_the_ways_of_waiting() -> None:
    planned = varied(*({"wait": wait} for wait in ("block", "spin", "spin-block")))
    (panel,) = curves(charts_of(sweep(flat, planned))["latency-python"]).panels
    assert [curve.label for curve in panel.curves] == [
        "pipe",
        "pipe, spinning then sleeping",
        "pipe, spinning",
        "shared memory + futex",
        "shared memory + futex, spinning then sleeping",
        "shared memory, spinning",
    ]
    for of_one in (panel.curves[:3], panel.curves[3:]):
        assert len({curve.style.line for curve in of_one}) == 3
        assert len({(curve.style.color, curve.style.marker) for curve in of_one}) == 1
        assert [curve.style.fill for curve in of_one] == ["full", "left", "none"]


def test_markers_distinguish_batches_and_payloads() -> None:
    planned = varied({"batch": 16}, {"batch": 16, "payload": "fresh"}, {"payload": "cold"})
    (panel,) = curves(charts_of(sweep(flat, planned))["latency-python"]).panels
    looks = [(curve.style.marker, curve.style.fill) for curve in panel.curves]
    assert len(panel.curves) == 6
    assert len(set(looks[:3])) == len(set(looks[3:])) == 3


def test_a_batch_or_a_payload_is_no_part_of_the_usual_charts() -> None:
    planned = varied({}, {"batch": 16}, {"payload": "fresh"}, {"wait": "spin-block", "looks": 9})
    (panel,) = curves(charts_of(sweep(flat, planned))["latency-python"]).panels
    assert [curve.label for curve in panel.curves] == ["pipe", "shared memory + futex"]


def test_no_family_has_two_curves_of_one_name() -> None:
    every = [cell for wait in ("block", "spin") for cell in cells(CARRYING, wait=wait)]
    planned = list({cell.present.id: cell for cell in every}.values())  # an alias is the same
    for chart in charts_of(sweep(flat, planned)).values():
        for panel in chart.body.panels if isinstance(chart.body, Curves) else ():
            names = [curve.label for curve in panel.curves]
            assert len(set(names)) == len(names), chart.name


def test_a_row_compares_the_ways_of_waiting_of_any_facility() -> None:
    planned = varied(*({"wait": wait, "sizes": (64,)} for wait in ("block", "spin")))
    body = dots(charts_of(sweep(flat, planned))["waiting-python"])
    assert [row.label for row in body.rows] == ["pipe, 64 B", "shared memory, 64 B"]
    assert [one.name for one in body.series] == ["sleeping in the facility's call", "spinning"]


def test_batches_are_compared_as_messages_per_second() -> None:
    planned = [
        cell
        for number in (16, 1, 64)
        for cell in cells(("unix-dgram", "shm:posix+futex"), ("stream",), (64,), batch=number)
    ]
    chart = charts_of(sweep(flat, planned))["batch-python"]
    body = dots(chart)
    assert body.x_kind is Axis.UNITS_PER_SECOND
    assert [row.label for row in body.rows] == [
        "Unix datagrams, 64 B", "shared memory + futex, 64 B",
    ]  # fmt: skip
    assert [one.name for one in body.series] == [
        "1 message a call", "16 messages a call", "64 messages a call",
    ]  # fmt: skip
    assert all(len(row) == 3 for row in body.panels[0].dots)


def test_a_label_of_a_video_frame_is_written_in_full() -> None:
    longest = "shm:posix+posix-sem"
    planned = cells(
        (longest, f"{longest}/in-place"), ("latency", "stream"), (6_220_800,), payload="fresh"
    )
    found = charts_of(sweep(flat, planned))
    labels = {row.label for row in dots(found["in-place-stream-python"]).rows}
    assert labels == {"shared memory + POSIX sem., 1080p frame, fresh payload"}
    for chart in found.values():
        if isinstance(chart.body, Dots):
            for row in chart.body.rows:
                assert printable(row.label, LONGEST_ROW) == row.label
                assert f">{row.label}</text>" in draw(chart).svg.decode()


def test_payloads_are_compared_in_one_row() -> None:
    planned = [
        cell
        for kind in ("cold", "hot", "fresh")
        for pattern in ("latency", "stream")
        for cell in cells(("pipe",), (pattern,), (4096,), payload=kind)
    ]
    found = charts_of(sweep(flat, planned))
    for name in ("payload-latency-python", "payload-stream-python"):
        body = dots(found[name])
        assert [row.label for row in body.rows] == ["pipe, 4 KiB"]
        assert [one.name for one in body.series] == ["hot", "fresh", "cold"]
    assert not any(name.startswith("payload") for name in charts_of(sweep(flat, cells(("pipe",)))))


@pytest.mark.parametrize("pattern", ["fan-in", "fan-out", "echo"])
def test_payloads_of_several_processes_are_compared_by_their_number(pattern: str) -> None:
    planned = [
        cell
        for kind in ("fresh", "hot")
        for cell in cells(("sysv-queue",), (pattern,), (4096,), processes=(3, 9), payload=kind)
    ]
    assert len(planned) == 4
    others = cells(("pipe",), ("latency", "stream"), (64, 4096))
    found = charts_of(sweep(flat, [*planned, *others]))
    body = dots(found[f"payload-{pattern}-python"])
    assert [row.label for row in body.rows] == [
        "System V queue, 4 KiB, 3 processes",
        "System V queue, 4 KiB, 9 processes",
    ]
    assert [one.name for one in body.series] == ["hot", "fresh"]
