"""Segments over a file descriptor: their allocation and their mapping."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Callable

from ipcbench.transports.base import refused
from ipcbench.transports.contract import Json, Mapping, SegmentState, Unavailable

Allocate = Callable[[int, int], None]
"""A function that allocates so many bytes of a descriptor's memory. Raises: Unavailable."""


def _no_remedy(size: int) -> str:
    return ""


def allocate(fd: int, size: int, grow: Callable[[int], str] = _no_remedy) -> None:
    """Allocate so many bytes of a file; `grow` returns the remedy where there is no space.

    ftruncate(2) alone does not reserve pages: on a full file system the first access
    would be a SIGBUS. Raises: Unavailable.
    """
    try:
        os.posix_fallocate(fd, 0, max(size, 1))
    except OSError as error:
        raise refused(f"posix_fallocate(3) of {size} bytes", error, grow(size)) from error


class MappedSegment:
    """A mapping of a descriptor, which it owns.

    `remove` removes the name, where the segment was created here. `give` allocates more bytes.
    """

    def __init__(
        self,
        fd: int,
        address: Json,
        *,
        mapping: Mapping = Mapping.SHARED,
        shared_by_fd: bool = False,
        remove: Callable[[], None] | None = None,
        give: Allocate = allocate,
    ) -> None:
        self._fd = fd
        self._give = give
        self._mapping = mapping
        self._remove = remove
        self.address = address
        self.fd = fd if shared_by_fd else None
        try:
            self._map()
        except BaseException:
            os.close(fd)
            raise

    def _map(self) -> None:
        access = {
            Mapping.SHARED: mmap.ACCESS_WRITE,
            Mapping.READ_ONLY: mmap.ACCESS_READ,
            Mapping.PRIVATE: mmap.ACCESS_COPY,
        }[self._mapping]
        self._mapped = mmap.mmap(self._fd, os.fstat(self._fd).st_size, access=access)
        self.memory = memoryview(self._mapped)

    def stat(self) -> SegmentState:
        status = os.fstat(self._fd)
        return SegmentState(status.st_size, status.st_mode & 0o777, status.st_uid)

    def set_mode(self, mode: int) -> None:
        os.fchmod(self._fd, mode)

    def resize(self, size: int) -> None:
        if size < len(self.memory):
            raise ValueError(f"from {len(self.memory)} bytes to {size}: a segment cannot shrink")
        self.memory.release()
        try:
            self._mapped.close()
        except BufferError:
            self.memory = memoryview(self._mapped)
            raise
        try:
            self._give(self._fd, size)
        finally:
            self._map()

    def close(self) -> None:
        if self._fd >= 0:
            # A view of the memory that still exists keeps the mapping until it is released.
            with contextlib.suppress(BufferError):
                self.memory.release()
                self._mapped.close()
            os.close(self._fd)
            self._fd = -1

    def unlink(self) -> None:
        if self._remove is not None:
            self._remove()


def owned(
    fd: int,
    size: int,
    address: Json,
    *,
    shared_by_fd: bool,
    remove: Callable[[], None],
    give: Allocate = allocate,
) -> MappedSegment:
    """Make a segment of a new, empty object; remove the object where that fails.

    Raises: Unavailable.
    """
    try:
        try:
            give(fd, size)
        except BaseException:
            os.close(fd)
            raise
        return MappedSegment(fd, address, shared_by_fd=shared_by_fd, remove=remove, give=give)
    except Unavailable:
        remove()
        raise
    except OSError as error:
        remove()
        raise refused(f"mmap(2) of {size} bytes", error) from error
