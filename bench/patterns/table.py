"""All patterns, by their names; each is a file of this folder and a line of this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ipcbench.bench.errors import LEAVE_OUT, BenchError
from ipcbench.bench.patterns.alone import FILL, SCAN
from ipcbench.bench.patterns.anew.arrays import ARRAYS
from ipcbench.bench.patterns.anew.fresh import FRESH
from ipcbench.bench.patterns.anew.several import SEVERAL
from ipcbench.bench.patterns.batch import batched
from ipcbench.bench.patterns.counter import COUNTER
from ipcbench.bench.patterns.echo import ECHO
from ipcbench.bench.patterns.fan_in import FAN_IN
from ipcbench.bench.patterns.fan_out import FAN_OUT
from ipcbench.bench.patterns.latency import LATENCY, PAIRS_LATENCY, paused
from ipcbench.bench.patterns.newest.latest import LATEST_VALUE
from ipcbench.bench.patterns.part import Pattern
from ipcbench.bench.patterns.rates.paced import AT_A_RATE
from ipcbench.bench.patterns.self import TO_ITSELF
from ipcbench.bench.patterns.signal import SIGNAL
from ipcbench.bench.patterns.single.file import READS, READS_AT_RANDOM, WRITES, WRITES_AT_RANDOM
from ipcbench.bench.patterns.single.set_up import SETS_UP
from ipcbench.bench.patterns.slowed import SLOWED_LATENCY
from ipcbench.bench.patterns.stream import PAIRS, STREAM
from ipcbench.bench.results.axes import ARRAY, HOT
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.pace import CLOSED, offered
from ipcbench.bench.version import VERSION

ALL = (
    LATENCY, STREAM, AT_A_RATE, PAIRS_LATENCY, PAIRS, FAN_IN, FAN_OUT, ECHO, SIGNAL, COUNTER,
    TO_ITSELF, LATEST_VALUE, FILL, SCAN, SETS_UP, READS, READS_AT_RANDOM, WRITES, WRITES_AT_RANDOM,
)  # fmt: skip
PATTERNS = {pattern.name: pattern for pattern in ALL}
PAUSED: Mapping[str, Callable[[str], Pattern]] = {
    "latency": paused
}  # pattern -> pace -> the pattern with those pauses

BATCHED = frozenset({"stream", "pairs", "fan-in"})  # messages follow each other in one direction


# Pattern -> the same with messages that are written anew.
ANEW: Mapping[str, Pattern] = FRESH | SEVERAL

# Pattern -> the same with a delay in each loop, for controls that are slowed on purpose.
SLOWED: Mapping[str, Pattern] = {"latency": SLOWED_LATENCY}


def has_payload(pattern: str, payload: str) -> bool:
    """Tell whether a pattern has loops for a payload."""
    loops = ARRAYS if payload == ARRAY else ANEW
    return payload == HOT or PATTERNS[pattern].alone or pattern in loops


def writes_in_place(pattern: str) -> bool:
    """Tell whether a pattern has loops that write messages anew, and read them, in place.

    Those of one process alone use no channel: they write in their own memory.
    """
    if PATTERNS[pattern].alone:
        return True
    return pattern in ANEW and all(seat.part.in_place for seat in ANEW[pattern].seats(2))


def has_pace(pattern: str, pace: str) -> bool:
    """Tell whether a pattern has a pace: rates are those of an open loop, which has no other."""
    rate = offered(pace)
    if PATTERNS[pattern].open_loop or rate is not None:
        return PATTERNS[pattern].open_loop and rate is not None
    return pace == CLOSED or pattern in PAUSED


class Lacking(BenchError):
    """A cell that asks for more than the patterns here have: another version's, or a journal's."""


def pattern_of(cell: Cell) -> Pattern:
    """Return the pattern that a cell runs.

    Raises: Lacking for a pattern that is unknown, for a pace, a batch or a payload that it lacks,
    and where it cannot be slowed.
    """
    lacking = _lacking(cell)
    if lacking:
        raise Lacking(f"ipcbench {VERSION} has no {lacking}", LEAVE_OUT)
    if cell.slowed:
        return SLOWED[cell.pattern]
    found = PATTERNS[cell.pattern]
    if cell.pace != CLOSED and not found.open_loop:
        found = PAUSED[cell.pattern](cell.pace)
    if cell.payload == ARRAY:
        found = ARRAYS[cell.pattern]
    elif cell.payload != HOT and not found.alone:
        found = ANEW[cell.pattern]
    return found if cell.batch == 1 else batched(found, cell.batch)


def _lacking(cell: Cell) -> str:
    """Return what a cell asks for and no pattern has, "" if nothing."""
    if cell.pattern not in PATTERNS:
        return f"pattern {cell.pattern}"
    if cell.slowed:
        return "" if cell.pattern in SLOWED else f"{cell.pattern} with slowed {cell.slowed}"
    if not has_pace(cell.pattern, cell.pace):
        return f"{cell.pattern} with pace {cell.pace}"
    if not has_payload(cell.pattern, cell.payload):
        return f"{cell.pattern} with payload {cell.payload}"
    if cell.batch != 1 and (cell.pattern not in BATCHED or cell.payload != HOT):
        return asked_of(cell)
    return ""


def asked_of(cell: Cell) -> str:
    """Describe what a cell asks of its pattern: `fan-in with payload fresh`."""
    asked = ("payload", cell.payload, HOT), ("pace", cell.pace, CLOSED), ("batch", cell.batch, 1)
    named = [f"{axis} {value}" for axis, value, usual in asked if value != usual]
    return f"{cell.pattern} with {' and '.join(named)}" if named else f"pattern {cell.pattern}"
