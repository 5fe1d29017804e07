"""Memory that a cell needs, and the cells that this machine has too little of it for."""

from __future__ import annotations

from ipcbench.bench.loops.payloads.pool import buffers_of
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.results.axes import HOT, NATIVE, PYTHON
from ipcbench.bench.results.cell import Cell
from ipcbench.transports.contract import Family, Limit, Need, Traits

IGNORED = 1 << 20  # bytes of a message up to which memory is no question

# Messages in memory at a time, at least, as measured in a cgroup (memory.max_usage_in_bytes):
# of a process, its message, its buffer to receive into, one of the check, and in a compiled
# loop one more.
_OF_A_PROCESS = {PYTHON: 3, NATIVE: 4}
_OF_A_CHANNEL = {  # of each client
    Family.SHARED_MEMORY: 4,
    Family.MULTIPROCESSING: 1,
    Family.LIBRARY: 2,  # the library's own, in the sender and in the receiver
}


def needed(cell: Cell, traits: Traits, cache: int) -> int:
    """Return the bytes of memory that a cell certainly needs.

    Args:
        cell: the cell.
        traits: those of its transport.
        cache: bytes of the last cache; 0: unknown.
    """
    clients = max(1, cell.processes - 1)
    channel = _OF_A_CHANNEL.get(traits.family, 0) * clients
    # A pool of each sender or, in place, the slots of each direction that is used.
    pools = sum(seat.part.numbers for seat in pattern_of(cell).seats(cell.processes))
    further = (buffers_of(cell.payload, cell.size, cache) - 1) * pools
    return cell.size * (_OF_A_PROCESS[cell.runtime] * cell.processes + channel + further)


def lack(cell: Cell, traits: Traits, free: Limit | None, cache: int) -> tuple[str, str] | None:
    """Return the reason and the remedy where a cell needs more memory than is free, or None."""
    if free is None or free.value is None:
        return None
    if cell.size * buffers_of(cell.payload, cell.size, cache) <= IGNORED:
        return None
    wanted = needed(cell, traits, cache)
    if wanted <= free.value:
        return None
    of = "processes" if cell.processes > 1 else "process"
    written = "" if cell.payload == HOT else f" written anew ({cell.payload})"
    reason = (
        f"{cell.processes} {of} with messages of {cell.size} bytes{written} need {wanted} bytes of "
        f"memory, and {free.value} are free ({free.source})"
    )
    return reason, free.remedy_for(Need(wanted))
