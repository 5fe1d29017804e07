"""System V objects in use in this IPC namespace: sysvipc(7), /proc/sysvipc."""

from __future__ import annotations

from pathlib import Path

MOST = 32768  # objects of a kind: IPCMNI in Linux's ipc/util.h, the bound of the settings
# The kernel's own values of kernel.msgmni and kernel.sem, and of kernel.shmmni: MSGMNI, SEMMNI and
# SHMMNI. They are enough for a cell of any number of processes, all of whose objects exist at once.
USUAL, USUAL_SEGMENTS = 32000, 4096


def in_use(kind: str, column: str = "key") -> list[int]:
    """Return the numbers in a column, one for each object; an empty list where it is hidden.

    Args:
        kind: `msg`, `sem` or `shm`.
        column: its heading: `nsems`, `size`.
    """
    try:
        head, *rows = Path("/proc/sysvipc", kind).read_text().splitlines()
    except (OSError, ValueError):
        return []
    at = head.split().index(column)
    return [int(row.split()[at]) for row in rows]
