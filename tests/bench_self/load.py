"""A sweep on the machine as it is, and the same sweep beside two busy processes.

A run that other processes disturb must be void. So the figures that are left beside the load
must be those of the sweep without it, or the cell must say that it is disturbed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec

from ipcbench.bench.plan.profile import load_profile
from ipcbench.bench.results.results import CellResult, Results, load
from ipcbench.bench.sweep import sweep
from ipcbench.bench.sweep.display import Silent

BUSY = 2  # processes
PROFILE = "quick"
WITHIN = 0.10  # of the figure without the load
SHOWN = 12  # cells that are off, at most


def measure(rounds: int, only: str) -> Iterator[str]:
    """Run both sweeps, and yield the lines of the table."""
    quiet = _sweep(rounds, only)
    with _busy():
        loaded = _sweep(rounds, only)
    for title, results in (("as it is", quiet), (f"beside {BUSY} busy processes", loaded)):
        yield from _void_runs(title, results)
    yield from _differences(quiet, loaded)


def _sweep(rounds: int, only: str) -> Results:
    profile = load_profile(PROFILE)
    settings = msgspec.structs.replace(profile.settings, rounds=rounds)
    profile = msgspec.structs.replace(profile, settings=settings)
    with tempfile.TemporaryDirectory() as folder:
        order = sweep.Order(
            profile, ["bench-self"], folder=Path(folder) / "run", only=lambda cell: only in cell.id
        )
        return load(sweep.new(order, Silent()))


@contextlib.contextmanager
def _busy() -> Iterator[None]:
    """Keep processes busy, on the CPUs that the scheduler chooses."""
    command = [sys.executable, "-c", "while True: pass"]
    with contextlib.ExitStack() as stack:
        for _ in range(BUSY):
            process = stack.enter_context(subprocess.Popen(command))
            stack.callback(process.kill)
        yield


def _void_runs(title: str, results: Results) -> Iterator[str]:
    runs: Counter[tuple[str, str]] = Counter()
    void: Counter[tuple[str, str]] = Counter()
    for result in results.cells.values():
        key = result.cell.placement, result.cell.transport
        runs[key] += len(result.runs)
        void[key] += sum(bool(run.void) for run in result.runs)
    yield f"  {title}: {void.total()} of {runs.total()} runs are void"
    for placement in dict.fromkeys(placement for placement, _ in runs):
        mine = [key for key in runs if key[0] == placement]
        listed = ", ".join(
            f"{key[1]} {void[key]}/{runs[key]}"
            for key in sorted(mine, key=lambda key: -void[key] / max(1, runs[key]))[:6]
            if void[key]
        )
        total = sum(void[key] for key in mine), sum(runs[key] for key in mine)
        yield f"    {placement:18} {total[0]:5} of {total[1]:5}  {listed}"


def _differences(quiet: Results, loaded: Results) -> Iterator[str]:
    """Compare the figures of cells that are not disturbed."""
    off: list[tuple[float, str]] = []
    compared = disturbed = 0
    for identity, result in loaded.cells.items():
        before = quiet.cells[identity]
        if result.skipped is not None or not before.good or before.disturbed:
            continue
        if result.disturbed or not result.good:
            disturbed += 1
            continue
        compared += 1
        ratio = _figure(result) / _figure(before)
        if not 1 / (1 + WITHIN) <= ratio <= 1 + WITHIN:
            off.append((ratio, identity))
    yield f"  beside the load {disturbed} cells are disturbed, {compared} have a figure,"
    yield f"  {len(off)} of them off by more than {WITHIN:.0%}:"
    for ratio, identity in sorted(off, reverse=True)[:SHOWN]:
        yield f"    {ratio:6.3f}  {identity}"


def _figure(result: CellResult) -> float:
    return median(result.by_round().values())
