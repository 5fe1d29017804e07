"""Handles of one process at a channel of shared memory: the segment, and the waiters it uses."""

from __future__ import annotations

from collections.abc import Callable

from ipcbench.transports.base import close_all
from ipcbench.transports.contract import Sharing, Ticket
from ipcbench.transports.native import WaitPolicy, built
from ipcbench.transports.segments.protocol import OwnedSegment, SegmentKind
from ipcbench.transports.sync.waiter import Waiter, WaiterKind


class Handles:
    """The opened segment and waiters of a ticket.

    Attributes:
        segment: the mapped segment.
        waiters: by their number in the layout; empty where processes sleep at words.
        natives: the same as capsules of native/waiters.h, where they are built.
    """

    segment: OwnedSegment

    def __init__(
        self,
        segments: SegmentKind,
        kind: WaiterKind,
        ticket: Ticket,
        policy: Callable[[int], WaitPolicy],
        place: Callable[[int], slice] | None = None,
    ) -> None:
        """Open them.

        Args:
            segments: the kind of the segment.
            kind: the kind of the waiters.
            ticket: the ticket, whose descriptors are taken over.
            policy: how a native end waits for the waiter of a number.
            place: the bytes of the waiter of a number, where waiters are in the segment.

        Raises: PeerGone (one was removed), OSError, and the errors of the segment's kind.
        """
        self.waiters: dict[int, Waiter] = {}
        self.natives: dict[int, object] = {}
        fds = list(ticket.take_fds())
        by_fd = segments.sharing is Sharing.DESCRIPTORS
        try:
            self.segment = segments.open(ticket.data["segment"], fds.pop(0) if by_fd else None)
        except BaseException:
            close_all(fds)
            raise
        try:
            for number, address in ticket.data["waiters"]:
                fd = fds.pop(0) if kind.sharing is Sharing.DESCRIPTORS else None
                memory = None
                if kind.in_memory and place is not None:
                    memory = self.segment.memory[place(number)]
                self.waiters[number] = waiter = kind.open(address, fd, memory)
                if built() is None:  # while it has a name
                    self.natives[number] = waiter.native(policy(number))
        except BaseException:
            close_all(fds)
            self.close()
            raise

    def close(self) -> None:
        """Close all. May be called twice."""
        self.natives = {}
        for waiter in self.waiters.values():
            waiter.close()
        self.segment.close()
