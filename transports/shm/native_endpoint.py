"""One process's end of a ring over words, by native operations: native/word_ring.h.

Compiled loops take the operations themselves. Python calls them one by one on machines
where its own loads and stores would not do (words.py), and only there, though two calls are
quicker than two turns of the loops of word_ring.py: 0.21 us a message of 64 bytes against
0.41, and alike from 64 KiB on, where it is all copying. What is measured from Python is what
Python can do by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipcbench.transports.base import PlainEndpoint, close_all, closed, forbidden
from ipcbench.transports.contract import Json, Sharing, Ticket
from ipcbench.transports.native import WaitPolicy, bind, operations, unbind
from ipcbench.transports.segments.protocol import OwnedSegment, SegmentKind
from ipcbench.transports.shm.layout import Layout
from ipcbench.transports.sync.futex import Words, alone_on, cpus

MOST_SLOTS = 2**24  # IPCBENCH_NUMBERS of native/word_ring.h


class AtomicEndpoint(PlainEndpoint):
    def __init__(
        self, segments: SegmentKind, kind: Words, ticket: Ticket, *, in_place: bool
    ) -> None:
        self._kind = kind
        self._ticket = ticket
        self._in_place = in_place
        self._layout = Layout.of(ticket.spec, kind, ticket.data["depth"])
        self.depth: int | None = self._layout.depth
        self._alone = False
        self._native: object | None = None  # the only one: it knows which slot is next
        fds = list(ticket.take_fds())
        self._segment: OwnedSegment
        try:
            by_fd = segments.sharing is Sharing.DESCRIPTORS
            self._segment = segments.open(ticket.data["segment"], fds.pop(0) if by_fd else None)
        except BaseException:
            close_all(fds)
            raise
        self._bind()

    def _bind(self) -> None:
        if self._ticket.spec.native:
            self.send: Any = forbidden("its loops are compiled ones: Endpoint.native")
            self.recv_into: Any = self.send
        else:
            bind(self, self._operations(owner=None, interruptible=True), interruptible=True)

    def _operations(self, owner: object, *, interruptible: bool) -> object:
        layout, spec, ticket = self._layout, self._ticket.spec, self._ticket
        into, out = (
            tuple((layout.start(lane), layout.bell(lane)) for lane in lanes)
            for lanes in layout.seat(ticket.role, ticket.index)
        )
        policy = WaitPolicy(
            nowait=spec.nowait,
            exclusive_cpu=self._alone,
            looks=self._kind.looks,
            interruptible=interruptible,
        )
        return operations.word_ring(
            owner, self._segment.memory, spec.size, layout.depth, into, out,
            layout.hub(ticket.role), self._in_place, policy,
        )  # fmt: skip

    def native(self) -> object | None:
        if self._native is None and self._ticket.spec.native:
            self._native = self._operations(self, interruptible=False)
        return self._native

    def hello(self) -> Json:
        return cpus()

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Who has a CPU for itself need not yield it while it spins."""
        self._alone = alone_on(cpus(), hellos)
        self._native = None  # nothing has been carried yet, and it waits in another way
        if self._alone:
            self._bind()

    def close(self) -> None:
        self.send = self.recv_into = closed
        unbind(self)
        self._native = None
        self._segment.close()
