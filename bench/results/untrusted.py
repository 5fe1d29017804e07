"""What somebody else wrote: opened without waiting for it, read up to a bound, shown as text.

A folder may come from anybody, and have a link, a FIFO or a device where a
file should be.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

LONGEST_TOML = 1 << 18  # bytes: hundreds of promises
LONGEST_TOML_LINE = 500  # tomllib's time grows with the square of a dotted key's length


def open_file(path: Path, *, follow: bool = True) -> BinaryIO:
    """A regular file, to read; `follow`: also where the name is a link to one.

    What it is is looked at first, since opening a device may do something, and
    again once it is open. O_NONBLOCK keeps open(2) from waiting for a FIFO's
    other end. Raises: OSError, with words that say what to do.
    """
    if stat.S_ISLNK(os.lstat(path).st_mode) and not follow:
        raise OSError(errno.ELOOP, "a link, which may lead anywhere: put the file there", str(path))
    _regular(os.stat(path), path)
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    fd = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    try:
        _regular(os.fstat(fd), path)
    except OSError:
        os.close(fd)
        raise
    return os.fdopen(fd, "rb")


def _regular(found: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        what = "a FIFO, a device or a socket: only a regular file is read"
        raise OSError(errno.EINVAL, what, str(path))


def read_toml(path: Path) -> bytes:
    """All of a file that is no longer than `parse_toml` takes, or a little more.

    Raises: OSError, ValueError (a name that no file can have).
    """
    with open_file(path) as file:
        return file.read(LONGEST_TOML + 1)


def parse_toml(data: bytes) -> dict[str, Any]:
    """Raises: ValueError, for what is too long or nested too deep as well."""
    import tomllib  # 2 ms that `--help` need not wait for

    if len(data) > LONGEST_TOML:
        raise ValueError(f"over {LONGEST_TOML} bytes")
    text = data.decode()
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LONGEST_TOML_LINE:
            raise ValueError(f"line {number}: over {LONGEST_TOML_LINE} characters")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def one_line(text: str, longest: int = 300) -> str:
    """One line without control characters, whoever wrote it: they could steer a terminal."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in cut
    )
