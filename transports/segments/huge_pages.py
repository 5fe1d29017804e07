"""Huge pages of hugetlbfs: reserved by the administrator, and used for nothing else.

Two calls allocate from them: memfd_create(2) with MFD_HUGETLB, and shmget(2) with
SHM_HUGETLB. Pages have the kernel's default size, and there are vm.nr_hugepages of them
(Documentation/admin-guide/mm/hugetlbpage.rst).

A lack of pages must show when a segment is created, not as a SIGBUS at a later access.
shmget(2) and mmap(2) with MAP_SHARED reserve all pages, but a cgroup's limit counts a page at
its first access, even a reserved one. So a creator allocates all pages at once, by calls that
fail where a store would raise SIGBUS: `allocate`, `touch`.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import Any

from ipcbench.transports.base import sysctl
from ipcbench.transports.base.memory import meminfo
from ipcbench.transports.base.os_errors import describe
from ipcbench.transports.base.remedies import set_kernel
from ipcbench.transports.contract import Limit, Need, Unavailable

_CREATE, _HUGE = 0o1000 | 0o2000, 0o4000  # IPC_CREAT | IPC_EXCL, SHM_HUGETLB: shmget(2)
_AMPLE = 128 << 20  # bytes: more than all profiles need at a time
_RAISE = "raise the cgroup's hugetlb.SIZE.max (hugetlb.SIZE.limit_in_bytes in the first version)"


@dataclass(frozen=True, slots=True)
class Pages:
    """The huge pages of this machine: their size and their number."""

    size: int
    total: int
    free: int  # neither in use nor reserved
    more: int  # pages that the kernel may add on demand: vm.nr_overcommit_hugepages

    @classmethod
    def now(cls) -> Pages:
        """Read the current numbers. Raises: Unavailable where the kernel has no huge pages."""
        found = meminfo()
        if not found.get("Hugepagesize"):
            raise Unavailable("this kernel has no huge pages: no Hugepagesize in proc_meminfo(5)")
        most = sysctl("vm.nr_overcommit_hugepages")
        return cls(
            found["Hugepagesize"],
            found["HugePages_Total"],
            found["HugePages_Free"] - found["HugePages_Rsvd"],
            max(0, most - found["HugePages_Surp"]),
        )

    def whole(self, size: int) -> int:
        """Round so many bytes up to whole pages."""
        return self.size * -(-max(size, 1) // self.size)

    def capacity(self) -> Limit:
        """Return the largest size of a segment, in bytes. Raises: Unavailable."""
        if self.free + self.more < 1:
            raise self._none()
        remedy = self._more(_AMPLE // self.size)
        source = "HugePages_Free, proc_meminfo(5)"
        if self.more:
            source += ", and vm.nr_overcommit_hugepages"
        most = (self.free + self.more) * self.size
        return Limit("segment", most, source, remedy, self._enough)

    def _enough(self, need: Need) -> str:
        """Return the action that makes so many bytes of huge pages free."""
        return self._more(self.whole(need.size) // self.size - self.free)

    def lack(self, call: str, size: int, error: Exception) -> Unavailable:
        """Explain the failure of a call for so many bytes; these are the pages before the call."""
        if self.free + self.more < 1:
            return self._none()
        wanted, what = self.whole(size) // self.size, f"{call} of {size} bytes fails"
        if wanted > self.free:
            return Unavailable(
                f"{what}: it needs {wanted} huge pages, and {self.free} are free"
                f"{self._not_added()}",
                self._more(wanted - self.free),
            )
        return Unavailable(f"{what}: {describe(error)}, with {self.free} huge pages free", _RAISE)

    def _not_added(self) -> str:
        return ", and the kernel added none" if self.more else ""

    def _none(self) -> Unavailable:
        what = f"no huge page is free, of vm.nr_hugepages = {self.total}"
        return Unavailable(what, self._more(_AMPLE // self.size))

    def _more(self, pages: int) -> str:
        return set_kernel({"vm.nr_hugepages": self.total + max(1, pages)})


def allocate(fd: int, size: int) -> None:
    """Allocate so many bytes of a descriptor's memory, rounded up. Raises: Unavailable."""
    pages = Pages.now()
    size = pages.whole(size)
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        raise pages.lack("posix_fallocate(3)", size, error) from error


def shmget(key: int, size: int) -> int:
    """Create a segment of zeros under a free key; return its identifier.

    It calls the C library: sysv_ipc accepts the flag, but writes to all bytes of a new
    segment, which is a SIGBUS where a cgroup's limit is lower than the reservation.
    Raises: OSError.
    """
    call = ctypes.CDLL(None, use_errno=True).shmget
    found: int = call(key, ctypes.c_size_t(size), _CREATE | _HUGE | 0o600)
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return found


def touch(memory: Any, size: int) -> None:
    """Allocate the reserved pages, of this size, of a ctypes array.

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
