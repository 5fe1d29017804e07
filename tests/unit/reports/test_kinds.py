"""Tests of the charts of one question each: the ladder, tails, CPU time, parts, narrow runs."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TypeVar

import pytest

from ipcbench.bench.results.results import Results
from ipcbench.reports.charts.bodies.bars import Bars
from ipcbench.reports.charts.bodies.curves import Curves
from ipcbench.reports.charts.bodies.dots import Dots
from ipcbench.reports.charts.bodies.stacks import Stacks
from ipcbench.reports.charts.chart import Body, Chart
from ipcbench.reports.charts.gallery import all_charts, page_charts
from ipcbench.reports.charts.kinds.ladder import FEWEST_BARS, MOST_BARS
from ipcbench.reports.charts.kinds.ladder import rungs as rungs_of
from ipcbench.reports.charts.kinds.narrow import NARROW
from ipcbench.reports.charts.kinds.tails import MOST_CURVES
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.palette import INK
from ipcbench.reports.drawing.figures import draw
from ipcbench.reports.model import measured
from ipcbench.reports.names import place
from tests.synthetic import CARRYING, breadth, cells, reference, sweep

BOTH = ("python", "native")
PLACED = ("same-core", "cross-core", "cross-core-awake")
SHM = "shm:posix+futex"
B = TypeVar("B", bound=Body)


def flat(*rest: object) -> float:
    return 1e-5


def charts(results: Results) -> dict[str, Chart]:
    return {chart.name: chart for chart in all_charts(measured(results))[0]}


def body(kind: type[B], chart: Chart) -> B:
    assert isinstance(chart.body, kind)
    return chart.body


# --- the ladder


def rungs() -> Results:
    planned = cells(("pipe", SHM, "mp-queue"), sizes=(64,), placements=PLACED, runtimes=BOTH)
    planned += cells(("pipe", SHM), sizes=(64,), placements=PLACED[1:], runtimes=BOTH, wait="spin")
    return sweep(reference, planned, call=3e-7)


def test_the_ladder_names_all_that_decides_a_round_trip() -> None:
    chart = charts(rungs())["ladder-64"]
    assert (chart.section, chart.title) == ("ladder", "A round trip of 64 B, in 16 ways")
    found = body(Bars, chart)
    assert [group.title for group in found.groups][:2] == ["pipe", "shared memory"]
    labels = {bar.label for group in found.groups for bar in group.bars}
    assert {
        "Python, one core, sleeping", "C, one core, sleeping", "Python, two cores awake, sleeping",
        "C, two cores, sleeping", "C, two cores awake, spinning",
    } <= labels  # fmt: skip
    assert not any("two cores, spinning" in label for label in labels)  # spinning, no CPU idles
    assert FEWEST_BARS <= found.marks <= MOST_BARS
    for group in found.groups:
        times = [bar.value.median for bar in group.bars]
        assert times == sorted(times)
        assert len({bar.label for bar in group.bars}) == len(group.bars)
        assert len({bar.style for bar in group.bars}) == 1


def test_the_caption_of_the_ladder_names_what_differs_alone() -> None:
    every = charts(rungs())["ladder-64"].caption
    for text in ("(Python or C)", "two cores awake, which never idle", "sleeps or spins"):
        assert text in every
    placed = charts(sweep(reference, cells(("pipe", "tcp"), sizes=(64,), placements=PLACED[:2])))
    chart = placed["ladder-64"]
    assert "What differs is the CPUs (one core; two cores, which idle" in chart.caption
    assert "language" not in chart.caption and "spins" not in chart.caption
    labels = {bar.label for group in body(Bars, chart).groups for bar in group.bars}
    assert labels == {"one core", "two cores"}
    alike = charts(sweep(reference, cells(("pipe", "tcp"), sizes=(64,))))["ladder-64"]
    assert "What differs is the facility alone." in alike.caption


def test_a_ladder_of_few_bars_has_other_facilities_as_well() -> None:
    names = ("pipe", "unix-stream", "tcp")
    chart = charts(sweep(reference, cells(names, sizes=(64, 4096), placements=PLACED[:2])))
    assert [group.title for group in body(Bars, chart["ladder-64"]).groups] == [
        "pipe",
        "Unix socket",
        "TCP",
    ]
    alone = charts(sweep(reference, cells(("pipe",), sizes=(64,))))
    assert not any(name.startswith("ladder") for name in alone)
    streams = charts(sweep(reference, cells(("pipe", "tcp"), ("stream",))))
    assert not any(name.startswith("ladder") for name in streams)


def test_sleeping_bars_of_shared_memory_are_of_one_waiter() -> None:
    planned = cells((SHM,), sizes=(64,), placements=(PLACED[0], PLACED[2]))
    planned += cells((SHM,), sizes=(64,), placements=(PLACED[2],), wait="spin")
    planned += cells(("shm:posix+posix-sem",), sizes=(64,), placements=PLACED)
    (memory,) = rungs_of(measured(sweep(reference, planned))).values()
    assert {one.cell.transport for one in memory if one.wait == "block"} == {"shm:posix+posix-sem"}
    assert len(memory) == len(PLACED) + 1  # and the one that spins


def test_spinning_on_idling_cores_stands_where_nothing_else_spins() -> None:
    planned = cells(("pipe",), sizes=(64,)) + cells(
        ("pipe",), sizes=(64,), placements=("cross-core",), wait="spin"
    )
    (group,) = body(Bars, charts(sweep(reference, planned))["ladder-64"]).groups
    assert "two cores, spinning" in {bar.label for bar in group.bars}


# --- one size


def test_small_messages_have_both_loops_in_one_row() -> None:
    found = charts(sweep(reference, cells(("pipe", "tcp"), runtimes=BOTH, placements=PLACED[:2])))
    dots = body(Dots, found["round-trip-python-native"])
    assert [series.name for series in dots.series] == ["C loop", "Python loop"]
    assert [panel.title for panel in dots.panels] == ["one core", "two cores"]
    assert [row.label for row in dots.rows] == ["pipe", "TCP"]
    assert all(set(row) == {0, 1} for panel in dots.panels for row in panel.dots)


def test_messages_a_second_have_an_axis_of_bytes_a_second() -> None:
    dots = body(Dots, charts(sweep(flat, cells(patterns=("stream",))))["rate-python"])
    assert (dots.x_kind, dots.second and dots.second.kind) == (
        Axis.UNITS_PER_SECOND, Axis.BYTES_PER_SECOND,
    )  # fmt: skip
    rate = dots.panels[0].dots[0][0].median
    assert f" = {rate * 64 / 1e6:.2f} MB/s" in dots.name(dots.panels[0], 0, 0)


def test_frames_are_told_in_bytes_and_in_frames() -> None:
    planned = cells(("pipe:1M", SHM), ("stream",), (6_220_800,), payload="fresh")
    planned += cells(("pipe",), ("stream",))
    chart = charts(sweep(lambda *_: 1e-3, planned, noise=0.0, drift=0.0))["frames-6075k-python"]
    assert (chart.section, chart.title) == ("large", "A stream of 1080p frames")
    dots = body(Dots, chart)
    name = "pipe, 1 MiB buffer, fresh payload, Python loop, one core: 6.2"
    assert name in dots.name(dots.panels[0], 0, 0)
    assert "= 1.00 k/s" in dots.name(dots.panels[0], 0, 0)


# --- no lines, and no points alone


def test_values_far_apart_are_joined_by_no_line() -> None:
    found = charts(sweep(reference, cells(sizes=(64, 4096, 65536))))
    assert body(Curves, found["latency-python"]).in_bands
    assert "not joined" in found["latency-python"].caption
    near = charts(sweep(flat, cells(sizes=(64, 128, 256))))
    assert not body(Curves, near["latency-python"]).in_bands


@pytest.mark.parametrize(("sizes", "lines"), [((64, 128), 1), ((64, 4096), 0)])
def test_lines_are_drawn_between_near_values_alone(sizes: tuple[int, int], lines: int) -> None:
    results = sweep(flat, cells(("pipe",), sizes=sizes), noise=0.0, drift=0.0)
    chart = charts(results)["latency-python"]
    color = body(Curves, chart).panels[0].curves[0].style.color
    drawn = ET.fromstring(draw(chart).svg.decode())
    joined = [
        one for one in drawn.iter()
        if one.tag.endswith("path") and f"stroke:{color};stroke-width:1.2" in one.get("style", "")
    ]  # fmt: skip
    assert len(joined) == lines


@pytest.mark.parametrize(
    "planned",
    [
        cells(("pipe",), sizes=(64,)),
        cells(("pipe",), ("stream",), (64,)),
        cells(("pipe",), ("fan-in",), (64,), processes=(4,)),
        cells(("posix-sem",), ("counter",), (0,), processes=(4,)),
        cells(("pipe",), ("paced",), (64,), pace="load:50"),
    ],
)
def test_one_point_is_no_chart(planned: list[object]) -> None:
    assert charts(sweep(flat, planned)) == {}  # type: ignore[arg-type]


def test_cells_with_one_value_on_the_axis_are_rows() -> None:
    planned = cells(("pipe", "unix-stream"), ("fan-in",), (64,), processes=(4,))
    chart = charts(sweep(flat, planned))["scaling-fan-in-python"]
    assert chart.title == "Fan-in: messages per second, 4 processes"
    assert [row.label for row in body(Dots, chart).rows] == ["pipe", "Unix socket"]


def test_titles_differ() -> None:
    for results in (breadth(tail=0), rungs()):
        found, _ = all_charts(measured(results))
        titles = [chart.title for chart in found]
        assert len(set(titles)) == len(titles)
    crowd = cells(("pipe", "tcp"), runtimes=("python", "rust", "go"))
    titles = [chart.title for chart in all_charts(measured(sweep(flat, crowd)))[0]]
    assert len(set(titles)) == len(titles)
    assert "Round trip by message size (rust loop)" in titles


# --- tails, CPU time, parts


def test_tails_show_what_each_round_bears() -> None:
    results = sweep(reference, cells(("pipe", "tcp"), sizes=(64,)), tail=1000)
    curves = body(Curves, charts(results)["tails-python"])
    assert (curves.x_kind, curves.in_bands) == (Axis.PERCENTILE, False)
    (panel,) = curves.panels
    assert [curve.label for curve in panel.curves] == ["pipe", "TCP"]
    for curve in panel.curves:
        assert curve.x == [0.5, 0.75, 0.9, 0.95, 0.99]
        assert curve.y == sorted(curve.y)
    assert ", p99, one core: " in curves.names(panel, panel.curves[0])[-1]
    few = charts(sweep(reference, cells(("pipe", "tcp"), sizes=(64,)), tail=30))
    assert "tails-python" not in few


def test_tails_show_the_best_of_each_family_first() -> None:
    results = sweep(reference, cells(CARRYING, sizes=(64,)), tail=200)
    (panel,) = body(Curves, charts(results)["tails-python"]).panels
    assert len(panel.curves) == MOST_CURVES
    assert len({curve.style.marker for curve in panel.curves}) == 5


def test_cpu_time_stands_against_latency_where_each_process_has_a_cpu() -> None:
    chart = charts(rungs())["cpu-python-native"]
    curves = body(Curves, chart)
    assert [panel.title for panel in curves.panels] == [
        f"{loop} loop, {place(placement)}" for loop in ("Python", "C") for placement in PLACED[1:]
    ]
    for panel in curves.panels:
        spinning = [curve for curve in panel.curves if "spinning" in curve.label]
        assert spinning
        assert all(curve.style.fill == "none" for curve in spinning)
        for curve in spinning:
            assert curve.y[0] / curve.x[0] == pytest.approx(2 * 2 / 3, rel=0.1)  # of the fixture
    only_one_core = charts(sweep(reference, cells(("pipe", "tcp"))))
    assert not any(name.startswith("cpu") for name in only_one_core)


def test_the_parts_of_a_round_trip_are_a_bar() -> None:
    def time(transport: str, pattern: str, *rest: object) -> float:
        return 1e-6 if pattern == "self" else 6e-6

    planned = cells(("pipe", SHM), ("latency",), sizes=(64,))
    planned += cells(("pipe", SHM), ("self",), sizes=(64,), processes=(1,))
    chart = charts(sweep(time, planned, noise=0.0, drift=0.0))["parts-python"]
    stacks = body(Stacks, chart)
    assert [part.name for part in stacks.parts] == ["calls and copying", "sleeping and waking"]
    (panel,) = stacks.panels
    assert [stack.label for stack in panel.stacks] == [
        "pipe, Python",
        "shared memory + futex, Python",
    ]
    for stack in panel.stacks:
        assert stack.whole == pytest.approx(6e-6)
        assert sum(part.median for part in stack.parts.values()) == pytest.approx(stack.whole)
    assert stacks.name(panel, panel.stacks[0], 0).endswith("; 33 %")
    assert chart.table.rows[0][-1] == "6.00 µs"


def test_a_bar_of_parts_has_a_line_where_its_number_is() -> None:
    together, alone = (5e-6, 30e-6, 20e-6), (1e-6, 2e-6, 9e-6)

    def time(transport: str, pattern: str, *rest: object) -> float:
        return (alone if pattern == "self" else together)[int(str(rest[-1])) % 3]

    planned = cells(("pipe",), ("latency",), (64,))
    planned += cells(("pipe",), ("self",), (64,), processes=(1,))
    chart = charts(sweep(time, planned, rounds=3, noise=0.0, drift=0.0))["parts-python"]
    (stack,) = body(Stacks, chart).panels[0].stacks
    assert sum(part.median for part in stack.parts.values()) < 0.9 * stack.whole
    look = f"stroke:{INK};stroke-width:1.2"
    drawn = ET.fromstring(draw(chart).svg.decode())
    assert len([one for one in drawn.iter() if look in one.get("style", "")]) == 1
    assert "need not add up" in chart.caption


def test_parts_and_their_whole_are_of_the_same_rounds() -> None:
    """A mini-round goes on with the round trip alone."""

    def time(transport: str, pattern: str, *rest: object) -> float:
        return 1e-6 if pattern == "self" else 6e-6 if int(str(rest[-1])) < 8 else 9e-6

    planned = cells(("pipe", SHM), ("latency",), (64,))
    planned += cells(("pipe", SHM), ("self",), (64,), processes=(1,))
    results = sweep(time, planned, rounds=24, noise=0.0, drift=0.0)
    for one in results.cells.values():
        if one.cell.pattern == "self":
            one.runs = [run for run in one.runs if run.round < 8]
    for stack in body(Stacks, charts(results)["parts-python"]).panels[0].stacks:
        assert stack.whole == pytest.approx(6e-6)
        assert sum(part.median for part in stack.parts.values()) == pytest.approx(stack.whole)


def test_rings_that_spin_name_no_waiter_when_they_are_read_in_place() -> None:
    planned = cells((SHM, f"{SHM}/in-place"), sizes=(64,), placements=PLACED[1:2], wait="spin")
    chart = charts(sweep(flat, planned))["in-place-latency-python"]
    assert chart.title == "Copying out of shared memory and reading in place: round trip"
    assert [row.label for row in body(Dots, chart).rows] == ["shared memory, spinning, 64 B"]


def test_a_legend_does_not_repeat_the_note() -> None:
    (chart,) = [
        one for name, one in charts(sweep(flat, cells(("pipe", "tcp")))).items()
        if name.startswith("round-trip")
    ]  # fmt: skip
    assert chart.note.startswith("Python loop")
    assert draw(chart).svg.count(b"Python loop<") == 0
    both = charts(sweep(flat, cells(("pipe", "tcp"), runtimes=BOTH)))["round-trip-python-native"]
    assert draw(both).svg.count(b"Python loop<") == 1


# --- narrow runs


def test_a_narrow_run_is_one_chart_of_bars() -> None:
    planned = cells(("pipe", "unix-stream"), ("latency", "stream"), (64, 65536))
    results = sweep(reference, planned, twins=planned[:1])
    (chart,), more = page_charts(measured(results))
    assert more == 0
    assert (chart.name, chart.section) == ("cells-python", "cells")
    bars = body(Bars, chart)
    assert bars.marks == len(planned)  # and no control
    assert [group.title for group in bars.groups] == [
        "latency, 64 B, one core", "latency, 64 KiB, one core",
        "stream, 64 B, one core", "stream, 64 KiB, one core",
    ]  # fmt: skip
    assert {bar.label for group in bars.groups for bar in group.bars} == {"pipe", "Unix socket"}
    assert bars.x_label == "time of a round trip or a message"


def test_a_group_of_bars_has_one_payload() -> None:
    """And a bar does not repeat it: the title has all but the facility and its waiting."""
    planned = [
        cell
        for payload in ("fresh", "hot")
        for cell in cells(
            ("pipe", "unix-stream"), ("fan-in",), (4096,), processes=(3,), payload=payload
        )
    ]
    (chart,), _ = page_charts(measured(sweep(flat, planned)))
    assert [(group.title, len(group.bars)) for group in body(Bars, chart).groups] == [
        ("fan-in, 4 KiB, one core, 3 processes", 2),
        ("fan-in, 4 KiB, one core, 3 processes, fresh payload", 2),
    ]
    labels = {bar.label for group in body(Bars, chart).groups for bar in group.bars}
    assert labels == {"pipe", "Unix socket"}


def test_units_of_bars_have_their_articles() -> None:
    planned = cells(("posix-sem", "eventfd"), ("counter",), (0,), processes=(2,))
    (chart,), _ = page_charts(measured(sweep(flat, planned)))
    assert body(Bars, chart).x_label == "time of an update"


def test_two_cells_are_both() -> None:
    (chart,), _ = page_charts(measured(sweep(flat, cells(("pipe", "tcp"), sizes=(64,)))))
    assert chart.title == "Both cells of this run"


def test_a_run_of_more_cells_has_charts_of_its_questions() -> None:
    names = [f"pipe:{at}" for at in range(NARROW + 1)]
    found, _ = page_charts(measured(sweep(flat, cells(names, sizes=(64,)))))
    assert "cells" not in {chart.section for chart in found}
    assert page_charts([]) == ([], 0)
    assert page_charts(measured(sweep(flat, cells(("pipe",), sizes=(64,))))) == ([], 0)


# --- ringed markers


def with_modes() -> Results:
    def time(transport: str, *rest: object) -> float:
        return 8e-6 if transport == "pipe" and int(str(rest[-1])) % 2 else 5e-6

    return sweep(time, cells(("pipe", "tcp"), sizes=(64, 128)), noise=1e-3, drift=0.0)


@pytest.mark.parametrize("name", ["round-trip-python", "latency-python", "ladder-64"])
def test_cells_with_two_modes_are_marked(name: str) -> None:
    chart = charts(with_modes())[name]
    drawn = ET.fromstring(draw(chart).svg.decode())
    names = [one.get("aria-label", "") for one in drawn.iter() if one.get("class") == "mark"]
    marked = [one for one in names if "two modes, 60 % apart (6 and 6 runs)" in one]
    assert marked
    assert len(marked) == len([one for one in names if one.startswith("pipe")])
    assert any("two modes" in text for row in chart.table.rows for text in row)
    assert "two modes" in chart.caption
    rings = [one for one in drawn.iter() if one.get("style") == "fill-opacity:0"]
    assert len(rings) == (0 if name == "ladder-64" else len(marked))  # a bar has a sign
    plain = charts(sweep(flat, cells(("pipe", "tcp"), sizes=(64, 128))))[name]
    assert "two modes" not in plain.caption


def test_a_chart_is_as_narrow_as_a_telephone_with_texts_that_can_be_read() -> None:
    for chart in all_charts(measured(breadth(tail=0)))[0]:
        drawn = ET.fromstring(draw(chart).inline)
        width = float(drawn.attrib["viewBox"].split()[2])
        sizes = [
            float(style.partition("font-size:")[2].partition("px")[0])
            for one in drawn.iter("text") if "font-size:" in (style := one.get("style", ""))
        ]  # fmt: skip
        assert drawn.attrib["style"].startswith("font:8.6px")
        assert min([8.6, *sizes]) * 336 / width >= 8  # beside the margins of 390 pixels


def test_values_outside_of_all_reason_are_drawn() -> None:
    results = sweep(lambda *_: 1e-5, cells(("unguarded",), ("counter",), (0,), processes=(2, 4)))
    for entry in results.cells.values():
        for run in entry.runs:
            run.observations["lost updates"] = 1e9
    tiny = sweep(lambda *_: 1e-300, cells(("pipe", "tcp"), ("latency", "stream")))
    huge = sweep(lambda *_: 1e30, cells(("pipe", "tcp"), ("latency", "stream")))
    for each in (results, tiny, huge):
        for chart in charts(each).values():
            ET.fromstring(draw(chart).inline)
