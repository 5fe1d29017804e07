"""Memory that a cell needs, and the cells that this machine has too little of it for."""

from __future__ import annotations

from ipcbench.bench.results.axes import NATIVE, PYTHON
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


def needed(cell: Cell, traits: Traits) -> int:
    """Return the bytes of memory that a cell certainly needs."""
    clients = max(1, cell.processes - 1)
    channel = _OF_A_CHANNEL.get(traits.family, 0) * clients
    return cell.size * (_OF_A_PROCESS[cell.runtime] * cell.processes + channel)


def lack(cell: Cell, traits: Traits, free: Limit | None) -> tuple[str, str] | None:
    """Return the reason and the remedy where a cell needs more memory than is free, or None."""
    if free is None or free.value is None or cell.size <= IGNORED:
        return None
    wanted = needed(cell, traits)
    if wanted <= free.value:
        return None
    reason = (
        f"{cell.processes} processes with messages of {cell.size} bytes need {wanted} bytes of "
        f"memory, and {free.value} are free ({free.source})"
    )
    return reason, free.remedy_for(Need(wanted))
