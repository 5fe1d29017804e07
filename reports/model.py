"""Measured cells, from the results of a run.

Two times are compared only in the same situation, which is everything that
decides a time except the transport.
Pure functions; no text is formatted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from ipcbench.bench.decisions.situation import Situation, situation_of
from ipcbench.bench.results.axes import (
    FAMILIES,
    FLOOR,
    HOT,
    NO_WAIT,
    PATTERNS,
    PAYLOADS,
    PLACEMENTS,
    POLL,
    RUNTIMES,
    SELF,
    WAITS,
)
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.pace import CLOSED, has_own_rate, pace_order
from ipcbench.bench.results.records import SLOWEST, Run
from ipcbench.bench.results.results import CellResult, Results
from ipcbench.bench.results.slowdowns import IDLE_DRIVER, IDLE_GOVERNOR
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.stats import Interval, median_interval
from ipcbench.reports.names import language

LONGEST_NAME = 40  # characters of a name that the machine gives
LOST = "lost updates"  # a counter's observation: their share of all updates

T = TypeVar("T")


def loop_of(runtime: str) -> str:
    """Name the timed loop of a runtime: the loop is measured, not the language."""
    return f"{language(runtime)} loop"


def rank(known: Sequence[str], name: str) -> tuple[int, str]:
    """Return a sorting key: known names in their order, then the others alphabetically."""
    return (known.index(name) if name in known else len(known), name)


def situation_order(one: Situation) -> tuple[object, ...]:
    """Return the sorting key of tables and lists."""
    return (
        rank(RUNTIMES, one.runtime),
        rank(WAITS, one.wait),
        *work_order(one),
        one.in_place,
        one.size,
    )


def work_order(one: Situation) -> tuple[object, ...]:
    """Return the sorting key of all but the runtime, the size and the place of reading."""
    return (
        rank(PATTERNS, one.pattern),
        rank(PLACEMENTS, one.placement),
        one.processes,
        one.batch,
        rank(PAYLOADS, one.payload),
        pace_order(one.pace),
        one.depth or 0,
        one.looks or 0,
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """A cell with a result. `times`: round -> seconds per `facts.per`."""

    cell: Cell
    facts: Facts
    runs: Sequence[Run]  # without void ones
    times: Mapping[int, float]
    interval: Interval  # of the times, in seconds
    cpus: frozenset[int]  # that its processes could use
    cores: str  # the kind of these CPUs' cores, or `CPUs of 2 kinds`; "": all are alike
    idle: str  # the driver and governor of the machine's idle states; "": not known
    disturbed: bool = False  # fewer than half of its rounds count: it has no verdict
    waiting: float | None = None  # the share of a CPU that a waiting receiver takes
    alike: int = 1  # segments of shared memory that it stands for, since their times are alike

    @property
    def wait(self) -> str:
        """The receivers' way of waiting, one of `WAITS`."""
        return self.facts.wait

    @property
    def carries_data(self) -> bool:
        """True except for the floor, which moves no bytes and so has no throughput."""
        return self.facts.family != FLOOR

    @property
    def curve_key(self) -> tuple[str, int, tuple[object, ...]]:
        """The key that all points of one curve, or one row of dots, have in common."""
        cell = self.cell
        return cell.transport, cell.depth or 0, self.manner

    @property
    def manner(self) -> tuple[object, ...]:
        """The sorting key of how its processes wait, and of what they send at a time."""
        cell = self.cell
        wait, payload = rank(WAITS, self.wait), rank(PAYLOADS, cell.payload)
        return wait, cell.looks or 0, cell.batch, payload, pace_order(cell.pace)

    @property
    def curve_order(self) -> tuple[object, ...]:
        """The sorting key of curves and rows in a chart."""
        return (rank(FAMILIES, self.facts.family), *self.curve_key)

    @property
    def situation(self) -> Situation:
        return situation_of(self.cell, self.facts)

    @property
    def lost(self) -> Interval | None:
        """The share of updates that a counter lost, over rounds; None in other patterns."""
        shares = [run.observations[LOST] for run in self.runs if LOST in run.observations]
        return median_interval(shares) if shares else None

    @property
    def in_flight(self) -> tuple[int, ...]:
        """The bytes that a direction held, of all runs: one number, unless it has changed."""
        return tuple(sorted({run.in_flight for run in self.runs if run.in_flight is not None}))

    @property
    def cpu(self) -> float:
        """The seconds of CPU time that all its processes took for one unit, in the median run.

        A mean would count the slow runs that the median of the times leaves out: two processes
        would seem to take more CPU time than two CPUs have.
        """
        return median(map(_cpu_for_a_unit, self.runs))

    @property
    def unevenness(self) -> Interval | None:
        """The slowest process's time by the fastest one's, over rounds; None for a single one."""
        found = [run.observations[SLOWEST] for run in self.runs if SLOWEST in run.observations]
        return median_interval(found) if found else None

    @property
    def competes(self) -> bool:
        """True if it takes part in contests: it did the work undisturbed, and is no control.

        The floor moves no data, an unguarded counter may lose updates, a process that sends
        to itself tells the parts of a round trip, and a load is another rate for each facility.
        """
        if self.cell.is_control or self.disturbed or not self.carries_data:
            return False
        if self.cell.pattern == SELF or has_own_rate(self.cell.pace):
            return False
        if self.lost is None:
            return True
        none_lost = not any(run.observations.get(LOST) for run in self.runs)
        return none_lost and self.wait != NO_WAIT

    @property
    def order(self) -> tuple[object, ...]:
        """The sorting key of tables and lists."""
        cell = self.cell
        family, runtime = rank(FAMILIES, self.facts.family), rank(RUNTIMES, cell.runtime)
        return (*work_order(self.situation), cell.size, runtime, family, cell.id)


def _cpu_for_a_unit(run: Run) -> float:
    return sum(one.cpu for one in run.usage) / (run.loops * run.inner_loops * len(run.values))


def measured(results: Results) -> list[Measured]:
    """Collect all cells that have a result, controls and the floor included, sorted."""
    kinds = {cpu: kind.name for kind in results.header.machine.cores for cpu in kind.cpus}
    idle = _idle_states(results.header.machine.settings)
    found = [_measured(result, kinds, idle) for result in results.ok() if result.facts is not None]
    return sorted(found, key=lambda one: one.order)


def _idle_states(settings: Mapping[str, str]) -> str:
    found = [("driver", settings.get(IDLE_DRIVER)), ("governor", settings.get(IDLE_GOVERNOR))]
    return ", ".join(f"{what} {one_line(name, LONGEST_NAME)}" for what, name in found if name)


def _measured(result: CellResult, kinds: Mapping[int, str], idle: str) -> Measured:
    assert result.facts is not None  # a cell with runs was planned
    times = result.by_round()
    interval = median_interval(list(times.values()))
    cpus = frozenset(cpu for run in result.good for own in run.cpus for cpu in own)
    used = {kinds.get(cpu, "") for cpu in cpus}
    cores = used.pop() if len(used) == 1 else f"CPUs of {len(used)} kinds" if used else ""
    return Measured(
        result.cell,
        result.facts,
        result.good,
        times,
        interval,
        cpus,
        cores,
        idle,
        disturbed=result.disturbed,
        waiting=median(result.waiting.values()) if result.waiting else None,
    )


def grouped(cells: Iterable[Measured], key: Callable[[Measured], T]) -> dict[T, list[Measured]]:
    """Group cells by a key, in the order of first appearance."""
    found: dict[T, list[Measured]] = {}
    for one in cells:
        found.setdefault(key(one), []).append(one)
    return found


def defaults_only(cells: Sequence[Measured]) -> list[Measured]:
    """Keep the cells with each transport's own depth, one hot message a call, and no pauses.

    If there are none, keep all. A requested depth and poll(2) have charts of their own.
    """
    found = [one for one in cells if one.cell.depth is None and is_plain(one.cell)]
    return found or list(cells)


def is_plain(cell: Cell) -> bool:
    """Tell whether a cell has the usual work: one hot message a call, no pauses, no poll(2)."""
    usual = cell.batch == 1 and cell.payload == HOT and cell.pace == CLOSED
    return usual and cell.wait != POLL and cell.looks is None


def runtimes_of(cells: Iterable[Measured]) -> list[str]:
    """List the runtimes, sorted."""
    return sorted({one.cell.runtime for one in cells}, key=lambda one: rank(RUNTIMES, one))


def placements_of(cells: Iterable[Measured]) -> list[str]:
    """List the placements, sorted."""
    return sorted({one.cell.placement for one in cells}, key=lambda one: rank(PLACEMENTS, one))


def inverse(time: Interval, amount: float) -> Interval:
    """Convert seconds per unit to `amount` per second; the ends of the interval swap."""
    low, high = amount / time.high, amount / time.low
    return Interval(amount / time.median, low, high, time.coverage, time.n)


def multiplied(one: Interval, factor: float) -> Interval:
    """Multiply an interval by a factor above 0."""
    return Interval(one.median * factor, one.low * factor, one.high * factor, one.coverage, one.n)


def positions(cells: Iterable[Measured]) -> list[list[Measured]]:
    """Group the cells that compete by situation, sorted."""
    found = grouped((one for one in cells if one.competes), lambda one: one.situation)
    return [found[key] for key in sorted(found, key=situation_order)]


def ranges(sizes: Iterable[int], all_sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Merge sizes into (first, last) of each stretch without a gap among `all_sizes`, sorted."""
    position = {size: index for index, size in enumerate(all_sizes)}
    stretches: list[tuple[int, int]] = []
    for size in sorted(sizes):
        if stretches and position[size] == position[stretches[-1][1]] + 1:
            stretches[-1] = (stretches[-1][0], size)
        else:
            stretches.append((size, size))
    return stretches
