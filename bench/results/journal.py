"""Journal of a sweep, or of a comparison: one JSON entry per line, appended and synced.

All other files of a run can be written again from it. A kill may leave an
incomplete last line, which `Journal.resume` removes and reports. Two writers
would damage each other's lines: a writer holds flock(2) on the file, which
the kernel releases when the process ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from ipcbench.bench.errors import BenchError
from ipcbench.bench.results.files import remove_drafts, sync_folder
from ipcbench.bench.results.records import AnyEntry, Entry, Header
from ipcbench.bench.results.schema1 import SCHEMA_1, Translator, decode_entry
from ipcbench.bench.results.untrusted import one_line, open_file
from ipcbench.transports.kernel_objects.ownership import open_itself

NAME = "journal.jsonl"
LONGEST_LINE = 1 << 24  # bytes; far more than any entry has
LARGEST = 1 << 29  # bytes; the runs of seven hours, which take about 2 GiB of memory when read

LONGEST_QUOTE = 200  # characters of an untrusted line in a message

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of journal: the name of its file, and a word for the work that it is of."""

    name: str
    work: str


SWEEP = Kind(NAME, "sweep")
COMPARISON = Kind("comparison.jsonl", "comparison")

_encoder = msgspec.json.Encoder()


class Unreadable(BenchError):
    """A file that is not a journal of ipcbench, or is damaged; one line that says where."""


class JournalLocked(BenchError):
    """Another process holds the journal of this sweep or comparison."""


class JournalRemoved(BenchError):
    """The file was removed or renamed meanwhile; further entries would be lost."""


class Journal:
    """Writer of a journal. The cost of a `write` does not grow with the sweep."""

    def __init__(self, fd: int, path: Path, kind: Kind = SWEEP) -> None:
        self._fd = fd
        self._path = path
        self._kind = kind

    @classmethod
    def create(cls, folder: Path, *lines: Entry, kind: Kind = SWEEP) -> Journal:
        """Create a journal in an existing folder; it gets its name when it has these entries.

        So a kill leaves a complete plan, or no journal.

        Raises: FileExistsError, OSError.
        """
        path = folder / kind.name
        remove_drafts(path)
        try:
            fd, name = tempfile.mkstemp(dir=folder, prefix=f".{kind.name}.")
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error
        draft = Path(name)
        try:
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
            _hold(fd, path, kind)
            if lines:
                cls(fd, draft, kind).write(*lines)
            _name(draft, path)
            sync_folder(folder)  # fsync(2): syncing a file does not sync its name
        except BaseException as error:
            draft.unlink(missing_ok=True)
            os.close(fd)
            if isinstance(error, OSError) and not isinstance(error, FileExistsError):
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise
        return cls(fd, path, kind)

    @classmethod
    def resume(cls, folder: Path, kind: Kind = SWEEP) -> tuple[Journal, str]:
        """Open a journal to continue it; also return the incomplete last line that was removed.

        Raises: JournalLocked, OSError.
        """
        path = folder / kind.name
        # Not through a link, which could lead to a file of another program.
        fd = open_itself(path, os.O_RDWR | os.O_APPEND)
        try:
            _hold(fd, path, kind)
            size = os.fstat(fd).st_size
            tail = os.pread(fd, min(size, LONGEST_LINE), max(0, size - LONGEST_LINE))
            torn = tail[tail.rfind(b"\n") + 1 :]
            if torn:
                os.ftruncate(fd, size - len(torn))
        except BaseException:
            os.close(fd)
            raise
        return cls(fd, path, kind), torn[:LONGEST_QUOTE].decode(errors="replace")

    def write(self, *lines: Entry) -> None:
        """Append entries and sync them to disk; after an error, none of them is in the file.

        Raises: OSError, JournalRemoved.
        """
        self._check_name()
        data = memoryview(b"".join(_encoder.encode(line) + b"\n" for line in lines))
        written = 0
        try:
            # On a full disk, write(2) writes a part, and fails when it is called for the rest.
            while written < len(data):
                written += os.write(self._fd, data[written:])
            os.fdatasync(self._fd)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _check_name(self) -> None:
        try:
            found = self._path.stat(follow_symlinks=False)
        except FileNotFoundError:
            found = None
        if found is None or not os.path.samestat(found, os.fstat(self._fd)):
            raise JournalRemoved(
                f"{self._path}: removed or renamed during the {self._kind.work}, which stops here; "
                "its measurements are in the renamed file"
            )

    def full(self) -> bool:
        """Tell whether the file approaches the largest size that `read` accepts."""
        return os.fstat(self._fd).st_size > LARGEST - LARGEST // 8

    def close(self) -> None:
        os.close(self._fd)


def _name(draft: Path, path: Path) -> None:
    """Give a draft its name, unless that exists. Raises: FileExistsError, OSError."""
    try:
        path.hardlink_to(draft)  # link(2) replaces no file, unlike rename(2)
    except FileExistsError:
        raise
    except OSError:  # EPERM: a file system without hard links
        draft.rename(path)
    else:
        draft.unlink()


def _hold(fd: int, path: Path, kind: Kind) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalLocked(
            f"{path}: the {kind.work} is still running: wait for it, or stop it"
        ) from None


def read(folder: Path) -> Iterator[AnyEntry]:
    """Yield the entries of a run's folder, the header first; ignore an incomplete last line.

    Entries of schema 1 have the present axes and names.

    Raises: Unreadable, FileNotFoundError, OSError (a link, no file, no permission).
    """
    path = folder / NAME
    decode: Callable[[bytes], AnyEntry] = decode_entry
    for number, data in lines_of(folder, SWEEP):
        line = decoded(path, number, data, decode)
        if (number == 1) != isinstance(line, Header):
            raise Unreadable(f"{path}:{number}: a journal begins with one sweep header")
        if isinstance(line, Header) and line.schema == SCHEMA_1:
            decode = Translator().decode
        yield line


def lines_of(folder: Path, kind: Kind) -> Iterator[tuple[int, bytes]]:
    """Yield the complete lines of a journal, numbered from 1. Raises: as `read`."""
    path = folder / kind.name
    with open_file(path, follow=False) as file:
        number = size = 0
        while data := file.readline(LONGEST_LINE):
            number += 1
            size += len(data)
            if size > LARGEST:  # counted, since the file may grow while it is read
                raise Unreadable(
                    f"{path}: over {LARGEST >> 20} MiB, more than any {kind.work} writes"
                )
            if not data.endswith(b"\n"):
                if len(data) == LONGEST_LINE:
                    raise Unreadable(f"{path}:{number}: a line of more than {LONGEST_LINE} bytes")
                if number == 1:
                    raise Unreadable(
                        f"{path}: the {kind.work} was killed before its first line was complete"
                    )
                return
            yield number, data
    if number == 0:
        raise Unreadable(f"{path}: the file is empty")


def decoded(path: Path, number: int, data: bytes, decode: Callable[[bytes], T]) -> T:
    """Decode a line of a journal. Raises: Unreadable."""
    try:
        return decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{path}:{number}: {one_line(str(error), LONGEST_QUOTE)}") from error
