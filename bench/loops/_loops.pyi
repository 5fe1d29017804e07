"""The compiled loops: `native_loops.py` finds each by the name of its twin in bench/patterns.

Each takes a capsule of operations, the message, the buffer and a count; a stamped one also
an array, whose n + 1 entries it fills with the stamps around the last n of `count` loops.
Each returns its start and its end, in the seconds of time.perf_counter, and the number of
messages (or round trips, or updates) that it handled. Raises: OSError by an operation's
errno, EBADMSG for a message of another length; TypeError where the end lacks an operation.

`delay` is no loop: it takes the turns of a delay and a count, and returns the seconds of one.
`delayed` takes a capsule of operations, the turns of a delay before each operation that sends and
behind each one that receives, and returns a capsule of operations with these delays. `slow_call`
wraps a call of Python with so many turns before it and behind it.
`reading` takes a count of readings of the clock, and returns the seconds of one.
`distance` takes a CPU, and returns the seconds that a cache line takes from this thread's CPU to
that one and back: _distance.h; 0 where that CPU cannot be used, or does not answer.
"""

from collections.abc import Callable
from typing import Any

def slow_call(call: Callable[..., Any], before: int, behind: int = 0, /) -> Callable[..., Any]: ...
def delayed(capsule: object, sending: int, receiving: int, /) -> object: ...
def reading(count: int, /) -> float: ...
def distance(cpu: int, /) -> float: ...
def delay(turns: int, count: int, /) -> float: ...
def __getattr__(name: str) -> Callable[..., tuple[float, float, int]]: ...
