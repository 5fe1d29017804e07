"""Full fence from Python, on x86: other processes see the stores before it before it returns.

Python has no fence of its own, and x86 may execute a load before an earlier store (Intel SDM 3A,
8.2.3.4). A lock that no other thread uses is acquired and released by locked instructions:
sem_trywait(3) and sem_post(3) of the C library up to Python 3.13, an exchange of a mutex later.
Loads and stores are not reordered with those (8.2.3.9). The lock is re-entrant, since a signal's
handler may run between the two calls. A handler that raises there leaves the lock held, and later
calls are no fence: an endpoint is not to be used after that.
"""

from __future__ import annotations

from _thread import RLock
from collections.abc import Callable
from typing import Any


def fence_calls() -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return the two calls of a fence, to be made one after the other; both are calls into C."""
    lock = RLock()
    return lock.acquire, lock.release
