"""System V shared memory: shmget(2), shmat(2); named by a key, without a descriptor."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import weakref
from dataclasses import dataclass
from functools import partial
from typing import Any

from ipcbench.transports.base import refused, set_kernel, sysctl
from ipcbench.transports.base.bindings import require, sysv_ipc
from ipcbench.transports.base.memory import free_memory, lacking
from ipcbench.transports.base.os_errors import describe
from ipcbench.transports.base.proc import MOST, USUAL_SEGMENTS, in_use
from ipcbench.transports.base.remedies import either_of
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Limit,
    Mapping,
    Need,
    PeerGone,
    SegmentState,
    Sharing,
    Unavailable,
)
from ipcbench.transports.kernel_objects import KernelName
from ipcbench.transports.kernel_objects.sysv_keys import (
    check_sysv,
    create_with_key,
    key_of,
)
from ipcbench.transports.segments import huge_pages
from ipcbench.transports.segments.huge_pages import Pages
from ipcbench.transports.segments.protocol import try_kind

_PAGE = os.sysconf("SC_PAGE_SIZE")


class SysvSegment:
    """An attached segment; `attached` is the binding's handle.

    The binding detaches even while views of the memory exist (the next access would be a
    SIGSEGV), and does not detach when its handle is collected. So the views are views of a
    ctypes array at the segment's address, and the finalizer of that array detaches: the
    array lives as long as its last view.
    """

    fd = None

    def __init__(
        self, attached: Any, key: int, *, writable: bool, private: bool | None = None
    ) -> None:
        """Take over an attached segment; `private` None: created elsewhere, and removed there."""
        self._handle = attached
        self._name = KernelName(
            "sysv memory",
            str(key),
            private=bool(private),
            unlink=partial(_remove, attached),
            exists=private is not None,
        )
        self.address = key
        array = (ctypes.c_ubyte * attached.size).from_address(attached.address)
        weakref.finalize(array, attached.detach).atexit = False
        view = memoryview(array).cast("B")
        self.memory = view if writable else view.toreadonly()

    def stat(self) -> SegmentState:
        handle = self._handle
        return SegmentState(
            handle.size,
            handle.mode & 0o777,
            handle.uid,
            attached=handle.number_attached,
            creator=handle.creator_pid,
        )

    def set_mode(self, mode: int) -> None:
        self._handle.mode = mode

    def resize(self, size: int) -> None:
        raise Unavailable("a segment of shmget(2) cannot be resized", "create another one")

    def close(self) -> None:
        with contextlib.suppress(BufferError):  # a native endpoint still has a view of it
            self.memory.release()

    def unlink(self) -> None:
        """Mark it as destroyed: the last process that detaches frees it (shmctl(2), IPC_RMID)."""
        self._name.remove()


def _remove(handle: Any) -> None:
    with contextlib.suppress(sysv_ipc.ExistentialError):
        handle.remove()


def _segment(size: int, key: int) -> Any:
    return sysv_ipc.SharedMemory(key, sysv_ipc.IPC_CREX, 0o600, max(size, 1), b"\0")


def _huge_segment(size: int, key: int) -> Any:
    """Create a segment of huge pages. Raises: Unavailable, and the binding's errors."""
    pages = Pages.now()
    size = pages.whole(size)
    try:
        number = huge_pages.shmget(key, size)
    except FileExistsError as error:
        raise sysv_ipc.ExistentialError(str(error)) from error
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise pages.lack("shmget(2)", size, error) from error
        if error.errno == errno.EPERM:  # without CAP_IPC_LOCK, and not in that group
            what = f"shmget(2) of huge pages fails: {describe(error)}"
            raise Unavailable(
                what, "sysctl -w vm.hugetlb_shm_group=GID, with a group of this user"
            ) from error
        raise
    try:
        handle = sysv_ipc.SharedMemory(key, 0, 0o600)
        try:
            huge_pages.touch((ctypes.c_char * size).from_address(handle.address), pages.size)
        except OSError as error:
            handle.detach()
            raise pages.lack("the first access to shmget(2)'s pages", size, error) from error
    except BaseException:
        sysv_ipc.remove_shared_memory(number)
        raise
    return handle


def _bounds() -> tuple[int, int, int]:
    """Return the bytes of a segment, of all segments, and those left: proc_sys_kernel(5)."""
    in_all = sysctl("kernel.shmall") * _PAGE
    return sysctl("kernel.shmmax"), in_all, max(0, in_all - _used())


def _used() -> int:
    return sum(-(-size // _PAGE) * _PAGE for size in in_use("shm", "size"))


def _raised(need: Need) -> str:
    """Return the settings for one more segment of so many bytes."""
    most, _, left = _bounds()
    wanted = {}
    if need.size > most:
        wanted["kernel.shmmax"] = need.size
    if need.size > left:
        wanted["kernel.shmall"] = -(-(_used() + need.size) // _PAGE)
    return lacking(need.size) or set_kernel(wanted)


def _help(size: int) -> str:
    """Return the remedy where shmget(2) refuses so many bytes: the limit that is reached."""
    remove = "remove segments (ipcs -m, ipcrm -m ID)"
    settings = _raised(Need(size))
    if settings:
        return either_of(remove, settings) if size <= _bounds()[1] else settings
    most, used = sysctl("kernel.shmmni"), len(in_use("shm"))
    if used < most and most:
        return remove
    enough = min(MOST, max(USUAL_SEGMENTS, 2 * most, 2 * used))
    return either_of(remove, set_kernel({"kernel.shmmni": enough}))


@dataclass(frozen=True)
class SysvSegments:
    """System V shared memory, through the binding sysv_ipc; `huge`: of huge pages."""

    huge: bool = False
    name = "sysv"
    sharing = Sharing.NAME
    lifetime = Lifetime.KERNEL

    def probe(self) -> Unavailable | None:
        return try_kind(self)

    def capacity(self) -> Limit | Unavailable:
        try:
            require("sysv_ipc")
            memory = Pages.now().capacity() if self.huge else free_memory()
        except Unavailable as reason:
            return reason
        most, _, left = _bounds()
        settings = min((most, "kernel.shmmax"), (left, "kernel.shmall"))
        limits = (
            Limit("segment", *settings, _raised(Need(2 * settings[0])), _raised),
            # The binding writes to all bytes of a new segment: beyond this memory, the kernel
            # would kill this process.
            memory,
        )
        return min(limits, key=lambda limit: 2**64 if limit.value is None else limit.value)

    def create(self, size: int, name: str | None) -> SysvSegment:
        require("sysv_ipc")
        fixed = None if name is None else key_of(name)
        try:
            make = partial(_huge_segment if self.huge else _segment, size)
            key, handle = create_with_key("sysv memory", fixed, make)
        except FileExistsError:
            raise
        except (OSError, MemoryError, ValueError, sysv_ipc.Error) as error:
            raise refused(f"shmget(2) of {size} bytes", error, _help(size)) from error
        return SysvSegment(handle, key, writable=True, private=name is None)

    def open(
        self, address: Json, fd: int | None = None, mapping: Mapping = Mapping.SHARED
    ) -> SysvSegment:
        """Attach a segment; a read-only one with SHM_RDONLY. There is no private mapping."""
        require("sysv_ipc")
        if mapping is Mapping.PRIVATE:
            raise ValueError("System V shared memory has no private mapping: shmat(2)")
        key = key_of(str(address))
        writable = mapping is Mapping.SHARED
        try:
            # The binding attaches at once, read-only where the mode has no permission to write.
            handle = sysv_ipc.SharedMemory(key, 0, 0o600 if writable else 0o400)
        except sysv_ipc.ExistentialError as error:
            raise PeerGone(f"the segment with key {key} was removed") from error
        except sysv_ipc.PermissionsError as error:
            raise PermissionError(f"no permission to attach the segment with key {key}") from error
        try:
            check_sysv(handle, f"the segment with key {key}")
        except PermissionError:
            handle.detach()
            raise
        return SysvSegment(handle, key, writable=writable)
