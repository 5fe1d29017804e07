"""The kinds of segments and of waiters, by name, and the aliases of waiters."""

from __future__ import annotations

from ipcbench.transports.contract import Wait
from ipcbench.transports.segments.file import FILE, TMPFS
from ipcbench.transports.segments.memfd import MemfdSegments
from ipcbench.transports.segments.multiprocess import MpSegments
from ipcbench.transports.segments.posix import PosixSegments
from ipcbench.transports.segments.protocol import SegmentKind
from ipcbench.transports.segments.sysv import SysvSegments
from ipcbench.transports.sync.eventfd import EventFds
from ipcbench.transports.sync.futex import FUTEX
from ipcbench.transports.sync.memory_waiter import PTHREAD_COND
from ipcbench.transports.sync.posix_semaphore import PosixSemaphores
from ipcbench.transports.sync.sysv_semaphore import SysvSemaphores
from ipcbench.transports.sync.waiter import WaiterKind

SEGMENTS: dict[str, SegmentKind] = {
    kind.name: kind
    for kind in (SysvSegments(), PosixSegments(), FILE, TMPFS, MemfdSegments(), MpSegments())
}
IN_HUGE_PAGES: dict[str, SegmentKind] = {
    kind.name: kind for kind in (SysvSegments(huge=True), MemfdSegments(huge=True))
}
WAITERS: dict[str, WaiterKind] = {
    kind.name: kind
    for kind in (
        SysvSemaphores(),
        PosixSemaphores(),
        EventFds(),
        PTHREAD_COND,
        FUTEX,
        SysvSemaphores(counted=True),
        EventFds(counted=True),
    )
}
ALIASES: dict[str, Wait] = {wait.value: wait for wait in (Wait.SPIN, Wait.SPIN_BLOCK)}
"""Names that stand for the waiter `futex` and a fixed `Spec.wait`: `shm:posix+spin`."""
