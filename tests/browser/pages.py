"""Pages of synthetic runs for the browser: one that has every part, and one of hostile strings."""

from __future__ import annotations

from ipcbench.bench.results.records import Skipped
from ipcbench.bench.results.results import Results
from tests.synthetic import GUARDS, SIGNALS, cells, reference, sweep
from tests.unit.reports.observations import observed

NAMES = ("pipe", "unix-stream", "tcp", "posix-queue", "shm:posix+futex", "mp-queue", "null")
PLACED = ("same-core", "cross-core")


def everything() -> Results:
    """Make a small sweep of all patterns that pages have parts for, in both languages."""
    planned = cells(NAMES, ("latency", "stream"), (64, 65536, 1 << 20), PLACED)
    planned += cells(NAMES[:5], ("latency", "stream"), (64, 65536), PLACED, runtimes=("native",))
    spun = ("pipe", "unix-stream", "tcp", "shm:posix+futex")
    planned += cells(spun, ("latency",), (64,), PLACED[1:], wait="spin")
    planned += cells(spun, ("latency",), (64,), PLACED[1:], wait="spin", runtimes=("native",))
    planned += cells(NAMES[:5], ("fan-in", "echo"), (64,), PLACED, (2, 4, 8))
    planned += cells(SIGNALS, ("signal",), (0,), PLACED)
    interfaces = ("fifo", "sysv-queue", "shm:posix+posix-sem", "shm:sysv+posix-sem")
    planned += cells(interfaces, ("latency",), (64,), PLACED)  # nearly as their counterparts
    planned += cells(GUARDS, ("counter",), (0,), PLACED, (2, 4))
    large = [cell for cell in planned if cell.transport == "posix-queue" and cell.size > 8192]
    planned = [cell for cell in planned if cell not in large]
    skips = [Skipped(cell=cell, reason="8192 bytes at most", remedy="sysctl") for cell in large]
    results = sweep(
        reference, planned, noise=0.05, twins=planned[:1], skipped=skips, tail=200, call=3e-7
    )
    results.observations = observed()
    return results
