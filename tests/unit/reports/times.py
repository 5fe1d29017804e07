"""Times of synthetic sweeps that depend on the transport alone."""

from __future__ import annotations

from tests.synthetic import Time

SHM = "shm:posix+posix-sem"
BASE = {"pipe": 10e-6, "unix-stream": 12e-6, "sysv-queue": 11e-6, SHM: 8e-6, "null": 1e-7}


def constant(**changed: float) -> Time:
    """Make a time with some transports changed; `shm` is short for its long name."""
    table = {**BASE, **{SHM if name == "shm" else name: t for name, t in changed.items()}}
    return lambda transport, *rest: table[transport]
