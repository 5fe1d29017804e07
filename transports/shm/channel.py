"""The owner's side of shared memory: one segment, and the waiters of its lanes."""

from __future__ import annotations

from ipcbench.transports.base import PlainChannel, duplicate_all
from ipcbench.transports.contract import Role, Ticket
from ipcbench.transports.segments.protocol import OwnedSegment, SegmentKind
from ipcbench.transports.shm.layout import Layout
from ipcbench.transports.sync.waiter import Fixed, Waiter, WaiterKind


class ShmChannel(PlainChannel):
    """A segment and its waiters, which the owner created."""

    _segment: OwnedSegment

    def __init__(self, segments: SegmentKind, kind: WaiterKind, layout: Layout) -> None:
        super().__init__(layout.spec)
        self._layout = layout
        self._waiters: list[Waiter] = []
        spec = layout.spec
        self._segment = segments.create(layout.size, spec.name)
        try:
            for number, initial in enumerate(layout.initials):
                fixed = None if spec.name is None else Fixed(spec.name, number)
                word = layout.word(self._segment.memory, number)
                self._waiters.append(kind.create(initial, fixed, word))
        except BaseException:
            self.close()
            self.unlink()
            raise

    def _ticket(self, role: Role, index: int) -> Ticket:
        """Make a ticket with the descriptors of the segment and of the waiters that have one."""
        fds = [self._segment.fd, *(waiter.fd for waiter in self._waiters)]
        data = {
            "segment": self._segment.address,
            "depth": self._layout.depth,
            "waiters": [waiter.address for waiter in self._waiters],
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
