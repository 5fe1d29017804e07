"""Private namespaces for a process of a test run (namespaces(7)).

Two processes that run tests at the same time then do not see each other's kernel objects: System V
objects, POSIX queues, files in /dev/shm, sockets, and the name of the sweep lock
(bench/machine/lock.py). They still share huge pages, process ids and files.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import warnings
from functools import cache
from pathlib import Path

_NEW_NS, _NEW_IPC, _NEW_NET = 0x00020000, 0x08000000, 0x40000000  # unshare(2)
_PRIVATE, _RECURSIVE = 1 << 18, 1 << 14  # mount(2): MS_PRIVATE, MS_REC
_SIOCSIFFLAGS, _UP_AND_RUNNING = 0x8914, 0x1 | 0x40  # netdevice(7)
_IPC_FILE_SYSTEMS = {Path("/dev/shm"): ("tmpfs", "mode=1777"), Path("/dev/mqueue"): ("mqueue", "")}

_libc = ctypes.CDLL(None, use_errno=True)


def number() -> int:
    """Return the number of this test process, or of the one that started this program; 0 alone."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def enter() -> None:
    """Move this process and its future children there. Raises: OSError where it may not."""
    _check(_libc.unshare(_NEW_NS | _NEW_IPC | _NEW_NET))
    _check(_libc.mount(b"none", b"/", None, _PRIVATE | _RECURSIVE, None))
    for folder, (kind, options) in _IPC_FILE_SYSTEMS.items():
        if folder.is_dir():
            name = kind.encode()
            _check(_libc.mount(name, bytes(folder), name, 0, options.encode() or None))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        flags = struct.pack("16sH14s", b"lo", _UP_AND_RUNNING, b"")
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, flags)


@cache
def possible() -> bool:
    """Return True if `enter` works here: a child tries it, since there is no way back."""
    with warnings.catch_warnings():
        # faulthandler's watchdog is a thread, at which fork warns; it holds no locks.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            enter()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
