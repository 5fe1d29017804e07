"""Memory that several processes see, the newest value in it, and messages read where they lie.

Three small protocols. Shared memory's transports are built of the first; programs use all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Mapping(Enum):
    """How a process sees a segment."""

    SHARED = "shared"  # reads and writes what all see
    READ_ONLY = "read-only"
    PRIVATE = "private"  # its writes reach nobody else, copy on write


@dataclass(frozen=True, slots=True)
class SegmentState:
    """What the kernel says of a segment: shmctl(2) IPC_STAT, or fstat(2).

    `attached`, how many mappings there are, and `creator`, a pid, are None
    where the kernel keeps no such thing.
    """

    size: int
    mode: int
    owner: int
    attached: int | None = None
    creator: int | None = None


class Segment(Protocol):
    """Memory that several processes see."""

    @property
    def memory(self) -> memoryview:
        """The bytes, without a copy; not writable where they are mapped read-only."""

    def stat(self) -> SegmentState:
        """Ask the kernel about it."""

    def set_mode(self, mode: int) -> None:
        """Change who may open it from now on: shmctl(2) IPC_SET, or fchmod(2)."""

    def resize(self, size: int) -> None:
        """Let it grow, and map it anew: `memory` is another one then.

        Who has it open sees the old size until he opens it again.
        Raises: Unavailable where a segment keeps its size or there is no room,
        ValueError for a smaller one (pages would vanish under the others'
        feet), BufferError while views of the old `memory` are about.
        """

    def close(self) -> None:
        """Unmap. Twice is harmless; the object stays.

        Views of `memory` stay valid; the last one to go takes the map with it.
        """

    def unlink(self) -> None:
        """Remove its name. Twice is harmless."""


class Latest(Protocol):
    """The newest value of one publisher, for any number of readers, who miss what they miss."""

    def publish(self, value: bytes | memoryview, /) -> None:
        """Replace the value. Never waits. Raises: MessageTooLarge."""

    def read(self, deadline: float) -> bytes:
        """The newest value, whole; empty before the first one.

        Raises: TimedOut where the publisher was stopped in the middle.
        """

    def read_into(self, buffer: memoryview, /) -> int:
        """The same into a buffer, and without a deadline; its length in bytes.

        Raises: MessageTooLarge where the buffer is too small.
        """


class InPlace(Protocol):
    """An end whose messages are read where they were written, without a copy out.

    Its `recv_into` waits for a message, reads every byte of it where it lies
    (memchr(3) for a byte that is absent), gives the slot back, and leaves the
    buffer as it was; `peek` and `release` are those steps one by one. Its `send`
    copies into a free slot; `loan` and `commit` are for who writes there at once.

    What a view shows after its `release`, `commit` or the end's `close` is
    nobody's promise, but to look does no harm.
    """

    def loan(self, size: int, /) -> memoryview:
        """Wait for a free slot; its first `size` bytes, to be written until `commit`.

        Nothing else is sent meanwhile, and nothing else is lent.
        Raises: as `contract.Endpoint.send`; ValueError where another one is lent.
        """

    def commit(self, size: int, /) -> None:
        """Send the first `size` of the bytes that were lent.

        Raises: PeerGone, Closed; ValueError where not so many are lent.
        """

    def peek(self) -> memoryview:
        """Wait for a message; its bytes, valid until `release`."""

    def release(self) -> None:
        """Give the slot back to the sender."""
