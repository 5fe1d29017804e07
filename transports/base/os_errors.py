"""Errors of the operating system: their texts, remedies, and names in the contract."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

from ipcbench.transports.base.memory import bound
from ipcbench.transports.base.remedies import either_of, raise_limit, resize_tmpfs, set_kernel
from ipcbench.transports.base.sysctl import sysctl
from ipcbench.transports.contract import (
    Closed,
    MessageTooLarge,
    PeerGone,
    TransportError,
    Unavailable,
    WouldBlock,
)

MORE_PROCESSES = "stop other processes, or ulimit -u, or raise the container's limit of pids"
WRITABLE_SHM = "mount -t tmpfs -o mode=1777 tmpfs /dev/shm"

MANY_FILES = 16384  # descriptors: the tickets of a server with 63 clients hold most of them
_SPARE = 1 << 20  # bytes in a tmpfs, beside those that are asked for

# A kernel without the call returns one of these, and so does a security module that refuses it.
_FORBIDDEN = {errno.EPERM, errno.EACCES, errno.ENOSYS}
_PERMISSIONS = "PermissionsError"  # posix_ipc's and sysv_ipc's name for EACCES
_ALLOW = "allow the call: a container's seccomp profile or a security module refuses it"


def grow_tmpfs(folder: Path, size: int) -> str:
    """Return the remedy where a tmpfs has no space for so many bytes more."""
    try:
        space = os.statvfs(folder)
    except OSError:
        return f"remove unused files in {folder}"
    used = (space.f_blocks - space.f_bfree) * space.f_frsize
    # The kernel counts whole pages, and a file of a semaphore or of a folder takes one.
    whole = used + size + _SPARE
    return either_of(f"remove unused files in {folder}", resize_tmpfs(folder, whole))


def room_in_shm(size: int = 0) -> str:
    """Return the remedy where /dev/shm has no space for so many bytes more."""
    return grow_tmpfs(Path("/dev/shm"), size)


def describe(error: Exception) -> str:
    """Return the text of an error, without its number; those of bindings are peculiar."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or os.strerror(error.errno)
    if type(error).__name__ == _PERMISSIONS:  # its text is a format that was not filled in
        return os.strerror(errno.EACCES)
    return str(error) or type(error).__name__


def remedy(error: Exception) -> str:
    """Return the remedy for an error of any call; "" where none is known."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EMFILE:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        # bash's `ulimit -n` lowers the hard limit as well: the first remedy must be enough.
        free = MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, MANY_FILES)
        return raise_limit("RLIMIT_NOFILE", max(1024, 2 * soft, free))
    if number == errno.ENFILE:
        more = set_kernel({"fs.file-max": _files() + 65536})
        return either_of("close files of other processes", more)
    if number == errno.ENOMEM:
        return bound().remedy
    # The error that threading raises where clone(2) fails has no number.
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return MORE_PROCESSES
    return ""


def _files() -> int:
    """Return the bound of all open files: proc_sys_fs(5)."""
    try:
        return sysctl("fs.file-max")
    except OSError:
        return 0


def with_remedy(what: str, help_: str) -> str:
    """Return a text, followed by a colon and the remedy if there is one."""
    return f"{what}: {help_}" if help_ else what


def refused(call: str, error: Exception, otherwise: str = "") -> Unavailable:
    """Make the error for a call that the kernel refuses.

    Args:
        call: the call as its man page is named: "pipe(2)".
        error: the call's error.
        otherwise: the remedy for the failures that this call alone can have.
    """
    number = error.errno if isinstance(error, OSError) else None
    # If the error names a file, the file's permissions are meant, and not the call.
    named = isinstance(error, OSError) and error.filename is not None
    forbidden = (number in _FORBIDDEN and not named) or type(error).__name__ == _PERMISSIONS
    known = _ALLOW if forbidden else otherwise
    return Unavailable(f"{call} fails: {describe(error)}", remedy(error) or known)


def refused_in_shm(call: str, error: Exception) -> Unavailable:
    """Make the error for a call whose objects are in /dev/shm: shm_overview(7), sem_overview(7).

    Args:
        call: the call as its man page is named: "shm_open(3)".
        error: the call's error.
    """
    if not Path("/dev/shm").is_dir():
        return Unavailable("there is no /dev/shm", f"mkdir /dev/shm && {WRITABLE_SHM}")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return refused(call, error, room_in_shm())
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return refused(call, error, "mount -o remount,rw /dev/shm")
    if not os.access("/dev/shm", os.W_OK | os.X_OK):
        return Unavailable(f"{call} fails: {describe(error)}", WRITABLE_SHM)
    return refused(call, error)


_GONE = {
    errno.EPIPE,
    errno.ECONNRESET,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,  # of a datagram whose receiver was closed: unix(7)
    errno.ENOTCONN,
}


def translate(error: OSError, what: str) -> TransportError | OSError:
    """Return the contract's error for one of the operating system, or that error itself.

    Args:
        error: the call's error.
        what: the action: "send", "receive".
    """
    if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
        return WouldBlock(f"{what}: it would have to wait")
    if error.errno in _GONE:
        return PeerGone(f"{what}: the other end is closed")
    if error.errno == errno.EBADF:
        return Closed(f"{what}: this end is closed")
    if error.errno == errno.EMSGSIZE:
        return MessageTooLarge(f"{what}: {error.strerror}")
    return error
