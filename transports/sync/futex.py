"""Words in shared memory as counted wake-ups: spinning on one, or sleeping by futex(2).

Python has no compare-and-swap, so a word has one notifier, who alone stores to
it: how often it has notified so far. The one who waits counts for itself what
it has taken, and waits until the word differs from that.

Nothing is lost. The waiter compares the word last of all, and futex(2) compares
it once more under the lock that FUTEX_WAKE takes: a store that comes before that
comparison keeps it from sleeping, and one that comes after it is followed by a
wake-up that finds it asleep. So the notifier wakes after *every* store: to look
first whether somebody sleeps would be a load that may pass the store, even on x86.

That the bytes of a message are there before the word tells of them needs stores
that stay in order, and loads that do: x86 keeps both (Intel SDM 3A, 8.2.2), with
string operations among them (8.2.4). Elsewhere it takes fences, which Python lacks: there
the native runtime's operations serve Python too (shm/atomic.py).
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import sys
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import repeat
from typing import Any

from ipcbench.transports.base import refused
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Sharing,
    Unavailable,
    Wait,
    WouldBlock,
)
from ipcbench.transports.native import WaitPolicy, built
from ipcbench.transports.sync.waiter import Fixed

ORDERED = platform.machine() == "x86_64" and sys.maxsize > 2**32

_FUTEX, _FUTEX_WAITV = 202, 449  # asm/unistd_64.h of x86-64, which `ORDERED` asks for
_WAIT, _WAKE = 0, 1  # without FUTEX_PRIVATE_FLAG: between processes
_FUTEX_32 = 2  # FUTEX2_SIZE_U32
MOST_WORDS = 128  # FUTEX_WAITV_MAX
SPINS = 400  # looks at the word before sleeping: some 20 microseconds
NATIVE_SPINS = 2300  # the same natively; and less than a hundredth of that many yields

_C = ctypes.CDLL(None, use_errno=True)
_sleep = _C.syscall
# A wake-up never waits: it may keep the interpreter's lock, which is quicker.
_wake = ctypes.PyDLL(None).syscall
_wake.restype = None


def would_block(seen: int) -> None:
    """Stands in for a stall where nobody may wait."""
    raise WouldBlock("it would have to wait")


def _yield(seen: int) -> None:
    os.sched_yield()


class Word:
    """A waiter in memory. What the ring's own loops use: `word`, `stall`, `wake`.

    `stall(seen)` passes time while the word may still be `seen`, and may return
    early; `wake()` follows each store. Both are cheap calls into C where there is
    nothing to do.
    """

    address = None
    fd = None

    def __init__(self, memory: memoryview, kind: Words, initial: int | None) -> None:
        self._kind = kind
        # A cast to "Q" stores eight bytes at once. futex(2) looks at the lower four,
        # which come first here; two counts that agree in those are 2^32 apart.
        self.word = memory[:8].cast("Q")
        if initial is not None:
            self.word[0] = initial
        self.place = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        self.wake: Callable[[], Any] = bool
        if kind.sleeps:
            self.wake = partial(_wake, _FUTEX, ctypes.c_void_p(self.place), _WAKE, 1)
        self.alone(False)
        self.try_wait = _waiting(self.word, would_block)
        self.notify = _notifying(self.word, self.wake)

    def alone(self, alone: bool) -> None:
        """Whether no other process uses our CPUs; before anybody has waited."""
        self.stall = self._kind.stall([self], alone)
        self.wait = _waiting(self.word, self.stall)

    def native(self, policy: WaitPolicy) -> None:
        """Where it lives is a native end's own affair: shm/atomic.py, signalling.py."""

    def close(self) -> None:
        self.word.release()

    def unlink(self) -> None:
        """It goes with the memory."""


def _notifying(word: memoryview, wake: Callable[[], Any]) -> Callable[[], None]:
    count = word[0]

    def notify() -> None:
        nonlocal count
        count += 1
        word[0] = count
        wake()

    return notify


def _waiting(word: memoryview, stall: Callable[[int], Any]) -> Callable[[], None]:
    taken = 0

    def wait() -> None:
        nonlocal taken
        while word[0] == taken:
            stall(taken)
        taken += 1

    return wait


@dataclass(frozen=True)
class Words:
    """`spins`: looks at the word before it sleeps, None: for ever. It yields on a shared CPU."""

    name: str
    waiting: Wait
    spins: int | None

    sharing = Sharing.NAME
    lifetime = Lifetime.PROCESS
    pollable = False
    unlink_early = True
    many = False
    in_memory = True
    errors: tuple[type[Exception], ...] = ()

    @property
    def sleeps(self) -> bool:
        return self.spins is not None

    @property
    def looks(self) -> int:
        """Looks before a native end sleeps; -1 where it never does."""
        if self.spins is None:
            return -1
        return NATIVE_SPINS if self.spins else 0

    def told(self, error: Exception) -> Exception | None:
        return error

    def probe(self) -> Unavailable | None:
        if not ORDERED:
            return _atomics()
        return _futex() if self.sleeps else None

    def for_several(self) -> Unavailable | None:
        """Whether one process can wait for several words, from Python."""
        return _futex_waitv() if self.sleeps and ORDERED else None

    def stall(self, words: Sequence[Word], alone: bool) -> Callable[[int], Any]:
        """Passes time while none of the words may differ from what was taken of it.

        The taken count is its argument for one word; for several see `Lookout`.
        """
        pause: Callable[[int], Any] = bool if alone else _yield
        if self.spins is None:
            return pause
        (word,) = words
        sleep = partial(_sleep, _FUTEX, ctypes.c_void_p(word.place), _WAIT)
        if not self.spins:
            return lambda seen: sleep(seen, None)
        return _spinning_first(word.word, self.spins, pause, sleep)

    def create(self, initial: int, fixed: Fixed | None, memory: memoryview | None = None) -> Word:
        assert memory is not None
        reason = self.probe()
        if reason is not None:
            raise reason
        return Word(memory, self, initial)

    def open(self, address: Json, fd: int | None, memory: memoryview | None = None) -> Word:
        assert memory is not None
        return Word(memory, self, None)


def _spinning_first(
    word: memoryview, spins: int, pause: Callable[[int], Any], sleep: Callable[..., Any]
) -> Callable[[int], None]:
    def stall(seen: int) -> None:
        for _ in repeat(None, spins):
            if word[0] != seen:
                return
            pause(seen)
        sleep(seen, None)

    return stall


class Lookout:
    """Waits for several words at once: each has its own notifier, so nothing is lost either.

    `taken` is what has been taken of each. futex_waitv (Linux 5.16) compares every
    word with it before it sleeps, as FUTEX_WAIT does with one.
    """

    def __init__(self, kind: Words, words: Sequence[Word], alone: bool) -> None:
        self.taken = array("Q", bytes(8 * len(words)))
        # struct futex_waitv: value, address, flags and padding, each of eight bytes.
        self._vector = array("Q", bytes(24 * len(words)))
        for number, word in enumerate(words):
            self._vector[3 * number + 1] = word.place
            self._vector[3 * number + 2] = _FUTEX_32
        self._kind = kind
        self._words = [word.word for word in words]
        self.stall = self._stall(alone)

    def _stall(self, alone: bool) -> Callable[[int], Any]:
        pause: Callable[[int], Any] = bool if alone else _yield
        spins, taken, words, vector = self._kind.spins, self.taken, self._words, self._vector
        if spins is None:
            return pause
        place, _ = vector.buffer_info()
        numbers = range(len(words))
        sleep = partial(_sleep, _FUTEX_WAITV, ctypes.c_void_p(place), len(words), 0, None, 0)

        def stall(_seen: int) -> None:
            for _ in repeat(None, spins // len(words)):
                for number in numbers:
                    if words[number][0] != taken[number]:
                        return
                pause(0)
            for number in numbers:
                vector[3 * number] = taken[number] & 0xFFFFFFFF
            sleep()

        return stall


def cpus() -> list[int]:
    """The CPUs that this process may use: what it tells the others."""
    return sorted(os.sched_getaffinity(0))


def alone_on(mine: Sequence[int], all_cpus: Sequence[Sequence[int]]) -> bool:
    """Whether nobody else uses these CPUs; ours are among `all_cpus`, which all have told."""
    return sum(not set(mine).isdisjoint(one) for one in all_cpus) <= 1


FUTEX = Words("futex", Wait.BLOCK, spins=0)
SPIN = Words("spin", Wait.SPIN, spins=None)
SPIN_BLOCK = Words("spin-block", Wait.SPIN_BLOCK, spins=SPINS)


def _atomics() -> Unavailable | None:
    """Whether what Python lacks is there natively."""
    reason = built()
    if reason is None:
        return None
    return Unavailable(
        f"plain loads and stores stay in order on x86-64 alone, and this is "
        f"{platform.machine()}: it takes the native runtime's atomics ({reason.reason})",
        reason.remedy,
    )


@cache
def _futex() -> Unavailable | None:
    """Try to wait for a word to leave a value that it does not have: EAGAIN."""
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        word = ctypes.c_char.from_buffer(memory)
        _sleep(_FUTEX, ctypes.byref(word), _WAIT, 1, None)
        del word
    return _answer("futex(2)", ctypes.get_errno())


@cache
def _futex_waitv() -> Unavailable | None:
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        word = ctypes.c_char.from_buffer(memory)
        vector = array("Q", [1, ctypes.addressof(word), _FUTEX_32])
        _sleep(_FUTEX_WAITV, ctypes.c_void_p(vector.buffer_info()[0]), 1, 0, None, 0)
        del word
    return _answer("futex_waitv(2), of Linux 5.16,", ctypes.get_errno())


def _answer(call: str, number: int) -> Unavailable | None:
    if number == errno.EAGAIN:
        return None
    return refused(call, OSError(number, os.strerror(number)))
