"""Where the bytes live: memory that several processes map.

A *segment kind* creates and opens segments; what is mapped is the same for
all of them, so the ring over it does not know which one it got.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
from typing import Protocol

from transports.bindings import missing, posix_ipc
from transports.contract import Json, Limit, PeerGone, Segment, Unavailable
from transports.naming import announce, fresh_name, withdraw


class OwnedSegment(Segment, Protocol):
    @property
    def address(self) -> Json:
        """What `SegmentKind.open` needs."""


class SegmentKind(Protocol):
    name: str

    def room(self) -> Limit | Unavailable:
        """How many bytes a segment may have here."""

    def create(self, size: int, name: str | None) -> OwnedSegment:
        """Raises: FileExistsError (a fixed name is taken), Unavailable (no room)."""

    def open(self, address: Json) -> Segment:
        """Raises: PeerGone where it is gone."""


class MappedSegment:
    """A shared mapping of a descriptor, which is closed at once: the map holds the object."""

    def __init__(self, fd: int, address: Json, private: bool) -> None:
        try:
            self._map = mmap.mmap(fd, os.fstat(fd).st_size)
        finally:
            os.close(fd)
        self._private = private
        self._named = True
        self.memory = memoryview(self._map)
        self.address = address

    def close(self) -> None:
        # Views that rings have cut keep the map until they are gone themselves.
        with contextlib.suppress(BufferError):
            self.memory.release()
            self._map.close()

    def unlink(self) -> None:
        if self._named:  # once only: the name may be somebody else's by then
            self._named = False
            _unlink(self.address, self._private)


def _unlink(address: str, private: bool) -> None:
    with contextlib.suppress(posix_ipc.ExistentialError):
        posix_ipc.unlink_shared_memory(address)
    if private:
        withdraw("posix memory", address)


class PosixSegments:
    """shm_open(3): objects on the tmpfs at /dev/shm."""

    name = "posix"

    def room(self) -> Limit | Unavailable:
        if posix_ipc is None:
            return missing("posix_ipc")
        try:
            free = shutil.disk_usage("/dev/shm").free
        except OSError as error:
            return Unavailable(f"/dev/shm: {error.strerror}", "mount -t tmpfs tmpfs /dev/shm")
        return Limit("segment", free, "/dev/shm", "mount -o remount,size=SIZE /dev/shm")

    def create(self, size: int, name: str | None) -> MappedSegment:
        address = name or "/" + fresh_name()
        if name is None:
            announce("posix memory", address)
        try:
            memory = posix_ipc.SharedMemory(address, posix_ipc.O_CREX, 0o600)
        except posix_ipc.ExistentialError as error:
            raise FileExistsError(f"{address} is taken") from error
        except OSError as error:
            raise Unavailable(f"shm_open(3) fails: {error.strerror}") from error
        try:
            # ftruncate alone promises pages that a full tmpfs cannot give: the first
            # touch would be a SIGBUS.
            os.posix_fallocate(memory.fd, 0, max(size, 1))
        except OSError as error:
            os.close(memory.fd)
            _unlink(address, private=name is None)
            raise Unavailable(
                f"/dev/shm has no room for {size} bytes: {error.strerror}",
                "mount -o remount,size=SIZE /dev/shm",
            ) from error
        try:
            return MappedSegment(memory.fd, address, private=name is None)
        except OSError as error:
            _unlink(address, private=name is None)
            raise Unavailable(f"mmap(2) fails for {size} bytes: {error.strerror}") from error

    def open(self, address: Json) -> MappedSegment:
        try:
            memory = posix_ipc.SharedMemory(address)
        except posix_ipc.ExistentialError as error:
            raise PeerGone(f"the segment {address} is gone") from error
        return MappedSegment(memory.fd, address, private=False)
