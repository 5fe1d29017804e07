"""Result of a selftest, from its folder."""

from __future__ import annotations

from pathlib import Path

from ipcbench.bench.results.comparison.selftest import SelftestResult
from ipcbench.bench.selftest.judging import GateRun, outcomes_of, sights_of
from ipcbench.bench.selftest.records import load
from ipcbench.bench.selftest.selftest import runs_of
from ipcbench.bench.sweep.shared.stopping import now


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
        ended=now(),
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


def _spent(runs: list[GateRun]) -> float:
    return sum(run.comparison.spent for run in runs)
