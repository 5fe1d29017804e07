"""Latest value of one publisher, in shared memory, with a sequence lock.

The publisher makes the count odd, writes, and makes the count even. A reader that finds
the count odd, or changed after its copy, has a torn value and tries again. The publisher
never waits for a reader, and a reader waits for one write at most.

Without fences this needs a machine that keeps the order of its stores and of its loads:
x86 does (Intel SDM 3A, 8.2.2), also for string operations (8.2.4). A reader that copied a
byte of a later value sees the odd count that was stored before it.
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
    """A `contract.Latest` over a segment's memory, which is zero at first.

    Its largest value is the segment's size less 64 bytes. `retries` counts the torn
    values that were discarded.
    """

    def __init__(self, segment: Segment) -> None:
        """Make the views. Raises: Unavailable on a machine that reorders loads and stores."""
        if not ORDERED:
            raise Unavailable(
                f"plain loads and stores stay in order on x86-64 alone, and this is "
                f"{platform.machine()}: it needs the native runtime's atomics"
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
                length = self._length[0]
                value = bytes(self._value[:length])
                if self._count[0] == before:
                    if length > len(value):  # another process has written it
                        raise MessageTooLarge(f"read: {length} bytes of {len(value)}")
                    return value
            self.retries += 1
            if time.monotonic() > deadline:
                raise TimedOut("the publisher did not finish its value in time")
            os.sched_yield()  # the publisher may be waiting for this CPU

    def read_into(self, buffer: memoryview, /) -> int:
        count, lengths, value = self._count, self._length, self._value
        while True:
            before = count[0]
            if not before & 1:
                length: int = lengths[0]
                fits = length <= len(buffer) and length <= len(value)
                if fits:
                    buffer[:length] = value[:length]
                if count[0] == before:
                    if not fits:
                        room = min(len(buffer), len(value))
                        raise MessageTooLarge(f"read: {length} bytes for {room}")
                    return length
            self.retries += 1
            os.sched_yield()

    def close(self) -> None:
        """Release the segment's memory. May be called twice."""
        for view in (self._count, self._length, self._value):
            view.release()


def _publisher(count: memoryview, lengths: memoryview, value: memoryview) -> Any:
    size = len(value)
    number = count[0] + (count[0] & 1)  # an earlier publisher may have been killed while it wrote

    def publish(data: bytes | memoryview, /) -> None:
        nonlocal number
        length = len(data)
        if length > size:
            raise MessageTooLarge(f"publish: {length} bytes into {size}")
        count[0] = number + 1
        value[:length] = data
        lengths[0] = length
        number += 2
        count[0] = number

    return publish
