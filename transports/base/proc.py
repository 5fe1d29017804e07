"""The file system of processes and settings: proc(5)."""

from __future__ import annotations

import os
from pathlib import Path

from ipcbench.transports.contract import Unavailable

_ALWAYS = Path("/proc/self/stat")


def no_proc() -> Unavailable | None:
    """Return the reason where /proc does not show this process: nothing is known of pids then."""
    if not _ALWAYS.exists():
        return Unavailable("/proc is not mounted", "mount -t proc proc /proc")
    if Path("/proc/self").readlink().name != str(os.getpid()):  # as by `unshare --pid` alone
        return Unavailable("/proc shows another PID namespace", "mount -t proc proc /proc")
    return None
