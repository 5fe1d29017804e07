"""Untrusted files: opened without blocking, read up to a limit, shown as plain text.

A folder may come from another user, with a link, a FIFO or a device in the
place of a file.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

LONGEST_TOML = 1 << 18  # bytes: hundreds of promises
LONGEST_TOML_LINE = 500  # tomllib needs quadratic time for a dotted key


def open_file(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading; with `follow`, also through a link.

    Its type is checked before, since opening a device may have side effects,
    and again afterwards. With O_NONBLOCK, open(2) does not wait for the other
    end of a FIFO.

    Raises: OSError, whose text says what to do.
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
    """Read a file up to the limit of `parse_toml`, and one byte more.

    Raises: OSError, ValueError (a name with a null byte).
    """
    with open_file(path) as file:
        return file.read(LONGEST_TOML + 1)


def parse_toml(data: bytes) -> dict[str, Any]:
    """Parse TOML. Raises: ValueError, also for text that is too long or nested too deep."""
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
    """Return one line without control characters, which could steer a terminal."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in cut
    )
