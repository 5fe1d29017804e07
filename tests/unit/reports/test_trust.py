"""Tests of `reports.verdicts.trust`: controls and disturbances of a run."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import pytest

from ipcbench.bench.results.results import Results
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.workers.cpus.affinity import moved
from ipcbench.reports.model import measured
from ipcbench.reports.verdicts.places import repeats
from ipcbench.reports.verdicts.trust import assess
from tests.synthetic import cells, sweep
from tests.unit.reports.times import constant


def assessed(results: Results):
    return assess(results, measured(results))


def test_good_controls_let_a_run_be_trusted() -> None:
    planned = cells()
    trust = assessed(sweep(constant(), planned, twins=planned[:2], noise=0.01))
    assert trust.severity is Severity.OK
    assert [one.verdict for one in trust.controls] == ["good", "good"]
    assert trust.headline == "This run can be trusted."


def slow_twin(factor: float, noise: float = 0.01, rounds: int = 12) -> Results:
    planned = cells()
    results = sweep(constant(), planned, twins=planned[:1], noise=noise, rounds=rounds)
    for entry in results.cells.values():
        if entry.cell.twin:
            for run in entry.runs:
                run.values = [value * factor for value in run.values]
    return results


@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_with_a_bad_control_the_run_cannot_be_trusted(factor: float) -> None:
    trust = assessed(slow_twin(factor))
    assert trust.severity is Severity.PROBLEM
    assert trust.headline == "This run cannot be trusted."
    assert trust.controls[0].verdict == "bad"


def test_a_control_that_reaches_over_the_band_is_undecided() -> None:
    trust = assessed(slow_twin(1.05, noise=0.03))
    assert trust.controls[0].verdict == "undecided"
    assert trust.severity is Severity.WARNING
    assert trust.explained.startswith(
        "This run can be trusted with reservations, because one core: with reservations, "
        "repeatable to ±14 %"
    )
    assert "1 of 1 twin is undecided" in trust.explained


def test_a_control_of_few_rounds_decides_nothing() -> None:
    trust = assessed(slow_twin(1.5, rounds=5))
    assert trust.controls[0].verdict == "too few rounds"
    assert trust.headline == "Too few rounds: only ranges are shown, and no verdict."


def test_the_reasons_follow_a_full_stop_as_a_sentence() -> None:
    trust = assessed(sweep(constant(), cells(), rounds=5))
    assert trust.explained.startswith(
        "Too few rounds: only ranges are shown, and no verdict. No control was measured"
    )


def texts(results: Results) -> str:
    return " ".join(one.text for one in assessed(results).findings)


def test_disturbances_are_reported() -> None:
    planned = cells()
    assert "interrupted after 12 rounds" in texts(sweep(constant(), planned, end="interrupted"))
    assert "has not ended" in texts(sweep(constant(), planned, end=None))
    assert "6.0 % in the worst (round 12)" in texts(sweep(constant(), planned, steal=0.06))
    void = sweep(
        constant(), planned, void=lambda cell, number: "foreign time" if number == 3 else ""
    )
    assert "10 of 120 runs are void: foreign time (10)." in texts(void)
    assert "No control was measured" in texts(void)
    assert "fewer than 11 rounds" not in texts(void)  # all have the same eleven


def test_the_time_of_the_kernels_workers_is_told_by_transport() -> None:
    """A run counts it as its own, also where it was caused by others."""
    results = sweep(constant(), cells())
    assert "kernel's workers" not in texts(results)
    first, second, *_ = results.cells.values()
    first.runs[0].disturbance.kernel = 0.3
    first.runs[1].disturbance.kernel = 0.04
    second.runs[0].disturbance.kernel = 0.3
    second.runs[0].void = "12 % of a CPU's time went to other processes"
    found = texts(results)
    assert "In 1 of 119 runs that count, the kernel's workers" in found
    assert f"have caused it. By transport: {first.cell.transport} 1." in found


def test_a_cell_with_fewer_rounds_is_reported() -> None:
    results = sweep(constant(), cells())
    del next(iter(results.cells.values())).runs[3]
    assert "1 cell of 10 has fewer than 12 rounds" in texts(results)


def test_a_twin_without_its_original() -> None:
    results = sweep(constant(), cells(), twins=cells()[:1])
    lost = next(iter(results.cells))
    results.cells[lost].runs.clear()
    assert assessed(results).controls[0].verdict == "no control: no round has both"


def with_settings(**settings: str) -> Results:
    results = sweep(constant(), cells())
    usual = results.header.machine.settings
    results.header.machine = msgspec.structs.replace(
        results.header.machine, settings=usual | settings
    )
    return results


def test_settings_that_make_calls_dear_are_a_warning() -> None:
    trust = assessed(with_settings(PYTHONMALLOC="debug", nice="0", seccomp="2 filters"))
    found = [one.text for one in trust.findings if one.severity is Severity.WARNING]
    assert [text.split()[0] for text in found if "control" not in text] == [
        "PYTHONMALLOC",
        "Seccomp",
    ]
    assert "PYTHONMALLOC debug, which checks each block of memory" in " ".join(found)


def test_usual_settings_are_no_finding() -> None:
    usual = {"seccomp": "none", "nice": "0", "scheduling policy": "SCHED_OTHER"}
    before = texts(sweep(constant(), cells()))
    assert texts(with_settings(**usual)) == before


def test_a_cell_whose_cpus_changed_is_named() -> None:
    results = sweep(constant(), cells(placements=("unpinned",)))
    (first, *_) = results.cells.values()
    for run in first.runs[5:]:
        run.cpus = [[0], [0]]
    found = [one for one in assessed(results).findings if "CPUs of" in one.text]
    assert [one.severity for one in found] == [Severity.WARNING]
    assert f"{first.cell.id} had CPUs 0 and 1, then CPUs 0." in found[0].text


def test_the_text_of_a_setting_is_one_short_line() -> None:
    found = texts(with_settings(seccomp="\x1b[31m" + "x" * 10_000))
    assert "\x1b" not in found
    assert len(found) < 2000


@pytest.mark.parametrize(("corrected", "ending"), [(1, ""), (3, ""), (4, " and 1 more")])
def test_corrected_blocks_are_named(corrected: int, ending: str) -> None:
    planned = cells()
    results = sweep(constant(), planned)
    for cell in planned[:corrected]:
        results.cells[cell.id].rescaled = [1, 2]
    (found,) = [one for one in assessed(results).findings if one.text.startswith("Blocks were")]
    assert found.severity is Severity.NOTE
    assert f"in {corrected} cell" in found.text
    assert f"{planned[min(corrected, 3) - 1].id}{ending}. Their runs" in found.text


def test_blocks_of_one_length_are_no_finding() -> None:
    found = assessed(sweep(constant(), cells())).findings
    assert not [one for one in found if "Blocks" in one.text]


# Disturbances.


def void_in(rounds: Collection[int], reason: str, name: str = "pipe") -> Results:
    """Make a sweep whose runs of a transport are void in some rounds."""
    return sweep(
        constant(),
        cells(),
        void=lambda cell, number: reason if cell.transport == name and number in rounds else "",
    )


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("12 % of the core's time went to other processes", "other processes took CPU time"),
        ("7 % of a CPU's time went to other processes", "other processes took CPU time"),
        ("a process waited for its CPU 9 % of the time", "a process waited for its CPU"),
        ("the CPU quota (cpu.max) stopped the processes for 40 ms", "a CPU quota stopped"),
        ("the hypervisor took 9 % of a CPU's time in the round", "the hypervisor took CPU time"),
    ],
)
def test_void_runs_are_counted_by_cause_and_transport(reason: str, cause: str) -> None:
    found = texts(void_in([2, 5], reason))
    number = sum(one.transport == "pipe" for one in cells()) * 2
    assert f"{number} of 120 runs are void: {cause}" in found
    assert f"By transport: pipe {number}." in found


def test_a_quota_is_named_with_its_remedy() -> None:
    results = void_in([2], "the CPU quota (cpu.max) stopped the processes for 40 ms")
    next(iter(results.cells.values())).runs[0].disturbance.quota = "cpu.max"
    found = texts(results)
    assert "A CPU quota (cpu.max) stopped processes: raise the quota (docker --cpus" in found
    assert "top other programs" not in found


def test_disturbed_cells_are_named() -> None:
    found = texts(void_in(range(1, 8), "9 % of a CPU's time went to other processes"))
    assert "disturbed, and without a verdict: fewer than half of their rounds count:" in found
    none = texts(void_in(range(20), "9 % of a CPU's time went to other processes"))
    assert "fewer than half of their rounds count (2 of them have none): " in none
    assert "disturbed" not in texts(void_in(range(1, 7), "9 % of a CPU's time went to …"))


def test_disturbed_runs_that_are_kept_are_told() -> None:
    results = sweep(constant(), cells())
    assert "--keep-disturbed" not in texts(results)
    results.header = msgspec.structs.replace(results.header, keep_disturbed=True)
    assert "Runs count whatever disturbed them, as --keep-disturbed asks" in texts(results)


def test_what_cannot_be_seen_is_told() -> None:
    results = sweep(constant(), cells())
    runs = [run for result in results.cells.values() for run in result.runs]
    assert "cannot be seen" not in texts(results)
    runs[0].foreign = None
    assert "Other processes cannot be seen here in 1 of 120 runs" in texts(results)
    runs[1].disturbance.waited = 0.01
    assert "In 1 of 120 runs, other processes are seen only while" in texts(results)
    runs[1].disturbance.source = "schedstat"
    assert "are seen only while" not in texts(results)
    for run in runs:
        run.disturbance.wall = 0.02
    assert "The kernel's workers (ksoftirqd, kworkers) cannot be seen here" in texts(results)
    runs[-1].disturbance.kernel = 0.0
    assert "The kernel's workers" not in texts(results)
    results.header = msgspec.structs.replace(results.header, clock="fake")
    assert "cannot be seen" not in texts(results)


def test_a_usual_share_is_told() -> None:
    results = sweep(constant(), cells())
    next(iter(results.cells.values())).usual_foreign = 0.12
    assert "In 1 cell, up to 12 % of the time looks foreign in quiet runs" in texts(results)


def test_runs_whose_processes_were_moved_have_one_cause() -> None:
    results = sweep(constant(), cells())
    (first, *_) = results.cells.values()
    for number, run in enumerate(first.runs[:3]):
        run.void = moved([[0], [number]], [[0], [number + 1]])
        assert run.void
    assert "void: the CPUs of a process changed (3)" in texts(results)


def test_two_measurements_that_differ_by_100_percent_or_more_differ_by_a_factor() -> None:
    """No time is shorter by so much."""
    assert repeats(0.14) == "to ±14 %"
    assert repeats(0.14, "") == "±14 %"
    assert repeats(1.84) == repeats(1.84, "") == "within a factor of 2.84"
    trust = assessed(slow_twin(1.0, noise=0.6))
    assert "repeatable within a factor of " in trust.explained
