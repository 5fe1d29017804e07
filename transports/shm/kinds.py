"""The segments and waiters that there are, by name."""

from __future__ import annotations

from transports.eventfd import EventFds
from transports.semaphores import PosixSemaphores, SysvSemaphores
from transports.shm.file_memory import FILE, TMPFS
from transports.shm.memfd import MemfdSegments
from transports.shm.posix_memory import MpSegments, PosixSegments
from transports.shm.segments import SegmentKind
from transports.shm.sysv_memory import SysvSegments
from transports.waiters import WaiterKind
from transports.words import FUTEX, SPIN, SPIN_BLOCK

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
