"""Trust by placement: twins, slowed controls, bursts, steal, void runs, and mini-rounds."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence

import msgspec
import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Run
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.severity import Severity
from ipcbench.reports.model import measured
from ipcbench.reports.verdicts import cost_model
from ipcbench.reports.verdicts.controls import Control
from ipcbench.reports.verdicts.places import PlaceTrust, distances_of, percent
from ipcbench.reports.verdicts.trust import Trust, assess
from tests.synthetic import cells, sweep
from tests.unit.reports.times import constant

SAME, AWAKE = "same-core", "cross-core-awake"
SIZES = (64, 256, 4096, 65536)  # enough cells beside a control to tell the drift
PLANNED = cells(sizes=SIZES, placements=(SAME, AWAKE))


def assessed(results: Results) -> Trust:
    return assess(results, measured(results))


def controlled(
    controls: Sequence[Cell] = (),
    *,
    noise: float = 0.01,
    rounds: int = 12,
    planned: Sequence[Cell] = PLANNED,
) -> Results:
    """Make a sweep with twins of the first cell of each placement, and other controls."""
    twins = [first(planned, placement) for placement in (SAME, AWAKE)]
    return sweep(constant(), [*planned, *controls], twins=twins, noise=noise, rounds=rounds)


def first(planned: Sequence[Cell], placement: str) -> Cell:
    return next(one for one in planned if one.placement == placement)


def slowed(placement: str = SAME) -> Cell:
    return msgspec.structs.replace(first(PLANNED, placement), slowed=5)


def change(results: Results, wanted: Callable[[Cell], bool], by: Callable[[Run], None]) -> Results:
    for one in results.cells.values():
        for run in one.runs if wanted(one.cell) else ():
            by(run)
    return results


def times(factor: float) -> Callable[[Run], None]:
    def slower(run: Run) -> None:
        run.values = [value * factor for value in run.values]

    return slower


def place(results: Results, placement: str = SAME) -> PlaceTrust:
    return next(one for one in assessed(results).places if one.placement == placement)


def control(results: Results, cell: Cell) -> Control:
    return next(one for one in assessed(results).controls if one.cell == cell)


def texts(results: Results) -> str:
    return " ".join(one.text for one in assessed(results).findings)


# One line for each placement.


def test_each_placement_has_a_line_of_its_own() -> None:
    trust = assessed(change(controlled(), lambda cell: cell.placement == AWAKE, jitter(0.1)))
    here, there = trust.line(SAME), trust.line(AWAKE)
    assert re.fullmatch(
        r"one core: good, repeatable to ±\d\.\d %, could have seen \d\.\d % in 12 rounds", here
    )
    assert there.startswith("two cores awake: with reservations, repeatable to ±")
    assert (trust.trusted(SAME), trust.trusted(AWAKE)) == (Severity.OK, Severity.WARNING)
    assert trust.summary[:2] == [f"O{here[1:]}.", f"T{there[1:]}."]
    assert trust.line("smt") == ""
    assert trust.trusted("smt") is Severity.OK


def jitter(noise: float) -> Callable[[Run], None]:
    chance = random.Random(3)

    def more(run: Run) -> None:
        times(math.exp(chance.gauss(0, noise)))(run)

    return more


def test_a_bad_twin_is_about_its_placement() -> None:
    results = change(controlled(), lambda cell: cell.twin and cell.placement == AWAKE, times(1.3))
    trust = assessed(results)
    assert trust.headline == "This run cannot be trusted on two cores awake."
    assert trust.alarm.endswith("Identical cells differ, so no difference there is reliable.")
    assert trust.severity is trust.trusted(AWAKE) is Severity.PROBLEM
    assert trust.trusted(SAME) is Severity.OK
    assert "not to be trusted" in trust.line(AWAKE)
    everywhere = change(results, lambda cell: cell.twin and cell.placement == SAME, times(0.7))
    trust = assessed(everywhere)
    assert trust.headline == "This run cannot be trusted."
    assert trust.alarm.endswith("no difference below is reliable.")


def test_a_placement_without_a_twin_says_so() -> None:
    planned = [*PLANNED, *cells(sizes=SIZES, placements=("unpinned",))]
    trust = assessed(controlled(planned=planned))
    assert trust.line("unpinned") == "any CPU (unpinned): no twin"
    assert trust.trusted("unpinned") is Severity.NOTE
    assert trust.headline == "This run can be trusted."


def test_what_is_about_the_whole_run_counts_everywhere() -> None:
    results = controlled()
    results.ended = None
    trust = assessed(results)
    assert {trust.trusted(one) for one in (SAME, AWAKE, "smt")} == {Severity.WARNING}


def test_cpus_at_two_distances_are_told_where_they_are() -> None:
    """A virtual machine's host has moved its CPUs during the sweep."""
    results = controlled()
    there = [one for one in results.cells.values() if one.cell.placement == AWAKE]
    for one in there:
        for run in one.runs:
            run.distance = 490e-9 if run.round in (2, 3, 4) else 98e-9
    trust = assessed(results)
    assert trust.line(AWAKE).endswith(
        "between its CPUs and back, a cache line takes 98.0 ns, and 490 ns in 25 % of the runs"
    )
    assert "cache line" not in trust.line(SAME)
    assert trust.trusted(AWAKE) is Severity.NOTE
    for one in there:
        for run in one.runs:
            run.distance = 98e-9
    assert "cache line" not in assessed(results).line(AWAKE)
    assert [(name, str(apart)) for name, apart in distances_of(results)] == [
        ("two cores awake", "98.0 ns")
    ]


def test_void_runs_count_where_they_are() -> None:
    results = controlled()
    here = [one for one in results.cells.values() if one.cell.placement == SAME]
    for one in here:
        one.runs[0].void = "12% of the core's time went to other processes"
    trust = assessed(results)
    assert trust.line(SAME).endswith("8.3 % of its runs are void")
    assert "void" not in trust.line(AWAKE)
    assert (trust.trusted(SAME), place(results, AWAKE).severity) == (Severity.WARNING, Severity.OK)
    assert f"By placement: one core {len(here)}." in texts(results)


# Twins: not paired by round.


def test_drift_that_all_cells_share_is_subtracted() -> None:
    """The synthetic rounds drift by 5 %, and a round has more than ten other cells."""
    steady = control(controlled(), msgspec.structs.replace(first(PLANNED, SAME), twin=True))
    assert steady.ratio is not None
    assert steady.width < 0.03
    assert steady.ratio.coverage == 0.975


def test_where_idle_states_decide_a_twin_is_good_within_a_wider_band() -> None:
    planned = cells(sizes=SIZES, placements=("cross-core",))
    results = sweep(constant(), planned, twins=planned[:1], noise=0.01)
    trust = assessed(change(results, lambda cell: cell.twin, times(1.1)))
    assert [one.verdict for one in trust.controls] == ["good"]
    assert [one.band for one in trust.controls] == [0.2]


def test_few_rounds_have_their_whole_range() -> None:
    results = controlled(rounds=3)
    found = control(results, msgspec.structs.replace(first(PLANNED, SAME), twin=True))
    assert found.ratio is not None
    assert 0.5 < found.ratio.low < found.ratio.high < 2
    assert found.verdict == "too few rounds"
    assert "could have seen" not in assessed(results).line(SAME)


# Slowed controls.


def with_slowed(factor: float, delay: float = 0.05, **options: float) -> Results:
    results = controlled([slowed()], **options)  # type: ignore[arg-type]
    results.cells[slowed().id].slow_down = delay
    return change(results, lambda cell: cell.slowed > 0, times(factor))


def test_a_slowed_control_is_found() -> None:
    results = with_slowed(1.05)
    found = control(results, slowed())
    assert (found.verdict, found.severity, found.slow_down) == ("found", Severity.OK, 0.05)
    assert "1 of 1 slowed control came out slower than the original." in texts(results)
    assert assessed(results).headline == "This run can be trusted."


@pytest.mark.parametrize("factor", [1.0, 0.9])
def test_one_that_is_missed_changes_the_line_and_no_verdict(factor: float) -> None:
    results = with_slowed(factor)
    trust = assessed(results)
    assert control(results, slowed()).verdict == "not found"
    assert trust.line(SAME).endswith("missed a control slowed by 5.0 %")
    assert (trust.headline, trust.trusted(SAME)) == ("This run can be trusted.", Severity.NOTE)
    assert "0 of 1 slowed control came out slower" in texts(results)


@pytest.mark.parametrize("delay", [0.0, -0.1, 0.9])
def test_a_delay_that_was_not_calibrated_proves_nothing(delay: float) -> None:
    results = with_slowed(1.0, delay)
    found = control(results, slowed())
    assert (found.verdict, found.severity) == ("its delay was not calibrated", Severity.NOTE)
    assert "missed" not in assessed(results).line(SAME)


def test_a_slowed_control_takes_part_in_nothing_else() -> None:
    results = with_slowed(1.05)
    (one,) = (each for each in measured(results) if each.cell.slowed)
    assert not one.competes
    self = cells(("pipe",), ("self",), (64,), processes=(1,))
    with_self = measured(sweep(constant(), [*PLANNED, slowed(), *self]))
    trips = [row.trip.cell for row in cost_model.model(with_self).rows]
    assert trips
    assert not any(cell.is_control for cell in trips)
    alone = sweep(constant(), [*PLANNED, slowed()])
    assert "No control was measured" in texts(alone)  # it shows no noise


# Bursts and steal.


def burst(run: Run) -> None:
    run.start_up *= 1.5
    times(1.2)(run)


def test_runs_that_start_late_and_are_slow_are_bursts() -> None:
    results = controlled()
    change(results, lambda cell: cell.placement == SAME, lambda run: run.round == 4 and burst(run))
    found = place(results).bursts
    cells_here = sum(one.cell.placement == SAME for one in results.cells.values())
    assert (found.late, found.slow_late) == (cells_here, cells_here)
    assert place(results).severity is Severity.WARNING
    assert "bursts in 8.3 % of its runs" in assessed(results).line(SAME)
    assert "Bursts, one core:" in texts(results)
    assert "bursts" not in assessed(results).line(AWAKE)


def test_runs_that_start_late_and_are_as_fast_as_others_are_none() -> None:
    results = controlled()

    def late(run: Run) -> None:
        run.start_up *= 1.5 if run.round == 4 else 1

    change(results, lambda cell: True, late)
    assert place(results).bursts.late > 0
    assert "urst" not in texts(results)


def with_steal(stolen: dict[int, float], *, mini: bool = False) -> Results:
    results = controlled()
    for one in results.rounds:
        one.limit = 0.05
        one.mini = mini
    results.rounds[4].stolen = stolen
    return results


def test_steal_is_told_by_the_cpus_of_a_placement() -> None:
    """Processes on one core use CPU 0, others CPU 1 as well."""
    results = with_steal({1: 0.08})
    assert place(results).severity is Severity.OK
    assert place(results, AWAKE).severity is Severity.WARNING
    assert assessed(results).line(AWAKE).endswith("steal of 8.0 % in its worst round")
    found = texts(results)
    assert "on two cores awake in the median round, 8.0 % in the worst (round 5)" in found
    assert "on one core" not in found
    assert "No steal" in texts(with_steal({}))
    assert "in the worst (mini-round 5)" in texts(with_steal({0: 0.01}, mini=True))


# Base rounds and mini-rounds.


def with_minis(factor: float) -> Results:
    results = controlled(rounds=16)
    for one in results.rounds[8:]:
        one.mini = True

    def slower(run: Run) -> None:
        times(factor if run.round > 8 else 1.0)(run)

    return change(results, lambda cell: True, slower)


@pytest.mark.parametrize(("factor", "severity"), [(1.2, Severity.WARNING), (0.8, Severity.WARNING)])
def test_mini_rounds_that_differ_are_a_finding(factor: float, severity: Severity) -> None:
    (found,) = [one for one in assessed(with_minis(factor)).findings if "mini-round" in one.text]
    assert found.severity is severity
    assert "times as long as one in a base round" in found.text


def test_without_mini_rounds_there_is_nothing_to_compare() -> None:
    assert "mini-round" not in texts(controlled())


@pytest.mark.parametrize(
    ("share", "text"), [(0.0432, "4.3 %"), (0.0996, "10 %"), (0.123, "12 %"), (1.5, "150 %")]
)
def test_shares_have_two_digits(share: float, text: str) -> None:
    assert percent(share) == text
