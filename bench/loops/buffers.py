"""Where the bytes lie that are sent and received.

How quickly memory is copied depends on how its two ends lie: a copy of 64 KiB
whose ends were off a cache line by 16 bytes took 20 % longer than one between
lines, and one whose ends were off a page by 1 KiB against each other 14 %. An
allocator's chance must not be what tells two runs apart.
"""

from __future__ import annotations

import mmap
from ctypes import addressof, c_char

from ipcbench.transports.native import HEADROOM


def room(size: int) -> memoryview:
    """So many bytes, on cache lines of their own; from a page's size on, on pages.

    Before them lies a headroom that native operations may overwrite: ops.h.
    """
    aligned = mmap.PAGESIZE if size >= mmap.PAGESIZE else HEADROOM
    whole = bytearray(HEADROOM + aligned + size + HEADROOM)
    start = addressof(c_char.from_buffer(whole)) + HEADROOM
    at = HEADROOM + -start % aligned
    return memoryview(whole)[at : at + size]
