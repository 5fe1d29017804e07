"""Kinds of file systems: statfs(2)."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

IN_MEMORY = {0x01021994, 0x858458F6}  # TMPFS_MAGIC, RAMFS_MAGIC
# ext, XFS, Btrfs, F2FS, bcachefs, ZFS, and overlayfs, whose upper layer is one of these.
_ON_DISK = {0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0xCA451A4E, 0x2FC12FC1, 0x794C7630}


def file_system(path: str | Path) -> int:
    """Return the magic number of a path's file system. Raises: OSError."""
    answer = (ctypes.c_ulong * 64)()  # struct statfs begins with its type, one word
    if ctypes.CDLL(None, use_errno=True).statfs(os.fsencode(path), ctypes.byref(answer)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return answer[0] & 0xFFFFFFFF


def is_local(path: str | Path) -> bool:
    """Tell whether a file system is mounted by this kernel only; False where that is unknown."""
    try:
        return file_system(path) in IN_MEMORY | _ON_DISK
    except OSError:
        return False
