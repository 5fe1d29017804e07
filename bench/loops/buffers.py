"""Buffers whose place in memory is the same in every run.

The speed of a copy depends on how its two ends are aligned: a copy of 64 KiB whose ends
were off a cache line by 16 bytes took 20 % longer than one between lines, and one whose
ends differed by 1 KiB within their pages 14 %. An allocator must not decide that.
"""

from __future__ import annotations

import mmap
from ctypes import addressof, c_char, memset

from ipcbench.transports.native import HEADROOM

# The byte that fills a message. Memory that was never written is the kernel's one page of
# zeros, which is always cached: sending from there is a third too quick at 1 MiB.
WRITTEN = 1


def aligned_buffer(size: int) -> memoryview:
    """Return `size` bytes that begin on a cache line, or on a page from a page's size on.

    Native operations may overwrite the headroom before them: ops.h.
    """
    alignment = mmap.PAGESIZE if size >= mmap.PAGESIZE else HEADROOM
    whole = bytearray(HEADROOM + alignment + size + HEADROOM)
    start = addressof(c_char.from_buffer(whole)) + HEADROOM
    at = HEADROOM + -start % alignment
    return memoryview(whole)[at : at + size]


def written_buffer(size: int) -> memoryview:
    """Return an `aligned_buffer` that is full of `WRITTEN`."""
    buffer = aligned_buffer(size)
    if size:
        memset(addressof(c_char.from_buffer(buffer)), WRITTEN, size)
    return buffer
