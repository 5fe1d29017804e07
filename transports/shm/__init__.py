"""Shared memory, as a product: segments times waiters (kinds.py), through a ring, in compose.py."""

from ipcbench.transports.shm.kinds import SEGMENTS, WAITERS

__all__ = ["SEGMENTS", "WAITERS"]
