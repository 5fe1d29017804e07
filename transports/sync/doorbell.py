"""Doorbells from Python: native/doorbell.h explains the protocol, and why no wake-up is lost.

Python has no exchange. A notifier that sees an announcement clears it by a plain store, and then
wakes: so of several notifiers, each that saw it may add a token. A sleeper may see its
announcement cleared by a notifier that is late, and that wakes it afterwards. Both only cause
stale tokens, which are taken and looked past.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import Any, Protocol

from ipcbench.transports.base import waiting_call
from ipcbench.transports.contract import Spec
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.fence import fence_calls
from ipcbench.transports.sync.futex import FutexWords, between_looks, would_block
from ipcbench.transports.sync.waiter import Waiter, WaiterKind, uninterrupted

Ready = Callable[[], bool]
Pause = Callable[[Ready], object]
"""Waits a while, and may return early; the argument tells if there is work already."""

Notify = tuple[Callable[[], Any], Callable[[], Any], memoryview, Callable[[], None]]
"""The calls of a fence, the doorbell's word, and the call that follows if bit 0 is set."""


def notifier(word: memoryview, waiter: Waiter | None, kind: WaiterKind) -> Notify:
    """Make what a notifier needs after each of its stores.

    Args:
        word: the doorbell, as "I".
        waiter: the counter by which the process sleeps; None: it sleeps at the word.
        kind: the counter's kind.
    """
    if waiter is None:
        wake: Callable[[], Any] = futex.waking(word)
    else:
        wake = _adding(waiter, kind)

    def clear_and_wake() -> None:
        word[0] = (word[0] + 1) & 0xFFFFFFFE
        wake()

    return (*fence_calls(), word, clear_and_wake)


def _adding(waiter: Waiter, kind: WaiterKind) -> Callable[[], Any]:
    """Make the call that adds a token; a counter that is full has some already."""
    notify = uninterrupted(waiter.notify, kind)

    def add() -> None:
        try:
            notify()
        except (OSError, ValueError) as error:
            if not kind.is_full(error):
                raise

    return add


class Sleeper(Protocol):
    """The sleep of one process, by its doorbell."""

    def sleep(self, ready: Ready) -> object:
        """Sleep until the next wake-up, unless there is work; may return early."""


class WordSleeper:
    """A process that sleeps at the word itself, by futex(2)."""

    def __init__(self, word: memoryview) -> None:
        self._word = word
        self._wait = futex.sleeping(word)
        self._fence = fence_calls()

    def sleep(self, ready: Ready) -> None:
        announced = self._word[0] | 1
        self._word[0] = announced
        for call in self._fence:
            call()
        if ready():
            self._word[0] = announced & 0xFFFFFFFE
        else:
            self._wait(announced)


class CounterSleeper:
    """A process that sleeps by a counter of the kernel, or of the C library."""

    def __init__(self, word: memoryview, take: Callable[[], object]) -> None:
        self._word = word
        self._take = take
        self._announced = False
        self._fence = fence_calls()

    def sleep(self, ready: Ready) -> None:
        word = self._word
        if self._announced and not word[0] & 1:
            self._take_token()  # it was added, or is about to be
        word[0] |= 1
        self._announced = True
        for call in self._fence:
            call()
        if not ready():
            self._take_token()

    def _take_token(self) -> None:
        self._take()
        self._announced = False


def sleeper(word: memoryview, waiter: Waiter | None, kind: WaiterKind, spec: Spec) -> Sleeper:
    """Make the sleep of the process that a doorbell wakes."""
    if waiter is None:
        return WordSleeper(word)
    return CounterSleeper(word, uninterrupted(waiting_call(waiter, spec), kind))


def pause_of(
    kind: WaiterKind, sleeper: Sleeper | None, spec: Spec, *, exclusive_cpu: bool
) -> Pause:
    """Choose how an end waits; `sleeper`: None where it never sleeps."""
    if spec.nowait:
        return would_block
    looks = kind.spins if isinstance(kind, FutexWords) else 0
    between = between_looks(exclusive_cpu)
    if sleeper is None or looks is None:
        return between
    return partial(_look_and_sleep, sleeper.sleep, looks, between) if looks else sleeper.sleep


def _look_and_sleep(
    sleep: Callable[[Ready], object], looks: int, between: Callable[[Any], object], ready: Ready
) -> None:
    for _ in repeat(None, looks):
        if ready():
            return
        between(ready)
    sleep(ready)
