"""shm_open(3): objects on the tmpfs at /dev/shm; by posix_ipc, or by multiprocessing."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ipcbench.transports.base.bindings import missing, posix_ipc
from ipcbench.transports.base.os_errors import ROOM_IN_SHM, refused_in_shm
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Limit,
    Mapping,
    PeerGone,
    SegmentState,
    Sharing,
    Unavailable,
)
from ipcbench.transports.kernel_objects import announce, fresh_name, withdraw
from ipcbench.transports.kernel_objects.ownership import check_ours
from ipcbench.transports.segments.protocol import (
    GROW_SHM,
    MappedSegment,
    allocate,
    owned,
)


def _room() -> Limit | Unavailable:
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError as error:
        return refused_in_shm("statfs(2) of /dev/shm", error)
    return Limit("segment", free, "/dev/shm", GROW_SHM)


_allocate = partial(allocate, grow=ROOM_IN_SHM)


def _unlink(address: str, private: bool) -> None:
    with contextlib.suppress(posix_ipc.ExistentialError):
        posix_ipc.unlink_shared_memory(address)
    if private:
        withdraw("posix memory", address)


@dataclass(frozen=True)
class PosixSegments:
    name = "posix"
    sharing = Sharing.NAME
    lifetime = Lifetime.KERNEL

    def probe(self) -> Unavailable | None:
        return missing("posix_ipc") if posix_ipc is None else _tried(self)

    def room(self) -> Limit | Unavailable:
        return missing("posix_ipc") if posix_ipc is None else _room()

    def create(self, size: int, name: str | None) -> MappedSegment:
        if posix_ipc is None:
            raise missing("posix_ipc")
        address = name or "/" + fresh_name()
        if name is None:
            announce("posix memory", address)
        try:
            memory = posix_ipc.SharedMemory(address, posix_ipc.O_CREX, 0o600)
        except posix_ipc.ExistentialError as error:
            if name is not None and Path("/dev/shm").is_dir():
                raise FileExistsError(f"{address} is taken") from error
            # The binding calls it so as well where there is no folder for it.
            withdraw("posix memory", address)
            raise refused_in_shm("shm_open(3)", error) from error
        except (OSError, posix_ipc.PermissionsError) as error:
            if name is None:
                withdraw("posix memory", address)
            raise refused_in_shm("shm_open(3)", error) from error
        remove = partial(_unlink, address, private=name is None)
        return owned(memory.fd, size, address, shared_by_fd=False, remove=remove, give=_allocate)

    def open(
        self, address: Json, fd: int | None = None, mapping: Mapping = Mapping.SHARED
    ) -> MappedSegment:
        if posix_ipc is None:
            raise missing("posix_ipc")
        try:
            memory = posix_ipc.SharedMemory(address, read_only=mapping is not Mapping.SHARED)
        except posix_ipc.ExistentialError as error:
            raise PeerGone(f"the segment {address} is gone") from error
        except posix_ipc.PermissionsError as error:
            raise PermissionError(f"{address} may not be opened so") from error
        try:
            check_ours(os.fstat(memory.fd).st_uid, f"the segment {address}")
        except PermissionError:
            os.close(memory.fd)
            raise
        return MappedSegment(memory.fd, address, mapping=mapping)


def _tried(kind: PosixSegments | MpSegments) -> Unavailable | None:
    try:
        segment = kind.create(1, None)
    except Unavailable as reason:
        return reason
    segment.close()
    segment.unlink()
    return None


class MpSegment:
    """A multiprocessing.shared_memory.SharedMemory, its name looked after by our ledger."""

    fd = None

    def __init__(self, shared: Any, private: bool) -> None:
        self._shared = shared
        self._private = private
        self._named = True
        self.address: str = shared.name
        self.memory: memoryview = shared.buf

    def stat(self) -> SegmentState:
        status = _path(self.address).stat()
        return SegmentState(status.st_size, status.st_mode & 0o777, status.st_uid)

    def set_mode(self, mode: int) -> None:
        _path(self.address).chmod(mode)

    def resize(self, size: int) -> None:
        raise Unavailable("multiprocessing's shared memory keeps its size")

    def close(self) -> None:
        # It lets go of its descriptor last, and not at all while views are about; the map
        # goes with the last of those.
        try:
            self._shared.close()
        except BufferError:
            self._shared._buf = self._shared._mmap = None
            self._shared.close()

    def unlink(self) -> None:
        if self._named:
            self._named = False
            _forget(self.address, self._private)


def _path(name: str) -> Path:
    return Path("/dev/shm", name)


def _forget(name: str, private: bool) -> None:
    _posixshmem: Any = import_module("_posixshmem")

    with contextlib.suppress(FileNotFoundError):
        _posixshmem.shm_unlink("/" + name)
    if private:
        withdraw("posix memory", "/" + name)


@contextlib.contextmanager
def _untracked() -> Iterator[None]:
    """Without the resource tracker: before 3.13 every process that opens a segment tells it.

    The tracker would be a process of its own, and would take the name away from
    the others as soon as the first of them ends. Ours stand in the ledger.
    """
    from multiprocessing import resource_tracker

    tracker: Any = resource_tracker
    register = tracker.register
    tracker.register = lambda name, kind: None
    try:
        yield
    finally:
        tracker.register = register


def _shared(name: str, size: int) -> Any:
    """Open it (size 0) or create it."""
    from multiprocessing.shared_memory import SharedMemory

    make: Any = SharedMemory
    if sys.version_info >= (3, 13):
        return make(name, size > 0, size, track=False)
    with _untracked():
        return make(name, size > 0, size)


@dataclass(frozen=True)
class MpSegments:
    name = "mp"
    sharing = Sharing.NAME
    lifetime = Lifetime.KERNEL

    def probe(self) -> Unavailable | None:
        return _tried(self)

    def room(self) -> Limit | Unavailable:
        return _room()

    def create(self, size: int, name: str | None) -> MpSegment:
        _posixshmem: Any = import_module("_posixshmem")

        plain = fresh_name() if name is None else name.removeprefix("/")
        if name is None:
            announce("posix memory", "/" + plain)
        try:
            shared = _shared(plain, max(size, 1))
        except FileExistsError as error:
            raise FileExistsError(f"{name} is taken") from error
        except OSError as error:
            if name is None:
                withdraw("posix memory", "/" + plain)
            raise refused_in_shm("shm_open(3)", error) from error
        segment = MpSegment(shared, private=name is None)
        try:
            # The library only calls ftruncate(2).
            fd = _posixshmem.shm_open("/" + plain, os.O_RDWR, 0o600)
            try:
                _allocate(fd, size)
            finally:
                os.close(fd)
        except BaseException as error:
            segment.close()
            segment.unlink()
            if isinstance(error, OSError):
                raise refused_in_shm("shm_open(3)", error) from error
            raise
        return segment

    def open(
        self, address: Json, fd: int | None = None, mapping: Mapping = Mapping.SHARED
    ) -> MpSegment:
        if mapping is not Mapping.SHARED:
            raise ValueError("multiprocessing's shared memory is mapped shared, or not at all")
        plain = address.removeprefix("/")
        try:
            # The library keeps its descriptor to itself. What is ours nobody else can
            # replace in a folder with the sticky bit: what is looked at is what is opened.
            check_ours(_path(plain).lstat().st_uid, f"the segment {address}")
            return MpSegment(_shared(plain, 0), private=False)
        except FileNotFoundError as error:
            raise PeerGone(f"the segment {address} is gone") from error
