"""Interrupts: Ctrl-C (SIGINT), SIGTERM and SIGHUP end a command in one line: what is kept.

SIGHUP comes when the terminal is closed, or the connection to it is lost.

While a command is imported, a signal ends the process at once: nothing has begun, and a
KeyboardInterrupt in an import is a traceback. Then it raises Interrupted, and a sweep that is
running is asked to stop first. At the end the signals are ignored, so that what is left to
do, such as removing kernel objects, is done.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}
NOTHING_BEGAN = "nothing has begun; run the command again"
NOTHING_CHANGED = "nothing is changed; run the command again"


class Interrupted(KeyboardInterrupt):
    """A signal that ends the command; `kept` says what is kept and how to go on."""

    def __init__(self, number: int, kept: str) -> None:
        super().__init__(number, kept)
        self.number = number
        self.kept = kept

    @property
    def exit_code(self) -> int:
        """Return the exit code: as a shell's, for a process that a signal ended."""
        return 128 + self.number

    def __str__(self) -> str:
        return f"Stopped by {NAMES[signal.Signals(self.number)]}: {self.kept}"


class _State:
    """The last signal, 0 at first, and what to say of the next one."""

    last = 0
    kept = NOTHING_CHANGED


def end_at_once() -> None:
    """End the process at a signal, with one line. For the time in which nothing has begun."""
    _handle(_end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    with suppress(OSError):  # standard error is closed
        os.write(2, f"{Interrupted(number, NOTHING_BEGAN)}\n".encode())
    os._exit(128 + number)


def raise_interrupted() -> None:
    """Raise Interrupted at a signal, in the main thread."""
    sys.unraisablehook = _say_nothing
    _handle(_raise)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    _State.last = number
    raise Interrupted(number, _State.kept)


def _say_nothing(unraisable: Any) -> None:
    """Show no traceback of an Interrupted that a destructor could not raise; as usual, others.

    Python drops it: sys.unraisablehook. The command goes on, until the next signal.
    """
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


def _handle(handler: Callable[[int, FrameType | None], object]) -> None:
    """Install a handler for the signals that are not ignored, as `nohup` and `&` do."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def ignore() -> None:
    """Ignore the signals from now on."""
    for number in SIGNALS:
        while signal.getsignal(number) is not signal.SIG_IGN:
            with suppress(KeyboardInterrupt):  # one that arrived before this call
                signal.signal(number, signal.SIG_IGN)


def last() -> Interrupted | None:
    """Return the last signal, as an exception that is not raised; None if there was none."""
    return Interrupted(_State.last, _State.kept) if _State.last else None


def say(kept: str) -> None:
    """Say this of a signal from now on: what is kept, and how to go on."""
    _State.kept = kept


class StopRequest:
    """A context in which the first signal asks to stop, and the second raises Interrupted.

    The handler of the first one calls `ask`, and what `then` names.
    """

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._stop: Callable[[], None] = lambda: None
        self._asked = 0

    def __enter__(self) -> StopRequest:
        heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._handle) for number in heeded}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            _raise(number, frame)
        self._asked = _State.last = number
        self._stop()
        self._ask()

    def then(self, stop: Callable[[], None]) -> None:
        """Call this when a stop is asked for, at once if it has been."""
        self._stop = stop
        if self._asked:
            stop()

    def check(self) -> None:
        """Raise Interrupted if a stop has been asked for."""
        if self._asked:
            raise Interrupted(self._asked, _State.kept)
