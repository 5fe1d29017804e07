"""Names for people: "shared memory + POSIX semaphore" for `shm:posix+posix-sem`, "one core"."""

from __future__ import annotations

from collections.abc import Mapping

from ipcbench.bench.results.axes import (
    BLOCK,
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    CROSS_NODE,
    ECHO,
    FAN_IN,
    FAN_OUT,
    LATENCY,
    LATEST,
    NATIVE,
    POLL,
    PYTHON,
    SAME_CORE,
    SELF,
    SMT,
    SPIN,
    SPIN_BLOCK,
    STREAM,
    UNPINNED,
)
from ipcbench.bench.results.cell import present_name
from ipcbench.bench.results.untrusted import one_line

IN_PLACE = "/in-place"
_NAMES: Mapping[str, str] = {
    "pipe": "pipe",
    "fifo": "FIFO",
    "fifo:mknod": "FIFO (mknod)",
    "unix-stream": "Unix socket",
    "unix-seqpacket": "Unix socket of packets",
    "unix-dgram": "Unix datagrams",
    "socketpair": "socket pair",
    "socketpair:dgram": "socket pair of datagrams",
    "socketpair:seqpacket": "socket pair of packets",
    "tcp": "TCP",
    "tcp6": "TCP over IPv6",
    "sysv-queue": "System V queue",
    "sysv-queue:types": "System V queue by type",
    "posix-queue": "POSIX queue",
    "memfd-passed": "memfd passed each time",
    "memfd-pool": "pool of memfds",
    "process-vm": "process_vm_readv",
    "vmsplice": "vmsplice",
    "mp-pipe": "multiprocessing.Pipe",
    "mp-pipe-pickle": "multiprocessing.Pipe, pickled",
    "mp-pipe-pickle5": "multiprocessing.Pipe, pickle 5",
    "mp-simple-queue": "multiprocessing.SimpleQueue",
    "mp-queue": "multiprocessing.Queue",
    "latest:seqlock": "shared memory, seqlock",
    "latest:buffers": "shared memory, several buffers",
    "latest:pipe": "pipe, read to its end",
    "latest:unix-stream": "Unix socket, read to its end",
    "latest:unix-dgram": "Unix datagrams, read to the last",
    "latest:queue": "POSIX queue of one message",
    "posix-sem": "POSIX semaphore",
    "sysv-sem": "System V semaphore",
    "eventfd": "eventfd",
    "futex": "futex",
    "pthread-cond": "condition variable",
    "signal": "signal",
    "mp-lock": "multiprocessing.Lock",
    "pthread-mutex": "mutex of the C library",
    "robust-mutex": "robust mutex",
    "futex-mutex": "mutex of a futex",
    "spin-lock": "spin lock",
    "flock": "flock(2)",
    "lockf": "lockf(3)",
    "unguarded": "no guard",
    "file-read": "read(2)",
    "file-pread": "pread(2)",
    "file-map": "mmap(2)",
    "file-map:anew": "mmap(2) each time",
    "null": "nothing (floor)",
    "zmq:ipc": "ZeroMQ (ipc)",
    "nng:ipc": "nng (ipc)",
}
_SEGMENTS: Mapping[str, str] = {
    "posix": "shared memory",
    "sysv": "System V memory",
    "file": "mapped file",
    "tmpfs": "mapped tmpfs file",
    "memfd": "memfd memory",
    "mp": "multiprocessing memory",
}
_WAITERS: Mapping[str, str] = {
    "posix-sem": "POSIX semaphore",
    "sysv-sem": "System V semaphore",
    "eventfd": "eventfd",
    "futex": "futex",
    "pthread-cond": "condition variable",
    "sysv-sem-counted": "System V semaphore, counted",
    "eventfd-counted": "eventfd, counted",
}
_WAITS: Mapping[str, str] = {
    POLL: "poll(2) first",
    SPIN: "spinning",
    SPIN_BLOCK: "spinning, then sleeping",
}
PLACES: Mapping[str, str] = {
    SAME_CORE: "one core",
    CROSS_CORE_AWAKE: "two cores awake",
    CROSS_CORE: "two cores",
    SMT: "two threads of a core",
    CROSS_NODE: "two NUMA nodes",
    UNPINNED: "any CPU (unpinned)",
}
LANGUAGES: Mapping[str, str] = {PYTHON: "Python", NATIVE: "C"}
_WORK: Mapping[str, str] = {
    LATENCY: "round trip",
    STREAM: "one way",
    FAN_IN: "many senders",
    FAN_OUT: "many receivers",
    ECHO: "many clients",
    SELF: "one process alone",
    LATEST: "the newest value",
}
_MODES = {"huge": " in huge pages", "in-place": ", in place"}
_SHORT = (
    (" semaphore", " sem."),
    ("multiprocessing.", "mp."),
    ("condition variable", "condition"),
)


def place(placement: str) -> str:
    """Name a placement in a sentence."""
    return PLACES.get(placement, placement)


def language(runtime: str) -> str:
    """Name the language of a runtime's loop."""
    return LANGUAGES.get(runtime, runtime)


def work(pattern: str) -> str:
    """Name a pattern in plain words; one that needs none keeps its own name."""
    return _WORK.get(pattern, pattern)


def a_unit(unit: str) -> str:
    """Return a unit with its article."""
    vowel = unit[:1] in "aeiou" and not unit.startswith("one")
    return f"{'an' if vowel else 'a'} {unit}"


def brief(name: str) -> str:
    """Shorten a name of a facility for a label: `shared memory + POSIX sem.`."""
    for long, short in _SHORT:
        name = name.replace(long, short)
    return name


def memory_name(transport: str) -> str:
    """Name what `shm:posix` stands for: the memory, without a waiter."""
    kind, _, rest = transport.partition(":")
    base, slash, mode = rest.partition("/")
    if kind != "shm" or base not in _SEGMENTS:
        return display(transport)
    return f"{_SEGMENTS[base]}{_MODES.get(mode, slash + mode)}"


def waiter_name(name: str) -> str:
    """Name what shared memory waits by: `futex`."""
    return _WAITERS.get(name, name)


def display(transport: str, wait: str = BLOCK) -> str:
    """Name a facility as people do, with its way of waiting where it does not sleep at once.

    A name that is not known, such as a plug-in's, stays as it is.
    """
    transport, wait = present_name(transport, wait)
    base, in_place = transport.removesuffix(IN_PLACE), transport.endswith(IN_PLACE)
    name = _NAMES.get(base) or _memory(base, spins=wait == SPIN) or _buffered(base) or base
    waits = "" if base.startswith("latest:") else _WAITS.get(wait, "")
    return one_line(", ".join(filter(None, (name, "in place" if in_place else "", waits))))


def _memory(base: str, *, spins: bool) -> str:
    """Name shared memory; a ring that never sleeps needs no waiter, so none is named."""
    kind, _, rest = base.partition(":")
    segment, plus, waiter = rest.partition("+")
    waiter, _, pages = waiter.partition("/")
    if kind != "shm" or not plus or segment not in _SEGMENTS or waiter not in _WAITERS:
        return ""
    name = _SEGMENTS[segment] + (" in huge pages" if pages == "huge" else "")
    return name if spins else f"{name} + {_WAITERS[waiter]}"


def _buffered(base: str) -> str:
    """Name a facility with a buffer of a size: `pipe:1M`."""
    kind, colon, size = base.partition(":")
    if not colon or kind not in _NAMES or not size[:-1].isdigit() or size[-1] not in "KM":
        return ""
    return f"{_NAMES[kind]}, {size[:-1]} {size[-1]}iB buffer"
