"""Doorbells from Python: native/doorbell.h explains the protocol, and why no wake-up is lost.

Python has no exchange. A notifier that sees an announcement clears it by a plain store, and then
wakes: so of several notifiers, each that saw it may add a token. A sleeper may see its
announcement cleared by a notifier that is late, and that wakes it afterwards. Both only cause
stale tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import Any

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


def _sleeping_at_word(word: memoryview) -> Pause:
    """Make the sleep at the word itself, by futex(2)."""
    wait = futex.sleeping(word)
    fence, fenced = fence_calls()
    announced = 0  # the value that announced it; 0: it is not announced

    def sleep(_: object) -> None:
        nonlocal announced
        if announced:
            wait(announced)
            announced = 0
        else:
            announced = word[0] | 1
            word[0] = announced
            fence()
            fenced()

    return sleep


def _sleeping_by_counter(word: memoryview, take: Callable[[], object], kind: WaiterKind) -> Pause:
    """Make the sleep by a counter of the kernel, or of the C library."""
    fence, fenced = fence_calls()
    errors, translate = kind.errors, kind.translate
    announced = False

    def sleep(_: object) -> None:
        nonlocal announced
        if announced:
            try:
                take()
            except errors as error:
                cause = translate(error)
                if cause is not None:
                    raise cause from error
                return  # after a signal's handler: it still waits for that token
            announced = False
        else:
            word[0] = 1
            announced = True
            fence()
            fenced()

    return sleep


def sleeping(word: memoryview, waiter: Waiter | None, kind: WaiterKind, spec: Spec) -> Pause:
    """Make the sleep of the process that a doorbell wakes.

    The first call announces it, the second one sleeps; between the two the caller looks again.
    """
    if waiter is None:
        return _sleeping_at_word(word)
    return _sleeping_by_counter(word, waiting_call(waiter, spec), kind)


def pause_of(kind: WaiterKind, sleep: Pause | None, spec: Spec, *, exclusive_cpu: bool) -> Pause:
    """Choose how an end waits; `sleep`: None where it never sleeps."""
    if spec.nowait:
        return would_block
    looks = kind.spins if isinstance(kind, FutexWords) else 0
    between = between_looks(exclusive_cpu)
    if sleep is None or looks is None:
        return between
    return partial(_look_and_sleep, sleep, looks, between) if looks else sleep


def _look_and_sleep(
    sleep: Pause, looks: int, between: Callable[[Any], object], ready: Ready
) -> None:
    for _ in repeat(None, looks):
        if ready():
            return
        between(ready)
    sleep(ready)  # announces it
    if not ready():
        sleep(ready)
