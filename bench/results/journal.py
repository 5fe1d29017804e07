"""The journal: one line a fact, appended, flushed and synced; the truth of a sweep.

Whatever else a run's folder holds can be written anew from it. A kill may
tear the last line; `Journal.resume` cuts it off and says so. Two writers
would tear each other's lines: the one that has the file holds flock(2) on it,
which ends with the process, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ipcbench.bench.errors import BenchError
from ipcbench.bench.results.files import remove_drafts, sync_folder
from ipcbench.bench.results.records import AnyEntry, Header
from ipcbench.bench.results.schema1 import SCHEMA_1, Translator
from ipcbench.bench.results.untrusted import one_line, open_file
from ipcbench.transports.kernel_objects.ownership import open_itself

NAME = "journal.jsonl"
LONGEST_LINE = 1 << 24  # bytes; far above any line of ours: a hostile file ends here
LARGEST = 1 << 29  # bytes; the runs of seven hours, and about 2 GiB once they are read

LONGEST_QUOTE = 200  # of what another wrote: enough to see what it is

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEntry] = msgspec.json.Decoder(AnyEntry)


class Unreadable(BenchError):
    """The file is no journal of ours, or damaged; one line that says where."""


class JournalLocked(BenchError):
    """Another process writes this journal."""


class JournalRemoved(BenchError):
    """The file has lost its name while we wrote it: whatever follows would be lost."""


class Journal:
    """The writing side. One `write` a line: its cost does not grow with the sweep."""

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self._path = path

    @classmethod
    def create(cls, folder: Path, *lines: AnyEntry) -> Journal:
        """A new journal in an existing folder, which has its name once these lines are in it.

        So a kill leaves a whole plan, or no journal. Raises: FileExistsError, OSError.
        """
        path = folder / NAME
        remove_drafts(path)
        try:
            fd, name = tempfile.mkstemp(dir=folder, prefix=f".{NAME}.")
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error
        draft = Path(name)
        try:
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
            _hold(fd, path)
            if lines:
                cls(fd, draft).write(*lines)
            _name(draft, path)
            sync_folder(folder)  # fsync(2): a file's own sync says nothing of its name
        except BaseException as error:
            draft.unlink(missing_ok=True)
            os.close(fd)
            if isinstance(error, OSError) and not isinstance(error, FileExistsError):
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise
        return cls(fd, path)

    @classmethod
    def resume(cls, folder: Path) -> tuple[Journal, str]:
        """Open to go on; the torn last line that was cut off, or "".

        Raises: JournalLocked, OSError.
        """
        path = folder / NAME
        # No link: another file would be cut, and written to.
        fd = open_itself(path, os.O_RDWR | os.O_APPEND)
        try:
            _hold(fd, path)
            size = os.fstat(fd).st_size
            tail = os.pread(fd, min(size, LONGEST_LINE), max(0, size - LONGEST_LINE))
            torn = tail[tail.rfind(b"\n") + 1 :]
            if torn:
                os.ftruncate(fd, size - len(torn))
        except BaseException:
            os.close(fd)
            raise
        return cls(fd, path), torn[:LONGEST_QUOTE].decode(errors="replace")

    def write(self, *lines: AnyEntry) -> None:
        """Append; on the disk, under the journal's name, when this returns.

        Where that cannot be, nothing of it stays. Raises: OSError, JournalRemoved.
        """
        self._check_name()
        data = memoryview(b"".join(_encoder.encode(line) + b"\n" for line in lines))
        written = 0
        try:
            # A full disk takes a part, and says what is wrong when asked to take the rest.
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
                f"{self._path}: somebody has removed or moved it: the sweep stops here, and what "
                "it has measured is where this file is now"
            )

    def full(self) -> bool:
        """Whether it is about to be larger than a reader takes."""
        return os.fstat(self._fd).st_size > LARGEST - LARGEST // 8

    def close(self) -> None:
        os.close(self._fd)


def _name(draft: Path, path: Path) -> None:
    """Give a draft its name, unless something else has it. Raises: FileExistsError, OSError."""
    try:
        path.hardlink_to(draft)  # unlike rename(2) it replaces nothing
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: link(2)
        draft.rename(path)
    else:
        draft.unlink()


def _hold(fd: int, path: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalLocked(f"{path}: the sweep still runs: wait for it, or stop it") from None


def read(folder: Path) -> Iterator[AnyEntry]:
    """Yield the lines of a run's folder, the header first; a torn last line is passed over.

    Lines of schema 1 come with the present axes and names.

    Raises: Unreadable, FileNotFoundError, OSError (a link, no file, no permission).
    """
    path = folder / NAME
    decode: Callable[[bytes], AnyEntry] = _decoder.decode
    with open_file(path, follow=False) as file:
        number = size = 0
        while data := file.readline(LONGEST_LINE):
            number += 1
            size += len(data)
            if size > LARGEST:  # it may be growing, so what it says of its size is not asked
                raise Unreadable(f"{path}: over {LARGEST >> 20} MiB, which no sweep of ours writes")
            if not data.endswith(b"\n"):
                if len(data) == LONGEST_LINE:
                    raise Unreadable(f"{path}:{number}: a line of over {LONGEST_LINE} bytes")
                if number == 1:
                    raise Unreadable(f"{path}: the sweep was killed before it wrote a whole line")
                return
            try:
                line = decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise Unreadable(
                    f"{path}:{number}: {one_line(str(error), LONGEST_QUOTE)}"
                ) from error
            if (number == 1) != isinstance(line, Header):
                raise Unreadable(f"{path}:{number}: a journal begins with one sweep header")
            if isinstance(line, Header) and line.schema == SCHEMA_1:
                decode = Translator().decode
            yield line
    if number == 0:
        raise Unreadable(f"{path}: it is empty")
