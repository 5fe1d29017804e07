"""Words in shared memory by which processes wait: by spinning, or by futex(2).

Rings wait for the words of sync/doorbell.py. A signal has a word for each direction, which one
process alone stores to, since Python has no compare-and-swap: the number of its notifications
so far. The waiting process has its own count of those taken, and waits until the word differs
from it.

No notification is lost. The waiting process compares the word last before it sleeps, and
futex(2) compares it again under the lock that FUTEX_WAKE takes. A store before that
comparison prevents the sleep; a store after it is followed by a wake-up that finds the
process asleep. So the notifier of a signal wakes after *every* store. To check first whether
the process sleeps would need a fence, as a doorbell has: a load may be executed before an
earlier store, even on x86.

Bytes must be visible before the word that announces them. That needs stores and loads that
stay in order, which x86 guarantees (Intel SDM 3A, 8.2.2), also for string operations (8.2.4).
Other processors need fences, which Python lacks: there Python calls the native operations.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import repeat
from typing import Any, ClassVar

from ipcbench.transports.base import NEVER, looks_of, refused
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Sharing,
    Spec,
    Unavailable,
    Wait,
    WouldBlock,
)
from ipcbench.transports.native import WaitPolicy, built
from ipcbench.transports.sync.waiter import NATIVE_SPINS, Fixed

ORDERED = platform.machine() == "x86_64" and sys.maxsize > 2**32

_FUTEX = 202  # asm/unistd_64.h of x86-64: used if `ORDERED`
_WAIT, _WAKE = 0, 1  # without FUTEX_PRIVATE_FLAG: between processes
_ALL = 0x7FFFFFFF

SPINS = (
    400  # looks at a word before it sleeps, where the spec names no number: some 20 microseconds
)

_C = ctypes.CDLL(None, use_errno=True)
_sleep = _C.syscall
# A wake-up never blocks: it may keep the interpreter's lock, which is faster.
_wake = ctypes.PyDLL(None).syscall
_wake.restype = None


def usable() -> bool:
    """Tell whether `sleep_at` and `wake_at` can be called here."""
    return ORDERED and _futex() is None


def sleep_at(place: int, seen: int) -> None:
    """Sleep while the 32-bit word at an address has that value; it may return early: futex(2)."""
    _sleep(_FUTEX, ctypes.c_void_p(place), _WAIT, seen, None)


def wake_at(place: int) -> None:
    """Wake all processes that sleep at an address."""
    _wake(_FUTEX, ctypes.c_void_p(place), _WAKE, _ALL)


def waking(word: memoryview) -> Callable[[], Any]:
    """Make the call that wakes the process that sleeps at a word."""
    return partial(_wake, _FUTEX, ctypes.c_void_p(address_of(word)), _WAKE, 1)


def sleeping(word: memoryview) -> Callable[[int], Any]:
    """Make the call that sleeps while a word has a value; it may return early.

    Of the value it compares 32 bits, since ctypes passes an integer as a C int, masked to fit.
    """
    sleep = partial(_sleep, _FUTEX, ctypes.c_void_p(address_of(word)), _WAIT)
    return lambda seen: sleep(seen, None)


def address_of(memory: memoryview) -> int:
    """Return the address of memory that can be written to."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def would_block(*_: object) -> None:
    """Raise WouldBlock: the `pause` of an end that must not wait."""
    raise WouldBlock("it would have to wait")


def _yield_cpu(*_: object) -> None:
    os.sched_yield()


def looks_at_word(spec: Spec) -> int:
    """Return the looks of an end: see `looks_of`.

    They are as many where it yields: in Python a yield takes little longer than a look.
    """
    return looks_of(replace(spec, exclusive_cpus=True), SPINS)


def between_looks(exclusive_cpus: bool) -> Callable[..., Any]:
    """Return the call between two looks at a word: a yield, or next to nothing on an own CPU."""
    return slice if exclusive_cpus else _yield_cpu


class FutexWord:
    """A waiter in memory: one direction of a signal."""

    address = None
    fd = None

    def __init__(self, memory: memoryview, initial: int | None) -> None:
        # A cast to "Q" stores eight bytes at once. futex(2) compares the lower four, which
        # are the first here; two counts with the same lower four differ by 2^32.
        self.word = memory[:8].cast("Q")
        if initial is not None:
            self.word[0] = initial
        self.wait = _waiting(self.word, sleeping(self.word))
        self.try_wait = _waiting(self.word, would_block)
        self.notify = _notifying(self.word, waking(self.word))

    def spinning(self, spec: Spec) -> Callable[[], object]:
        """Return the `wait` of an end that looks at the word again and again."""
        return _waiting(self.word, _spinning(self.word, sleeping(self.word), spec))

    def native(self, policy: WaitPolicy) -> None:
        """Return None: a native end uses the memory itself."""

    def close(self) -> None:
        self.word.release()

    def unlink(self) -> None:
        """Do nothing: it is removed with the memory."""


def _notifying(word: memoryview, wake: Callable[[], Any]) -> Callable[[], None]:
    count = word[0]

    def notify() -> None:
        nonlocal count
        count += 1
        word[0] = count
        wake()

    return notify


def _waiting(word: memoryview, pause: Callable[[int], Any]) -> Callable[[], None]:
    taken = 0

    def wait() -> None:
        nonlocal taken
        while word[0] == taken:
            pause(taken)
        taken += 1

    return wait


def _spinning(word: memoryview, sleep: Callable[[int], Any], spec: Spec) -> Callable[[int], object]:
    """Make the pause of an end that spins: between two looks, or its sleep after the last."""
    looks, between = looks_at_word(spec), between_looks(spec.exclusive_cpus)
    if looks == NEVER:
        return between

    def look_and_sleep(taken: int) -> None:
        for _ in repeat(None, looks):
            if word[0] != taken:
                return
            between(taken)
        sleep(taken)

    return look_and_sleep


@dataclass(frozen=True)
class FutexWords:
    """Waiters in memory."""

    name = "futex"
    waiting = Wait.BLOCK
    sharing = Sharing.NAME
    lifetime = Lifetime.PROCESS
    pollable = False
    nonblocking = True
    native_looks = NATIVE_SPINS
    unlink_early = True
    counted = False
    in_memory = True
    errors: ClassVar[tuple[type[Exception], ...]] = ()

    def translate(self, error: Exception) -> Exception | None:
        return error

    def is_full(self, error: Exception) -> bool:
        return False

    def probe(self) -> Unavailable | None:
        return _futex() if ORDERED else atomics()

    def create(
        self, initial: int, fixed: Fixed | None, memory: memoryview | None = None
    ) -> FutexWord:
        assert memory is not None
        reason = self.probe()
        if reason is not None:
            raise reason
        return FutexWord(memory, initial)

    def open(self, address: Json, fd: int | None, memory: memoryview | None = None) -> FutexWord:
        assert memory is not None
        return FutexWord(memory, None)


FUTEX = FutexWords()


def atomics() -> Unavailable | None:
    """Return the reason why there are no native atomics, or None."""
    reason = built()
    if reason is None:
        return None
    return Unavailable(
        f"plain loads and stores stay in order on x86-64 alone, and this is "
        f"{platform.machine()}: it needs the native runtime's atomics ({reason.reason})",
        reason.remedy,
    )


@cache
def _futex() -> Unavailable | None:
    """Try to wait on a word that has another value: EAGAIN."""
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        word = ctypes.c_char.from_buffer(memory)
        _sleep(_FUTEX, ctypes.byref(word), _WAIT, 1, None)
        del word
    return _reason("futex(2)", ctypes.get_errno())


def _reason(call: str, number: int) -> Unavailable | None:
    if number == errno.EAGAIN:
        return None
    return refused(call, OSError(number, os.strerror(number)))
