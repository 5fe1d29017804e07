"""Waiters by themselves: as signals between two processes, and as guards among many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ipcbench.transports.base import check_seat, check_spec, close_all, duplicate_all, waiting_call
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Json,
    Limits,
    Role,
    Segment,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
)
from ipcbench.transports.native import WaitPolicy, built, operations, translating
from ipcbench.transports.segments.memfd import MemfdSegments
from ipcbench.transports.segments.protocol import OwnedSegment
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.endpoint import NOTHING, TOKEN, TokenEndpoint
from ipcbench.transports.sync.eventfd import EventFds
from ipcbench.transports.sync.futex import FUTEX, Words
from ipcbench.transports.sync.posix_semaphore import PosixSemaphores
from ipcbench.transports.sync.sysv_semaphore import SysvSemaphores
from ipcbench.transports.sync.waiter import (
    WORD_BYTES,
    Fixed,
    Waiter,
    WaiterKind,
    patient,
)

_MEMORY = MemfdSegments()  # where the words are of those waiters that live in memory


class WaiterEndpoint(TokenEndpoint):
    """An end of one waiter, or of two.

    A guard's calls are the facility's own, where nobody can take it away: a frame
    of ours would be a sixth of an uncontended update. So who is interrupted by a
    signal's handler that raises nothing gets the binding's own error there.
    """

    def __init__(self, kind: WaiterKind, ticket: Ticket) -> None:
        super().__init__()
        self._kind = kind
        self._role, self._spec = ticket.role, ticket.spec
        self._waiters: list[Waiter] = []
        self._natives: list[object] = []  # opened while there are names
        self._native: object | None = None  # words': the only one, for it knows how many it took
        self._memory: Segment | None = None
        fds = list(ticket.take_fds())
        try:
            self._wire(kind, ticket, fds)
        except BaseException:
            close_all(fds)
            self.close()
            raise

    def _wire(self, kind: WaiterKind, ticket: Ticket, fds: list[int]) -> None:
        if kind.in_memory:
            self._memory = _MEMORY.open(None, fds.pop(0))
        for number, address in enumerate(ticket.data["waiters"]):
            fd = fds.pop(0) if kind.sharing is Sharing.DESCRIPTORS else None
            self._waiters.append(kind.open(address, fd, _word(self._memory, number)))
        if ticket.spec.native and built() is None:
            policy = WaitPolicy.of(ticket.spec)
            self._natives = [waiter.native(policy) for waiter in self._waiters]
        if ticket.role is Role.MEMBER:
            (only,) = self._waiters
            self.acquire, self.release = only.wait, only.notify
            if not kind.unlink_early:
                self.acquire = patient(only.wait, kind)
                self.release = patient(only.notify, kind)
            return
        if kind.in_memory and not futex.ORDERED:
            calls = operations.Calls(self._words(None, interruptible=True), True)
            self.notify = translating(calls.notify, "notify")
            self.wait = translating(calls.wait, "wait")
            return
        mine, theirs = self._waiters if ticket.role is Role.SERVER else self._waiters[::-1]
        self.notify, self.wait = theirs.notify, patient(waiting_call(mine, ticket.spec), kind)
        if not kind.unlink_early:
            self.notify = patient(theirs.notify, kind)

    def native(self) -> object | None:
        if not self._natives:
            return None
        if self._role is Role.MEMBER:
            return operations.guard(self, *self._natives)  # type: ignore[no-any-return]
        if self._memory is not None:
            self._native = self._native or self._words(self, interruptible=False)
            return self._native
        server = self._role is Role.SERVER
        mine, theirs = self._natives if server else self._natives[::-1]
        return operations.signal(self, mine, theirs)  # type: ignore[no-any-return]

    def _words(self, owner: object, *, interruptible: bool) -> object:
        """The operations over words in memory."""
        assert self._memory is not None and isinstance(self._kind, Words)
        places = (0, WORD_BYTES) if self._role is Role.SERVER else (WORD_BYTES, 0)
        policy = WaitPolicy(
            nowait=self._spec.nowait, looks=self._kind.looks, interruptible=interruptible
        )
        return operations.word_signal(owner, self._memory.memory, *places, policy)

    def close(self) -> None:
        super().close()
        self._natives, self._native = [], None
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.close()
        if self._memory is not None:
            self._memory.close()


def _word(memory: Segment | None, number: int) -> memoryview | None:
    if memory is None:
        return None
    return memory.memory[number * WORD_BYTES : (number + 1) * WORD_BYTES]


class WaiterChannel:
    """A SIGNAL has two waiters, the server's and the client's; a GUARD has one, which holds 1."""

    def __init__(self, kind: WaiterKind, spec: Spec) -> None:
        self._spec = spec
        self._closed = False
        self._waiters: list[Waiter] = []
        self._memory: OwnedSegment | None = None
        held = [1] if spec.topology is Topology.GUARD else [0, 0]
        try:
            if kind.in_memory:
                self._memory = _MEMORY.create(len(held) * WORD_BYTES, None)
            for number, initial in enumerate(held):
                fixed = None if spec.name is None else Fixed(spec.name, number)
                memory = _word(self._memory, number)
                self._waiters.append(kind.create(initial, fixed, memory))
        except BaseException:
            self.close()
            self.unlink()
            raise

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        held = [self._memory, *self._waiters]
        fds = [one.fd for one in held if one is not None and one.fd is not None]
        data: dict[str, Json] = {"waiters": [waiter.address for waiter in self._waiters]}
        return Ticket(role, index, self._spec, data=data, fds=duplicate_all(fds))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            for waiter in self._waiters:
                waiter.close()
            if self._memory is not None:
                self._memory.close()

    def unlink(self) -> None:
        for waiter in self._waiters:
            waiter.unlink()


@dataclass(frozen=True)
class Signalling:
    """A waiter kind as a transport. `guard`: the kind as a guard takes it, None: it is none."""

    kind: WaiterKind
    guard: WaiterKind | None = None
    undo: bool = False

    @property
    def name(self) -> str:
        return self.kind.name

    @cached_property
    def traits(self) -> Traits:
        topologies = {Topology.SIGNAL} if self.guard is None else {Topology.SIGNAL, Topology.GUARD}
        kind: Any = _MEMORY if self.kind.in_memory else self.kind
        return replace(
            TOKEN,
            topologies=frozenset(topologies),
            sharing=kind.sharing,
            lifetime=kind.lifetime,
            waiting=self.kind.waiting,
            pollable=self.kind.pollable,
            unlink_early=self.kind.unlink_early,
            undo=self.undo,
            native_differs=self.kind.in_memory and futex.ORDERED,
        )

    def probe(self) -> Limits | Unavailable:
        memory = _MEMORY.probe() if self.kind.in_memory else None
        return memory or self.kind.probe() or NOTHING

    def create(self, spec: Spec) -> WaiterChannel:
        check_spec(self, spec, 0)
        return WaiterChannel(self._for(spec), spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return WaiterEndpoint(self._for(ticket.spec), ticket)

    def _for(self, spec: Spec) -> WaiterKind:
        guarding = spec.topology is Topology.GUARD and self.guard is not None
        return self.guard if guarding and self.guard else self.kind


def posix_semaphores() -> Signalling:
    return Signalling(PosixSemaphores(), guard=PosixSemaphores())


def sysv_semaphores() -> Signalling:
    return Signalling(SysvSemaphores(), guard=SysvSemaphores(undo=True), undo=True)


def eventfds() -> Signalling:
    return Signalling(EventFds(), guard=EventFds())


def futexes() -> Signalling:
    return Signalling(FUTEX)  # no guard: to take a free one alone needs compare-and-swap
