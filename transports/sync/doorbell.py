"""Doorbells from Python: native/doorbell.h explains the protocol, and why no wake-up is lost.

Python has no exchange. A notifier that sees an announcement clears it by a plain store, and then
wakes: so of several notifiers, each that saw it may add a token. A sleeper may see its
announcement cleared by a notifier that is late, and that wakes it afterwards. A signal's handler
that raises ends a sleep before its token is taken. All this only causes stale tokens. A counter
that is full of them has one to take: another one is not needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple

from ipcbench.transports.base import NEVER, waiting_call
from ipcbench.transports.contract import Spec, Wait
from ipcbench.transports.sync import futex
from ipcbench.transports.sync.fence import fence_calls
from ipcbench.transports.sync.futex import between_looks, looks_at_word, would_block
from ipcbench.transports.sync.waiter import Waiter, WaiterKind

Pause = Callable[[memoryview, int, int], object]
"""Waits a while for a word to change: the view, its index there, and the value seen last.

It may return early.
"""


PauseForAny = Callable[[int], object]
"""Waits a while for any of several words; the argument counts the looks at all of them.

It may return early. The caller looks at all words between two calls.
"""


class Notify(NamedTuple):
    """The parts of a notification, which follows each store.

    Attributes:
        fence: the first call of a fence.
        fenced: the second one.
        word: the doorbell, as "I"; a process is about to sleep if bit 0 is set.
        wake: wakes that process, after the word was cleared.
        failed: handles an error of `wake`: raises the contract's, or does what is left to do.
    """

    fence: Callable[[], Any]
    fenced: Callable[[], Any]
    word: memoryview
    wake: Callable[[], Any]
    failed: Callable[[Exception], None]

    def ring(self) -> None:
        """Wake the process if it sleeps."""
        fence, fenced, word, wake, failed = self
        try:
            fence()
        finally:
            fenced()
        if word[0] & 1:
            word[0] = 0
            try:  # without an error it costs next to nothing, unlike a frame around `wake`
                wake()
            except Exception as error:
                failed(error)


def notify_nobody() -> Notify:
    """Make the notification of a process that never sleeps."""
    return Notify(_nothing, _nothing, memoryview(bytes(4)).cast("I"), _nothing, _raise)


def _nothing() -> None:
    """Do nothing."""


def _raise(error: Exception) -> None:
    raise error


def notify_of(word: memoryview, waiter: Waiter | None, kind: WaiterKind) -> Notify:
    """Make the notification of a process.

    Args:
        word: its doorbell, as "I".
        waiter: the counter by which it sleeps; None: it sleeps at the word.
        kind: the counter's kind.
    """
    if waiter is None:
        return Notify(*fence_calls(), word, futex.waking(word), _raise)
    return Notify(*fence_calls(), word, waiter.notify, _handling(waiter.notify, kind))


def _handling(wake: Callable[[], object], kind: WaiterKind) -> Callable[[Exception], None]:
    """Make the call that handles an error of a counter's `notify`."""

    def failed(error: Exception) -> None:
        if kind.is_full(error):
            return  # it has tokens: the process is awake, or wakes
        if not isinstance(error, kind.errors):
            raise error
        cause = kind.translate(error)
        if cause is not None:
            raise cause from error
        try:  # after a signal's handler
            wake()
        except Exception as again:
            failed(again)

    return failed


def _sleeping_at_word(word: memoryview) -> Pause:
    """Make the sleep at the word itself, by futex(2)."""
    wait = futex.sleeping(word)
    fence, fenced = fence_calls()
    announced = 0  # the value that announced it; 0: it is not announced

    def sleep(view: memoryview, index: int, seen: int) -> None:
        nonlocal announced
        if not announced:
            announced = word[0] | 1
            word[0] = announced
            try:
                fence()
            finally:
                fenced()
            if view[index] != seen:
                return
        value, announced = announced, 0
        wait(value)

    return sleep


def _sleeping_by_counter(word: memoryview, take: Callable[[], object], kind: WaiterKind) -> Pause:
    """Make the sleep by a counter of the kernel, or of the C library."""
    fence, fenced = fence_calls()
    errors, translate = kind.errors, kind.translate
    announced = False

    def sleep(view: memoryview, index: int, seen: int) -> None:
        nonlocal announced
        if not announced:
            word[0] = 1
            announced = True
            try:
                fence()
            finally:
                fenced()
            if view[index] != seen:
                return
        # First, since a handler that raises may run behind the call: without a token it must not
        # sleep again unannounced. A token that was not taken is a stale one.
        announced = False
        try:
            take()
        except errors as error:
            cause = translate(error)
            if cause is not None:
                raise cause from error
            announced = True  # after a signal's handler: it still waits for that token

    return sleep


def sleeping(word: memoryview, waiter: Waiter | None, kind: WaiterKind, spec: Spec) -> Pause:
    """Make the sleep of the process that a doorbell wakes."""
    if waiter is None:
        return _sleeping_at_word(word)
    # It has looked at the ring's words: it need not look at the counter as well.
    sleeps = replace(spec, wait=Wait.BLOCK, looks=None) if spec.wait is not Wait.POLL else spec
    return _sleeping_by_counter(word, waiting_call(waiter, sleeps), kind)


def pause_of(sleep: Pause | None, spec: Spec) -> Pause:
    """Choose how an end waits; `sleep`: None where it never sleeps."""
    if spec.nowait:
        return would_block
    looks, between = looks_at_word(spec), between_looks(spec.exclusive_cpus)
    if sleep is None or looks == NEVER:
        return between
    return partial(_look_and_sleep, sleep, looks, between) if looks else sleep


def _look_and_sleep(
    sleep: Pause, looks: int, between: Pause, view: memoryview, index: int, seen: int
) -> None:
    for _ in repeat(None, looks):
        if view[index] != seen:
            return
        between(view, index, seen)
    sleep(view, index, seen)


def pause_for_any(sleep: Pause | None, spec: Spec) -> PauseForAny:
    """Choose how an end waits for several words; see `pause_of`."""
    if spec.nowait:
        return would_block
    looks, between = looks_at_word(spec), between_looks(spec.exclusive_cpus)
    if sleep is None or looks == NEVER:
        return partial(between, 0)
    other = memoryview(bytes(1))  # it never has the value seen: an announcement returns at once

    def pause(looked: int) -> None:
        if looked < looks:
            between(0)
        else:
            sleep(other, 0, 1)  # announces it, or sleeps

    return pause
