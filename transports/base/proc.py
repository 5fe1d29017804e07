"""The file system of processes and settings: proc(5)."""

from __future__ import annotations

from pathlib import Path

from ipcbench.transports.contract import Unavailable

_ALWAYS = Path("/proc/self/stat")


def no_proc() -> Unavailable | None:
    """Return the reason where /proc is not mounted: no process and no setting can be seen then."""
    if _ALWAYS.exists():
        return None
    return Unavailable("/proc is not mounted", "mount -t proc proc /proc")
