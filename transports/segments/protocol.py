"""Where the bytes live: memory that several processes map.

A *segment kind* creates and opens segments; what is mapped is the same for
all of them, so the ring over it does not know which one it got.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ipcbench.transports.base.os_errors import refused
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Limit,
    Mapping,
    Segment,
    SegmentState,
    Sharing,
    Unavailable,
)

GROW_SHM = "mount -o remount,size=SIZE /dev/shm"


class OwnedSegment(Segment, Protocol):
    @property
    def address(self) -> Json:
        """What `SegmentKind.open` needs, or None where it needs the descriptor."""

    @property
    def fd(self) -> int | None:
        """The descriptor that it is shared by, or None."""


class SegmentKind(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def sharing(self) -> Sharing: ...
    @property
    def lifetime(self) -> Lifetime: ...

    def probe(self) -> Unavailable | None:
        """Find out by trying, and leave nothing behind."""

    def room(self) -> Limit | Unavailable:
        """How many bytes a segment may have here."""

    def create(self, size: int, name: str | None) -> OwnedSegment:
        """A new one, all zeros, private (0600), under a random name or the caller's.

        The caller's `name` is what the facility has for names: a name with a
        slash in front, a key, a path.
        Raises: FileExistsError (a fixed name is taken), ValueError (it is no
        name of this kind), Unavailable (no room).
        """

    def open(
        self, address: Json, fd: int | None = None, mapping: Mapping = Mapping.SHARED
    ) -> OwnedSegment:
        """Map what is there; takes `fd` over. A fixed name is its address.

        Raises: PeerGone where it is gone, PermissionError, ValueError (this
        kind cannot be mapped so).
        """


Allocate = Callable[[int, int], None]
"""Give a descriptor's memory so many bytes, for good. Raises: Unavailable."""


def allocate(fd: int, size: int, grow: str = "") -> None:
    """The same for a file; `grow`: what gives it room.

    ftruncate alone promises pages that a full file system cannot give: the first
    touch would be a SIGBUS.
    """
    try:
        os.posix_fallocate(fd, 0, max(size, 1))
    except OSError as error:
        raise refused(f"posix_fallocate(3) of {size} bytes", error, grow) from error


class MappedSegment:
    """A mapping of a descriptor, which it holds.

    `remove`: what takes away the name, if ours. `give`: what it grows by.
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
            raise ValueError(f"from {len(self.memory)} bytes to {size}: a segment only grows")
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
            # Views that rings have cut keep the map until they are gone themselves.
            with contextlib.suppress(BufferError):
                self.memory.release()
                self._mapped.close()
            os.close(self._fd)
            self._fd = -1

    def unlink(self) -> None:
        remove, self._remove = self._remove, None
        if remove is not None:  # once only: the name may be somebody else's by then
            remove()


def owned(
    fd: int,
    size: int,
    address: Json,
    *,
    shared_by_fd: bool,
    remove: Callable[[], None],
    give: Allocate = allocate,
) -> MappedSegment:
    """The segment that a fresh, empty object becomes; where that fails, it is removed.

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


def meminfo() -> dict[str, int]:
    """proc_meminfo(5), in bytes where it is a size."""
    found = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        key, value, *unit = line.split()
        found[key.rstrip(":")] = int(value) * 1024 if unit else int(value)
    return found


def free_memory() -> Limit:
    """What the kernel thinks it could give without swapping."""
    free = meminfo().get("MemAvailable")
    if free is None:
        return Limit("segment", None, "proc_meminfo(5) has no MemAvailable")
    return Limit("segment", free, "MemAvailable, proc_meminfo(5)")
