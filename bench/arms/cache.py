"""Cache of built arms: one private folder, with an upper bound, whose parts are locked while used.

An entry is a folder `KEY` beside a file `KEY.lock`. Its builder holds flock(2) on that file
exclusively, and each command that plays it holds it shared to its end, in whatever way it ends.
The programs of a build inherit the lock, so that nothing is removed under them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ipcbench.bench.arms.arm import ArmError
from ipcbench.transports.kernel_objects.ownership import check_way, user

VARIABLE = "XDG_CACHE_HOME"
MOST = 16  # entries
MOST_BYTES = 1 << 29  # of all of them
POLL = 0.05  # seconds between two looks at a lock that another build holds
_READY = "ready"  # the file that a finished entry has: its size in bytes
_ANOTHER = f"set {VARIABLE} to a folder of your own"


def folder() -> Path:
    """Return the private folder of built arms; create it if it is missing. Raises: ArmError."""
    place = _place()
    try:
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=0o700)
        found = place.lstat()
        check_way(place)
    except OSError as error:
        reason = f"{place} cannot be made: {error.strerror}" if error.errno else str(error)
        raise ArmError(f"built arms cannot be kept: {reason}", _ANOTHER) from error
    if found.st_uid != os.geteuid():
        raise ArmError(f"{place} belongs to {user(found.st_uid)}", _ANOTHER)
    if not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
        raise ArmError(
            f"{place} is no folder that only we may enter (0700)", f"remove it, or {_ANOTHER}"
        )
    return place


def _place() -> Path:
    """Return the folder's path, by the XDG base directory specification."""
    given = os.environ.get(VARIABLE, "")
    try:
        home = Path(given) if given.startswith("/") else Path.home() / ".cache"
    except RuntimeError as error:  # no HOME, and no entry in passwd(5)
        raise ArmError("built arms cannot be kept: there is no home folder", _ANOTHER) from error
    return home / "ipcbench/arms"


class Entry:
    """A part of the cache: its path, and the lock that this process holds on it."""

    def __init__(self, key: str) -> None:
        """Name it; `claim` locks it. Raises: ArmError."""
        self.path = folder() / key
        self._lock = -1

    @property
    def lock(self) -> int:
        """The descriptor that holds the lock."""
        return self._lock

    @property
    def log(self) -> Path:
        """The file for the output of a build that has failed."""
        return self.path.with_name(f"{self.path.name}.log")

    @property
    def is_ready(self) -> bool:
        """Tell whether it is built."""
        return (self.path / _READY).exists()

    def claim(self, build: Callable[[], None], stopped: Callable[[], bool]) -> None:
        """Have it built unless it is, and keep it until this process ends.

        Another process that builds it is waited for, until `stopped`. Raises: what `build` does.
        """
        while not stopped():
            if self._take(fcntl.LOCK_SH) and self.is_ready:
                os.utime(self.path)  # used last
                return
            if self._take(fcntl.LOCK_EX) and not self.is_ready:
                self._build(build)
            else:
                time.sleep(POLL)

    def _take(self, how: int) -> bool:
        """Lock it in another way; return False where another process has it."""
        self.release()
        lock = _lock_of(self.path)
        self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._lock, how | fcntl.LOCK_NB)
            return os.fstat(self._lock).st_ino == os.stat(lock).st_ino  # it may be removed by now
        except (BlockingIOError, FileNotFoundError):
            self.release()
            return False

    def _build(self, build: Callable[[], None]) -> None:
        """Build it anew. The lock is held exclusively."""
        _remove_tree(self.path)
        try:
            self.path.mkdir(mode=0o700)
            build()
        except OSError as error:
            _remove_tree(self.path)
            raise ArmError(
                f"{self.path} cannot be written: {error.strerror}", f"make room, or {_ANOTHER}"
            ) from error
        except BaseException:
            _remove_tree(self.path)
            raise
        (self.path / _READY).write_text(f"{_size(self.path)}\n")

    def discard(self) -> None:
        """Remove it, where no other process uses it."""
        if self._take(fcntl.LOCK_EX):
            _remove_tree(self.path)
            for each in (_lock_of(self.path), self.log):
                each.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Release the lock."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def remove_unfinished() -> list[str]:
    """Remove the entries that a killed build has left; return their paths."""
    left = [entry for entry in _entries() if not entry.is_ready]
    there = [entry for entry in left if entry.path.exists()]
    removed = [entry for entry in left if _removed(entry)]
    return [str(entry.path) for entry in there if entry in removed]


def remove_all() -> tuple[list[str], list[str]]:
    """Remove the entries that no process uses; return their paths, and those of the others."""
    removed: list[str] = []
    used: list[str] = []
    for entry in _entries():
        there = entry.path.exists()
        if not _removed(entry):
            used.append(str(entry.path))
        elif there:
            removed.append(str(entry.path))
    return removed, used


def shrink() -> None:
    """Remove what was used longest ago, down to the upper bound."""
    entries = sorted(
        (entry for entry in _entries() if entry.is_ready),
        key=lambda entry: entry.path.stat().st_mtime,
        reverse=True,
    )
    total = 0
    for number, entry in enumerate(entries, 1):
        total += _recorded_size(entry.path)
        if number > MOST or total > MOST_BYTES:
            _removed(entry)


def _entries() -> Iterator[Entry]:
    """Yield all entries, also where there is no folder yet."""
    place = _place()
    if place.is_dir():
        for lock in sorted(folder().glob("*.lock")):
            yield Entry(lock.stem)


def _removed(entry: Entry) -> bool:
    """Remove an entry; return False if a process uses it."""
    entry.discard()
    return not entry.path.exists()


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, as far as possible."""
    if path.exists():
        shutil.rmtree(path, ignore_errors=True)


def _size(path: Path) -> int:
    return sum(each.lstat().st_size for each in path.rglob("*"))


def _recorded_size(path: Path) -> int:
    try:
        return int((path / _READY).read_text())
    except (OSError, ValueError):
        return 0
