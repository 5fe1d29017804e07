"""Full fence from Python, on x86: other processes see the stores before it before it returns.

Python has no fence of its own, and x86 may execute a load before an earlier store (Intel SDM 3A,
8.2.3.4). A lock that no other thread uses is acquired and released by locked instructions:
sem_trywait(3) and sem_post(3) of the C library up to Python 3.13, an exchange of a mutex later.
Loads and stores are not reordered with those (8.2.3.9). The lock is re-entrant, since a signal's
handler may run between the two calls. It may raise there: so the second call is in a `finally`,
or else the lock would stay held, and later calls would be no fence. `with lock:` takes twice as
long: it looks up two methods in each pass.
"""

from __future__ import annotations

from _thread import RLock
from collections.abc import Callable
from typing import Any


def fence_calls() -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return the two calls of a fence, the second one to be in a `finally`; both are in C."""
    lock = RLock()
    return lock.acquire, lock.release
