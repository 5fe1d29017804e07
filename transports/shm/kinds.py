"""The segments and waiters that there are, by name."""

from __future__ import annotations

from ipcbench.transports.eventfd import EventFds
from ipcbench.transports.semaphores import PosixSemaphores, SysvSemaphores
from ipcbench.transports.shm.file_memory import FILE, TMPFS
from ipcbench.transports.shm.memfd import MemfdSegments
from ipcbench.transports.shm.posix_memory import MpSegments, PosixSegments
from ipcbench.transports.shm.segments import SegmentKind
from ipcbench.transports.shm.sysv_memory import SysvSegments
from ipcbench.transports.waiters import WaiterKind
from ipcbench.transports.words import FUTEX, SPIN, SPIN_BLOCK

SEGMENTS: dict[str, SegmentKind] = {
    kind.name: kind
    for kind in (SysvSegments(), PosixSegments(), FILE, TMPFS, MemfdSegments(), MpSegments())
}
IN_HUGE_PAGES: dict[str, SegmentKind] = {
    kind.name: kind for kind in (SysvSegments(huge=True), MemfdSegments(huge=True))
}
WAITERS: dict[str, WaiterKind] = {
    kind.name: kind
    for kind in (SysvSemaphores(), PosixSemaphores(), EventFds(), FUTEX, SPIN, SPIN_BLOCK)
}
