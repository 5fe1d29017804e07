"""Result of a selftest, from its folder."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from ipcbench.bench.results.comparison.selftest import SelftestResult
from ipcbench.bench.selftest.judging import GateRun, outcomes_of, sights_of
from ipcbench.bench.selftest.records import load
from ipcbench.bench.selftest.selftest import runs_of


def result_of(folder: Path) -> SelftestResult | None:
    """Judge the runs of a selftest that are over; None: there is none yet.

    Raises: Unreadable, OSError.
    """
    stopped, runs = load(folder), runs_of(folder)
    if not runs:
        return None
    header = stopped.header
    return SelftestResult(
        version=header.version,
        ended=_ended(runs[-1]),
        folder=str(folder)[:2000],
        machine=header.machine,
        fingerprint=header.fingerprint,
        clock=header.clock,
        profile=header.profile,
        delta=header.delta,
        budget=header.each,
        spent=_spent(runs),
        runs=len(runs),
        outcomes=[outcome for run in runs for outcome in outcomes_of(run)],
        sights=sights_of(runs),
    )


def _ended(last: GateRun) -> str:
    """Return when the last run ended, about: an old selftest that is judged again stays old."""
    started = last.comparison.header.started
    try:
        end = datetime.fromisoformat(started) + timedelta(seconds=last.comparison.spent)
    except (ValueError, OverflowError):
        return started[:2000]
    return end.isoformat(timespec="seconds")


def _spent(runs: list[GateRun]) -> float:
    return sum(run.comparison.spent for run in runs)
