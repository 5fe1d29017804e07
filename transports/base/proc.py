"""The file system of processes and kernel objects: proc(5), sysvipc(7)."""

from __future__ import annotations

import os
from pathlib import Path

from ipcbench.transports.contract import Unavailable

# System V objects of a kind: IPCMNI in Linux's ipc/util.h, the bound of the settings.
MOST = 32768
# The kernel's own values of kernel.msgmni and kernel.sem, and of kernel.shmmni: MSGMNI, SEMMNI and
# SHMMNI. They are enough for a cell of any number of processes, all of whose objects exist at once.
USUAL, USUAL_SEGMENTS = 32000, 4096

_ALWAYS = Path("/proc/self/stat")


def no_proc() -> Unavailable | None:
    """Return the reason where /proc does not show this process: nothing is known of pids then."""
    if not _ALWAYS.exists():
        return Unavailable("/proc is not mounted", "mount -t proc proc /proc")
    if Path("/proc/self").readlink().name != str(os.getpid()):  # as by `unshare --pid` alone
        return Unavailable("/proc shows another PID namespace", "mount -t proc proc /proc")
    return None


def in_use(kind: str, column: str = "key") -> list[int]:
    """Return a number of each System V object of this IPC namespace; [] where they are hidden.

    Args:
        kind: `msg`, `sem` or `shm`.
        column: the heading of the numbers in /proc/sysvipc: `nsems`, `size`.
    """
    try:
        head, *rows = Path("/proc/sysvipc", kind).read_text().splitlines()
    except (OSError, ValueError):
        return []
    at = head.split().index(column)
    return [int(row.split()[at]) for row in rows]
