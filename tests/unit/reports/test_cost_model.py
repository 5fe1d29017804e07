"""reports.verdicts.cost_model: the parts of round trips and the model, from the cells of a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.page.page import write
from ipcbench.reports.verdicts import cost_model
from ipcbench.reports.verdicts.cost_model import Model
from tests.bench_self import cost_model as printed
from tests.synthetic import cells, sweep, write_journal
from tests.unit.reports.pages import part

SIZES = (64, 4096, 65536)
MICROSECONDS = {64: 1.0, 4096: 2.0, 65536: 10.0}  # of a process alone, by the Python loop
BETWEEN = 4.0


def time(transport: str, pattern: str, size: int, *_: object) -> float:
    alone = MICROSECONDS[size]
    return 1e-6 * (alone if pattern == "self" else 2 * alone + BETWEEN)


def planned(
    names: Sequence[str] = ("pipe",),
    trips: Sequence[int] = SIZES,
    alone: Sequence[int] = SIZES,
    **axes: object,
) -> list[Cell]:
    return [
        *cells(names, sizes=trips, **axes),  # type: ignore[arg-type]
        *cells(names, ("self",), sizes=alone, processes=(1,), **axes),  # type: ignore[arg-type]
    ]


def found(some: Sequence[Cell], **options: object) -> Model:
    return cost_model.model(measured(sweep(time, some, **options)))  # type: ignore[arg-type]


def test_a_round_trip_is_split() -> None:
    rows = found(planned()).rows
    assert [row.trip.cell.size for row in rows] == [64, 65536]
    small, large = rows
    assert small.python is None
    assert small.why == cost_model.NO_NATIVE
    assert small.calls.time.median == pytest.approx(2e-6, rel=0.05)
    assert small.between.time.median == pytest.approx(4e-6, rel=0.05)
    assert small.between.name == "sleeping and waking"
    assert small.calls.share + small.between.share == pytest.approx(1, abs=0.05)
    assert small.is_told
    assert large.calls.share == pytest.approx(20 / 24, abs=0.05)


def both(**axes: object) -> list[Cell]:
    return planned(runtimes=("python", "native"), **axes)  # type: ignore[arg-type]


def test_what_python_costs_is_told_by_the_process_alone() -> None:
    """Synthetic Python adds 0.1 µs to a call, of which a round trip has four."""
    rows = found(both(), call=1e-7).rows
    python, compiled = rows[0], next(row for row in rows if row.trip.cell.runtime == "native")
    assert (python.trip.cell.runtime, python.why, compiled.why) == ("python", "", "")
    assert python.python is not None
    assert python.python.time.median == pytest.approx(4e-7, abs=1e-7)
    assert python.calls.time.median == pytest.approx(compiled.calls.time.median, rel=0.05)
    assert compiled.python is None


def test_other_calls_are_not_the_cost_of_python() -> None:
    """Native rings on a futex differ in the synthetic facts."""
    row = found(both(names=("shm:posix+futex",))).rows[0]
    assert row.python is None
    assert row.why == cost_model.OTHER_CALLS


def test_of_processes_that_spin_the_round_trips_are_compared() -> None:
    some = both(names=("pipe",), wait="spin")
    row = found(some, call=1e-7).rows[0]
    assert row.python is not None
    assert row.python.time.median == pytest.approx(4e-7, abs=1.5e-7)
    assert row.between.name == "taking turns"
    assert found(some).fits == []  # no process sleeps: the model is not for these
    without = [one for one in some if (one.pattern, one.runtime) != ("latency", "native")]
    assert found(without).rows == []


@pytest.mark.parametrize(
    "without",
    [
        {"placements": ("cross-core",)},
        {"placements": ("cross-core-awake",)},
        {"pace": "pause:1ms"},
        {"wait": "poll"},
        {"payload": "fresh"},
        {"names": ("null",)},
    ],
)
def test_nothing_is_claimed_of_other_cells(without: dict[str, object]) -> None:
    assert found(planned(**without)) == Model([], [])  # type: ignore[arg-type]


def test_streams_have_no_parts() -> None:
    some = [
        *cells(["pipe"], ("stream",), sizes=SIZES),
        *cells(["pipe"], ("self",), sizes=SIZES, processes=(1,)),
    ]
    assert found(some) == Model([], [])


def test_a_round_trip_without_its_process_alone_is_left_out() -> None:
    assert [row.trip.cell.size for row in found(planned(alone=(64,))).rows] == [64]
    assert found(planned(alone=())) == Model([], [])


def test_other_depths_are_other_facilities() -> None:
    some = [
        *cells(["pipe"], sizes=SIZES),
        *cells(["pipe"], ("self",), sizes=SIZES, processes=(1,), depths=(4,)),
    ]
    assert found(some) == Model([], [])


@pytest.mark.parametrize("control", [{"twin": True}, {"slowed": 5}])
def test_controls_are_left_out(control: dict[str, object]) -> None:
    some = planned()
    again = [msgspec.structs.replace(cell, **control) for cell in some]
    rows = found([*some, *again]).rows
    assert [row.trip.cell for row in rows] == [some[0], some[2]]


def test_disturbed_cells_are_left_out() -> None:
    assert found(planned(), void=lambda cell, number: "disturbed" if number > 3 else "").rows == []


def test_the_model_has_its_errors() -> None:
    (fit,) = found(planned(), noise=0.001).fits
    assert fit.constant.size == 64
    assert fit.constant.seconds == pytest.approx(4e-6, rel=0.05)
    assert [one.size for one in fit.errors] == list(SIZES)
    assert fit.worst < 0.05
    assert fit.predictions == []


def test_a_size_without_a_round_trip_is_predicted() -> None:
    (fit,) = found(planned(trips=(64, 4096)), noise=0.001).fits
    (ahead,) = fit.predictions
    assert ahead.size == 65536
    assert ahead.seconds == pytest.approx(24e-6, rel=0.05)
    assert ahead.error == fit.worst


def test_one_size_has_no_model() -> None:
    model = found(planned(trips=(64,)))
    assert (len(model.rows), model.fits) == (1, [])


def test_few_rounds_tell_nothing() -> None:
    row = found(planned(), rounds=5).rows[0]
    assert not row.is_told
    assert not row.calls.is_told


def test_a_part_that_may_be_nothing_is_not_told() -> None:
    """The round trip takes as long as its calls alone."""

    def calls_alone(transport: str, pattern: str, size: int, *_: object) -> float:
        return 1e-6 * MICROSECONDS[size] * (1 if pattern == "self" else 2)

    row = cost_model.model(measured(sweep(calls_alone, planned()))).rows[0]
    assert row.calls.is_told
    assert not row.between.is_told
    assert not row.is_told


# The page.


def page(some: Results, folder: Path) -> str:
    return write(some, folder).read_text(encoding="utf-8")


def test_the_section_shows_parts_and_errors(tmp_path: Path) -> None:
    results = sweep(time, both(trips=(64, 4096)), call=1e-7, noise=0.001)
    text = page(results, tmp_path)
    section = part(text, "round-trip")
    assert "<h3>What a round trip is made of</h3>" in text
    assert "sleeping and waking" in section
    assert section.count('width="0.') >= 4
    assert "64 KiB: 24." in section  # predicted
    assert "leave-one-out" in section


def test_the_section_is_left_out_without_such_cells(tmp_path: Path) -> None:
    text = page(sweep(time, cells(sizes=SIZES)), tmp_path)
    assert 'id="round-trip"' not in text
    assert "#round-trip" not in text


def test_less_than_nothing_is_shown_with_its_sign(tmp_path: Path) -> None:
    def less(transport: str, pattern: str, size: int, *_: object) -> float:
        return 1e-6 * MICROSECONDS[size] * (1 if pattern == "self" else 1.5)

    text = page(sweep(less, planned(), noise=1e-6), tmp_path)
    section = part(text, "round-trip")
    assert re.search("\N{MINUS SIGN}(49|50)\\d ns", section)
    assert 'class="big"' not in section


def test_both_tables_are_printed_from_the_folder_of_a_run(tmp_path: Path) -> None:
    write_journal(sweep(time, planned(trips=(64, 4096)), noise=1e-6), tmp_path)
    lines = list(printed.read(tmp_path))
    assert re.fullmatch(  # all cells of a round share its drift
        r"64 B python pipe [56]\.\d\d µs = calls and copying [12]\.\d\d µs \(33%\) sleeping and "
        r"waking [34]\.\d\d µs \(67%\) \[its calls were not measured in C\]",
        " ".join(lines[0].split()),
    )
    assert lines[-1].startswith("  python  pipe")
    assert "predicted 64 KiB" in lines[-1]


def test_a_run_without_such_cells_says_so(tmp_path: Path) -> None:
    write_journal(sweep(time, cells(sizes=SIZES)), tmp_path)
    assert list(printed.read(tmp_path)) == [
        "  no undisturbed cells of the pattern self beside round trips on one core"
    ]
