"""The journal of a comparison and all made from it: verdicts, suites, resumption."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from ipcbench.bench.pairs.comparison import rules_in
from ipcbench.bench.pairs.progress import PairProgress
from ipcbench.bench.pairs.suites import write_suites
from ipcbench.bench.results.comparison.comparison import Comparison, load
from ipcbench.bench.results.comparison.records import AnyComparisonEntry, ArmFailed
from ipcbench.bench.results.journal import COMPARISON, Unreadable
from ipcbench.bench.results.records import Resumed, Skipped
from ipcbench.reports.gate.compare import plainly, report_of
from ipcbench.reports.gate.exports.formats import FORMATS
from tests import comparisons, synthetic
from tests.fuzz import harmless, journal

FIRST, SECOND = comparisons.cells()


def _written(entries: list[AnyComparisonEntry]) -> bytes:
    return b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)


def _seeds() -> list[bytes]:
    gone = synthetic.cells(("tcp",), sizes=(64,))[0]
    decided = list(comparisons.lines((FIRST, SECOND), lambda cell, number: 0.01 * (number % 3), 12))
    slower = list(comparisons.lines((FIRST,), lambda cell, number: 0.1 + 0.01 * (number % 3), 12))
    stopped = [
        *comparisons.lines((FIRST,), pairs=3, reason="interrupted"),
        Skipped(cell=gone, reason="no network", remedy="ip link set lo up"),
        ArmFailed(
            arm="head", cell=FIRST.id, round=4, who="peer 1", where="attach", what="TimedOut"
        ),
        comparisons.pair(FIRST, 4, 0.02),
        comparisons.round_line(4, void="stolen", stolen={0: 0.2}),
        Resumed(started="later", command=["ipcbench"], dropped="{"),
        comparisons.pair(FIRST, 5, 0.02),
    ]
    return [_written(decided), _written(slower), _written(stopped)]


SEEDS = _seeds()
mutated = journal.mutated


def outcome(data: bytes) -> str:
    """Read a document; return "" or the refusal."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / COMPARISON.name).write_bytes(data)
        try:
            comparison = load(folder)
        except Unreadable as error:
            harmless.line(str(error))
            return str(error).replace(name, "")
        _use(comparison, folder)
    return ""


def _use(comparison: Comparison, folder: Path) -> None:
    PairProgress.of(comparison, rules_in(comparison))
    for path in write_suites(folder):
        harmless.suite(path)
    report = report_of(comparison, folder, plainly(folder))
    for write in FORMATS.values():
        harmless.lines(write(report))


one: Callable[[bytes], object] = outcome
