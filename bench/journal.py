"""The journal: one line a fact, appended, flushed and synced; the truth of a sweep.

Whatever else a run's folder holds can be written anew from it. A kill may
tear the last line; `Journal.resume` cuts it off and says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.records import AnyLine, Header
from bench.untrusted import one_line, open_file

NAME = "journal.jsonl"
LONGEST_LINE = 1 << 24  # bytes; far above any line of ours: a hostile file ends here
LARGEST = 1 << 29  # bytes; the runs of seven hours, and about 2 GiB once they are read

LONGEST_QUOTE = 200  # of what another wrote: enough to see what it is

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyLine] = msgspec.json.Decoder(AnyLine)


class Unreadable(ValueError):
    """The file is no journal of ours, or damaged; one line that says where."""


class Journal:
    """The writing side. One `write` a line: its cost does not grow with the sweep."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def create(cls, folder: Path) -> Journal:
        """A new journal in an existing folder. Raises: FileExistsError."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return cls(os.open(folder / NAME, flags, 0o600))

    @classmethod
    def resume(cls, folder: Path) -> tuple[Journal, str]:
        """Open to go on; the torn last line that was cut off, or "".

        Raises: OSError.
        """
        fd = os.open(folder / NAME, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        size = os.fstat(fd).st_size
        tail = os.pread(fd, min(size, LONGEST_LINE), max(0, size - LONGEST_LINE))
        torn = tail[tail.rfind(b"\n") + 1 :]
        if torn:
            os.ftruncate(fd, size - len(torn))
        return cls(fd), torn[:LONGEST_QUOTE].decode(errors="replace")

    def write(self, line: AnyLine) -> None:
        """Append one line; it is on the disk when this returns. Raises: OSError."""
        data = _encoder.encode(line) + b"\n"
        written = os.write(self._fd, data)
        if written != len(data):  # a full disk takes a part and fails the next time
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise OSError(28, "No space left on device")
        os.fdatasync(self._fd)

    def full(self) -> bool:
        """Whether it is about to be larger than a reader takes."""
        return os.fstat(self._fd).st_size > LARGEST - LARGEST // 8

    def close(self) -> None:
        os.close(self._fd)


def read(folder: Path) -> Iterator[AnyLine]:
    """The lines of a run's folder, the header first; a torn last line is passed over.

    Raises: Unreadable, FileNotFoundError, OSError (a link, no file, no permission).
    """
    path = folder / NAME
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
                line = _decoder.decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise Unreadable(
                    f"{path}:{number}: {one_line(str(error), LONGEST_QUOTE)}"
                ) from error
            if (number == 1) != isinstance(line, Header):
                raise Unreadable(f"{path}:{number}: a journal begins with one sweep header")
            yield line
    if number == 0:
        raise Unreadable(f"{path}: it is empty")
