"""Waiters as transports: signals between two processes, and guards among many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ipcbench.transports.base import (
    MappingEndpoint,
    PlainChannel,
    check_spec,
    close_all,
    duplicate_all,
    spins,
    waiting_call,
)
from ipcbench.transports.contract import (
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
from ipcbench.transports.native import WaitPolicy, build, built, operations, translating
from ipcbench.transports.segments.memfd import MemfdSegments
from ipcbench.transports.segments.protocol import OwnedSegment
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.endpoint import NOTHING, TOKEN, TokenEndpoint
from ipcbench.transports.sync.eventfd import EventFds
from ipcbench.transports.sync.futex import FUTEX, FutexWords
from ipcbench.transports.sync.memory_waiter import PTHREAD_COND
from ipcbench.transports.sync.posix_semaphore import PosixSemaphores
from ipcbench.transports.sync.sysv_semaphore import SysvSemaphores
from ipcbench.transports.sync.waiter import (
    WORD_BYTES,
    Fixed,
    Waiter,
    WaiterKind,
    uninterrupted,
)

_MEMORY = MemfdSegments()  # of the waiters that live in memory


class WaiterEndpoint(TokenEndpoint, MappingEndpoint):
    """One end of a signal or of a guard.

    Where no process can remove its object, a guard's calls are the facility's own: a Python
    frame would take a sixth of the time of an uncontended update. So a signal's handler
    that raises nothing ends such a call with the binding's own error.
    """

    def __init__(self, kind: WaiterKind, ticket: Ticket) -> None:
        super().__init__()
        self._kind = kind
        self._role, self._spec = ticket.role, ticket.spec
        self._waiters: list[Waiter] = []
        self._natives: list[object] = []  # made while the names exist
        self._native: object | None = None  # of words: only one, which counts those it took
        self._memory: Segment | None = None
        fds = list(ticket.take_fds())
        try:
            self._open(ticket, fds)
            self._bind()
        except BaseException:
            close_all(fds)
            self.close()
            raise

    def _open(self, ticket: Ticket, fds: list[int]) -> None:
        """Open the waiters, and make their native twins."""
        kind = self._kind
        if kind.in_memory:
            self._memory = _MEMORY.open(None, fds.pop(0))
        for number, address in enumerate(ticket.data["waiters"]):
            fd = fds.pop(0) if kind.sharing is Sharing.DESCRIPTORS else None
            self._waiters.append(kind.open(address, fd, _word(self._memory, number)))
        if self._spec.native and built() is None:
            policy = WaitPolicy.of(self._spec, kind.native_looks)
            self._natives = [waiter.native(policy) for waiter in self._waiters]

    def _bind(self) -> None:
        """Set `notify` and `wait`, or `acquire` and `release`."""
        kind, mine, theirs = self._kind, *self._of(self._waiters)
        removable = not kind.unlink_early
        if self._role is Role.MEMBER:
            self.acquire = waiting_call(mine, self._spec) if spins(self._spec) else mine.wait
            self.release = mine.notify
            if removable:
                self.acquire = uninterrupted(self.acquire, kind)
                self.release = uninterrupted(self.release, kind)
        elif isinstance(kind, FutexWords) and not futex.ORDERED:
            calls = operations.Calls(self._words(interruptible=True), True)
            self.notify = translating(calls.notify, "notify")
            self.wait = translating(calls.wait, "wait")
        else:
            self.wait = uninterrupted(waiting_call(mine, self._spec), kind)
            self.notify = uninterrupted(theirs.notify, kind) if removable else theirs.notify

    def _of(self, both: list[Any]) -> tuple[Any, Any]:
        """Return those that this end waits for and that it notifies; a guard has one."""
        mine, theirs = both[0], both[-1]
        return (theirs, mine) if self._role is Role.CLIENT else (mine, theirs)

    def native(self) -> object | None:
        if not self._natives:
            return None
        if self._role is Role.MEMBER:
            return build("guard", self, *self._natives)
        if isinstance(self._kind, FutexWords):
            self._native = self._native or self._words(interruptible=False)
            return build("with_owner", self, self._native)
        return build("signal", self, *self._of(self._natives))

    def _words(self, *, interruptible: bool) -> object:
        """Make the operations over words in memory."""
        assert self._memory is not None and isinstance(self._kind, FutexWords)
        policy = WaitPolicy.of(self._spec, self._kind.native_looks)._replace(
            interruptible=interruptible
        )
        places = self._of([0, WORD_BYTES])
        return operations.word_signal(None, self._memory.memory, *places, policy)

    def close(self) -> None:
        self._natives, self._native = [], None  # they keep the memory mapped
        super().close()

    def _close(self) -> None:
        for waiter in self._waiters:
            waiter.close()
        if self._memory is not None:
            self._memory.close()


def _word(memory: Segment | None, number: int) -> memoryview | None:
    if memory is None:
        return None
    return memory.memory[number * WORD_BYTES : (number + 1) * WORD_BYTES]


class WaiterChannel(PlainChannel):
    """The owner's side: two waiters of a SIGNAL, the server's and the client's; one of a GUARD.

    The waiter of a guard holds 1.
    """

    def __init__(self, kind: WaiterKind, spec: Spec) -> None:
        super().__init__(spec)
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

    def _ticket(self, role: Role, index: int) -> Ticket:
        held = [self._memory, *self._waiters]
        fds = [one.fd for one in held if one is not None and one.fd is not None]
        data: dict[str, Json] = {"waiters": [waiter.address for waiter in self._waiters]}
        return Ticket(role, index, self._spec, data=data, fds=duplicate_all(fds))

    def _close(self) -> None:
        for waiter in self._waiters:
            waiter.close()
        if self._memory is not None:
            self._memory.close()

    def unlink(self) -> None:
        for waiter in self._waiters:
            waiter.unlink()


@dataclass(frozen=True)
class Signalling:
    """A waiter kind as a transport; `guard`: the kind of its guards, None: it cannot be one."""

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
            spins=self.kind.nonblocking,
            unlink_early=self.kind.unlink_early,
            undo=self.undo,
            native_differs=self._differs,
        )

    @property
    def _differs(self) -> bool:
        """True if Python makes other calls than C: see futex.py, and native/memory_waiter.c."""
        words = isinstance(self.kind, FutexWords)
        return futex.ORDERED if words else self.kind.in_memory

    def probe(self) -> Limits | Unavailable:
        memory = _MEMORY.probe() if self.kind.in_memory else None
        return memory or self.kind.probe() or NOTHING

    def create(self, spec: Spec) -> WaiterChannel:
        check_spec(self, spec, 0)
        return WaiterChannel(self._kind_of(spec), spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return WaiterEndpoint(self._kind_of(ticket.spec), ticket)

    def _kind_of(self, spec: Spec) -> WaiterKind:
        return self.guard if self.guard and spec.topology is Topology.GUARD else self.kind


def posix_semaphores() -> Signalling:
    return Signalling(PosixSemaphores(), guard=PosixSemaphores())


def sysv_semaphores() -> Signalling:
    return Signalling(SysvSemaphores(), guard=SysvSemaphores(undo=True), undo=True)


def eventfds() -> Signalling:
    return Signalling(EventFds(), guard=EventFds())


def futexes() -> Signalling:
    return Signalling(FUTEX)  # no guard: entering a free one needs compare-and-swap


def pthread_conds() -> Signalling:
    return Signalling(PTHREAD_COND)
