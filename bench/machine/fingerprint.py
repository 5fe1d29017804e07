"""Measurement of a machine's fingerprint."""

from __future__ import annotations

import contextlib
import mmap
import os
import time
from collections.abc import Callable, Iterator
from itertools import repeat

from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.machine.host import machine
from ipcbench.bench.results.entries.fingerprint import Fingerprint, fingerprint_of
from ipcbench.bench.results.entries.machine import MachineInfo

BLOCK = 64 << 10  # bytes of the copy
APART = 2 << 10  # so that no load of the copy has the low 12 address bits of a store before it
CALLS, COPIES = 100, 25  # of a batch: about 15 µs, shorter than most disturbances
LEAST = 100  # batches: on a busy machine the span may hold a single one
WARM_UP, SPAN = 0.01, 0.04  # seconds: of the clock rate, and of each time
MADE_UP = (1e-7, 1e-6)  # under a made-up clock


def measure(here: MachineInfo | None = None, clock: str = REAL) -> Fingerprint:
    """Return the fingerprint of this machine, in about 0.1 s.

    Args:
        here: the description of this machine, where it is known.
        clock: any other than the real one has made-up times.
    """
    here = machine() if here is None else here
    if clock != REAL:
        return fingerprint_of(here, *MADE_UP)
    with _on_one_cpu(here):
        _fastest(os.getppid, CALLS, WARM_UP)
        system_call = _fastest(os.getppid, CALLS, SPAN)
        copy_64k = _fastest_copy()
    return fingerprint_of(here, system_call, copy_64k)


def _fastest_copy() -> float:
    whole = slice(None)
    with (
        mmap.mmap(-1, 2 * BLOCK + APART) as memory,
        memoryview(memory) as view,
        view[:BLOCK] as source,
        view[BLOCK + APART :] as target,
    ):
        source[:] = bytes(range(256)) * (BLOCK // 256)
        return _fastest(lambda: target.__setitem__(whole, source), COPIES, SPAN)


def _fastest(call: Callable[[], object], calls: int, span: float) -> float:
    """Return the seconds of a call in the fastest batch: the one that nothing disturbed."""
    end, fastest, batches = time.perf_counter() + span, 1.0, 0
    while (start := time.perf_counter()) < end or batches < LEAST:
        for _ in repeat(None, calls):
            call()
        fastest = min(fastest, (time.perf_counter() - start) / calls)
        batches += 1
    return fastest


@contextlib.contextmanager
def _on_one_cpu(here: MachineInfo) -> Iterator[None]:
    """Pin this thread to a CPU of the kind that pinned processes run on."""
    kinds = [kind.cpus for kind in here.cores if kind.used]
    before = os.sched_getaffinity(0)
    chosen = before & {*(kinds[0] if kinds else here.cpus)}
    try:
        if chosen:
            with contextlib.suppress(OSError):  # the CPUs that are allowed may change meanwhile
                os.sched_setaffinity(0, {max(chosen)})
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, before)
