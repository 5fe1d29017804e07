"""The names on the axes of a sweep, each list in the order in which people read it."""

from __future__ import annotations

from collections.abc import Iterable

PYTHON, NATIVE = RUNTIMES = ("python", "native")
"""Runtimes: the language of the timed loop."""

LATENCY, STREAM = "latency", "stream"
PAIRS_LATENCY, PAIRS = "pairs-latency", "pairs"  # links side by side
FAN_IN, FAN_OUT, ECHO = "fan-in", "fan-out", "echo"
SIGNAL, COUNTER = "signal", "counter"
PACED = "paced"  # messages one way at a rate
SELF = "self"  # one process that sends to itself
LATEST = "latest"  # one process publishes, all others read the newest value
FILL, SCAN = "fill", "scan"  # one process alone
SET_UP = "set-up"  # one process that makes channels
FILE, FILE_RANDOM = "file", "file-random"  # one process that reads a file
FILE_WRITE, FILE_WRITE_RANDOM = "file-write", "file-write-random"  # one that writes it
PATTERNS = (
    LATENCY, STREAM, PACED, PAIRS_LATENCY, PAIRS, FAN_IN, FAN_OUT, ECHO, SIGNAL, COUNTER, SELF,
    LATEST,
    FILL, SCAN, SET_UP, FILE, FILE_RANDOM, FILE_WRITE, FILE_WRITE_RANDOM,
)  # fmt: skip
"""Patterns in their reading order; one that is not named here is shown behind them."""

SAME_CORE = "same-core"
SMT = "smt"  # simultaneous multithreading
CROSS_CORE = "cross-core"
CROSS_CORE_AWAKE = "cross-core-awake"  # as cross-core, with idle states forbidden
CROSS_NODE = "cross-node"
UNPINNED = "unpinned"
PLACEMENTS = (SAME_CORE, SMT, CROSS_CORE, CROSS_CORE_AWAKE, CROSS_NODE, UNPINNED)
MEANINGS = {  # of the placements
    SAME_CORE: "all processes on one CPU",
    SMT: "the processes in turn on the threads of one core, each of which is a CPU",
    CROSS_CORE: "the processes in turn on distinct cores that share their last-level cache",
    CROSS_CORE_AWAKE: "as cross-core, with idle states forbidden",
    CROSS_NODE: "the processes in turn on cores of two NUMA nodes",
    UNPINNED: "the scheduler places the processes, on any CPU",
}

BLOCK, POLL, SPIN_BLOCK, SPIN, NO_WAIT = WAITS = ("block", "poll", "spin-block", "spin", "none")
"""Ways in which receivers wait."""

HOT, FRESH, COLD, ARRAY = PAYLOADS = ("hot", "fresh", "cold", "array")
"""Payloads: the same bytes again and again, bytes that are written anew for each message, such
bytes in more buffers than a cache holds, and NumPy arrays that are written anew."""

PIPE, SOCKET, MESSAGE_QUEUE = "pipe", "socket", "message queue"
SHARED_MEMORY = "shared memory"
PASSING = "passed memory"
FILES = "file"  # accesses of one process to a file
SYNCHRONISATION = "synchronisation"  # carries no data
MULTIPROCESSING = "multiprocessing"
LIBRARY = "library"  # messaging libraries, with threads of their own
FLOOR = "floor"  # the cost of the harness: drawn beneath the others, never in a contest
FAMILIES = (
    PIPE, SOCKET, MESSAGE_QUEUE, SHARED_MEMORY, PASSING, MULTIPROCESSING, LIBRARY, FILES,
    SYNCHRONISATION, FLOOR,
)  # fmt: skip


_RENAMED = {"cross-core-polled": CROSS_CORE_AWAKE}  # names of earlier versions


def unknown(axis: str, name: str, known: Iterable[str]) -> str:
    """Describe in one line a name that is not among those of its axis."""
    from difflib import get_close_matches  # a millisecond that `--help` need not wait for

    names = list(known)
    now = _RENAMED.get(name)
    close = get_close_matches(name, names, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    if now in names:
        meant = f" (its name is now {now!r})"
    return f"unknown {axis} {name!r}{meant}: there are {', '.join(names)}"
