"""One process's side of a run, of the worker and of a peer alike: check and timed blocks."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from typing import Any

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Loop, Span, Stamped
from ipcbench.bench.patterns.part import Seat
from ipcbench.transports.base import refused
from ipcbench.transports.contract import Endpoint
from ipcbench.transports.native import native_of

# The byte that fills a message. Memory that was never written is the kernel's one page of
# zeros, which is always cached: sending from there is a third too quick at 1 MiB.
WRITTEN = b"\x01"


class BlockRunner:
    """An endpoint with the loop, the message and the buffer of its part.

    `variable`: the eight bytes that all processes of a run share. `native`: the compiled
    loops run over the endpoint's native operations.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        seat: Seat,
        size: int,
        clock: Clock,
        variable: memoryview,
        *,
        native: bool,
    ) -> None:
        self.endpoint: Any = endpoint
        self.seat = seat
        self.size = size
        self.clock = clock
        self._native = native
        self.loop: Loop = seat.part.loop
        self.stamped: Stamped | None = seat.part.stamped
        self.buffer = seat.part.buffer(size, variable)
        self.message: Any = aligned_buffer(size)
        self.message[:] = WRITTEN * size
        if not native:
            self.message = endpoint.prepare(self.message)

    def connect(self, hellos: Sequence[object], deadline: float) -> None:
        """Finish attaching; a native run uses the native operations alone from here on.

        Raises: Unavailable (a loop without a twin), and what the endpoint raises.
        """
        self.endpoint.connect(hellos, deadline)
        if self._native:
            self.endpoint = native_of(self.endpoint)
            self.loop = native_loops.twin(self.loop)
            self.stamped = self.stamped and native_loops.stamped_twin(self.stamped)

    def check(self) -> list[int]:
        """Run this side of the check; return the numbers that a competing receiver got.

        Raises: Corrupt, and what the endpoint raises.
        """
        return self.seat.part.check(self.endpoint, self.seat, self.size)

    def prepare(self, count: int) -> Callable[[], Span]:
        """Make ready for a block of `count` loops; return the function that runs it."""
        times, arguments = count * self.seat.share, self.seat.part.arguments
        self.clock.begin(times or count)
        finish = self.seat.part.finish(self.endpoint, self.seat, self.size)

        def run() -> Span:
            span = self.loop(
                self.endpoint, self.message, self.buffer, times, self.clock, *arguments
            )
            finish()
            return span

        return run

    def prepare_stamped(self, count: int, durations: list[int]) -> Callable[[], Span]:
        """Make ready for a stamped pass, which appends its durations; return its function."""
        stamped, now, arguments = self.stamped, self.clock.now, self.seat.part.arguments
        assert stamped is not None
        self.clock.begin(count)

        def run() -> Span:
            start = now()
            durations.extend(
                stamped(self.endpoint, self.message, self.buffer, count, self.clock, *arguments)
            )
            return Span(start, now(), count)

        return run


def pin_and_disable_gc(cpus: Sequence[int]) -> None:
    """Pin this process, and keep garbage collection out of the timed loops.

    Raises: Unavailable where the CPUs are not allowed, or not any more: sched_setaffinity(2).
    """
    try:
        os.sched_setaffinity(0, cpus)
    except OSError as error:
        named = ", ".join(map(str, cpus))
        gone = "the CPUs of this process have changed: measure anew"
        raise refused(f"sched_setaffinity(2) to CPU {named}", error, gone) from error
    gc.disable()
