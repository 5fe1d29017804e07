"""One sweep at a time on a machine: a name that the kernel gives to one process only.

An abstract Unix socket (unix(7)) has no file that could be left behind: the
name is free again when its holder is dead, however it died. Anybody may take
it, and has to be able to: two users' sweeps disturb each other as well. It is one
name in each network namespace, so containers do not see each other's sweeps.
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
ASKERS = 1 << 12  # who was told that we have it keeps a place in the queue: nobody accepts
_CREDENTIALS = struct.Struct("=3i")  # pid, uid, gid: SO_PEERCRED, unix(7)


class SweepInProgress(BenchError):
    """Another sweep is running; the message says whose."""


class SweepLock:
    """Held from `acquire` until `release`, or until the process ends."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def acquire(self) -> None:
        """Raises: SweepInProgress."""
        mine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            mine.bind(NAME)
        except OSError as error:
            mine.close()
            if error.errno != errno.EADDRINUSE:
                raise
            raise SweepInProgress(_who_has_it()) from error
        mine.listen(ASKERS)
        self._socket = mine

    def release(self) -> None:
        """Twice is harmless, and so is what was never acquired."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _who_has_it() -> str:
    """One line: whose process holds the name, and what to do about it."""
    sockets = _sockets()
    if not sockets:
        return "another sweep has just ended on this machine: try again"
    holder = _listener() or _opener(sockets)
    if holder is None:
        return (
            f"the name that one sweep at a time has, {_shown()}, is taken by another user's "
            "process, which does not say who it is: root finds it with ss -xap, and can end it"
        )
    pid, uid = holder
    ours = uid == os.geteuid()
    whose = "" if ours else f" of {user(uid)}"
    stop = "stop it" if ours else "have it stopped, by that user or by root"
    return (
        f"another sweep runs on this machine (process {pid}{whose}): two would measure "
        f"each other; wait for it, or {stop}"
    )


def _shown() -> str:
    return NAME.replace("\0", "@")


def _listener() -> tuple[int, int] | None:
    """(pid, uid) of who listens under the name, as the kernel noted them at listen(2)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1.0)
        try:
            asking.connect(NAME)
            found = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:  # it does not listen, or its queue is full
            return None
    pid, uid, _ = _CREDENTIALS.unpack(found)
    return pid, uid


def _sockets() -> set[str]:
    """Those that have the name: proc_net(5), unix."""
    lines = Path("/proc/net/unix").read_text(errors="replace").splitlines()
    return {f"socket:[{line.split()[6]}]" for line in lines if line.endswith(f" {_shown()}")}


def _opener(sockets: set[str]) -> tuple[int, int] | None:
    """(pid, uid) of who has one of them open: proc_pid_fd(5), which of others root alone sees."""
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if str(entry.readlink()) in sockets:
                process = entry.parents[1]
                return int(process.name), process.stat().st_uid
    return None
