"""Shared memory, as a product: segments.py times waiters.py, through ring.py, in compose.py."""

from transports.shm.compose import SEGMENTS, WAITERS, Shm, shm

__all__ = ["SEGMENTS", "WAITERS", "Shm", "shm"]
