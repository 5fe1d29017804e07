"""Huge pages for a test run: set aside where it may, and given back however it ends.

As a program it is the one that does both: it adds to vm.nr_hugepages what it can get of
what is asked for, says so, and takes as many away again once its standard input ends,
which it does even where the run was killed. Adding and taking away, instead of writing
back an old value, is right for several runs side by side as well.
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
    """Add so many; how many there are more now. Raises: OSError."""
    fd = os.open(setting, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # who else runs these tests waits for its turn
        before = int(os.pread(fd, 32, 0))
        os.pwrite(fd, b"%d\n" % max(0, before + pages), 0)
        return int(os.pread(fd, 32, 0)) - before
    finally:
        os.close(fd)


@contextmanager
def set_aside(pages: int, setting: Path = SETTING) -> Iterator[int]:
    """How many were to be had of so many: none where we may not, or memory is in pieces."""
    with subprocess.Popen(
        [sys.executable, __file__, setting, str(pages)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is not for it
    ) as keeper:
        assert keeper.stdin is not None and keeper.stdout is not None
        try:
            yield int(keeper.stdout.readline())
        finally:
            keeper.stdin.close()


@contextmanager
def none_free() -> Iterator[None]:
    """Have all of them, as another program would that needs them."""
    fd = os.memfd_create("ipcbench-all", os.MFD_CLOEXEC | os.MFD_HUGETLB)
    try:
        with suppress(OSError):
            while True:  # one more each time
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
