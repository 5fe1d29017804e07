"""Shared memory of multiprocessing.shared_memory: POSIX shared memory by Python's library."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ipcbench.transports.base import refused_in_shm
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
from ipcbench.transports.kernel_objects import KernelName, check_ours, fresh_name
from ipcbench.transports.segments.posix import allocate_in_shm, shm_capacity
from ipcbench.transports.segments.protocol import try_kind


class MpSegment:
    """A multiprocessing.shared_memory.SharedMemory whose name stands in the ledger."""

    fd = None

    def __init__(self, shared: Any, name: KernelName | None) -> None:
        self._shared = shared
        self._name = name  # None: created elsewhere, and removed there
        self.address: str = shared.name
        self.memory: memoryview = shared.buf

    def stat(self) -> SegmentState:
        status = _path(self.address).stat()
        return SegmentState(status.st_size, status.st_mode & 0o777, status.st_uid)

    def set_mode(self, mode: int) -> None:
        _path(self.address).chmod(mode)

    def resize(self, size: int) -> None:
        raise Unavailable("multiprocessing's shared memory cannot be resized")

    def close(self) -> None:
        # SharedMemory.close() closes its descriptor last, and not at all while a view of the
        # memory exists. The mapping is released with the last view.
        try:
            self._shared.close()
        except BufferError:
            self._shared._buf = self._shared._mmap = None
            self._shared.close()

    def unlink(self) -> None:
        if self._name is not None:
            self._name.remove()


def _path(name: str) -> Path:
    return Path("/dev/shm", name)


def _posixshmem() -> Any:
    """Return the library's own binding of shm_open(3)."""
    return import_module("_posixshmem")


@contextlib.contextmanager
def _untracked() -> Iterator[None]:
    """Disable the resource tracker: before 3.13 each process that opens a segment registers it.

    The tracker is one more process, and it removes the name when the first of the
    processes ends. The names of this package stand in the ledger instead.
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
    """Open a segment (size 0) or create it."""
    from multiprocessing.shared_memory import SharedMemory

    make: Any = SharedMemory
    if sys.version_info >= (3, 13):
        return make(name, size > 0, size, track=False)
    with _untracked():
        return make(name, size > 0, size)


@dataclass(frozen=True)
class MpSegments:
    """Shared memory of multiprocessing."""

    name = "mp"
    sharing = Sharing.NAME
    lifetime = Lifetime.KERNEL

    def probe(self) -> Unavailable | None:
        return try_kind(self)

    def capacity(self) -> Limit | Unavailable:
        return shm_capacity()

    def create(self, size: int, name: str | None) -> MpSegment:
        plain = fresh_name() if name is None else name.removeprefix("/")
        address, library = "/" + plain, _posixshmem()
        kernel_name = KernelName(
            "posix memory",
            address,
            private=name is None,
            unlink=partial(library.shm_unlink, address),
        )
        try:
            with kernel_name.creating():
                shared = _shared(plain, max(size, 1))
        except FileExistsError as error:
            raise FileExistsError(f"{name} is taken") from error
        except OSError as error:
            raise refused_in_shm("shm_open(3)", error) from error
        segment = MpSegment(shared, kernel_name)
        try:
            # SharedMemory only calls ftruncate(2), which reserves no pages.
            fd = library.shm_open(address, os.O_RDWR, 0o600)
            try:
                allocate_in_shm(fd, size)
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
            raise ValueError(
                "multiprocessing's shared memory has no other mapping than a shared one"
            )
        plain = address.removeprefix("/")
        try:
            # SharedMemory does not show its descriptor. In a folder with the sticky bit no
            # other user can replace a file of this user: the file checked is the file opened.
            check_ours(_path(plain).lstat().st_uid, f"the segment {address}")
            return MpSegment(_shared(plain, 0), None)
        except FileNotFoundError as error:
            raise PeerGone(f"the segment {address} was removed") from error
