"""Tests of the cost of Python, and of pages with both loops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from matplotlib import font_manager

from ipcbench.bench.decisions.verdicts import of_results
from ipcbench.bench.results.results import Results
from ipcbench.reports.charts.bodies.curves import Curves
from ipcbench.reports.charts.bodies.dots import Dots
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.gallery import all_charts
from ipcbench.reports.charts.kinds.axes import by_placement
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.drawing.canvas import printable
from ipcbench.reports.model import measured
from ipcbench.reports.page.page import write
from ipcbench.reports.page.rows.tables import skipped
from ipcbench.reports.page.texts.phrases import MINUS, cost_sentence, signed, signed_span
from ipcbench.reports.page.texts.verdict_phrases import by_loop, summaries
from ipcbench.reports.verdicts.chapter import SHM_FASTEST
from ipcbench.reports.verdicts.contests import comparisons
from ipcbench.reports.verdicts.decisions import ClaimVerdict, Decision, decide
from ipcbench.reports.verdicts.python_cost import (
    Cost,
    costs,
    python_alone,
    round_trips,
    streams,
    sums,
)
from tests.synthetic import (
    NOT_BUILT,
    REMEDY,
    SIGNALS,
    TRANSPORTS,
    both,
    cells,
    not_built,
    reference,
    sweep,
)

BOTH = ("python", "native")
CALL = 3e-7
SHM = "shm:posix+posix-sem"


@pytest.fixture(scope="module", autouse=True)
def fonts_are_let_go() -> Iterator[None]:
    """Close the font files that matplotlib keeps open, which would be reported as leaks."""
    yield
    font_manager._get_font.cache_clear()


def twice(**options) -> Results:
    planned = cells(
        (*TRANSPORTS, "fifo", "shm:posix+spin"), ("latency", "stream"), runtimes=BOTH,
        placements=("same-core", "cross-core-awake"),
    )  # fmt: skip
    planned += cells(("mp-pipe",))
    planned += cells(SIGNALS, ("signal",), (0,), runtimes=BOTH)
    return sweep(reference, planned, **{"call": CALL, **options})


@pytest.fixture(scope="module")
def found() -> list[Cost]:
    return costs(measured(twice()))


def test_the_added_time_is_recovered(found: list[Cost]) -> None:
    """A round trip has four calls; a stream has two, which follow each other only on one core."""
    small = [one for one in found if one.size in (0, 64)]
    calls = {"latency": 4, "signal": 4}
    for one in small:
        assert one.difference is not None
        assert one.ratio is not None
        added = CALL * calls.get(one.pattern, 2 if one.placement == "same-core" else 1)
        if one.native.interval.median < 10e-6:  # noise is relative: on longer times it hides a call
            assert one.difference.median == pytest.approx(added, rel=0.3)
            assert one.clear
        expected = one.python.interval.median / one.native.interval.median
        assert one.ratio.median == pytest.approx(expected, rel=0.1)
        assert one.ratio.n == one.difference.n == 12


def test_only_equal_cells_are_paired(found: list[Cost]) -> None:
    assert {one.native.cell.runtime for one in found} == {"native"}
    assert {one.python.cell.runtime for one in found} == {"python"}
    for one in found:
        back = msgspec.structs.replace(one.native.cell, runtime="python")
        assert back == one.python.cell
    assert "mp-pipe" not in {one.native.cell.transport for one in found}


def test_twins_and_a_single_loop_have_no_cost() -> None:
    planned = cells(("pipe",), runtimes=BOTH, sizes=(64,))
    results = sweep(reference, planned[:1], twins=planned[1:])
    assert costs(measured(results)) == []
    assert sums([]) == []
    assert round_trips([]).rows == []


def test_without_a_difference_nothing_is_significant() -> None:
    planned = cells(("pipe", "unix-stream"), runtimes=BOTH, sizes=(64,))
    alike = costs(measured(sweep(lambda *rest: 1e-5, planned)))
    assert not any(one.clear for one in alike)
    few = costs(measured(sweep(reference, planned, rounds=5, call=1e-5)))
    assert not any(one.clear for one in few)


def test_rounds_that_only_one_loop_has_do_not_count() -> None:
    planned = cells(("pipe",), runtimes=BOTH, sizes=(64,))
    results = sweep(reference, planned, call=CALL)
    native = next(entry for entry in results.cells.values() if entry.cell.runtime == "native")
    del native.runs[:4]
    (one,) = costs(measured(results))
    assert one.ratio is not None
    assert one.ratio.n == 8
    native.runs = []
    assert costs(measured(results)) == []


def test_the_table_has_a_row_for_each_transport() -> None:
    results = twice()
    found = costs(measured(results))
    table = round_trips(found)
    assert table.placements == ["same-core", "cross-core-awake"]
    assert [row.shown.cell.transport for row in table.rows] == [
        "fifo", "pipe", "unix-stream", "sysv-queue", SHM, "shm:posix+spin", "null",
    ]  # fmt: skip
    assert all(one and one.size == 64 for row in table.rows for one in row.costs)
    assert {row.shown.cell.size for row in streams(found).rows} == {64, 65536}
    assert python_alone(found, measured(results)) == ["mp-pipe"]


def test_costs_with_other_native_calls_are_marked(found: list[Cost]) -> None:
    differing = {one.native.cell.transport for one in found if one.native.facts.differs}
    assert differing == {"shm:posix+spin", "futex"}
    assert not any(one.python.facts.differs for one in found)
    charts = charts_of(twice())
    chart = charts["cost-latency-64-python-native"]
    assert isinstance(chart.body, Dots)
    labels = {row.label for row in chart.body.rows}
    assert {"shared memory, spinning \N{DAGGER}", "shared memory + POSIX sem."} < labels
    assert {printable(label) for label in labels} == labels  # as they are drawn
    assert "where marked \N{DAGGER}, the C loop makes other calls" in chart.caption
    alike = costs(measured(sweep(reference, cells(("pipe",), runtimes=BOTH))))
    assert not any(one.native.facts.differs for one in alike)


def test_several_messages_a_call_are_said_of_an_older_journal(tmp_path: Path) -> None:
    results = sweep(reference, cells(("shm:posix+spin",), ("stream",), runtimes=BOTH))
    said = "one call in C may transfer several messages of a stream"
    (tmp_path / "now").mkdir()
    (tmp_path / "then").mkdir()
    assert said not in write(results, tmp_path / "now").read_text()
    for cell in results.cells.values():
        assert cell.facts is not None
        cell.facts = msgspec.structs.replace(cell.facts, batch=cell.cell.runtime == "native")
    assert said in write(results, tmp_path / "then").read_text()


def test_a_sum_leaves_out_the_floor_and_other_native_calls(found: list[Cost]) -> None:
    same, awake = sums(found)
    assert (same.placement, awake.placement) == ("same-core", "cross-core-awake")
    assert same.transports == 5
    assert same.added[1] == pytest.approx(4 * CALL, rel=0.1)
    assert same.ratio[2] < 3  # the floor's would be seven
    assert "longer with the Python loop than with the C loop" in cost_sentence(same)


def test_a_cost_within_the_noise_is_said_to_be(tmp_path: Path) -> None:
    planned = cells(("pipe", "tcp"), sizes=(64,), runtimes=BOTH)
    (sure,) = sums(costs(measured(sweep(reference, planned, call=CALL))))
    assert sure.clear == 2 and "interval" not in cost_sentence(sure)
    (unsure,) = sums(costs(measured(sweep(reference, planned, call=1e-9, noise=0.2))))
    assert unsure.clear == 0
    assert cost_sentence(unsure).endswith("In none of them does the interval exclude 0.")
    few = write(sweep(reference, planned, call=CALL, rounds=3), tmp_path).read_text()
    assert "No answer: there are fewer than 6 common rounds" in few
    assert "longer with the Python loop than" not in few


def test_a_sum_is_of_one_pace_and_of_one_way_of_waiting() -> None:
    """A round trip after a pause includes a wake-up, which is no cost of Python."""
    names, small = ("pipe", "tcp"), {"sizes": (64,), "runtimes": BOTH}
    plain = cells(names, **small)
    paced = [
        cell for pace in ("pause:1ms", "pause:10ms") for cell in cells(names, pace=pace, **small)
    ]
    polled = cells(names, wait="poll", **small)
    alone, *_ = sums(costs(measured(sweep(reference, plain, call=CALL))))
    mixed = sweep(reference, paced + polled + plain, call=CALL)
    assert sums(costs(measured(mixed))) == [alone]
    assert (alone.transports, alone.pace) == (2, "closed")
    (slow,) = sums(costs(measured(sweep(reference, paced, call=CALL))))
    assert (slow.transports, slow.pace) == (2, "pause:1ms")
    assert cost_sentence(slow).startswith("One core, 64 B, pauses of 1 ms: ")
    assert cost_sentence(alone).startswith("One core, 64 B: ")


def charts_of(results: Results) -> dict[str, Chart]:
    charts, _ = all_charts(measured(results))
    return {chart.name: chart for chart in charts}


@pytest.fixture(scope="module")
def drawn() -> dict[str, Chart]:
    return charts_of(twice())


def test_native_beside_python_is_a_chart_of_its_own(drawn: dict[str, Chart]) -> None:
    chart = drawn["cost-latency-64-python-native"]
    assert isinstance(chart.body, Dots)
    assert chart.section == "situation"
    assert [one.name for one in chart.body.series] == ["C loop", "Python loop"]
    assert [panel.title for panel in chart.body.panels] == ["one core", "two cores awake"]
    assert "mp.Pipe" not in {row.label for row in chart.body.rows}
    for panel in chart.body.panels:
        for row in panel.dots:
            assert row[0].median < row[1].median
    stream = drawn["cost-stream-64-python-native"]
    assert isinstance(stream.body, Dots)
    assert stream.body.x_kind is Axis.UNITS_PER_SECOND
    assert all(row[0].median > row[1].median for row in stream.body.panels[0].dots)
    names = [name.removesuffix("-python-native") for name in drawn if name.startswith("cost")]
    assert names[:2] == ["cost-latency-64", "cost-stream-64"]  # small messages first
    assert {"cost-latency-64k", "cost-signal"} <= set(names[2:])


def test_both_loops_share_a_chart_in_panels_that_name_them(drawn: dict[str, Chart]) -> None:
    chart = drawn["latency-python-native"]
    assert isinstance(chart.body, Curves)
    assert [panel.title for panel in chart.body.panels] == [
        "Python loop, one core", "Python loop, two cores awake",
        "C loop, one core", "C loop, two cores awake",
    ]  # fmt: skip
    assert chart.note.startswith("Python and C loops; ")
    for panel in chart.body.panels:
        assert len({line.label for line in panel.curves}) == len(panel.curves)
        assert all(line.x == sorted(set(line.x)) for line in panel.curves)  # one loop's points
    assert "latency-python" not in drawn
    placement = drawn["placement-python-native"]
    assert isinstance(placement.body, Dots)
    assert [panel.title for panel in placement.body.panels] == [
        "Python loop, 64 B", "Python loop, 64 KiB", "C loop, 64 B", "C loop, 64 KiB",
    ]  # fmt: skip


def test_a_loop_has_no_panel_for_a_placement_that_it_lacks() -> None:
    placed = ("same-core", "cross-core", "cross-core-awake")
    planned = cells(placements=placed)
    planned += cells(runtimes=("native",), placements=(placed[0], placed[2]))
    chart = charts_of(sweep(reference, planned))["latency-python-native"]
    assert isinstance(chart.body, Curves)
    titles = [panel.title for panel in chart.body.panels]
    assert titles[3:] == ["C loop, one core", "C loop, two cores awake"]


def test_a_pattern_of_one_loop_has_one_chart() -> None:
    planned = cells(patterns=("latency", "stream"))
    planned += cells(patterns=("latency",), runtimes=("native",))
    names = charts_of(sweep(reference, planned))
    assert {"latency-python-native", "throughput-python"} <= names.keys()
    by = {by_placement(one).runtime for one in measured(sweep(reference, planned))}
    assert by == set(BOTH)


def test_the_families_stand_behind_the_best_of_each() -> None:
    crowd = [f"shm:s{index}+futex" for index in range(14)]
    charts, _ = all_charts(measured(sweep(reference_of_crowd, cells(crowd, runtimes=BOTH))))
    assert [chart.name for chart in charts if chart.name.startswith("latency")] == [
        "latency-python-native", "latency-python-same-core", "latency-native-same-core",
    ]  # fmt: skip


def reference_of_crowd(transport: str, *rest: object) -> float:
    return 1e-5 * 1.1 ** int(re.sub(r"\D", "", transport))


# --- verdicts


def split(transport: str, *rest: object) -> float:
    """Make times in which shared memory is ahead by less than Python's noise."""
    return {"pipe": 2e-6, "unix-stream": 3e-6, "sysv-queue": 2.5e-6, SHM: 1.9e-6}[transport]


def differing() -> Results:
    """Make results with shared memory fastest natively, and pipes fastest from Python."""
    results = sweep(split, cells(("pipe", "unix-stream", "sysv-queue", SHM), runtimes=BOTH))
    for entry in results.cells.values():
        if entry.cell.runtime == "python" and entry.cell.transport == SHM:
            for run in entry.runs:
                run.values = [value + 3e-6 for value in run.values]
    return results


def claim_of(results: Results) -> Decision:
    return decide(SHM_FASTEST, comparisons(of_results(results), measured(results)))


def test_the_claim_has_a_verdict_for_each_loop_where_they_differ() -> None:
    claim = claim_of(differing())
    assert claim.verdict is ClaimVerdict.DEPENDS
    assert by_loop(claim) == [
        ("Python loop", ClaimVerdict.REFUTED), ("C loop", ClaimVerdict.SUPPORTED),
    ]  # fmt: skip
    said = summaries(claim)
    assert said.startswith("Python loop: of 2 contests: another facility is faster in 2.")
    assert "C loop: of 2 contests: shared memory is the fastest in 2." in said


def test_one_verdict_for_both_where_they_agree() -> None:
    planned = cells(("pipe", SHM), runtimes=BOTH)
    claim = claim_of(sweep(split, planned, noise=0.005, drift=0))
    assert by_loop(claim) == [("", ClaimVerdict.SUPPORTED)]


def test_measuring_the_other_loop_weakens_no_verdict() -> None:
    """Each loop is a family of its own: the other loop does not change its p-values."""
    one = cells(("pipe", "unix-stream", "fifo", "tcp", SHM), sizes=range(64, 84))
    two = one + [msgspec.structs.replace(cell, runtime="native") for cell in one]
    alone, beside = (
        {each.contest.id: each for each in of_results(sweep(reference, planned, drift=0))}
        for planned in (one, two)
    )
    assert alone.keys() < beside.keys()
    for name, before in alone.items():
        assert beside[name].family_size == before.family_size


def test_no_contest_of_the_claim_mixes_loops() -> None:
    for one in claim_of(both(rounds=6, tail=0)).comparisons:
        assert one.first.cell.runtime == one.second.cell.runtime == one.situation.runtime


# --- the page


def test_a_page_with_both_loops(tmp_path) -> None:
    page = write(differing(), tmp_path).read_text()
    card = page.index("Is shared memory the fastest?")
    assert page.index("Python loop: refuted.") < page.index("C loop: supported.")
    assert card < page.index("Python loop: refuted.") < page.index('id="trust"')
    assert 'id="costs"' in page
    assert page.index("What is the cost of Python?") < page.index('id="trust"')
    assert '<tr class="loop"><th scope="rowgroup" colspan="5">C loop</th></tr>' in page


def test_a_page_of_one_loop_does_not_mention_the_other(tmp_path) -> None:
    page = write(sweep(reference, cells()), tmp_path).read_text()
    assert 'id="costs"' not in page
    assert "What is the cost of Python?" not in page
    assert "C loop" not in page
    assert '<tr class="loop">' not in page


def test_a_native_runtime_that_is_not_built_is_reported_once(tmp_path) -> None:
    results = not_built()
    (reason,) = skipped(results).rows
    assert (reason.reason, reason.remedy, reason.likewise) == (NOT_BUILT, REMEDY, [])
    page = write(results, tmp_path).read_text().replace("&#39;", "'")
    assert page.count(NOT_BUILT) == page.count(REMEDY) == 1
    assert page.index("No cell was measured by both loops") < page.index(NOT_BUILT)
    assert "What is the cost of Python?" not in page


def test_skips_that_differ_in_the_name_alone_are_one(tmp_path) -> None:
    rows = skipped(both(rounds=6, tail=0)).rows
    reason = next(row for row in rows if "native operations" in row.reason)
    assert reason.reason == "mp-pipe has no native operations"
    assert reason.likewise == ["mp-pipe-pickle", "mp-queue", "mp-simple-queue"]
    limits = [row for row in rows if "8192" in row.reason]
    assert len(limits) == 1
    assert limits[0].reason == "posix-queue takes 8192 bytes at most"


def test_differences_have_a_sign() -> None:
    assert signed(1.2e-6) == "+1.20 µs"
    assert signed(-3e-8) == f"{MINUS}30.0 ns"
    (one,) = costs(measured(sweep(reference, cells(("pipe",), runtimes=BOTH, sizes=(64,)))))
    assert one.difference is not None
    assert signed_span(one.difference).count(" to ") == 1
