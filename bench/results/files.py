"""Files that are there as a whole or not at all, whatever is killed or crashes meanwhile."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import tempfile
from pathlib import Path


def in_words(error: OSError) -> str:
    """`results/journal.jsonl: No space left on device`."""
    where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file as a whole, or leave it as it was; a link of that name is not followed.

    Raises: OSError.
    """
    remove_drafts(path)
    try:
        # rename(2) is atomic within a file system alone: the draft lies beside the file.
        fd, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(fd, "wb") as file:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.write(data)
                file.flush()
                os.fchmod(fd, 0o644 & ~_umask())
                os.fsync(fd)
                Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:  # it tells the draft's name, or none
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_drafts(path: Path) -> None:
    """Remove what kills have left of earlier writes: a living writer holds flock(2) on its own."""
    draft = re.compile(re.escape(f".{path.name}.") + "[a-z0-9_]{8}")  # as mkstemp names them
    for each in path.parent.glob(".*"):
        if draft.fullmatch(each.name):
            with contextlib.suppress(OSError):
                fd = os.open(each, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    if os.fstat(fd).st_size:  # it has been locked before it was filled
                        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
                        each.unlink()
                finally:
                    os.close(fd)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def make_folder(path: Path) -> bool:
    """Make a folder and what is missing above it, to outlive a crash; False: it was there.

    Raises: OSError.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o755, exist_ok=True)  # whatever the umask, nobody else writes here
    path.mkdir(exist_ok=True)
    for each in missing:
        with contextlib.suppress(PermissionError):  # a folder may be entered, and not listed
            sync_folder(each.parent)
    return bool(missing)


def sync_folder(folder: Path) -> None:
    """See to it that the names in a folder outlive a crash of the machine. Raises: OSError.

    A file's own sync says nothing of its name: fsync(2).
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that keeps its names in another way
            raise
    finally:
        os.close(fd)
