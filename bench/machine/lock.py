"""Sweep lock: one sweep at a time on a machine, by a name that one process can bind.

An abstract Unix socket (unix(7)) leaves no file behind: the kernel frees the
name when the process ends, in whatever way. Every user can bind it, because
sweeps of two users disturb each other as well. A network namespace has its
own names, so containers do not see each other's sweeps.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from pathlib import Path

from ipcbench.bench.errors import BenchError
from ipcbench.transports.kernel_objects.ownership import user

NAME = "\0ipcbench-sweep"
BACKLOG = 1 << 12  # nothing accepts: each process that asked for the holder keeps a place
_CREDENTIALS = struct.Struct("=3i")  # pid, uid, gid: SO_PEERCRED, unix(7)


class SweepInProgress(BenchError):
    """Another sweep is running; the message names its process."""


class SweepLock:
    """A lock that is held from `acquire` to `release`, or until the process ends."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def acquire(self) -> None:
        """Take the lock. Raises: SweepInProgress."""
        held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            held.bind(NAME)
        except OSError as error:
            held.close()
            if error.errno != errno.EADDRINUSE:
                raise
            raise SweepInProgress(_describe_holder()) from error
        held.listen(BACKLOG)
        self._socket = held

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _describe_holder() -> str:
    """Return one line: the process that holds the name, and a remedy."""
    sockets = _sockets()
    if not sockets:
        return "another sweep has just ended on this machine: try again"
    holder = _listener() or _opener(sockets)
    if holder is None:
        return (
            f"the name of the sweep lock, {_shown()}, is taken by a process of another user, "
            "which does not listen: root can find it with ss -xap, and end it"
        )
    pid, uid = holder
    own = uid == os.geteuid()
    whose = "" if own else f" of {user(uid)}"
    stop = "stop it" if own else "have it stopped, by that user or by root"
    return (
        f"another sweep runs on this machine (process {pid}{whose}): two would disturb "
        f"each other; wait for it, or {stop}"
    )


def _shown() -> str:
    return NAME.replace("\0", "@")


def _listener() -> tuple[int, int] | None:
    """Return (pid, uid) of the listening process, as recorded at listen(2): unix(7)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1.0)
        try:
            client.connect(NAME)
            found = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:  # it does not listen, or its backlog is full
            return None
    pid, uid, _ = _CREDENTIALS.unpack(found)
    return pid, uid


def _sockets() -> set[str]:
    """List the sockets with the name: proc_net(5), unix."""
    lines = Path("/proc/net/unix").read_text(errors="replace").splitlines()
    return {f"socket:[{line.split()[6]}]" for line in lines if line.endswith(f" {_shown()}")}


def _opener(sockets: set[str]) -> tuple[int, int] | None:
    """Return (pid, uid) of a process that has one of them open: proc_pid_fd(5).

    Without privileges, only processes of the same user can be examined.
    """
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if str(entry.readlink()) in sockets:
                process = entry.parents[1]
                return int(process.name), process.stat().st_uid
    return None
