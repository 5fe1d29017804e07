"""Window: addresses at which one file after another is mapped.

A view of a file that is no longer mapped there shows zeros, or the next file, and does no harm.
munmap(2) would leave a hole, in which the process may map anything else, and a reader of an old
view would be ended by SIGSEGV.
"""

from __future__ import annotations

import ctypes
import mmap
import os

_libc = ctypes.CDLL(None, use_errno=True)
_mmap = _libc.mmap
_mmap.restype = ctypes.c_void_p
_mmap.argtypes = [
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
]  # fmt: skip
_FAILED = ctypes.c_void_p(-1).value
_MAP_FIXED = 0x10  # asm-generic/mman-common.h
_BOTH = mmap.PROT_READ | mmap.PROT_WRITE
_RESERVED = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)


class Window:
    """Reserved addresses for so many bytes; they are unmapped with the last view of `memory`."""

    def __init__(self, size: int) -> None:
        reserved = mmap.mmap(-1, max(size, 1), flags=_RESERVED, prot=_BOTH)
        self.memory = memoryview(reserved)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(reserved))

    def show(self, fd: int, size: int) -> None:
        """Map the first bytes of a sealed file, to be read. Raises: OSError."""
        # A shared mapping of a write-sealed file is refused before Linux 6.7, even to read; a
        # private one shows the same pages, as nothing writes to it.
        self._map(size, mmap.PROT_READ, mmap.MAP_PRIVATE, fd)

    def share(self, fd: int, size: int, *, writable: bool) -> None:
        """Map the first bytes of a file that changes. Raises: OSError."""
        self._map(size, _BOTH if writable else mmap.PROT_READ, mmap.MAP_SHARED, fd)

    def clear(self, size: int) -> None:
        """Unmap the file whose first bytes are mapped. Raises: OSError."""
        self._map(size, _BOTH, _RESERVED, -1)

    def _map(self, size: int, protection: int, flags: int, fd: int) -> None:
        if not size:
            return
        if _mmap(self.address, size, protection, flags | _MAP_FIXED, fd, 0) == _FAILED:
            number = ctypes.get_errno()
            raise OSError(number, f"mmap(2): {os.strerror(number)}")
