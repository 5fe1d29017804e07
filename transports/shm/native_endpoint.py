"""One process's end of a word ring, by native operations: native/word_ring.h.

Compiled loops call the operations themselves. Python calls them one by one only on machines
where its own loads and stores may be reordered (sync/futex.py), although two calls take less
time than two turns of the loops of word_ring.py: 0.21 us for a message of 64 bytes, not 0.41,
and the same from 64 KiB on, where copying dominates. A measurement of Python is to show what
Python can do by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.transports.base import MappingEndpoint, close_all, forbidden
from ipcbench.transports.contract import Json, Sharing, Ticket
from ipcbench.transports.native import WaitPolicy, bind, operations, unbind
from ipcbench.transports.segments.protocol import OwnedSegment, SegmentKind
from ipcbench.transports.shm.layout import Layout
from ipcbench.transports.sync.futex import FutexWords, is_exclusive, usable_cpus

MOST_SLOTS = 2**24  # IPCBENCH_NUMBERS of native/word_ring.h


class AtomicEndpoint(MappingEndpoint):
    """A seat at word rings whose operations are native."""

    def __init__(
        self, segments: SegmentKind, kind: FutexWords, ticket: Ticket, *, in_place: bool
    ) -> None:
        self._kind = kind
        self._ticket = ticket
        self._in_place = in_place
        self._layout = Layout.of(ticket.spec, kind, ticket.data["depth"])
        self.depth: int | None = self._layout.depth
        self._exclusive_cpu = False
        self._native: object | None = None  # only one, since it knows which slot is next
        fds = list(ticket.take_fds())
        self._segment: OwnedSegment
        try:
            by_fd = segments.sharing is Sharing.DESCRIPTORS
            self._segment = segments.open(ticket.data["segment"], fds.pop(0) if by_fd else None)
        except BaseException:
            close_all(fds)
            raise
        try:
            self._bind()
        except BaseException:
            self.close()
            raise

    def _bind(self) -> None:
        if self._ticket.spec.native:
            self.send = self.recv_into = forbidden("its loops are compiled ones: Endpoint.native")
        else:
            bind(self, self._operations(interruptible=True), interruptible=True)

    def _operations(self, *, interruptible: bool) -> object:
        layout, spec, ticket = self._layout, self._ticket.spec, self._ticket
        incoming, outgoing = (
            tuple((layout.start(lane), layout.doorbell(lane)) for lane in lanes)
            for lanes in layout.seat(ticket.role, ticket.index)
        )
        policy = WaitPolicy(
            nowait=spec.nowait,
            exclusive_cpu=self._exclusive_cpu,
            looks=self._kind.looks,
            interruptible=interruptible,
        )
        return operations.word_ring(
            None, self._segment.memory, spec.size, layout.depth, incoming, outgoing,
            ticket.serves_hub, self._in_place, policy,
        )  # fmt: skip

    def native(self) -> object | None:
        if self._native is None and self._ticket.spec.native:
            self._native = self._operations(interruptible=False)
        return None if self._native is None else operations.with_owner(self, self._native)

    def hello(self) -> Json:
        return usable_cpus()

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Stop yielding the CPU between looks, if no other process uses it."""
        self._exclusive_cpu = is_exclusive(usable_cpus(), hellos)
        self._native = None  # no message was transferred yet, and the policy has changed
        if self._exclusive_cpu:
            self._bind()

    def close(self) -> None:
        unbind(self)  # the calls keep the segment mapped
        super().close()

    def _close(self) -> None:
        self._native = None
        self._segment.close()
