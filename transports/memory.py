"""Memory that several processes see, and the newest value in it: two small protocols.

Shared memory's transports are built of the first; programs use both.
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
