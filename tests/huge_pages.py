"""Huge pages for a test run: reserved where it has the right, released when it ends.

A child process runs this file as a program. It raises vm.nr_hugepages by as many of the
requested pages as the kernel grants, prints their number, and lowers it by the same number
at the end of its standard input, which comes even if the run is killed. A difference,
instead of an old value written back, stays correct when several runs overlap.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SETTING = Path("/proc/sys/vm/nr_hugepages")
ENOUGH = 64 << 20  # bytes: for any one channel of the tests


def _change(setting: str, pages: int) -> int:
    """Change the number of pages by so many and return the real difference. Raises: OSError."""
    fd = os.open(setting, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # one run of these tests at a time
        before = int(os.pread(fd, 32, 0))
        os.pwrite(fd, b"%d\n" % max(0, before + pages), 0)
        return int(os.pread(fd, 32, 0)) - before
    finally:
        os.close(fd)


@contextmanager
def set_aside(pages: int, setting: Path = SETTING) -> Iterator[int]:
    """Reserve pages; yield their number: 0 without the right or in fragmented memory."""
    with subprocess.Popen(
        [sys.executable, __file__, setting, str(pages)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # so that Ctrl-C does not reach it
    ) as keeper:
        assert keeper.stdin is not None and keeper.stdout is not None
        try:
            yield int(keeper.stdout.readline())
        finally:
            keeper.stdin.close()


@contextmanager
def none_free() -> Iterator[None]:
    """Occupy all free huge pages, as another program could."""
    fd = os.memfd_create("ipcbench-all", os.MFD_CLOEXEC | os.MFD_HUGETLB)
    try:
        with suppress(OSError):
            while True:  # one page more each time
                size = os.fstat(fd).st_size
                os.posix_fallocate(fd, size, os.fstat(fd).st_blksize)
        yield
    finally:
        os.close(fd)


def main() -> None:
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    setting, pages = sys.argv[1], int(sys.argv[2])
    try:
        had = _change(setting, pages)
    except OSError:
        had = 0
    try:
        print(had, flush=True)
        sys.stdin.read()
    finally:
        if had:
            _change(setting, -had)


if __name__ == "__main__":
    main()
