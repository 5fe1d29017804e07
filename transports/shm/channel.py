"""The owner's side of shared memory: one segment, and the waiters of its layout."""

from __future__ import annotations

from typing import TypeAlias

from ipcbench.transports.base import PlainChannel, duplicate_all
from ipcbench.transports.contract import Role, Ticket
from ipcbench.transports.segments.protocol import OwnedSegment, SegmentKind
from ipcbench.transports.shm.counted_layout import CountedLayout
from ipcbench.transports.shm.layout import RingLayout
from ipcbench.transports.sync.futex import FutexWords
from ipcbench.transports.sync.waiter import Fixed, Waiter, WaiterKind

Layout: TypeAlias = RingLayout | CountedLayout


class ShmChannel(PlainChannel):
    """A segment and its waiters, which the owner created; words need nothing else."""

    _segment: OwnedSegment

    def __init__(self, segments: SegmentKind, kind: WaiterKind, layout: Layout) -> None:
        super().__init__(layout.seats.spec)
        self._layout = layout
        self._waiters: list[Waiter] = []
        name = self._spec.name
        self._segment = segments.create(layout.size, name)
        try:
            counters = [] if isinstance(kind, FutexWords) else layout.counters
            for number, initial in enumerate(counters):
                fixed = None if name is None else Fixed(name, number)
                self._waiters.append(kind.create(initial, fixed, self._place_of(kind, number)))
        except BaseException:
            self.close()
            self.unlink()
            raise

    def _place_of(self, kind: WaiterKind, number: int) -> memoryview | None:
        """Return the memory of a counter that lives in memory."""
        if not kind.in_memory or isinstance(self._layout, CountedLayout):
            return None
        return self._segment.memory[self._layout.counter(number)]

    def _ticket(self, role: Role, index: int) -> Ticket:
        """Make a ticket with the segment, and with the waiters that the seat uses."""
        used = self._layout.opened(role, index) if self._waiters else []
        fds = [self._segment.fd, *(self._waiters[number].fd for number in used)]
        data = {
            "segment": self._segment.address,
            "depth": self._layout.seats.depth,
            "waiters": [[number, self._waiters[number].address] for number in used],
        }
        copies = duplicate_all(fd for fd in fds if fd is not None)
        return Ticket(role, index, self._spec, data=data, fds=copies)

    def _close(self) -> None:
        for waiter in self._waiters:
            waiter.close()
        self._segment.close()

    def unlink(self) -> None:
        for waiter in self._waiters:
            waiter.unlink()
        self._segment.unlink()
