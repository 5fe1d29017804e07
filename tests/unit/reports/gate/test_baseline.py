"""Promises against a stored run: verdicts, refusals, and what a change of the machine does."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.decisions.promises.baseline import BoundedCell, judge_baseline
from ipcbench.bench.decisions.promises.looks import PromiseVerdict
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.entries.fingerprint import fingerprint_of
from ipcbench.bench.results.records import Skipped
from ipcbench.bench.results.results import CellResult, Results
from ipcbench.reports.gate.baseline import Baseline
from ipcbench.reports.gate.checked import check_run
from ipcbench.reports.gate.exports.formats import FORMATS
from ipcbench.reports.gate.remedy import Again
from ipcbench.reports.gate.report import GateLine, GateReport, GateVerdict, Measure
from ipcbench.reports.gate.thresholds import BadThresholds, Thresholds, load_thresholds
from tests import synthetic

KEPT, BROKEN = GateVerdict.KEPT, GateVerdict.BROKEN
INCONCLUSIVE, NOT_MEASURED = GateVerdict.INCONCLUSIVE, GateVerdict.NOT_MEASURED
AGAIN = Again("until", "resume", "ipcbench run --promised t.toml")
PROMISE = """
[[promise]]
name = "as fast as ever"
cells = { transport = "pipe", size = 64 }
of_baseline_at_most = "1.1x"
reason = "users wait for it"
"""
CELLS = synthetic.cells(("pipe", "unix-stream", "sysv-queue", "tcp"), sizes=(64,))
PIPE = CELLS[0]
FINGERPRINT = fingerprint_of(synthetic.machine(), 1e-7, 1e-6)


def a_run(
    factor: Callable[[str], float] = lambda transport: 1.0,
    seed: int = 1,
    cells: Iterable[Cell] = CELLS,
    **more: object,
) -> Results:
    options = {"rounds": 12, "drift": 0.0, "twins": [PIPE], **more}
    return synthetic.sweep(
        lambda transport, *rest: 1e-5 * factor(transport), list(cells), seed=seed, **options
    )


def pipe_slower(by: float) -> Callable[[str], float]:
    return lambda transport: by if transport == "pipe" else 1.0


BEFORE = a_run(seed=2)


@pytest.fixture
def thresholds(tmp_path: Path) -> Callable[[str], Thresholds]:
    def write(text: str = PROMISE) -> Thresholds:
        (tmp_path / "t.toml").write_text(text)
        return load_thresholds(tmp_path / "t.toml")

    return write


Writer = Callable[..., Thresholds]


def report(
    thresholds: Thresholds, now: Results, before: Results = BEFORE, *, advisory: bool = False
) -> GateReport:
    baseline = Baseline(Path("stored"), before, advisory)
    found = check_run(thresholds, now, Path("run"), AGAIN, baseline)
    for write in FORMATS.values():
        assert all(line.isprintable() for line in write(found).splitlines())
    return found


def only(found: GateReport) -> GateLine:
    (line,) = found.lines
    return line


# Verdicts.


@pytest.mark.parametrize(
    ("slower", "verdict", "code"),
    [(1.0, KEPT, 0), (0.5, KEPT, 0), (1.2, BROKEN, 1), (1.1, INCONCLUSIVE, 2)],
)
def test_a_verdict_takes_the_whole_interval(
    thresholds: Writer, slower: float, verdict: GateVerdict, code: int
) -> None:
    found = report(thresholds(), a_run(pipe_slower(slower)))
    line = only(found)
    assert (line.verdict, found.exit_code) == (verdict, code)
    assert line.measure is Measure.BASELINE
    assert line.effect is not None and line.effect.low and line.effect.high
    assert line.effect.low < line.effect.ratio == pytest.approx(slower, rel=0.02)
    assert (line.effect.high < 1.1) == (verdict is KEPT)
    assert (line.effect.low > 1.1) == (verdict is BROKEN)
    assert [side.name for side in line.sides] == ["now", "baseline"]
    assert (line.count, line.per, line.why) == (12, "round trip", "users wait for it")
    assert bool(line.reason) is (verdict is not KEPT)
    assert line.remarks[0].startswith("3 cells of other transports on one core: ")
    assert "between the two runs counts as a change as well" in found.notes[0]
    assert FORMATS["table"](found).count(PIPE.id) == (verdict is not KEPT)  # both sides have one


def test_cpus_that_were_moved_give_no_verdict(thresholds: Writer) -> None:
    now, before = a_run(pipe_slower(1.5)), a_run(seed=2)
    for results, distance in ((now, 490e-9), (before, 98e-9)):
        for run in results.cells[PIPE.id].runs:
            run.distance = distance
    line = only(report(thresholds(), now, before))
    assert line.verdict is INCONCLUSIVE
    assert line.reason == (
        "its CPUs were moved: a cache line took 490 ns from one to the other and back, and "
        "98.0 ns in the baseline: measure again: ipcbench run --promised t.toml"
    )
    for run in before.cells[PIPE.id].runs:
        run.distance = 490e-9
    assert only(report(thresholds(), now, before)).verdict is BROKEN


def test_under_six_rounds_nothing_is_decided(thresholds: Writer) -> None:
    line = only(report(thresholds(), a_run(pipe_slower(2.0), rounds=5)))
    assert (line.verdict, line.count) == (INCONCLUSIVE, 5)
    assert line.reason == (
        "5 rounds in one of the runs, a verdict takes 6 in both: ipcbench run --promised t.toml"
    )
    assert line.effect is not None and line.effect.low is None


def test_a_machine_that_changed_gives_no_verdict(thresholds: Writer) -> None:
    """All transports took 1.2 times as long: that may be the machine."""
    found = report(thresholds(), a_run(lambda transport: 1.2))
    line = only(found)
    assert (line.verdict, found.exit_code) == (INCONCLUSIVE, 2)
    assert "the machine may have changed" in line.reason
    assert "ipcbench compare" in line.reason
    faster = only(
        report(thresholds(), a_run(lambda transport: 1.0 if transport == "pipe" else 0.8))
    )
    assert faster.verdict is INCONCLUSIVE


def test_one_transport_alone_shows_no_change_of_the_machine(thresholds: Writer) -> None:
    line = only(report(thresholds(), a_run(lambda transport: 1.2, cells=CELLS[:1])))
    assert line.verdict is BROKEN
    assert line.remarks == [
        "0 cells of other transports on one core, 3 would show if the machine changed"
    ]


def test_equal_runs_seldom_break_a_bound_of_one(thresholds: Writer) -> None:
    """With a true ratio at the bound, either verdict comes in half of 2.5 % of checks."""
    chance, trials, found = random.Random(5), 120, []
    for _ in range(trials):
        seeds = chance.sample(range(10**6), 2)
        now, before = (a_run(seed=seed, cells=CELLS[:1], twins=()) for seed in seeds)
        bounded = BoundedCell("p", PIPE.id, PIPE.id, 1.0)
        found += judge_baseline(now, before, [bounded])
    shares = {one: sum(each.verdict is one for each in found) / trials for one in PromiseVerdict}
    assert shares[PromiseVerdict.KEPT] <= 0.035
    assert shares[PromiseVerdict.BROKEN] <= 0.035
    assert shares[PromiseVerdict.KEPT] + shares[PromiseVerdict.BROKEN] > 0


def test_several_cells_are_corrected_for(thresholds: Writer) -> None:
    """Each has a line of its own; the more there are, the wider the intervals."""
    alone = only(report(thresholds(), a_run()))
    every = report(thresholds(PROMISE.replace('"pipe"', '"*"')), a_run())
    assert [line.name for line in every.lines] == [f"as fast as ever: {one.id}" for one in CELLS]
    line = every.lines[0]
    assert line.promises == ["as fast as ever"]
    assert line.effect is not None and alone.effect is not None
    assert line.effect.low is not None and alone.effect.low is not None
    assert line.effect.low < alone.effect.low
    assert line.coverage is not None and alone.coverage is not None
    assert line.coverage > alone.coverage


def test_runs_of_different_sizes_are_compared(thresholds: Writer) -> None:
    line = only(report(thresholds(), a_run(pipe_slower(1.3), rounds=40)))
    assert (line.verdict, line.count) == (BROKEN, 12)


# Cells without a verdict.


def test_what_has_no_figure_is_not_measured(thresholds: Writer) -> None:
    skipped = Skipped(cell=PIPE, reason="no pipes", remedy="")
    others = a_run(cells=CELLS[1:], twins=(), skipped=[skipped])
    line = only(report(thresholds(), others))
    assert line.verdict is NOT_MEASURED
    assert "has no figure in this run: no pipes" in line.reason
    line = only(report(thresholds(), a_run(), others))
    assert "has no figure in the baseline: no pipes" in line.reason
    line = only(report(thresholds(), a_run(), a_run(cells=CELLS[1:], twins=())))
    assert line.reason.startswith(f"the baseline has no {PIPE.id}: store a run with it")
    other = a_run()
    facts = other.cells[PIPE.id].facts
    assert facts is not None
    other.cells[PIPE.id].facts = msgspec.structs.replace(facts, per="message")
    line = only(report(thresholds(), a_run(), other))
    assert "is the time of one round trip, in the baseline that of one message" in line.reason
    assert (line.verdict, line.effect) == (NOT_MEASURED, None)


def test_a_skipped_cell_of_a_pattern_is_left_out(thresholds: Writer) -> None:
    now = a_run()
    fifo = msgspec.structs.replace(PIPE, transport="fifo")
    now.cells[fifo.id] = CellResult(fifo, skipped=Skipped(cell=fifo, reason="x", remedy=""))
    found = report(thresholds(PROMISE.replace('"pipe"', '"*"')), now)
    assert [line.verdict for line in found.lines] == [KEPT] * 4 + [GateVerdict.NOT_APPLICABLE]
    assert (found.lines[-1].reason, found.exit_code) == ("skipped: x", 0)
    written = report(thresholds(PROMISE.replace('"pipe"', '["*", "fifo"]')), now)
    assert (len(written.lines), written.exit_code) == (len(CELLS) + 1, 3)


def test_a_run_with_unequal_twins_or_void_rounds_decides_nothing(thresholds: Writer) -> None:
    bad = a_run()
    twin = msgspec.structs.replace(PIPE, twin=True)
    for run in bad.cells[twin.id].runs:
        run.values = [2 * value for value in run.values]
    for runs, where in (
        ((bad, BEFORE), "this run"),
        ((a_run(pipe_slower(1.4)), bad), "the baseline"),
    ):
        line = only(report(thresholds(), *runs))
        assert line.verdict is INCONCLUSIVE
        assert f"identical cells differ on one core in {where}" in line.reason
        about = [one for one in report(thresholds(), *runs).notes if "cannot be trusted" in one]
        assert [one[: len(where)].lower() for one in about] == [where]
    void = a_run(void=lambda cell, number: "others" if number > 5 else "")
    line = only(report(thresholds(), a_run(), void))
    assert line.verdict is INCONCLUSIVE
    assert line.reason.startswith("disturbed in the baseline")


# The machine.


def test_another_machine_is_refused_or_advisory(thresholds: Writer) -> None:
    before = a_run(seed=2)
    other = msgspec.structs.replace(FINGERPRINT, kernel="6.1", system_call=2e-7)
    before.header = msgspec.structs.replace(before.header, fingerprint=other)
    slow = a_run(pipe_slower(1.5))
    with pytest.raises(BadThresholds) as caught:
        report(thresholds(), slow, before)
    assert str(caught.value) == (
        "stored: no baseline for this run: the kernel's series was 6.1, is 6.18; a system call "
        "took 200 ns, takes 100 ns: measure the baseline on this machine, or take the verdicts as "
        "--advisory"
    )
    found = report(thresholds(), slow, before, advisory=True)
    line = only(found)
    assert (line.verdict, line.advisory, found.exit_code) == (BROKEN, True, 0)
    assert any("Advisory, not of one machine: the kernel's series" in one for one in found.notes)


def test_a_run_of_an_older_version_has_no_fingerprint(thresholds: Writer) -> None:
    old = a_run()
    old.header = msgspec.structs.replace(old.header, fingerprint=None)
    for runs, which in (((old, BEFORE), "this run"), ((BEFORE, old), "the baseline")):
        with pytest.raises(BadThresholds, match=f"{which} has no fingerprint"):
            report(thresholds(), *runs)
        assert report(thresholds(), *runs, advisory=True).exit_code == 0


def test_times_of_another_clock_are_refused_even_as_advice(thresholds: Writer) -> None:
    before = a_run()
    before.header = msgspec.structs.replace(before.header, clock="fake")
    with pytest.raises(BadThresholds, match="measured by the clock 'fake'"):
        report(thresholds(), a_run(), before, advisory=True)


def test_what_changed_beside_the_machine_is_said(thresholds: Writer) -> None:
    before = a_run(seed=2)
    machine = msgspec.structs.replace(before.header.machine, settings={"governor": "powersave"})
    before.header = msgspec.structs.replace(before.header, version="0.0.9", machine=machine)
    notes = report(thresholds(), a_run(), before).notes
    assert "The baseline was measured by ipcbench 0.0.9, this run by 0.1.0." in notes
    assert "Settings changed since the baseline: governor was powersave, is not set." in notes


# Beside other kinds.


def test_promises_of_all_kinds_are_named(thresholds: Writer) -> None:
    ratio = """
[[promise]]
name = "ratio"
faster = { transport = "pipe" }
than = { transport = "tcp" }
at_least = 0.5
"""
    change = """
[[promise]]
name = "change"
cells = { transport = "no such one" }
slower_by_at_most = "5%"
"""
    elsewhere = ratio.replace('"ratio"', '"elsewhere"') + 'machines = ["ARM*"]\n'
    file = thresholds(ratio + change + PROMISE + elsewhere)
    found = report(file, a_run())
    assert {line.name: line.verdict.value for line in found.lines} == {
        "ratio": "kept",
        "as fast as ever": "kept",
        "elsewhere": "not applicable",
    }
    assert found.exit_code == 0
    assert found.notes[-1] == (
        f"Not decided by a run: 'change': ipcbench compare --base REVISION --thresholds {file.path}"
    )
    reason = next(line.reason for line in found.lines if line.name == "elsewhere")
    assert reason == "made on 'ARM*', and this machine is 'Synthetic CPU @ 3.0GHz'"
    without = check_run(file, a_run(), Path("run"), AGAIN)
    assert {line.name for line in without.lines} == {"ratio", "elsewhere"}
    assert any(
        f"'as fast as ever': ipcbench check run --thresholds {file.path} --baseline DIR" in note
        for note in without.notes
    )


def test_a_file_of_changes_alone_decides_nothing(thresholds: Writer) -> None:
    change = PROMISE.replace('of_baseline_at_most = "1.1x"', 'slower_by_at_most = "5%"')
    found = check_run(thresholds(change), a_run(), Path("run"), AGAIN)
    assert (found.exit_code, list(found.lines)) == (3, [])
    assert "ipcbench compare" in found.notes[-1]


def test_ratios_are_no_infinities(thresholds: Writer) -> None:
    line = only(report(thresholds(), a_run(pipe_slower(1e6))))
    assert line.effect is not None
    assert line.verdict is BROKEN
    assert all(one is None or math.isfinite(one) for one in (line.effect.low, line.effect.high))
