"""Transports of a newest value in shared memory: `latest:seqlock` and `latest:buffers`."""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.transports.base import (
    MappingEndpoint,
    PlainChannel,
    check_spec,
    close_all,
    duplicate_all,
)
from ipcbench.transports.contract import (
    Endpoint,
    Family,
    Framing,
    Limit,
    Limits,
    Need,
    PeerDeath,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Wait,
)
from ipcbench.transports.latest.ends import NewestEndpoint, pass_cpu
from ipcbench.transports.latest.memory import NewestLayout, NewestMemory, publisher, reader
from ipcbench.transports.native import WaitPolicy, bind, built, operations, unbind
from ipcbench.transports.segments.memfd import MemfdSegments
from ipcbench.transports.sync import futex

_MEMORY = MemfdSegments()
_SPARE = 8 * 4096  # bytes of a segment beside its values: heads, and rounding

SEVERAL = 4  # buffers in turn: a reader may be two whole values late while it copies

TRAITS = Traits(
    family=Family.SHARED_MEMORY,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.NEWEST}),
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.DESCRIPTORS,
    copies=2,  # into the segment, and out of it
    waiting=Wait.SPIN,
    zero_length=False,
    lossy=True,
    unlink_early=True,
    native=True,
)


class NewestMemoryEndpoint(NewestEndpoint, MappingEndpoint):
    """An end over a segment. Its native operations are over the same memory."""

    def __init__(self, buffers: int, ticket: Ticket) -> None:
        super().__init__()
        self._ticket, self._layout = ticket, NewestLayout(ticket.spec.size, buffers)
        self._publishes = ticket.role is Role.SENDER
        fds = list(ticket.take_fds())
        try:
            self._segment = _MEMORY.open(None, fds.pop())
        except BaseException:
            close_all(fds)
            raise
        try:
            self._bind()
        except BaseException:
            self._segment.close()
            raise

    def _bind(self) -> None:
        if not futex.ORDERED:
            bind(self, self._operations(self))
            return
        memory = NewestMemory(self._segment.memory, self._layout)
        if self._publishes:
            self.publish = publisher(memory, self._layout.size)
        else:
            self.read_into, self.torn = reader(memory, pass_cpu(self._ticket.spec))

    def native(self) -> object | None:
        return None if built() or self._closed else self._operations(self)

    def _operations(self, owner: object) -> object:
        layout, policy = self._layout, WaitPolicy.of(self._ticket.spec)
        memory = self._segment.memory
        return operations.newest(
            owner, memory, layout.size, layout.buffers, self._publishes, policy
        )

    def close(self) -> None:
        if not futex.ORDERED:
            unbind(self)
        super().close()

    def _close(self) -> None:
        self._segment.close()


class NewestMemoryChannel(PlainChannel):
    """The owner's side: the segment."""

    def __init__(self, buffers: int, spec: Spec) -> None:
        super().__init__(spec)
        self._segment = _MEMORY.create(NewestLayout(spec.size, buffers).bytes, None)

    def _ticket(self, role: Role, index: int) -> Ticket:
        assert self._segment.fd is not None
        return Ticket(role, index, self._spec, fds=duplicate_all([self._segment.fd]))

    def _close(self) -> None:
        self._segment.close()


@dataclass(frozen=True, slots=True)
class NewestInMemory:
    """A newest value in a segment of so many buffers."""

    name: str
    buffers: int
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        reason = _MEMORY.probe() or self._unable()
        return reason or self._limits()

    def _unable(self) -> Unavailable | None:
        return None if futex.ORDERED else built()

    def _limits(self) -> Limits | Unavailable:
        capacity = _MEMORY.capacity()
        if isinstance(capacity, Unavailable):
            return capacity
        return Limits(
            message=Limit(
                "value",
                None if capacity.value is None else max(0, capacity.value // self.buffers - _SPARE),
                capacity.source,
                capacity.remedy,
                lambda need: capacity.remedy_for(Need(self.buffers * (need.size + _SPARE))),
            ),
            others=(capacity,),
        )

    def create(self, spec: Spec) -> NewestMemoryChannel:
        limits = self._limits()
        if isinstance(limits, Unavailable):
            raise limits
        check_spec(self, spec, limits.message.value)
        reason = self._unable()
        if reason is not None:
            raise reason
        return NewestMemoryChannel(self.buffers, spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return NewestMemoryEndpoint(self.buffers, ticket)


def seqlock() -> NewestInMemory:
    return NewestInMemory("latest:seqlock", 1)


def several_buffers() -> NewestInMemory:
    return NewestInMemory("latest:buffers", SEVERAL)
