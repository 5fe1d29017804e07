"""Texts that all charts have in common: labels, notes, captions and file names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.axes import (
    BLOCK,
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    CROSS_NODE,
    HOT,
    NO_WAIT,
    POLL,
    SAME_CORE,
    SMT,
    SPIN,
    SPIN_BLOCK,
    SYNCHRONISATION,
    UNPINNED,
    WAITS,
)
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.entries.distances import distances
from ipcbench.bench.results.pace import POISSON, RATE, offered
from ipcbench.bench.results.units import named_size, short_size
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.model import Measured, loop_of, rank, runtimes_of
from ipcbench.reports.modes import FEWEST, Modes, two_modes
from ipcbench.reports.names import brief, display, language, place

WAIT_PHRASES: Mapping[str, str] = {
    BLOCK: "sleeping in the facility's call",
    POLL: "poll(2), then read",
    SPIN_BLOCK: "spinning, then sleeping",
    SPIN: "spinning",
    NO_WAIT: "not waiting",
}
FOLLOWS = 0.9  # of the runs: as many agree where the distance makes the modes
LONGEST_KIND = 40  # characters of the name of a kind of core, which a journal gives
_PLACEMENT_PHRASES = {
    SAME_CORE: "",
    SMT: "threads of one core, idle states allowed",
    CROSS_CORE: "idle states allowed",
    CROSS_CORE_AWAKE: "idle states forbidden",
    CROSS_NODE: "of two NUMA nodes, idle states allowed",
    UNPINNED: "placed by the scheduler",
}


def wait_phrase(wait: str) -> str:
    """Describe a way of waiting."""
    return WAIT_PHRASES.get(wait, wait)


def about_placement(placement: str, cells: Iterable[Measured]) -> str:
    """Describe a placement by its cells; "" for an unknown one.

    So it says what was measured: `2 processes on one CPU`, `2 to 8 processes on 2
    performance cores, idle states forbidden`.
    """
    here = [one for one in cells if one.cell.placement == placement]
    if placement not in _PLACEMENT_PHRASES or not here:
        return ""
    return ", ".join(filter(None, (_placed(here), _PLACEMENT_PHRASES[placement])))


def placed(one: Measured) -> str:
    """Count the processes of a cell and the CPUs that they had: `8 processes on 2 CPUs`."""
    return _placed([one])


def _placed(cells: Sequence[Measured]) -> str:
    processes = sorted({one.cell.processes for one in cells})
    cpus = sorted({len(one.cpus) for one in cells})
    kinds = {one.cores for one in cells}
    who = f"{_range(processes)} {'process' if processes == [1] else 'processes'}"
    if cpus[0] == 0:  # not recorded
        return who
    kind = (kinds.pop() if len(kinds) == 1 else "")[:LONGEST_KIND] or "CPUs"
    if cpus == [1]:
        return f"{who} on one {kind.replace('cores', 'core').replace('CPUs', 'CPU')}"
    return f"{who} on {_range(cpus)} {kind}"


def _range(numbers: Sequence[int]) -> str:
    first, last = numbers[0], numbers[-1]
    return str(first) if first == last else f"{first} to {last}"


def facility_name(one: Measured) -> str:
    """Name a transport, or the segments of shared memory that it stands for.

    A ring over a futex word that never sleeps stands for all waiters, so that none is named.
    """
    transport = one.cell.present.transport
    if one.alike > 1:
        transport = f"shm:posix+{transport.partition('+')[2]}"
    name = brief(_named(transport, one.wait))
    return name if one.alike == 1 else f"{name}, {one.alike} segments alike"


def full_name(one: Measured) -> str:
    """Name a transport in a table: `shared memory, in place, spinning`, without a waiter."""
    return _named(one.cell.present.transport, one.wait)


def _named(transport: str, wait: str) -> str:
    spins = wait == SPIN and "+futex" in transport
    return display(transport, SPIN if spins else BLOCK)


def remark(one: Measured) -> str:
    """Write what must be known of a cell's median; "" for nothing."""
    found = two_modes(list(one.times.values()))
    if found is None:
        return ""
    runs = f"{found.fast} and {found.slow} runs"
    where = ", of near and far CPUs" if _follow_the_distance(one, found) else ""
    return f"two modes, {found.apart * 100:.0f} % apart ({runs}){where}: the median is neither"


def _follow_the_distance(one: Measured, modes: Modes) -> bool:
    """Tell whether the slow runs are those whose CPUs were far apart, but for a few."""
    apart = distances(run.distance for run in one.runs)
    known = [run for run in one.runs if run.distance]
    if apart is None or apart.far is None or len(known) < FEWEST:
        return False
    between = math.sqrt(modes.low * modes.high)
    agree = sum(
        (median(run.values) > between) == apart.is_far(run.distance or 0.0) for run in known
    )
    return agree >= FOLLOWS * len(known)


def label(one: Measured) -> str:
    """Name a curve or row: `shared memory, spinning`, `pipe, depth 4, 16 messages a call`.

    The way of waiting is left out where it is blocking.
    """
    return ", ".join([way(one), *manner_phrases(one.cell)])


def way(one: Measured) -> str:
    """Name a facility and its way of waiting: `pipe, spinning`."""
    name = facility_name(one)
    if one.wait in (BLOCK, NO_WAIT) or wait_phrase(one.wait) in name:
        return name
    return f"{name}, {wait_phrase(one.wait).replace(',', '')}"


def manner_phrases(cell: Cell | Situation) -> list[str]:
    """Describe all axes that are not at their default, except for the way of waiting."""
    parts = (
        "" if cell.depth is None else f"depth {cell.depth}",
        "" if cell.looks is None else looks_phrase(cell.looks),
        batch_phrase(cell.batch),
        payload_phrase(cell.payload),
        pace_phrase(cell.pace),
    )
    return [part for part in parts if part]


def looks_phrase(looks: int) -> str:
    """Describe the looks before a receiver sleeps: `2000 looks`."""
    return f"{looks} {'look' if looks == 1 else 'looks'}"


def batch_phrase(batch: int) -> str:
    """Describe a batch: `16 messages a call`; "" for one message."""
    return "" if batch == 1 else f"{batch} messages a call"


def payload_phrase(payload: str) -> str:
    """Describe a payload: `fresh payload`; "" for the usual one."""
    return "" if payload == HOT else f"{payload} payload"


def pace_phrase(pace: str) -> str:
    """Describe a pace: `pauses of 1 ms`, `load of 50 %`; "" for a closed loop without pauses."""
    if (rate := offered(pace)) is not None:
        if rate.kind == RATE:
            return f"{rate.number:,} messages a second"
        return f"{'random ' if rate.kind == POISSON else ''}load of {rate.number} %"
    found = re.fullmatch(r"pause:(\d+)(us|ms|s)", pace)
    return f"pauses of {found[1]} {found[2].replace('us', 'µs')}" if found else ""


def with_size(one: Measured, name: str) -> str:
    """Name a row by its size and other axes as well: `pipe, 64 KiB, pauses of 1 ms`."""
    return ", ".join([name, short_size(one.cell.size), *manner_phrases(one.cell)])


def size_label(one: Measured) -> str:
    """Format the message size of a cell: `64 KiB`, `1080p frame (6,220,800 B)`."""
    return named_size(one.cell.size)


def loops_label(runtimes: Sequence[str]) -> str:
    """Name the loops of runtimes: `Python loop`, `Python and C loops`."""
    if len(runtimes) == 1:
        return loop_of(runtimes[0])
    names = [language(one) for one in runtimes]
    return f"{', '.join(names[:-1])} and {names[-1]} loops"


def conditions(cells: Sequence[Measured]) -> str:
    """Name the loops, and the ways in which the receivers wait: the note of every chart."""
    waits = sorted({one.wait for one in cells if one.carries_data}, key=lambda w: rank(WAITS, w))
    phrases = [wait_phrase(wait) for wait in waits if wait != NO_WAIT]
    loops = loops_label(runtimes_of(cells))
    if not phrases:
        return loops
    receive = any(one.facts.family != SYNCHRONISATION for one in cells)
    return f"{loops}; {'receivers' if receive else 'waiting'}: {' / '.join(phrases)}"


def evidence(cells: Sequence[Measured], points: str = "Points", interval: str = "bars") -> str:
    """Explain the marks of a chart: those of the medians, and those of their intervals."""
    return _medians(cells, points, interval) + _about_idle(cells) + _about_modes(cells)


def _medians(cells: Sequence[Measured], marks: str, interval: str) -> str:
    rounds = sorted({one.interval.n for one in cells})
    span = f"{rounds[0]}" if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]}"
    points = f"{marks} are medians over {span} {'rounds' if rounds[-1] != 1 else 'round'}"
    if rounds[-1] < ENOUGH_ROUNDS:
        return f"{points} of new processes; {interval} show the whole range."
    coverage = min(one.interval.coverage for one in cells) * 100
    bars = f"{interval} cover the median with at least {coverage:.1f} %."
    return f"{points} of new processes; {bars}"


def _about_modes(cells: Sequence[Measured]) -> str:
    if not any(map(remark, cells)):
        return ""
    return " Ringed, or marked ‡: the runs have two modes, and the median is neither."


def _about_idle(cells: Sequence[Measured]) -> str:
    """Name the driver and governor of the idle states, which decide figures across cores."""
    placements = {one.cell.placement for one in cells if one.idle}
    idle = [one for one in (SMT, CROSS_CORE, CROSS_NODE, UNPINNED) if one in placements]
    if not idle:
        return ""
    return f" CPUs that wait go idle ({' and '.join(map(place, idle))}): {cells[0].idle}."


def slug(*parts: str) -> str:
    """Join words into a name that is valid for a file and an id."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:60]
