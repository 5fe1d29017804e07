"""The newest value of one publisher, in shared memory, under a sequence lock.

The publisher makes the count odd, writes, and makes it even; a reader who finds
it odd, or changed after his copy, has read a torn value and tries again. Nobody
waits for a reader, and a reader waits for no more than one write.

Without fences that takes a machine that keeps its stores in order, and its loads:
x86 does (Intel SDM 3A, 8.2.2), with string operations among them (8.2.4). So who
copied a byte of a later value sees the count that came before it, odd at least.
"""

from __future__ import annotations

import os
import platform
import time
from typing import Any

from ipcbench.transports.contract import MessageTooLarge, Segment, TimedOut, Unavailable
from ipcbench.transports.sync.futex import ORDERED

_HEAD = 64  # a cache line: the count, and the length


class LatestValue:
    """A `contract.Latest` over a segment's memory, which starts out as zeros.

    Its largest value is the segment's size less 64 bytes. `retries` counts the
    torn reads that a reader found out.
    """

    def __init__(self, segment: Segment) -> None:
        """Raises: Unavailable on a machine that reorders."""
        if not ORDERED:
            raise Unavailable(
                f"plain loads and stores stay in order on x86-64 alone, and this is "
                f"{platform.machine()}: it takes the native runtime's atomics"
            )
        memory = segment.memory
        self._count = memory[:8].cast("Q")
        self._length = memory[8:16].cast("Q")
        self._value = memory[_HEAD:]
        self.retries = 0
        self.publish: Any = _publisher(self._count, self._length, self._value)

    def read(self, deadline: float) -> bytes:
        while True:
            before = self._count[0]
            if not before & 1:
                value = bytes(self._value[: self._length[0]])
                if self._count[0] == before:
                    return value
            self.retries += 1
            if time.monotonic() > deadline:
                raise TimedOut("the publisher did not finish its value in time")
            os.sched_yield()  # it may be waiting for this very CPU

    def read_into(self, buffer: memoryview, /) -> int:
        count, lengths, value = self._count, self._length, self._value
        while True:
            before = count[0]
            if not before & 1:
                length: int = lengths[0]
                if length <= len(buffer):
                    buffer[:length] = value[:length]
                if count[0] == before:
                    if length > len(buffer):
                        raise MessageTooLarge(f"read: {length} bytes for {len(buffer)}")
                    return length
            self.retries += 1
            os.sched_yield()

    def close(self) -> None:
        """Let go of the segment's memory. Twice is harmless."""
        for view in (self._count, self._length, self._value):
            view.release()


def _publisher(count: memoryview, lengths: memoryview, value: memoryview) -> Any:
    room = len(value)
    number = count[0] + (count[0] & 1)  # a publisher before us may have been stopped half-way

    def publish(data: bytes | memoryview, /) -> None:
        nonlocal number
        length = len(data)
        if length > room:
            raise MessageTooLarge(f"publish: {length} bytes into {room}")
        count[0] = number + 1
        value[:length] = data
        lengths[0] = length
        number += 2
        count[0] = number

    return publish
