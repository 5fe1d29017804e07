"""Guards in a shared segment: mutexes of POSIX, one over a futex word, and a spin lock.

Where the holder of a robust mutex is killed, the next process enters, and makes the mutex
consistent (pthread_mutexattr_setrobust(3)). All others stay locked then: the processes that wait,
wait for ever, and in a sweep the watchdog ends them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ipcbench.transports.base import (
    MappingEndpoint,
    PlainChannel,
    check_spec,
    close_all,
    duplicate_all,
    spins,
)
from ipcbench.transports.contract import (
    Endpoint,
    Limits,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Wait,
)
from ipcbench.transports.native import WaitPolicy, built
from ipcbench.transports.segments.memfd import MemfdSegments
from ipcbench.transports.sync.endpoint import NOTHING, TOKEN, TokenEndpoint
from ipcbench.transports.sync.memory_waiter import MemoryWaiter, try_in_memory
from ipcbench.transports.sync.waiter import NATIVE_SPINS, WORD_BYTES

_MEMORY = MemfdSegments()

SPIN_LOCK = "spin-lock"

GUARD = replace(TOKEN, topologies=frozenset({Topology.GUARD}), sharing=Sharing.DESCRIPTORS)
SLEEPS = replace(GUARD, spins=True)
# Python tries first, and waits with a time-out, for its signal handlers; C makes the plain call.
POSIX = replace(SLEEPS, native_differs=True)


class MutexEndpoint(TokenEndpoint, MappingEndpoint):
    """A member's end."""

    def __init__(self, kind: str, ticket: Ticket) -> None:
        super().__init__()
        fds = list(ticket.take_fds())
        try:
            self._memory = _MEMORY.open(None, fds.pop())
        except BaseException:
            close_all(fds)
            raise
        try:
            policy = WaitPolicy.of(ticket.spec, NATIVE_SPINS)
            self._mutex = MemoryWaiter(kind, self._memory.memory, None, policy)
        except BaseException:
            self._memory.close()
            raise
        # Methods in C: no Python frame in the timed loop.
        self.acquire: Any = self._mutex.wait
        self.release: Any = self._mutex.notify
        if kind != SPIN_LOCK and spins(ticket.spec):
            self.acquire = self._mutex.spinning(ticket.spec)

    def native(self) -> object | None:
        return None if self._closed else self._mutex.guard(self)

    def _close(self) -> None:
        self._mutex.close()
        self._memory.close()


class MutexChannel(PlainChannel):
    """The owner's side: a segment with one mutex."""

    def __init__(self, kind: str, spec: Spec) -> None:
        super().__init__(spec)
        self._memory = _MEMORY.create(WORD_BYTES, None)
        try:
            MemoryWaiter(kind, self._memory.memory, 1).close()
        except BaseException:
            self.close()
            raise

    def _ticket(self, role: Role, index: int) -> Ticket:
        assert self._memory.fd is not None
        return Ticket(role, index, self._spec, fds=duplicate_all([self._memory.fd]))

    def _close(self) -> None:
        self._memory.close()


@dataclass(frozen=True, slots=True)
class Mutex:
    """A guard by a mutex in memory; `name` is also that of its kind in native/memory_kinds.c."""

    name: str
    traits: Traits

    def probe(self) -> Limits | Unavailable:
        return built() or _MEMORY.probe() or try_in_memory(self.name) or NOTHING

    def create(self, spec: Spec) -> MutexChannel:
        check_spec(self, spec, 0)
        reason = built()
        if reason is not None:
            raise reason
        return MutexChannel(self.name, spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        reason = built()
        if reason is not None:
            raise reason
        return MutexEndpoint(self.name, ticket)


def pthread_mutex() -> Mutex:
    return Mutex("pthread-mutex", POSIX)


def robust_mutex() -> Mutex:
    return Mutex("robust-mutex", replace(POSIX, undo=True))


def futex_mutex() -> Mutex:
    return Mutex("futex-mutex", SLEEPS)


def spin_lock() -> Mutex:
    return Mutex(SPIN_LOCK, replace(GUARD, waiting=Wait.SPIN))
