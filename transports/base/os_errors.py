"""Why the kernel refuses a call, in words, and what would help: errno(3)."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

from ipcbench.transports.contract import (
    Closed,
    MessageTooLarge,
    PeerGone,
    TransportError,
    Unavailable,
    WouldBlock,
)

MORE_PROCESSES = "stop other processes, or ulimit -u, or raise the container's limit of pids"
ROOM_IN_SHM = "remove what nobody uses in /dev/shm, or mount -o remount,size=SIZE /dev/shm"
WRITABLE_SHM = "mount -t tmpfs -o mode=1777 tmpfs /dev/shm"

# The kernel may lack a call; who only refuses it says the one or the other of these.
_FORBIDDEN = {errno.EPERM, errno.EACCES, errno.ENOSYS}
_PERMISSIONS = "PermissionsError"  # posix_ipc's and sysv_ipc's name for EACCES
_ALLOW = "allow the call: a container's seccomp profile or a security module refuses it"


def describe(error: Exception) -> str:
    """What happened, without the number; bindings have words of their own, or none."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or os.strerror(error.errno)
    if type(error).__name__ == _PERMISSIONS:  # its text is a format that nobody filled in
        return os.strerror(errno.EACCES)
    return str(error) or type(error).__name__


def remedy(error: Exception) -> str:
    """What helps whichever call it was, "" where nothing is known."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EMFILE:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return f"ulimit -n {max(1024, 2 * soft)}"
    if number == errno.ENFILE:
        return "close files of others, or raise fs.file-max with sysctl -w"
    if number == errno.ENOMEM:
        return "free memory, or raise the container's limit of memory"
    # What threading raises where clone(2) fails has no number.
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return MORE_PROCESSES
    return ""


def with_remedy(what: str, help_: str) -> str:
    """`what`, and behind a colon what would help, if that is known."""
    return f"{what}: {help_}" if help_ else what


def refused(call: str, error: Exception, otherwise: str = "") -> Unavailable:
    """That the call fails; `otherwise`: what helps against what it alone can lack."""
    number = error.errno if isinstance(error, OSError) else None
    # A file's name with it means the permissions of that file, and not the call.
    named = isinstance(error, OSError) and error.filename is not None
    forbidden = (number in _FORBIDDEN and not named) or type(error).__name__ == _PERMISSIONS
    known = _ALLOW if forbidden else otherwise
    return Unavailable(f"{call} fails: {describe(error)}", remedy(error) or known)


def refused_in_shm(call: str, error: Exception) -> Unavailable:
    """The same for what lives in /dev/shm: shm_overview(7), sem_overview(7)."""
    if not Path("/dev/shm").is_dir():
        return Unavailable("there is no /dev/shm", f"mkdir /dev/shm && {WRITABLE_SHM}")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return refused(call, error, ROOM_IN_SHM)
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return refused(call, error, "mount -o remount,rw /dev/shm")
    if not os.access("/dev/shm", os.W_OK | os.X_OK):
        return Unavailable(f"{call} fails: {describe(error)}", WRITABLE_SHM)
    return refused(call, error)


_GONE = {
    errno.EPIPE,
    errno.ECONNRESET,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,  # what a datagram gets whose receiver has been closed: unix(7)
    errno.ENOTCONN,
}


def translate(error: OSError, what: str) -> TransportError | OSError:
    """Our name for an operating system's error, or the error itself where we have none."""
    if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
        return WouldBlock(f"{what}: it would have to wait")
    if error.errno in _GONE:
        return PeerGone(f"{what}: the other end is closed")
    if error.errno == errno.EBADF:
        return Closed(f"{what}: this end is closed")
    if error.errno == errno.EMSGSIZE:
        return MessageTooLarge(f"{what}: {error.strerror}")
    return error
