"""One process's side of a run, of the worker and of a peer alike: check and timed blocks."""

from __future__ import annotations

import gc
import os
from array import array
from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.both_ends import natively
from ipcbench.bench.loops.buffers import written_buffer
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.delays.slow_end import slow_end
from ipcbench.bench.loops.loop import Loop, Span, Stamped, durations
from ipcbench.bench.loops.messages import Corrupt
from ipcbench.bench.loops.open_loop.timetable import Timetable
from ipcbench.bench.loops.payloads.arrays import Arrays
from ipcbench.bench.loops.payloads.pool import Messages, Pool, compare_with_any, start_of
from ipcbench.bench.patterns.newest.board import row_of
from ipcbench.bench.patterns.part import Board, Part, Seat
from ipcbench.bench.results.histogram import count as counted
from ipcbench.bench.workers.process import Timed, usage
from ipcbench.transports.base import refused
from ipcbench.transports.contract import Endpoint

NO_BOARD = memoryview(b"").cast("Q")
FIRST = 100  # the number of a first sender's first message in timed blocks; 0 in a rehearsal


class BlockRunner:
    """An endpoint with the loop, the messages and the buffer of its part.

    `variable`: the eight bytes that all processes of a run share. `native`: the compiled
    loops run over the endpoint's native operations. `part`: that of the seat, over the transport
    of the endpoint; None: as it is. `buffers`: the buffers of the pool, where
    the part writes its messages anew. `timetable`: of an open loop. `board`: the words of
    bench/patterns/newest/board.py.
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
        part: Part | None = None,
        buffers: int = 1,
        timetable: Timetable | None = None,
        board: memoryview = NO_BOARD,
    ) -> None:
        self.endpoint: Any = endpoint
        self.seat = seat
        self.part = part or seat.part
        self.size = size
        self.clock = clock
        self._native = native
        self._board = board
        self.loop: Loop = self.part.loop
        self.stamped: Stamped | None = self.part.stamped
        self.arguments: tuple[Any, ...] = self.part.arguments
        self._timetable = timetable
        self._stamps = array("q")
        self._first = FIRST
        self._loops = 0  # loops of all blocks so far
        reads_board = self.part.board is Board.READS
        self.buffer = board if reads_board else self.part.buffer(size, variable)
        self.message: Any = self._message(buffers)

    def _message(self, buffers: int) -> Any:
        """Make what the loop takes as its message."""
        prepare = self.endpoint.prepare
        if self.part.board is Board.WRITES:
            return row_of(self._board, self.seat.index)
        if self.part.arrays:
            return Arrays(self.size, buffers, prepare)
        if self.part.pool:
            pool = Pool(self.size, buffers)
            return pool.memory if self._native else Messages(pool, prepare)
        message = self.buffer if self.part.marks else written_buffer(self.size)
        return message if self._native else prepare(message)

    def connect(self, hellos: Sequence[object], deadline: float) -> None:
        """Finish attaching; a native run uses the native operations alone from here on.

        Raises: Unavailable (a loop without a twin), and what the endpoint raises.
        """
        self.endpoint.connect(hellos, deadline)
        if self._native:
            self.endpoint = natively(self.endpoint)
            self.loop = native_loops.twin(self.loop)
            self.stamped = self.stamped and native_loops.stamped_twin(self.stamped)

    def check(self, step: int = 0) -> list[int]:
        """Run this side of a step of the check; return the numbers that a competing receiver got.

        The first step is that of all channels, the others are those of the rehearsal.
        Raises: Corrupt, and what the endpoint raises.
        """
        if step:
            return self._rehearse(step - 1)
        seen = self.part.check(self.endpoint, self.seat, self.size)
        self.part.proof(self.endpoint, self.seat, self.size, self._board)
        return seen

    def _rehearse(self, step: int) -> list[int]:
        def run(loops: int) -> int:
            self._first, self._loops = 0, 0
            return self.prepare(loops)().span.handled

        seen = self.part.rehearse[step](self.endpoint, self.seat, self.size, run)
        self._first, self._loops = FIRST, 0
        return seen

    def prepare(
        self,
        count: int,
        stamps: int = 0,
        cpu_times: Callable[[], list[float | None]] = list,
        turns: int = 0,
    ) -> Callable[[], Timed]:
        """Make ready for a block of `count` loops; return the function that runs it.

        Where the part has a stamped loop, the last `stamps` of them are timed one by one: see
        `tail`. `cpu_times` reads those of the other processes: they are kept in the result.
        `turns`: of the delay that each message spends here; 0: none.
        """
        times, arguments = count * self.seat.share, self.arguments
        if self.part.numbers:
            arguments += (self._number(self.seat.index) + self._loops * self.seat.share,)
        if self.part.marks:
            arguments += (self.seat.share,)  # a message for each receiver in each loop
        if self.part.times is not None:
            assert self._timetable is not None  # an open loop has one
            arguments += (self.part.times(self._timetable, times),)
        self._loops += count
        loop = self._stamping(self.stamped, stamps) if stamps and self.stamped else self.loop
        self.clock.begin(times or count)
        endpoint = self.endpoint
        if turns:
            endpoint = slow_end(endpoint, turns, starts=self.part.starts)
        finish = self.part.finish(self.endpoint, self.seat, self.size)

        def run() -> Timed:
            before = usage()
            # A system call may let another process run when it returns, and no earlier: the
            # clocks of the others are the first ones that are read after the loop.
            at_start = cpu_times()
            before.cpu = process_time()
            span = loop(endpoint, self.message, self.buffer, times, self.clock, *arguments)
            at_end = cpu_times()
            finish()
            cpu = process_time()
            after = usage()
            after.cpu = cpu
            if self.part.reads and times:
                self._compare(span, times)
            return Timed(span, before, after, at_start, at_end)

        return run

    def _compare(self, span: Span, times: int) -> None:
        """Compare the messages read with those received, and the last one with what was sent.

        Raises: Corrupt.
        """
        if span.handled != times:
            raise Corrupt(
                f"{self.part.name}: of {times} messages, {span.handled} were read to their end"
            )
        here = self.seat
        senders = range(here.index, here.index + here.share)  # each has sent one message a loop
        compare_with_any(self.buffer, [self._number(one) + self._loops - 1 for one in senders])

    def _number(self, sender: int) -> int:
        """Return the number of the first message of a sender."""
        return self._first + start_of(sender)

    def _stamping(self, stamped: Stamped, stamps: int) -> Loop:
        found = self._stamps = array("q", bytes(8 * (stamps + 1)))

        def loop(
            endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, *rest: Any
        ) -> Span:
            start = clock.now()
            stamped(endpoint, message, buffer, count, clock, found, *rest)
            return Span(start, clock.now(), count)

        return loop

    def tail(self) -> dict[int, int]:
        """Return the single times of the last block as a histogram, empty if it had none."""
        return dict(counted(durations(self._stamps)))


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
