"""Aliases of transports: `shm:posix+spin` is `shm:posix+futex` whose ends wait by `Wait.SPIN`.

A ring whose ends never sleep needs no waiter, so one name stands for all of them. Pure: names
alone are read, and no segment or waiter is imported.
"""

from __future__ import annotations

import re

from ipcbench.transports.contract import Wait

_WAITER = "futex"  # of the transport that an alias stands for
_ALIAS = re.compile(r"([a-z-]+)\+(spin|spin-block)((?:/huge|/in-place)*)")


_RING = re.compile(r"([a-z-]+)\+([a-z-]+)((?:/huge|/in-place)*)")


def same_ring(parameters: str, wait: Wait) -> str | None:
    """Return the name of the ring that is measured for all that never sleep; None for itself.

    Args:
        parameters: the name behind `shm:`.
        wait: the way in which its ends wait.
    """
    found = _RING.fullmatch(parameters)
    if found is None or wait is not Wait.SPIN or found[2] == _WAITER:
        return None
    if found[2].endswith("-counted"):  # another ring
        return None
    return f"shm:{found[1]}+{_WAITER}{found[3]}"


def meaning(parameters: str) -> tuple[str, Wait] | None:
    """Return the name and the way of waiting that an alias stands for; None for other names.

    Args:
        parameters: the name behind `shm:`.
    """
    found = _ALIAS.fullmatch(parameters)
    return None if found is None else (f"shm:{found[1]}+{_WAITER}{found[3]}", Wait(found[2]))
