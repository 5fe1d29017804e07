"""Shared memory, the newest value in it, and messages that are read where they were written.

Small protocols. The shared memory transports are built of the first; programs use all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol


class Mapping(Enum):
    """The way in which a process maps a segment."""

    SHARED = "shared"  # reads and writes reach all processes
    READ_ONLY = "read-only"
    PRIVATE = "private"  # its writes reach no other process: copy on write


@dataclass(frozen=True, slots=True)
class SegmentState:
    """The kernel's data about a segment: shmctl(2) IPC_STAT, or fstat(2).

    `attached`, the number of mappings, and `creator`, a pid, are None where
    the kernel keeps no such thing.
    """

    size: int
    mode: int
    owner: int
    attached: int | None = None
    creator: int | None = None


class Segment(Protocol):
    """Memory that several processes share."""

    @property
    def memory(self) -> memoryview:
        """The bytes, without a copy; not writable where they are mapped read-only."""

    def stat(self) -> SegmentState:
        """Return the kernel's data about it."""

    def set_mode(self, mode: int) -> None:
        """Change the permissions for later openings: shmctl(2) IPC_SET, or fchmod(2).

        Args:
            mode: as of chmod(2).
        """

    def resize(self, size: int) -> None:
        """Make it larger, and map it again: `memory` is another view afterwards.

        A process that has it open sees the old size until it opens it again.

        Args:
            size: the new size in bytes.

        Raises:
            Unavailable: a segment of this kind keeps its size, or there is no room.
            ValueError: the size is smaller, which would take pages from other processes.
            BufferError: views of the old `memory` are in use.
        """

    def close(self) -> None:
        """Unmap it; the object stays. May be called twice.

        Views of `memory` stay valid; the last one releases the mapping.
        """

    def unlink(self) -> None:
        """Remove its name. May be called twice."""


class Newest(Protocol):
    """An end of a NEWEST, in addition to the calls of every endpoint but `send` and `recv_into`.

    The sender has `publish`, a receiver the others. No call sleeps, and none waits for another
    process: a receiver may miss values, and never gets a part of one.
    """

    def publish(self, value: Any, /) -> None:
        """Replace the value. A facility that is full may keep an older value instead.

        Args:
            value: what `prepare` returned, which is the memory that it was given: what is
                written there before the call is published. Of a stream it has the spec's size.

        Raises:
            MessageTooLarge: the value is longer than the spec's size.
            PeerGone: all receivers are gone.
            Closed: this end was closed.
        """

    def read_into(self, buffer: memoryview, /) -> int:
        """Copy the newest value into a buffer, and return its length.

        Return 0 where no newer one than the last one of this end can be had now. Then the
        content of the buffer is undefined, and the call has yielded the CPU unless
        `Spec.exclusive_cpus` is set.

        Args:
            buffer: as large as the spec's size, or smaller.

        Raises:
            MessageTooLarge: the buffer is too small.
            PeerGone: no value can come any more.
            Closed: this end was closed.
        """

    def torn(self) -> int:
        """Return how many copies this end has discarded: they were changed while it copied."""


class InPlace(Protocol):
    """An end whose messages are read where they were written, without a copy out.

    Its `recv_into` waits for a message, reads every byte of it in place
    (memchr(3) for a byte that is absent), gives the slot back, and leaves the
    buffer as it was; `peek` and `release` are those steps one by one. Its `send`
    copies into a free slot; `loan` and `commit` are for a sender that writes there.

    The content of a view after its `release` or `commit`, or after the end's `close`,
    is undefined, but reading it does no harm.
    """

    def loan(self, size: int, /) -> memoryview:
        """Wait for a free slot, and return its first `size` bytes, to be written until `commit`.

        Nothing else can be sent or lent in the meantime.

        Args:
            size: the length of the message.

        Raises:
            ValueError: another slot is lent.
            MessageTooLarge, WouldBlock, PeerGone, Closed: as `Endpoint.send`.
        """

    def commit(self, size: int, /) -> None:
        """Send the first bytes of those that were lent.

        Args:
            size: the length of the message.

        Raises:
            ValueError: fewer bytes are lent.
            PeerGone, Closed: as `Endpoint.send`.
        """

    def peek(self) -> memoryview:
        """Wait for a message, and return its bytes, valid until `release`.

        Raises:
            MessageTooLarge: another process has written a length beyond the slot, which is
                released. That message alone is lost.
            WouldBlock, PeerGone, Closed: as `Endpoint.recv_into`.
        """

    def release(self) -> None:
        """Give the slot back to the sender."""
