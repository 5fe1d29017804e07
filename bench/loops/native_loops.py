"""The timed loops in C, with the signature of those in Python.

A compiled loop bears the name of its twin in `bench/patterns` and is found by that name; a
loop without one cannot run natively. It takes an endpoint of native operations
(`ipcbench.transports.native`), and a message and a buffer aligned as those operations
require (`bench/loops/buffers.py`). It reads the clock of `time.perf_counter`.
"""

from __future__ import annotations

import errno
from array import array
from importlib import import_module
from typing import Any

from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Loop, Span, Stamped
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.native import REMEDY, built, translate_native

compiled: Any = None
_why = ""
try:
    compiled = import_module("ipcbench.bench.loops._loops")
except ImportError as error:
    _why = str(error)


def missing() -> Unavailable | None:
    """Return the reason why no loop can run natively here, or None."""
    if compiled is None:
        return Unavailable(f"the native runtime is not built here: {_why}", REMEDY)
    return built()


def has_twin(loop: Loop) -> bool:
    """Say if a loop may have a twin in C: True where nothing is built, since `missing` says so."""
    return compiled is None or hasattr(compiled, loop.__name__)


def twin(loop: Loop) -> Loop:
    """Return the compiled twin of a loop.

    Raises: Unavailable where there is none. The twin raises OSError (an operation failed, a
    message of another length arrived), or what the operation's errno stands for.
    """
    body: Any = getattr(compiled, loop.__name__, None)
    if body is None:
        raise missing() or Unavailable(f"the loop {loop.__name__} has no twin in C")

    def run(
        endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, *arguments: Any
    ) -> Span:
        try:
            start, end, handled = body(endpoint.capsule, message, buffer, count, *arguments)
        except OSError as error:
            raise _translated(error, loop.__name__) from error
        return Span(*clock.block_times(start, end), handled)

    run.__name__ = loop.__name__
    run.__doc__ = loop.__doc__
    return run


def reading(count: int) -> float:
    """Return the seconds of a reading of the clock in C, from so many in a row."""
    found: float = compiled.reading(count)
    return found


def distance(cpu: int) -> float:
    """Return the seconds of a cache line from this CPU to that one and back; 0: unknown."""
    found: float = compiled.distance(cpu)
    return found


def stamped_twin(loop: Stamped) -> Stamped | None:
    """Return the compiled twin of a stamped loop, or None where there is none."""
    body: Any = getattr(compiled, loop.__name__, None)
    if body is None:
        return None

    def run(
        endpoint: Any,
        message: Any,
        buffer: memoryview,
        count: int,
        clock: Clock,
        stamps: array[int],
        *arguments: int,
    ) -> None:
        try:
            body(endpoint.capsule, message, buffer, count, *arguments, stamps)
        except OSError as error:
            raise _translated(error, loop.__name__) from error
        stamps[:] = clock.stamps(stamps)

    run.__name__ = loop.__name__
    run.__doc__ = loop.__doc__
    return run


def _translated(error: OSError, loop: str) -> Exception:
    if error.errno == errno.EBADMSG:
        return OSError(error.errno, f"{loop}: a message of another length arrived")
    return translate_native(error, loop)
