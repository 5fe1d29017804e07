"""Findings about what others have taken from a run: void runs by cause, steal, and the unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from ipcbench.bench.results.records import Round, Run
from ipcbench.bench.results.results import CellResult, Results, Status
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.units import human_share
from ipcbench.reports.names import place
from ipcbench.reports.verdicts.finding import SHARE_TO_NOTE, Finding, many, named
from ipcbench.reports.verdicts.places import Steal, steal_of

NO_STEAL = "No steal: the hypervisor, if any, took no CPU time."
FAKE = "fake"  # the clock of tests, whose times nothing disturbs
QUOTA_REMEDY = "raise the quota (docker --cpus, cpu.max), or measure outside the container"

# The beginning or the end of a void run's text, and its cause.
_CAUSES = (
    ("went to other processes", "other processes took CPU time"),
    ("waited for its CPU", "a process waited for its CPU"),
    ("the CPU quota", "a CPU quota stopped the processes"),
    ("the hypervisor took", "the hypervisor took CPU time"),
    ("changed during the run", "the CPUs of a process changed"),
    ("CPUs were far apart", "the host moved the CPUs apart"),
)


def about_disturbances(results: Results) -> list[Finding]:
    """Tell of void runs, disturbed cells, steal, and what cannot be seen."""
    return [
        *_about_kept(results),
        *_about_void(results),
        *_about_quotas(results),
        *_about_disturbed(results),
        *_about_usual(results),
        *_about_unseen(results),
        *_about_workers(results),
        *_about_steal(results),
    ]


def _about_kept(results: Results) -> list[Finding]:
    if not results.header.keep_disturbed:
        return []
    text = (
        "Runs count whatever disturbed them, as --keep-disturbed asks, but for those that missed "
        "their rate: figures may be too high."
    )
    return [Finding(Severity.WARNING, text)]


def _runs(results: Results) -> Iterator[tuple[CellResult, Run]]:
    return ((result, run) for result in results.cells.values() for run in result.runs)


def _cause(run: Run) -> str:
    found = (cause for words, cause in _CAUSES if words in run.void)
    return next(found, run.void[:120])


def _about_void(results: Results) -> list[Finding]:
    void = [(result, run) for result, run in _runs(results) if run.void]
    if not void:
        return []
    number = sum(1 for _ in _runs(results))
    causes = Counter(_cause(run) for _, run in void)
    why = "; ".join(f"{cause} ({count})" for cause, count in causes.most_common(3))
    grave = Severity.WARNING if len(void) > number * SHARE_TO_NOTE else Severity.NOTE
    where = f"{_by_transport(void)}. {_by_placement(void)}"
    text = f"{len(void)} of {many(number, 'run')} are void: {why}. {where}."
    return [Finding(grave, text)]


def _by_transport(some: Sequence[tuple[CellResult, Run]]) -> str:
    transports = Counter(result.cell.transport for result, _ in some)
    most = ", ".join(f"{name[:60]} {count}" for name, count in transports.most_common(3))
    return f"By transport: {most}{' and others' if len(transports) > 3 else ''}"


def _by_placement(some: Sequence[tuple[CellResult, Run]]) -> str:
    placements = Counter(place(result.cell.placement) for result, _ in some)
    return f"By placement: {', '.join(f'{name[:60]} {n}' for name, n in placements.most_common())}"


def _about_quotas(results: Results) -> list[Finding]:
    settings = {run.disturbance.quota for _, run in _runs(results) if run.disturbance.quota}
    if not settings:
        return []
    text = f"A CPU quota ({', '.join(sorted(settings))[:100]}) stopped processes: {QUOTA_REMEDY}."
    return [Finding(Severity.WARNING, text)]


def _about_disturbed(results: Results) -> list[Finding]:
    disturbed = [result for result in results.cells.values() if result.disturbed]
    if not disturbed:
        return []
    are = "cell is" if len(disturbed) == 1 else "cells are"
    none = sum(result.status is Status.DISTURBED for result in disturbed)
    without = f" ({none} of them {'have' if none > 1 else 'has'} none)" if none else ""
    text = (
        f"{len(disturbed)} {are} disturbed, and without a verdict: fewer than half of their "
        f"rounds count{without}: {named(disturbed)}. Stop other programs, and measure again."
    )
    grave = len(disturbed) > SHARE_TO_NOTE * len(results.cells)
    return [Finding(Severity.WARNING if grave else Severity.NOTE, text)]


def _about_usual(results: Results) -> list[Finding]:
    usual = [result for result in results.cells.values() if result.usual_foreign > 0]
    if not usual:
        return []
    most = max(result.usual_foreign for result in usual)
    text = (
        f"In {many(len(usual), 'cell')}, up to {human_share(most)} of the time looks foreign in "
        "quiet runs as well, since this kernel or container hides what the run itself has caused: "
        f"only the excess counts: {named(usual)}."
    )
    return [Finding(Severity.NOTE, text)]


def _about_unseen(results: Results) -> list[Finding]:
    if results.header.clock == FAKE:
        return []
    runs = [run for _, run in _runs(results)]
    unknown = sum(run.foreign is None for run in runs)
    found = []
    if unknown:
        text = (
            f"Other processes cannot be seen here in {unknown} of {many(len(runs), 'run')}, for "
            "want of counters of CPU time: these may have been disturbed unnoticed."
        )
        found.append(Finding(Severity.NOTE, text))
    waits = sum(run.disturbance.waited is not None and not run.disturbance.source for run in runs)
    if waits:
        text = (
            f"In {waits} of {many(len(runs), 'run')}, other processes are seen only while a "
            "process waits for its CPU, for want of /proc/schedstat."
        )
        found.append(Finding(Severity.NOTE, text))
    accounted = [run.disturbance for run in runs if run.disturbance.wall]
    if accounted and all(one.kernel is None for one in accounted):
        text = (
            "The kernel's workers (ksoftirqd, kworkers) cannot be seen here, as in a container: "
            "time that they need counts as that of other processes."
        )
        found.append(Finding(Severity.NOTE, text))
    return found


def _about_workers(results: Results) -> list[Finding]:
    """Tell of the time of the kernel's workers, which others may have caused."""
    runs = [(result, run) for result, run in _runs(results) if not run.void]
    some = [(result, run) for result, run in runs if (run.disturbance.kernel or 0) > SHARE_TO_NOTE]
    if not some:
        return []
    text = (
        f"In {len(some)} of {many(len(runs), 'run')} that count, the kernel's workers (ksoftirqd, "
        "kworkers) had over 5 % of a CPU's time. It counts as the run's own: they receive from "
        "the network and write files for it. For a transport that uses neither, other processes "
        f"have caused it. {_by_transport(some)}."
    )
    return [Finding(Severity.NOTE, text)]


def _about_steal(results: Results) -> list[Finding]:
    """Tell what the hypervisor took of the CPUs of each placement, by round and mini-round."""
    if not results.rounds:
        return []
    found = [(name, steal) for name in _placements(results) if (steal := _steal(results, name))]
    if not found:
        return _about_all_steal(results)
    seen = [(name, steal) for name, steal in found if steal.worst > 0]
    if not seen:
        return [Finding(Severity.OK, NO_STEAL)]
    parts = (
        f"{steal.usual * 100:.1f} % of the CPUs' time on {place(name)} in the median round, "
        f"{steal.worst * 100:.1f} % in the worst ({_named_round(steal.round)})"
        for name, steal in seen
    )
    text = f"Steal: the hypervisor took {'; '.join(parts)}."
    return [Finding(max(steal.severity for _, steal in seen), text)]


def _placements(results: Results) -> list[str]:
    return list(dict.fromkeys(one.cell.placement for one in results.cells.values()))


def _steal(results: Results, placement: str) -> Steal | None:
    runs = [run for result, run in _runs(results) if result.cell.placement == placement]
    return steal_of(results.rounds, runs)


def _named_round(one: Round) -> str:
    return f"{'mini-round' if one.mini else 'round'} {one.round}"


def _about_all_steal(results: Results) -> list[Finding]:
    """Tell of the steal in a journal of an older version, which has one share a round."""
    worst = max(results.rounds, key=lambda one: one.steal)
    middle = median(one.steal for one in results.rounds)
    if worst.steal <= 0:
        return [Finding(Severity.OK, NO_STEAL)]
    over = worst.steal > SHARE_TO_NOTE
    text = (
        f"Steal: the hypervisor took {middle * 100:.1f} % of a CPU's time in the median round, "
        f"{worst.steal * 100:.1f} % in the worst (round {worst.round})."
    )
    return [Finding(Severity.WARNING if over else Severity.NOTE, text)]
