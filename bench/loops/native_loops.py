"""The timed loops in C, with the face of those in Python: each a twin of its name there.

They take an endpoint of native operations (ipcbench.transports.native), and a message
and a buffer that lie as those want it: ipcbench.bench.loops.buffers. The loop itself is in
_loops.c, which reads the clock of `time.perf_counter`.
"""

from __future__ import annotations

import errno
from array import array
from importlib import import_module
from typing import Any

from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.patterns import python_loops
from ipcbench.bench.patterns.python_loops import Loop, Span, Stamped
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.native import REMEDY, built, in_words

compiled: Any = None
_why = ""
try:
    compiled = import_module("ipcbench.bench.loops._loops")
except ImportError as error:
    _why = str(error)


def missing() -> Unavailable | None:
    """Why no loop can run natively here, or None."""
    if compiled is None:
        return Unavailable(f"the native runtime is not built here: {_why}", REMEDY)
    return built()


def _told(error: OSError, what: str) -> Exception:
    if error.errno == errno.EBADMSG:
        return OSError(error.errno, f"{what}: a message of another length arrived")
    return in_words(error, what)


def _twin(loop: Loop) -> Loop:
    play: Any = getattr(compiled, loop.__name__, None)

    def twin(endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock) -> Span:
        try:
            start, end, handled = play(endpoint.capsule, message, buffer, count)
        except OSError as error:
            raise _told(error, loop.__name__) from error
        return Span(*clock.told(start, end), handled)

    twin.__name__ = loop.__name__
    twin.__doc__ = loop.__doc__
    return twin


def _stamped(loop: Stamped) -> Stamped:
    play: Any = getattr(compiled, loop.__name__, None)

    def twin(
        endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
    ) -> array[int]:
        stamps = array("q", bytes(8 * (count + 1)))
        try:
            play(endpoint.capsule, message, buffer, count, stamps)
        except OSError as error:
            raise _told(error, loop.__name__) from error
        return python_loops.durations(clock.told_ns(stamps))

    twin.__name__ = loop.__name__
    twin.__doc__ = loop.__doc__
    return twin


ping = _twin(python_loops.ping)
pong = _twin(python_loops.pong)
pour = _twin(python_loops.pour)
drain = _twin(python_loops.drain)
emit = _twin(python_loops.emit)
absorb = _twin(python_loops.absorb)
compete = _twin(python_loops.compete)
serve = _twin(python_loops.serve)
nudge = _twin(python_loops.nudge)
answer = _twin(python_loops.answer)
count_up = _twin(python_loops.count_up)
stamped_ping = _stamped(python_loops.stamped_ping)
stamped_nudge = _stamped(python_loops.stamped_nudge)
