"""Accesses to one file: `file-read` (lseek(2), read(2), write(2)), `file-pread`, maps.

All of them copy between the file's pages in the kernel's page cache and the caller's buffer: the
system calls in the kernel, a map by itself. The file is written once when it is created, so its
pages are in memory and no access waits for a disk. A map is made, and its pages are entered into
the page table, when a process attaches: an access has no page fault, unless the kernel has
written the page to the disk meanwhile, which makes it read-only again (writes alone notice it).

`file-map:anew` makes its map anew whenever the last one has served for `SPAN` bytes of accesses,
and enters no pages: it has a page fault for each range of pages that it touches first. The kernel
maps some pages around one that is read (fault-around, mm/memory.c).

`file-read` calls lseek(2) only where an access does not begin at the end of the last one.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ipcbench.transports.base import (
    MappingEndpoint,
    PlainChannel,
    check_spec,
    closed,
    forbidden,
    path_in,
    refused,
)
from ipcbench.transports.contract import (
    Endpoint,
    Family,
    Framing,
    Lifetime,
    Limit,
    Limits,
    Need,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
)
from ipcbench.transports.kernel_objects import open_ours
from ipcbench.transports.native import build
from ipcbench.transports.segments.file import FILE

EXTENT = 32 << 20  # bytes of the file: more than the second cache of a core, and than its TLB maps
FILLING = 1  # of all its bytes: a page that was never written is not in memory
PIECE = 1 << 20  # bytes that are filled at a time
_POPULATE_WRITE = 23  # MADV_POPULATE_WRITE: madvise(2), from Linux 5.14 on

SPAN = 1 << 20  # bytes of accesses after which `file-map:anew` makes its map anew: as in file.c

READ, PREAD, MAP, ANEW = "file-read", "file-pread", "file-map", "file-map:anew"
WAYS = (READ, PREAD, MAP, ANEW)  # in the order of file.c

TRAITS = Traits(
    family=Family.FILE,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.FILE}),
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.NAME,
    lifetime=Lifetime.FILE_SYSTEM,
    copies=1,
    zero_length=False,
    unlink_early=True,
    carries=False,
    native=True,
)


class FileEndpoint(MappingEndpoint):
    """A member's end: it opens the file itself, so its position is its own: open(2)."""

    def __init__(self, way: str, path: str) -> None:
        self._fd = -1
        self._way = way
        self._map: mmap.mmap | None = None
        self._memory: memoryview | None = None  # its bytes
        self._fresh: _FreshMap | None = None
        self.send = self.recv_into = forbidden("a file is read and written at a place")
        try:
            self._fd = open_ours(path, os.O_RDWR)
        except FileNotFoundError as error:
            raise PeerGone(f"the file {path} was removed") from error
        os.set_blocking(self._fd, True)
        self._extent = os.fstat(self._fd).st_size
        self.read_at: Callable[[memoryview, int], int]
        self.write_at: Callable[[Any, int], int]
        if way == MAP:
            self._map = _mapped(self._fd, self._extent)
            self._memory = memoryview(self._map)
            self.read_at, self.write_at = _by_map(self._memory)
        elif way == ANEW:
            self._fresh = _FreshMap(self._fd, self._extent)
            self.read_at, self.write_at = self._fresh.read_at, self._fresh.write_at
        else:
            self.read_at, self.write_at = (_by_place if way == PREAD else _by_position)(self._fd)

    def extent(self) -> int:
        """Return the bytes of the file."""
        return self._extent

    def native(self) -> object | None:
        way = WAYS.index(self._way)
        return build("file_access", self, self._fd, self._memory, self._extent, way)

    def close(self) -> None:
        self.read_at = self.write_at = closed
        super().close()

    def _close(self) -> None:
        if self._fresh is not None:
            self._fresh.close()
        if self._map is not None and self._memory is not None:
            # A view that a capsule holds keeps the mapping until it is released.
            with contextlib.suppress(BufferError):
                self._memory.release()
                self._map.close()
        if self._fd >= 0:
            os.close(self._fd)


def _mapped(fd: int, extent: int) -> mmap.mmap:
    """Map a file, and enter its pages into the page table."""
    found = mmap.mmap(fd, extent)
    try:
        found.madvise(_POPULATE_WRITE)
    except OSError:  # an older kernel
        for place in range(0, extent, mmap.PAGESIZE):
            found[place] = found[place]
    return found


class _FreshMap:
    """A map that is made anew after so many bytes of accesses."""

    def __init__(self, fd: int, extent: int) -> None:
        self._fd, self._extent = fd, extent
        self._map: mmap.mmap | None = None
        self._memory = memoryview(b"")
        self._left = 0  # bytes of accesses before the next one is made

    def read_at(self, buffer: memoryview, place: int, /) -> int:
        size = len(buffer)
        if size > self._left:
            self._renew(size)
        self._left -= size
        buffer[:] = self._memory[place : place + size]
        return size

    def write_at(self, data: Any, place: int, /) -> int:
        size = len(data)
        if size > self._left:
            self._renew(size)
        self._left -= size
        self._memory[place : place + size] = data
        return size

    def _renew(self, size: int) -> None:
        self.close()
        self._map = mmap.mmap(self._fd, self._extent)
        self._memory = memoryview(self._map)
        self._left = max(SPAN, size)

    def close(self) -> None:
        self._memory.release()
        if self._map is not None:
            self._map.close()
        self._left = 0


_Calls = tuple[Callable[[memoryview, int], int], Callable[[Any, int], int]]


def _by_map(memory: memoryview) -> _Calls:
    """Return the calls over a map: bytes are copied out of it, and into it."""

    def read_at(buffer: memoryview, place: int, /) -> int:
        size = len(buffer)
        buffer[:] = memory[place : place + size]
        return size

    def write_at(data: Any, place: int, /) -> int:
        size = len(data)
        memory[place : place + size] = data
        return size

    return read_at, write_at


def _by_place(fd: int) -> _Calls:
    """Return the calls that take a place: pread(2), pwrite(2)."""
    preadv, pwrite = os.preadv, os.pwrite

    def read_at(buffer: memoryview, place: int, /) -> int:
        return preadv(fd, (buffer,), place)

    def write_at(data: Any, place: int, /) -> int:
        return pwrite(fd, data, place)

    return read_at, write_at


def _by_position(fd: int) -> _Calls:
    """Return the calls that use the file's position, and set it where it is another one."""
    file = io.FileIO(fd, "r+", closefd=False)
    seek, readinto, write = file.seek, file.readinto, file.write
    position = 0

    def read_at(buffer: memoryview, place: int, /) -> int:
        nonlocal position
        if place != position:
            seek(place)
        moved = readinto(buffer)
        position = place + moved
        return moved

    def write_at(data: Any, place: int, /) -> int:
        nonlocal position
        if place != position:
            seek(place)
        moved = write(data)
        position = place + moved
        return moved

    return read_at, write_at


class FileChannel(PlainChannel):
    """The owner's side: a file under a private or a fixed name, full of bytes."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._segment = FILE.create(EXTENT, spec.name)
        try:
            _fill(self._segment.address)
        except BaseException:
            self._segment.close()
            self._segment.unlink()
            raise

    def _ticket(self, role: Role, index: int) -> Ticket:
        return Ticket(role, index, self._spec, data={"path": self._segment.address})

    def _close(self) -> None:
        self._segment.close()

    def unlink(self) -> None:
        self._segment.unlink()


def _fill(path: str) -> None:
    """Write all bytes of the file, as write(2) does: its pages are in memory then."""
    piece = bytes([FILLING]) * PIECE
    fd = open_ours(path, os.O_RDWR)
    try:
        for place in range(0, EXTENT, PIECE):
            os.pwrite(fd, piece, place)
    except OSError as error:
        raise refused(f"pwrite(2) to {path}", error) from error
    finally:
        os.close(fd)


@dataclass(frozen=True, slots=True)
class FileAccess:
    """A way of access to a file: one of `WAYS`."""

    name: str
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        lacking, space = FILE.probe(), FILE.capacity()
        if lacking is not None:
            return lacking
        if isinstance(space, Unavailable):
            return space
        if space.value is not None and space.value < EXTENT:
            need = Need(EXTENT, topology=Topology.FILE)
            reason = f"a file of {EXTENT} bytes does not fit: {space.value} are {space.source}"
            return Unavailable(reason, space.remedy_for(need))
        return Limits(message=Limit("an access", EXTENT, "the size of the file"))

    def create(self, spec: Spec) -> FileChannel:
        check_spec(self, spec, EXTENT)
        return FileChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return FileEndpoint(self.name, path_in(ticket))


def file_read() -> FileAccess:
    return FileAccess(READ)


def file_pread() -> FileAccess:
    return FileAccess(PREAD)


def file_map() -> FileAccess:
    return FileAccess(MAP)


def file_map_anew() -> FileAccess:
    return FileAccess(ANEW)
