"""Contents of a folder or a file with a plug-in: their digest, and a copy to build from."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ipcbench.bench.arms.arm import ArmError

LARGEST = 1 << 27  # bytes of a folder
_NO_SOURCE = {"__pycache__", "build", "dist", "node_modules"}
_BUILT = (".pyc", ".so", ".o")


def digest(path: Path) -> str:
    """Return the digest of a file, or of a folder's source files. Raises: OSError, ArmError."""
    found = hashlib.sha256()
    for each in _files(path):
        data = os.fsencode(each.readlink()) if _leads_to_folder(each) else each.read_bytes()
        found.update(f"{each.relative_to(path)} {len(data)}\n".encode(errors="surrogateescape"))
        found.update(data)
    return found.hexdigest()


def copy(folder: Path, place: Path) -> None:
    """Copy the source files of a folder: a build writes into the folder that it is made in."""
    for each in _files(folder):
        copied = place / each.relative_to(folder)
        copied.parent.mkdir(parents=True, exist_ok=True)
        if not _leads_to_folder(each):
            shutil.copy(each, copied)
        elif each.resolve().is_relative_to(folder.resolve()):
            copied.symlink_to(each.readlink())
        else:
            copied.symlink_to(each.resolve())


def _leads_to_folder(path: Path) -> bool:
    return path.is_symlink() and path.is_dir()


def _files(path: Path) -> Iterator[Path]:
    """Yield the files in a fixed order. Raises: ArmError, if they are too large."""
    if not path.is_dir():
        yield path
        return
    total = 0
    for each in _sources(path):
        total += each.stat().st_size
        if total > LARGEST:
            raise ArmError(f"{path} has over {LARGEST >> 20} MiB of files", "give a wheel of it")
        yield each


def _sources(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, without version control, environments, and what was built."""
    for each in sorted(folder.iterdir()):
        if each.name.startswith(".") or each.name in _NO_SOURCE:
            continue
        if each.is_dir() and not each.is_symlink():
            if not (each / "pyvenv.cfg").exists():
                yield from _sources(each)
        elif each.is_dir() or (each.is_file() and each.suffix not in _BUILT):
            yield each
