"""Results of selftests, for tests."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ipcbench.bench.results.comparison.comparison import load
from ipcbench.bench.results.comparison.records import GatedCell
from ipcbench.bench.results.comparison.selftest import SelftestResult
from ipcbench.bench.results.entries.fingerprint import Fingerprint, fingerprint_of
from ipcbench.bench.results.records import Calibrated
from ipcbench.bench.selftest.judging import GateRun, outcomes_of, sights_of
from ipcbench.bench.version import VERSION
from tests import comparisons, synthetic

ENDED = "2026-11-29T08:00:00+00:00"


def fingerprint() -> Fingerprint:
    return fingerprint_of(synthetic.machine(), 1e-7, 4e-6)


def gate_run(folder: Path, number: int, slowed: Sequence[float], pairs: int = 40) -> GateRun:
    """Make a run of the gate in which the first cells are slowed by these shares."""
    cells = comparisons.cells(len(slowed) + 3)
    shares = dict(zip((cell.id for cell in cells), slowed, strict=False))
    draw = random.Random(number)

    def difference(cell: object, _: int) -> float:
        return shares.get(cell.id, 0.0) + draw.gauss(0, 0.01)  # type: ignore[attr-defined]

    entries = []
    for entry in comparisons.lines(cells, difference, pairs):
        share = shares.get(getattr(getattr(entry, "cell", None), "id", entry.cell), 0.0) if (
            isinstance(entry, GatedCell | Calibrated)
        ) else 0.0  # fmt: skip
        if isinstance(entry, GatedCell) and share:
            entry = msgspec.structs.replace(entry, slow_down=0.05 if share < 0.08 else 0.10)
        if isinstance(entry, Calibrated) and share:
            entry = msgspec.structs.replace(entry, turns=10, slow_down=share)
        entries.append(entry)
    return GateRun(number, load(comparisons.write(entries, folder / f"{number:03}")))


def result(runs: Sequence[GateRun], *, sights: bool = True) -> SelftestResult:
    """Judge runs; `sights`: what the gate sees, which takes a second."""
    return SelftestResult(
        version=VERSION,
        ended=ENDED,
        machine=synthetic.machine(),
        fingerprint=fingerprint(),
        clock="perf_counter",
        profile="gate",
        delta=0.05,
        budget=180.0,
        spent=70.0 * len(runs),
        runs=len(runs),
        outcomes=[one for run in runs for one in outcomes_of(run)],
        sights=sights_of(runs) if sights else [],
    )
