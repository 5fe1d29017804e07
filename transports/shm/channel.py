"""The owner's side of shared memory: one segment, and the waiters around its lanes."""

from __future__ import annotations

from ipcbench.transports.base import check_seat, duplicate_all
from ipcbench.transports.contract import Closed, Role, Ticket
from ipcbench.transports.segments.protocol import OwnedSegment, SegmentKind
from ipcbench.transports.shm.layout import Layout
from ipcbench.transports.sync.waiter import Fixed, Waiter, WaiterKind


class ShmChannel:
    def __init__(self, segments: SegmentKind, kind: WaiterKind, layout: Layout) -> None:
        self._layout = layout
        self._closed = False
        self._segment: OwnedSegment | None = None
        self._waiters: list[Waiter] = []
        spec = layout.spec
        try:
            self._segment = segments.create(layout.size, spec.name)
            for number, initial in enumerate(layout.initials):
                fixed = None if spec.name is None else Fixed(spec.name, number)
                word = layout.word(self._segment.memory, number)
                self._waiters.append(kind.create(initial, fixed, word))
        except BaseException:
            self.close()
            self.unlink()
            raise

    def ticket(self, role: Role, index: int) -> Ticket:
        """Its descriptors are the segment's and the waiters', of those that have one."""
        spec = self._layout.spec
        check_seat(spec, role, index)
        if self._closed or self._segment is None:
            raise Closed("the channel is closed")
        fds = [self._segment.fd, *(waiter.fd for waiter in self._waiters)]
        data = {
            "segment": self._segment.address,
            "depth": self._layout.depth,
            "waiters": [waiter.address for waiter in self._waiters],
        }
        copies = duplicate_all(fd for fd in fds if fd is not None)
        return Ticket(role, index, spec, data=data, fds=copies)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            for waiter in self._waiters:
                waiter.close()
            if self._segment is not None:
                self._segment.close()

    def unlink(self) -> None:
        for waiter in self._waiters:
            waiter.unlink()
        if self._segment is not None:
            self._segment.unlink()
