"""NumPy arrays as messages: a process writes one and sends it, receives one and reads it.

numpy is imported by the processes of cells with this payload, and by no others: its import takes
a tenth of a second and some 20 MB.

The ways of a transport decide how an array gets across. Where messages are pickled objects, the
array itself is sent, and another one is received. In place, a slot is an array while it is written
or read. Else its bytes are sent, and received into the memory of an array that is there already.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import cycle
from typing import Any

from ipcbench.bench.loops.payloads.pool import ABSENT, Pool, ready, values

SHAPES = {1080 * 1920 * 3: (1080, 1920, 3), 2160 * 3840 * 3: (2160, 3840, 3)}  # of video frames


def numpy() -> Any:
    """Import numpy, without a thread of its own on each CPU: that is for linear algebra."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import numpy as np

    return np


class Arrays:
    """Arrays of one size, and the calls of a process that transfers them."""

    def __init__(self, size: int, buffers: int, prepare: Callable[[memoryview], Any]) -> None:
        self._np = numpy()
        self._size, self._buffers, self._prepare = size, buffers, prepare
        self._turns: list[tuple[Any, memoryview]] = []
        self.last: Any = None  # the array that was received last, where it can be kept

    def over(self, memory: Any) -> Any:
        """Return an array of the size's shape over memory."""
        found = self._np.frombuffer(memory, self._np.uint8)
        shape = SHAPES.get(self._size)
        return found.reshape(shape) if shape else found

    def full_of(self, value: int) -> Any:
        """Return a new array, full of one value."""
        return self.over(bytearray([value]) * self._size)

    def pool(self) -> list[tuple[Any, memoryview]]:
        """Return the arrays that are written in turn, each with its memory."""
        if not self._turns:
            pool = Pool(self._size, self._buffers)
            self._turns = [(self.over(buffer), buffer) for buffer in pool.buffers]
        return self._turns

    def writer(self, endpoint: Any, first: int) -> Callable[[], object]:
        """Make the call that writes every byte of an array, and sends it.

        Args:
            endpoint: the process's end.
            first: the number of the first message, from which values and arrays follow.
        """
        if hasattr(endpoint, "loan"):
            return self._writer_in_place(endpoint, first)
        (arrays, memory), send = zip(*self.pool(), strict=True), endpoint.send
        renew: Any
        renew, sent = ready(self._prepare, memory)
        pool = list(zip(arrays, sent, strict=True))
        at = first % len(pool)
        turns = zip(cycle(pool[at:] + pool[:at]), values(first), strict=False)

        def write_object() -> None:
            (array, _), value = next(turns)
            array[:] = value
            send(array)

        def write() -> None:
            (array, data), value = next(turns)
            array[:] = value
            send(data)

        def write_copy() -> None:
            (array, data), value = next(turns)
            array[:] = value
            send(renew(data))

        if hasattr(endpoint, "recv_object"):
            return write_object
        return write if renew is None else write_copy

    def _writer_in_place(self, endpoint: Any, first: int) -> Callable[[], object]:
        loan, commit, over, size = endpoint.loan, endpoint.commit, self.over, self._size
        turns = values(first)

        def write() -> None:
            over(loan(size))[:] = next(turns)
            commit(size)

        return write

    def reader(self, endpoint: Any, buffer: memoryview) -> Callable[[], bool]:
        """Make the call that receives an array and reads every byte: the maximum is of all.

        It says whether all bytes are values of messages.

        Args:
            endpoint: the process's end.
            buffer: memory for a message, where its bytes are received.
        """
        if hasattr(endpoint, "peek"):
            return self._reader_in_place(endpoint)
        recv_into, array = endpoint.recv_into, self.over(buffer)

        def read() -> bool:
            recv_into(buffer)
            return bool(array.max() != ABSENT)

        if hasattr(endpoint, "recv_object"):
            return self._reader_of_objects(endpoint.recv_object)
        self.last = array
        return read

    def _reader_of_objects(self, recv_object: Callable[[], Any]) -> Callable[[], bool]:
        def read() -> bool:
            self.last = array = recv_object()
            return bool(array.max() != ABSENT)

        return read

    def _reader_in_place(self, endpoint: Any) -> Callable[[], bool]:
        peek, release, over = endpoint.peek, endpoint.release, self.over

        def read() -> bool:
            found = over(peek()).max() != ABSENT
            release()
            return bool(found)

        return read

    def copy_last(self, buffer: memoryview) -> None:
        """Copy the array that was received last into a buffer, where it is not there already."""
        if self.last is not None:
            self.over(buffer)[:] = self.last
