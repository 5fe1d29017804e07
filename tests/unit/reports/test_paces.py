"""Tests of paces on the page and in charts: messages at a rate, and round trips after pauses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipcbench.bench.decisions.tasks import tasks_of
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.histogram import count
from ipcbench.bench.results.records import CALL, LAG, LATE, OFFERED, REACHED
from ipcbench.bench.results.results import Results
from ipcbench.reports.charts.bodies.curves import Curves
from ipcbench.reports.charts.captions import pace_phrase
from ipcbench.reports.charts.kinds.paced import paced
from ipcbench.reports.model import measured, positions
from ipcbench.reports.page import render as page
from ipcbench.reports.page.rows.paces import at_rates, one_ways, pauses
from ipcbench.reports.percentiles import percentile
from ipcbench.reports.verdicts.python_cost import costs
from tests.synthetic import cells, sweep
from tests.unit.reports.pages import part

LOADS = ("load:10", "load:50", "load:80")
NAMES = ("pipe", "shm:posix+futex")


def at(*paces: str, pattern: str = "paced", runtimes: tuple[str, ...] = ("native",)) -> list[Cell]:
    return [
        cell
        for pace in paces
        for cell in cells(
            NAMES, (pattern,), (64,), ("cross-core-awake",), (2,), runtimes, pace=pace
        )
    ]


def played(planned: list[Cell], messages: int = 2000) -> Results:
    """Make a sweep whose open loops have observations, and as many latencies."""
    results = sweep(lambda *_: 2e-6, planned, rounds=12)
    for result in results.cells.values():
        for run in result.runs if result.cell.pattern == "paced" else ():
            run.tail = dict(count(2000 + 10 * number for number in range(messages)))
            run.observations = {
                OFFERED: 1000.0, REACHED: 999.0, LAG: 3e-8, LATE: 0.25, CALL: 7e-7,
            }  # fmt: skip
            run.usage[1].cpu = 0.3 * run.loops * len(run.values) / 999.0
    return results


def test_each_point_has_its_rates_and_the_time_of_both_sides() -> None:
    found = at_rates(measured(played(at(*LOADS)))).rows
    assert [(one.measured.cell.transport, one.measured.cell.pace) for one in found] == [
        (name, pace) for name in NAMES for pace in LOADS
    ]
    for one in found:
        assert (one.offered, one.reached) == (1000.0, 999.0)
        assert (one.lag, one.late, one.sending) == (3e-8, 0.25, 7e-7)
        assert one.receiving == pytest.approx(0.3)
        assert one.p99 is not None
        assert one.p99.median == pytest.approx(2.18e-5, rel=0.01)


def test_a_percentile_needs_times_enough_in_each_round() -> None:
    (one, *_) = measured(played(at("load:10"), messages=999))
    assert percentile(one, 0.99) is None
    assert percentile(one, 0.95) is not None
    assert at_rates([one]).rows[0].p99 is None
    (closed, *_) = measured(sweep(lambda *_: 1e-6, at("closed", pattern="stream")))
    assert percentile(closed, 0.5) is None


def test_loads_are_in_no_contest_and_rates_are() -> None:
    results = played(at("load:50", "poisson:50", "rate:5000"))
    for one in measured(results):
        absolute = one.cell.pace == "rate:5000"
        assert one.competes is absolute
        assert tasks_of(one.cell, one.facts) == (("steady-rate",) if absolute else ())
    assert len(positions(measured(results))) == 1


def test_the_cost_of_python_is_compared_at_one_rate_alone() -> None:
    results = played(at("load:50", "rate:5000", runtimes=("native", "python")))
    assert {one.native.cell.pace for one in costs(measured(results))} == {"rate:5000"}


def test_one_way_stands_beside_half_of_a_round_trip() -> None:
    results = played([*at(*LOADS), *at("closed", pattern="latency")])
    found = one_ways(measured(results)).rows
    assert sorted(one.paced.cell.transport for one in found) == sorted(NAMES)
    for one in found:
        assert one.paced.cell.pace == "load:10"
        assert one.trip.cell.pattern == "latency"
        assert one.ratio == pytest.approx(2, rel=0.1)  # both take 2 µs here
    assert one_ways(measured(played(at("load:50")))).rows == []  # no round trip, and no low load


def test_round_trips_after_pauses_stand_side_by_side() -> None:
    results = sweep(lambda *_: 2e-6, at("pause:1ms", "closed", "pause:100us", pattern="latency"))
    paces, rows = pauses(measured(results))
    assert paces == ["closed", "pause:100us", "pause:1ms"]
    assert [row.first.cell.transport for row in rows.rows] == list(NAMES)
    assert all(set(row.by_pace) == set(paces) for row in rows.rows)
    without = sweep(lambda *_: 2e-6, at("closed", pattern="latency"))
    assert pauses(measured(without))[1].rows == []


def test_a_chart_has_a_curve_for_each_facility_over_its_loads() -> None:
    found = measured(played(at(*LOADS)))
    (chart,) = paced(found)
    assert isinstance(chart.body, Curves)
    (panel,) = chart.body.panels
    assert [curve.label for curve in panel.curves] == ["pipe", "shared memory + futex"]
    for curve in panel.curves:
        assert curve.x == [10, 50, 80]
        assert curve.low == curve.y
        assert all(high > middle for middle, high in zip(curve.y, curve.high, strict=True))


def test_kinds_of_rates_have_charts_of_their_own() -> None:
    found = measured(played(at("load:50", "poisson:50", "rate:5000")))
    assert [chart.name for chart in paced(found)] == [
        "paced-load-native", "paced-poisson-native", "paced-rate-native",
    ]  # fmt: skip


def test_the_page_explains_what_it_shows() -> None:
    planned = [*at(*LOADS), *at("closed", "pause:1ms", pattern="latency")]
    results = played(planned)
    text = page.render(results, measured(results), [])
    section = part(text, "paced")
    for words in (
        "from the time at which the message was due", "999 /s", "pipe, load of 10 %", "99th",
        "half of a round trip", "pauses of 1 ms", "no pause", "over 5 % of the median latency",
    ):  # fmt: skip
        assert words in section
    assert "a message meets no other" not in section  # at some rates it does
    assert "<h3>Messages at a rate, and after a pause</h3>" in text
    disturbed = [replace(one, disturbed=True) for one in measured(results)]
    assert "disturbed: no verdict" not in section
    assert "disturbed: no verdict" in part(page.render(results, disturbed, []), "paced")
    without = sweep(lambda *_: 2e-6, at("closed", pattern="latency"))
    assert 'id="paced"' not in page.render(without, measured(without), [])


@pytest.mark.parametrize(
    ("pace", "phrase"),
    [
        ("closed", ""),
        ("pause:100us", "pauses of 100 µs"),
        ("load:50", "load of 50 %"),
        ("poisson:5", "random load of 5 %"),
        ("rate:100000", "100,000 messages a second"),
    ],
)
def test_a_pace_has_a_phrase(pace: str, phrase: str) -> None:
    assert pace_phrase(pace) == phrase
