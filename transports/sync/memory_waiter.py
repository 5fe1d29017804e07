"""Waiters in shared memory that only C can use: a condition variable, and mutexes.

Python has no atomic operations. A program in Python uses such an object through an extension, as
here: `wait` and `notify` are methods in C, without a Python frame. Where the compiled part is not
built, they are unavailable.

`pthread-cond` is a counter: a process-shared mutex with a condition variable, and the count as its
predicate. Of a process that is killed inside, its robust mutex leaves nothing. Condition variables
are not robust: where a process is killed asleep, tokens are still counted, and a process that looks
first takes them, but one that sleeps in its place may not be woken (native/cond_counter.h).
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ipcbench.transports.base import refused, spinning_call
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Sharing,
    Spec,
    Unavailable,
    Wait,
    WouldBlock,
)
from ipcbench.transports.native import WaitPolicy, built, operations
from ipcbench.transports.sync.waiter import NATIVE_SPINS, Fixed


class MemoryWaiter:
    """A counter, or a mutex: `wait` locks it, `notify` unlocks it."""

    address = None
    fd = None

    def __init__(
        self, kind: str, memory: memoryview, held: int | None, policy: WaitPolicy | None = None
    ) -> None:
        """Open it; `held`: the tokens of a new counter, 1 for a new mutex."""
        calls = operations.MemoryWaiter(kind, memory, held, policy or WaitPolicy())
        self._calls = calls
        self.wait: Callable[[], object] = calls.wait
        self.notify: Callable[[], object] = calls.notify

    def try_wait(self) -> None:
        try:
            self._calls.try_wait()
        except BlockingIOError as error:
            raise WouldBlock("it would have to wait") from error

    def spinning(self, spec: Spec) -> Callable[[], object]:
        """Return the `wait` of an end that looks at it again and again."""
        take = self._calls.try_wait

        def look() -> bool | None:
            try:
                take()
            except BlockingIOError:
                return None
            return True

        return spinning_call(look, self.wait, spec)

    def native(self, policy: WaitPolicy) -> object:
        return self._calls.counter(policy)

    def guard(self, owner: object) -> object:
        """Return the operations of a guard, which keep its owner alive."""
        return self._calls.guard(owner)

    def close(self) -> None:
        self._calls.close()

    def unlink(self) -> None:
        """Do nothing: it is removed with the memory."""


@dataclass(frozen=True)
class MemoryWaiters:
    """A kind of these waiters, by its name in native/memory_kinds.c."""

    name: str

    waiting = Wait.BLOCK
    sharing = Sharing.NAME
    lifetime = Lifetime.PROCESS
    pollable = False
    nonblocking = True
    native_looks = NATIVE_SPINS
    unlink_early = True
    counted = False
    in_memory = True
    errors: tuple[type[Exception], ...] = ()

    def translate(self, error: Exception) -> Exception | None:
        return error

    def is_full(self, error: Exception) -> bool:
        return False

    def probe(self) -> Unavailable | None:
        return built() or try_in_memory(self.name)

    def create(
        self, initial: int, fixed: Fixed | None, memory: memoryview | None = None
    ) -> MemoryWaiter:
        assert memory is not None
        reason = self.probe()
        if reason is not None:
            raise reason
        return MemoryWaiter(self.name, memory, initial)

    def open(self, address: Json, fd: int | None, memory: memoryview | None = None) -> MemoryWaiter:
        assert memory is not None
        reason = built()
        if reason is not None:
            raise reason
        return MemoryWaiter(self.name, memory, None)


def try_in_memory(kind: str) -> Unavailable | None:
    """Create a waiter in memory and use it once; the reason where that fails."""
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        try:
            waiter: Any = MemoryWaiter(kind, memoryview(memory), 1)
        except OSError as error:  # the C library shares no such objects: pthread_mutexattr(3)
            return refused(f"a process-shared {kind}", error)
        waiter.wait()
        waiter.notify()
        waiter.close()
    return None


PTHREAD_COND = MemoryWaiters("pthread-cond")
