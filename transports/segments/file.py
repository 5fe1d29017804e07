"""Mapped files, open(2) and mmap(2), on a disk's file system or on a tmpfs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from ipcbench.transports.base import refused
from ipcbench.transports.base.file_systems import IN_MEMORY, file_system
from ipcbench.transports.base.memory import free_memory, lacking
from ipcbench.transports.base.os_errors import WRITABLE_SHM, grow_tmpfs
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Limit,
    Mapping,
    PeerGone,
    Sharing,
    Unavailable,
)
from ipcbench.transports.kernel_objects import KernelName, fresh_name, open_ours
from ipcbench.transports.kernel_objects.home import home
from ipcbench.transports.segments.mapped import MappedSegment, allocate, owned
from ipcbench.transports.segments.protocol import try_kind


def in_memory(path: str | Path) -> bool:
    """Return True if a path lies on a tmpfs or a ramfs. Raises: OSError."""
    return file_system(path) in IN_MEMORY


@cache
def _known_in_memory(path: Path) -> bool:
    return in_memory(path)


@dataclass(frozen=True)
class FileSegments:
    """Mapped files; `tmpfs`: on a tmpfs, or else on a disk.

    `others`: folders to try after `home()`. In a folder that is writable for all, the
    sticky bit and a random name protect the file.
    """

    name: str
    tmpfs: bool
    others: tuple[str, ...]
    sharing = Sharing.NAME
    lifetime = Lifetime.FILE_SYSTEM

    def folder(self) -> Path | Unavailable:
        """Return the folder of files without a fixed name."""
        for folder in (home(), *map(Path, self.others)):
            if folder.is_dir() and _known_in_memory(folder) is self.tmpfs:
                return folder
        if self.tmpfs:
            return Unavailable("no tmpfs on which files can be created", WRITABLE_SHM)
        return Unavailable(
            f"{home()} and /var/tmp are not on a disk",
            "set XDG_RUNTIME_DIR to a folder on a disk",
        )

    def probe(self) -> Unavailable | None:
        return try_kind(self)

    def capacity(self) -> Limit | Unavailable:
        folder = self.folder()
        if isinstance(folder, Unavailable):
            return folder
        free = shutil.disk_usage(folder).free
        space = Limit(
            "segment",
            free,
            f"free in {folder}",
            suffices=lambda need: _space(folder, need.size, tmpfs=self.tmpfs),
        )
        memory = free_memory()  # the pages of a tmpfs are memory: tmpfs(5)
        if not self.tmpfs or memory.value is None or free <= memory.value:
            return space
        return memory

    def create(self, size: int, name: str | None) -> MappedSegment:
        if name is None:
            folder = self.folder()
            if isinstance(folder, Unavailable):
                raise folder
            path = folder / fresh_name()
        else:
            path = Path(name).absolute()
            if in_memory(path.parent) is not self.tmpfs:
                kind = "not a tmpfs" if self.tmpfs else "a tmpfs, not a disk"
                raise ValueError(f"{path.parent} is {kind}")
        kernel_name = KernelName("file", str(path), private=name is None)
        try:
            with kernel_name.creating():
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError as error:
            raise FileExistsError(f"{path} is taken") from error
        except OSError as error:
            raise refused(f"open(2) of {path}", error, _grow(path.parent)) from error
        give = partial(allocate, grow=partial(_space, path.parent, tmpfs=self.tmpfs))
        return owned(fd, size, str(path), shared_by_fd=False, remove=kernel_name.remove, give=give)

    def open(
        self, address: Json, fd: int | None = None, mapping: Mapping = Mapping.SHARED
    ) -> MappedSegment:
        access = os.O_RDWR if mapping is Mapping.SHARED else os.O_RDONLY
        try:
            found = open_ours(address, access)
        except FileNotFoundError as error:
            raise PeerGone(f"the file {address} was removed") from error
        return MappedSegment(found, address, mapping=mapping)


def _mounted(path: Path) -> Path:
    """Return the mount point of a path's file system."""
    path = path.absolute()
    return next(one for one in (path, *path.parents) if one.is_mount())


def _space(folder: Path, size: int, *, tmpfs: bool) -> str:
    """Return the remedy where a file system has too little space for so many bytes more."""
    if tmpfs:
        return lacking(size) or grow_tmpfs(_mounted(folder), size)
    return f"make {size} bytes free in {folder}, or set XDG_RUNTIME_DIR to another folder"


def _grow(folder: Path) -> str:
    return f"make {folder} writable, with free space, or set XDG_RUNTIME_DIR to another folder"


FILE = FileSegments("file", False, ("/var/tmp",))  # kept over restarts: hier(7)
TMPFS = FileSegments("tmpfs", True, ("/dev/shm",))
