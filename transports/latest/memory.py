"""Newest value in shared memory: a sequence lock over one buffer, or over several in turn.

The protocol and its layout are those of native/newest.h. Without fences this needs a machine that
keeps the order of its stores and of its loads: x86 does (Intel SDM 3A, 8.2.2), also for string
operations (8.2.4). The stores past the caches by which memcpy(3) may copy large values are an
exception: a fence keeps them behind the store of the sequence. Elsewhere Python calls the native
operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.latest.ends import Publish, ReadNewest
from ipcbench.transports.sync.fence import fence_calls

LINES = 128  # a pair of cache lines
PAGE = 4096
STREAMED = 0x4040  # bytes from which on memcpy(3) may store past the caches: as in newest.h
_WORDS = LINES // 8  # of a head


@dataclass(frozen=True, slots=True)
class NewestLayout:
    """The places of a segment for values of up to `size` bytes in so many buffers."""

    size: int
    buffers: int

    @property
    def values(self) -> int:
        """The place of the first buffer."""
        return _aligned(LINES * (1 + self.buffers), self._alignment)

    @property
    def stride(self) -> int:
        """The bytes from one buffer to the next."""
        return _aligned(self.size, self._alignment)

    @property
    def bytes(self) -> int:
        return self.values + self.buffers * self.stride

    @property
    def _alignment(self) -> int:
        return PAGE if self.size >= PAGE else LINES


def _aligned(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


class NewestMemory:
    """The views of a segment: the number of the newest value, the heads, and the buffers.

    Head k has the sequence of buffer k at `heads[k * step]`, and the length behind it.
    """

    step = _WORDS

    def __init__(self, memory: memoryview, layout: NewestLayout) -> None:
        self.newest = memory[:8].cast("Q")
        self.heads = memory[LINES : LINES * (1 + layout.buffers)].cast("Q")
        self.buffers = [
            memory[start : start + layout.size]
            for start in range(layout.values, layout.bytes, layout.stride)
        ]

    def last_whole(self) -> int:
        """Return the number of the newest whole value; an earlier sender may have been killed."""
        return self.heads[0] // 2 if len(self.buffers) == 1 else self.newest[0]


def publisher(memory: NewestMemory, size: int) -> Publish:
    """Make the `publish` of the one sender.

    Args:
        memory: the segment.
        size: the largest value, in bytes.
    """
    newest, heads, buffers, step = memory.newest, memory.heads, memory.buffers, memory.step
    number, count = memory.last_whole(), len(buffers)
    fence, fenced = fence_calls()

    def publish(data: bytes | memoryview, /) -> None:
        nonlocal number
        length = len(data)
        if not 0 < length <= size:
            raise MessageTooLarge(f"publish: {length} bytes, of 1 to {size}")
        number += 1
        place = number % count
        at = place * step
        heads[at] = 2 * number - 1
        if length >= STREAMED:
            try:
                fence()
            finally:
                fenced()
        buffers[place][:length] = data
        heads[at + 1] = length
        heads[at] = 2 * number
        newest[0] = number

    return publish


def reader(
    memory: NewestMemory, pass_time: Callable[[], object]
) -> tuple[ReadNewest, Callable[[], int]]:
    """Make the `read_into` and the `torn` of a receiver.

    Args:
        memory: the segment.
        pass_time: called where there is no newer value.
    """
    newest, heads, buffers, step = memory.newest, memory.heads, memory.buffers, memory.step
    count, most = len(buffers), len(buffers[0])
    seen = discarded = 0

    def read_into(buffer: memoryview, /) -> int:
        nonlocal seen, discarded
        number = newest[0] if count > 1 else heads[0] // 2
        place = number % count
        at = place * step
        if number == seen or heads[at] != 2 * number:
            pass_time()
            return 0
        length: int = heads[at + 1]
        fits = length <= len(buffer) and length <= most  # another process may write any length
        if fits:
            buffer[:length] = buffers[place][:length]
        if heads[at] != 2 * number:
            discarded += 1
            pass_time()
            return 0
        if not fits:
            raise MessageTooLarge(f"read: {length} bytes for {min(len(buffer), most)}")
        seen = number
        return length

    return read_into, lambda: discarded
