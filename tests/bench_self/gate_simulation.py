"""The gate's guarantees and power here, by pairs of equal arms that are recorded and drawn anew.

A comparison of this interpreter with itself plays the cells of the profile `gate`, and cells of
many processes, so many pairs each. Suites of the profile's cells are then drawn from these pairs
(`ipcbench.bench.decisions.gate.simulate`) and judged as `ipcbench compare` judges them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from ipcbench.bench.decisions.gate.binomial import clopper_pearson
from ipcbench.bench.decisions.gate.effect import slot_effect
from ipcbench.bench.decisions.gate.sequential import Rule
from ipcbench.bench.decisions.gate.simulate import Found, power, smallest_found, suites
from ipcbench.bench.errors import BenchError
from ipcbench.bench.pairs import comparison as pairs_of_arms
from ipcbench.bench.plan.planner import Plan, plan
from ipcbench.bench.plan.profile import load_profile
from ipcbench.bench.results.axes import CROSS_CORE, CROSS_CORE_AWAKE, NATIVE, PYTHON
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.comparison.comparison import ComparedCell, Comparison, load
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.bench.sweep.display import watcher
from ipcbench.bench.sweep.plans.planning import planned

FOLDER = Path("results/gate-simulation")
PAIRS = 100  # of each cell
SUITES = 10_000
IN_A_PART = 100  # suites, at least, of one process
REPEATS = 5000  # cells of a class that are slowed by the band
FEWEST = 20  # pairs of a cell: with fewer, a drawn sample repeats a handful of values
CURVE = 1000  # cells of a class for each point of the curve
SLOW_DOWNS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.15, 0.20, 0.50, 1.0)
MANY = "many processes"
TARGETS = {"same-core": 0.99, CROSS_CORE_AWAKE: 0.98, MANY: 0.93}
IPCBENCH = "here"


@dataclass(frozen=True)
class Recording:
    """Recorded cells that are in the profile, or have many processes."""

    comparison: Comparison
    cells: Sequence[ComparedCell]

    @property
    def profile(self) -> list[ComparedCell]:
        return [one for one in self.cells if one.cell.processes == 2]

    def classes(self) -> dict[str, list[ComparedCell]]:
        found: dict[str, list[ComparedCell]] = {}
        for one in self.cells:
            name = one.cell.placement if one.cell.processes == 2 else MANY
            found.setdefault(name, []).append(one)
        return found


def measure(pairs: int, count: int, only: str = "") -> Iterator[str]:
    """Record what is missing, draw so many suites, and yield the lines of the table."""
    try:
        record(FOLDER, pairs, only)
        yield from lines(load(FOLDER), count)
    except (BenchError, Unreadable, OSError) as error:
        yield f"  {error}; to record anew: rm -r {FOLDER}"


def record(folder: Path, pairs: int, only: str = "") -> None:
    """Record pairs of equal arms in a folder; continue one that was stopped."""
    display = watcher(Console(stderr=True))
    command = ["make", "bench-self", "ARGS=gate-simulation"]
    try:
        if folder.exists():
            ended = load(folder).ended
            if ended is None or ended.reason != "complete":
                pairs_of_arms.resume(folder, command, display)
            return
        order = pairs_of_arms.Order(
            IPCBENCH,
            IPCBENCH,
            lambda: _plan().only(lambda cell: only in cell.id),
            load_profile("gate").settings,
            command,
            budget=None,
            pairs=pairs,
            folder=folder,
        )
        pairs_of_arms.new(order, display)
    finally:
        display.close()


def _plan() -> Plan:
    """Return the profile's plan, with cells of four processes behind it."""
    own = planned(load_profile("gate"))
    found = plan(_many(), candidate, site())
    return Plan([*own.cells, *found.cells], [*own.skipped, *found.skipped])


def _many() -> Iterator[Cell]:
    for pattern, transport in (
        ("fan-in", "pipe"),
        ("fan-in", "unix-stream"),
        ("fan-out", "posix-queue"),
        ("echo", "unix-stream"),
    ):
        for runtime in (PYTHON, NATIVE):
            yield Cell(
                transport=transport,
                pattern=pattern,
                size=64,
                processes=4,
                placement=CROSS_CORE,
                runtime=runtime,
            )


def lines(comparison: Comparison, count: int) -> Iterator[str]:
    """Yield the lines about a recording."""
    recording = Recording(comparison, [one for one in comparison.measured if _is_enough(one)])
    if not recording.profile:
        yield f"  no cell of the profile has {FEWEST} pairs"
        return
    ended = comparison.ended
    if ended is None or ended.reason != "complete":
        yield "  the recording is not complete: the same command continues it"
    yield from _about(recording)
    yield from _suites(recording, count)
    yield from _classes(recording)


def _about(recording: Recording) -> Iterator[str]:
    order = slot_effect(one.differences() for one in recording.cells)
    yield f"  {FOLDER}: {len(recording.cells)} cells, {len(recording.comparison.rounds)} rounds"
    for name, cells in recording.classes().items():
        pairs, void = sum(len(one.good) for one in cells), sum(len(one.pairs) for one in cells)
        spread = median(_spread(one) for one in cells)
        yield (
            f"    {name:18} {len(cells):3} cells, {pairs:5} pairs ({void - pairs} void), "
            f"{median(map(_seconds, cells)) * 1e3:.0f} ms each, "
            f"median |ln(head / base)| {spread:.2%}"
        )
    left_out = [one.cell.id for one in recording.comparison.measured if not _is_enough(one)]
    if left_out:
        yield f"    {len(left_out)} cells with fewer than {FEWEST} pairs: {', '.join(left_out)}"
    if order is not None:
        yield (f"    second run / first: {order.ratio:.4f} ({order.low:.4f} to {order.high:.4f})")


def _is_enough(one: ComparedCell) -> bool:
    return len(one.good) >= FEWEST


def _spread(one: ComparedCell) -> float:
    return median(abs(each) for each, _ in one.differences())


def _seconds(one: ComparedCell) -> float:
    """Return the seconds of a pair."""
    return median(pair.base.wall + pair.head.wall for pair in one.good)


def _round(recording: Recording) -> float:
    """Return the seconds of a round beside its runs."""
    spent: dict[int, float] = {}
    for one in recording.cells:
        for pair in one.pairs:
            spent[pair.number] = spent.get(pair.number, 0) + pair.base.wall + pair.head.wall
    rounds = recording.comparison.rounds
    return median(one.wall - spent.get(one.round, 0.0) for one in rounds)


def _sizes(cells: Sequence[ComparedCell]) -> list[list[float]]:
    return [[each for each, _ in one.differences()] for one in cells]


# Suites without a change


def _suites(recording: Recording, count: int) -> Iterator[str]:
    cells = recording.profile
    rule, sizes = Rule(cells=len(cells)), _sizes(cells)
    alarms, pairs = _judged(sizes, rule, count)
    wrong, of = int(alarms.any(axis=1).sum()), len(alarms)
    yield f"  {of} suites of {len(cells)} unchanged cells, delta {rule.delta:.0%}:"
    yield f"    with a false alarm: {_share(wrong, of)} (target: 0.50 % at most)"
    seconds = pairs @ np.array(list(map(_seconds, cells))) + pairs.max(axis=1) * _round(recording)
    low, middle, high = np.quantile(seconds, (0.05, 0.5, 0.95))
    yield (
        f"    seconds without a budget: {middle:.0f}, 9 of 10 from {low:.0f} to {high:.0f}; pairs "
        f"a cell: {np.median(pairs):.0f}, 9 of 10 up to {np.quantile(pairs, 0.9):.0f}"
    )


def _judged(
    sizes: Sequence[Sequence[float]], rule: Rule, count: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Judge suites, on several CPUs where they are many."""
    parts = min(4, os.cpu_count() or 1, count // IN_A_PART)
    if parts <= 1:
        return suites(sizes, rule, count)
    shares = [count // parts + (index < count % parts) for index in range(parts)]
    with ProcessPoolExecutor(parts, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(suites, sizes, rule, share, seed) for seed, share in enumerate(shares)]
        found = [task.result() for task in tasks]
    return np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found])


def _share(found: int, of: int) -> str:
    low, high = clopper_pearson(found, of)
    return f"{found / of:.2%} ({low:.2%} to {high:.2%}, {found} of {of})"


# Slowed cells


def _classes(recording: Recording) -> Iterator[str]:
    rule = Rule(cells=len(recording.profile))
    for name, cells in recording.classes().items():
        sizes = _sizes(cells)
        (band,) = power(sizes, [rule.delta], rule, -(-REPEATS // len(cells)))
        target = f" (target: {TARGETS[name]:.0%})" if name in TARGETS else ""
        yield f"  {name}, cell by cell, at most {rule.most_pairs} pairs:"
        yield f"    slowed by 5 %: found {_share(band.broken, band.of)}{target}"
        yield f"    silently passed {_share(band.passed, band.of)} (target: 2 % at most)"
        yield "    slowed by      " + "".join(f"{one:8.0%}" for one in (0.0, *SLOW_DOWNS))
        curve = list(power(sizes, (0.0, *SLOW_DOWNS), rule, -(-CURVE // len(cells))))
        yield "    broken         " + _row(curve, lambda one: f"{one.power:8.1%}")
        yield "    passed         " + _row(curve, lambda one: f"{one.passed / one.of:8.1%}")
        yield "    pairs, mean    " + _row(curve, lambda one: f"{one.pairs:8.0f}")
        least = smallest_found(sizes, rule, -(-CURVE // len(cells)))
        seen = "none up to 300 %" if least is None else f"{least:.1%}"
        yield f"    smallest slow-down found in 95 % of cells: {seen}"


def _row(curve: Sequence[Found], text: Callable[[Found], str]) -> str:
    return "".join(map(text, curve))
