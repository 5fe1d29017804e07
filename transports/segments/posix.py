"""POSIX shared memory: shm_open(3), objects on the tmpfs at /dev/shm."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ipcbench.transports.base import refused_in_shm
from ipcbench.transports.base.bindings import posix_ipc, require
from ipcbench.transports.base.memory import free_memory, lacking
from ipcbench.transports.base.os_errors import room_in_shm
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Limit,
    Mapping,
    Need,
    PeerGone,
    Sharing,
    Unavailable,
)
from ipcbench.transports.kernel_objects import KernelName, check_ours, fresh_name
from ipcbench.transports.segments.mapped import MappedSegment, allocate, owned
from ipcbench.transports.segments.protocol import try_kind


def shm_capacity() -> Limit | Unavailable:
    """Return the free space of /dev/shm."""
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError as error:
        return refused_in_shm("statfs(2) of /dev/shm", error)
    space = Limit("segment", free, "/dev/shm", suffices=_enough)
    memory = free_memory()  # its pages are memory: tmpfs(5)
    return space if memory.value is None or free <= memory.value else memory


def _enough(need: Need) -> str:
    return lacking(need.size) or room_in_shm(need.size)


allocate_in_shm = partial(allocate, grow=room_in_shm)


@dataclass(frozen=True)
class PosixSegments:
    """POSIX shared memory, through the binding posix_ipc."""

    name = "posix"
    sharing = Sharing.NAME
    lifetime = Lifetime.KERNEL

    def probe(self) -> Unavailable | None:
        return try_kind(self)

    def capacity(self) -> Limit | Unavailable:
        return shm_capacity()

    def create(self, size: int, name: str | None) -> MappedSegment:
        require("posix_ipc")
        address = name or "/" + fresh_name()
        kernel_name = KernelName("posix memory", address, private=name is None)
        try:
            with kernel_name.creating():
                memory = posix_ipc.SharedMemory(address, posix_ipc.O_CREX, 0o600)
        except posix_ipc.ExistentialError as error:
            if name is not None and Path("/dev/shm").is_dir():
                raise FileExistsError(f"{address} is taken") from error
            # The binding raises the same error where /dev/shm does not exist.
            raise refused_in_shm("shm_open(3)", error) from error
        except (OSError, posix_ipc.PermissionsError) as error:
            raise refused_in_shm("shm_open(3)", error) from error
        return owned(
            memory.fd,
            size,
            address,
            shared_by_fd=False,
            remove=kernel_name.remove,
            give=allocate_in_shm,
        )

    def open(
        self, address: Json, fd: int | None = None, mapping: Mapping = Mapping.SHARED
    ) -> MappedSegment:
        require("posix_ipc")
        try:
            memory = posix_ipc.SharedMemory(address, read_only=mapping is not Mapping.SHARED)
        except posix_ipc.ExistentialError as error:
            raise PeerGone(f"the segment {address} was removed") from error
        except posix_ipc.PermissionsError as error:
            raise PermissionError(f"no permission to open {address}") from error
        try:
            check_ours(os.fstat(memory.fd).st_uid, f"the segment {address}")
        except PermissionError:
            os.close(memory.fd)
            raise
        return MappedSegment(memory.fd, address, mapping=mapping)
