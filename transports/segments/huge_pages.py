"""Huge pages, of hugetlbfs: an administrator sets them aside, and they are nothing else's.

Two calls take memory from them: memfd_create(2) with MFD_HUGETLB, and shmget(2) with
SHM_HUGETLB; of the size that the kernel has by default, whole ones, as many as there are:
vm.nr_hugepages (Documentation/admin-guide/mm/hugetlbpage.rst).

A lack shows when a segment is created, and never as a SIGBUS at a later touch. Both
shmget(2) and mmap(2) of what is shared reserve all that they may need, but a cgroup's
limit counts a page at its first touch, whatever is reserved. So a creator takes all of
them at once, by calls that fail where a store would be a signal: `allocate`, `touch`.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipcbench.transports.base.os_errors import words
from ipcbench.transports.contract import Limit, Unavailable
from ipcbench.transports.segments.protocol import meminfo

_CREATE, _HUGE = 0o1000 | 0o2000, 0o4000  # IPC_CREAT | IPC_EXCL, SHM_HUGETLB: shmget(2)
_AMPLE = 128 << 20  # bytes: more than the profiles need at once
_RAISE = "raise the cgroup's hugetlb.SIZE.max (hugetlb.SIZE.limit_in_bytes in the first version)"


@dataclass(frozen=True, slots=True)
class Pages:
    """Those of this machine: how large one is, and how many there are."""

    size: int
    total: int
    free: int  # nobody has them, nor has reserved them
    more: int  # that the kernel may make when asked: vm.nr_overcommit_hugepages

    @classmethod
    def now(cls) -> Pages:
        """Raises: Unavailable where the kernel has none."""
        found = meminfo()
        if not found.get("Hugepagesize"):
            raise Unavailable("this kernel has no huge pages: no Hugepagesize in proc_meminfo(5)")
        most = int(Path("/proc/sys/vm/nr_overcommit_hugepages").read_text())
        return cls(
            found["Hugepagesize"],
            found["HugePages_Total"],
            found["HugePages_Free"] - found["HugePages_Rsvd"],
            max(0, most - found["HugePages_Surp"]),
        )

    def whole(self, size: int) -> int:
        """So many bytes, rounded up to whole pages."""
        return self.size * -(-max(size, 1) // self.size)

    def room(self) -> Limit:
        """How many bytes a segment may have. Raises: Unavailable."""
        if self.free + self.more < 1:
            raise self._none()
        remedy = self._more(_AMPLE // self.size)
        source = "HugePages_Free, proc_meminfo(5)"
        if self.more:
            source += ", and vm.nr_overcommit_hugepages"
        return Limit("segment", (self.free + self.more) * self.size, source, remedy)

    def lack(self, call: str, size: int, error: Exception) -> Unavailable:
        """That a call for so many bytes has failed, where these pages were there before it."""
        if self.free + self.more < 1:
            return self._none()
        wanted, what = self.whole(size) // self.size, f"{call} of {size} bytes fails"
        if wanted > self.free:
            return Unavailable(
                f"{what}: it takes {wanted} huge pages, and {self.free} are free{self._made()}",
                self._more(wanted - self.free),
            )
        return Unavailable(f"{what}: {words(error)}, with {self.free} huge pages free", _RAISE)

    def _made(self) -> str:
        return ", and the kernel made no more" if self.more else ""

    def _none(self) -> Unavailable:
        what = f"no huge page is free, of vm.nr_hugepages = {self.total}"
        return Unavailable(what, self._more(_AMPLE // self.size))

    def _more(self, pages: int) -> str:
        return f"sysctl -w vm.nr_hugepages={self.total + max(1, pages)}"


def allocate(fd: int, size: int) -> None:
    """Give a descriptor's memory so many bytes, rounded up, for good. Raises: Unavailable."""
    pages = Pages.now()
    size = pages.whole(size)
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        raise pages.lack("posix_fallocate(3)", size, error) from error


def shmget(key: int, size: int) -> int:
    """Create a segment of so many bytes, all zeros, under a key that is free; its number.

    By the C library: sysv_ipc would take the flag, but it fills what it creates, and
    where a cgroup's limit is lower than what is reserved, that is a SIGBUS.
    Raises: OSError.
    """
    call = ctypes.CDLL(None, use_errno=True).shmget
    found: int = call(key, ctypes.c_size_t(size), _CREATE | _HUGE | 0o600)
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return found


def touch(memory: Any, size: int) -> None:
    """Take the pages, of this size, that are reserved for an array of ctypes.

    read(2) of zeros into it fails with EFAULT where a store would be a SIGBUS.
    Raises: OSError.
    """
    fd = os.open("/dev/zero", os.O_RDONLY | os.O_CLOEXEC)
    try:
        view = memoryview(memory).cast("B")
        for start in range(0, len(view), size):
            os.readv(fd, [view[start : start + 1]])
    finally:
        os.close(fd)
