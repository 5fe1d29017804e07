"""The output of workers: a file without a name, whose last line explains a failure."""

from __future__ import annotations

import os
import tempfile

_END = 4096  # bytes of the output that are read


def open_log() -> int:
    """Open the file; return its descriptor. Raises: OSError."""
    try:
        return os.memfd_create("worker output")
    except OSError:  # a container may refuse the call; any file will do
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())


def last_line(log: int) -> str:
    """Return the last line that a worker has written, after a colon, or ""."""
    end = os.pread(log, _END, max(0, os.fstat(log).st_size - _END)).decode(errors="replace")
    last = [line for line in end.splitlines() if line.strip()][-1:]
    return f": {last[0]}" if last else ""
