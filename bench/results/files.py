"""Files that are written as a whole or not at all, even in a kill or a crash."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
from pathlib import Path


def describe(error: OSError) -> str:
    """Describe an error with its file: `results/journal.jsonl: No space left on device`."""
    where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file as a whole, or leave it as it was; do not follow a link.

    Raises: OSError.
    """
    remove_drafts(path)
    try:
        # rename(2) works within one file system only, so the draft is made beside the file.
        # Named before it exists, so that Ctrl-C at any moment leaves none: not by mkstemp.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with open(draft, "xb", opener=_private) as file:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), 0o644 & ~_umask())
                os.fsync(file.fileno())
                draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:  # it names the draft, or no file
        raise OSError(error.errno, error.strerror, str(path)) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, mode=0o600)


def remove_drafts(path: Path) -> None:
    """Remove the drafts of killed writers; a living one holds flock(2) on its draft.

    Some are named by mkstemp(3).
    """
    draft = re.compile(re.escape(f".{path.name}.") + "[a-z0-9_]{8}")
    for each in path.parent.glob(".*"):
        if draft.fullmatch(each.name):
            with contextlib.suppress(OSError):
                fd = os.open(each, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    if os.fstat(fd).st_size:  # a draft is locked before it has content
                        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
                        each.unlink()
                finally:
                    os.close(fd)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def make_folder(path: Path) -> bool:
    """Create a folder and its missing parents, synced to disk; return False if it existed.

    Raises: OSError.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o755, exist_ok=True)  # no write permission for others, whatever the umask
    path.mkdir(exist_ok=True)
    for each in missing:
        with contextlib.suppress(PermissionError):  # a folder that may be searched but not read
            sync_folder(each.parent)
    return bool(missing)


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to disk. Raises: OSError.

    Syncing a file does not sync its name: fsync(2).
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot sync folders
            raise
    finally:
        os.close(fd)
