"""One sweep at a time on a machine: a name that the kernel gives to one process only.

An abstract Unix socket (unix(7)) has no file that could be left behind: the
name is free again when its holder is dead, however it died.
"""

from __future__ import annotations

import errno
import socket
import struct

NAME = "\0ipcbench-sweep"
ASKERS = 1 << 12  # who was told that we have it keeps a place in the queue: nobody accepts
_CREDENTIALS = struct.Struct("=3i")  # pid, uid, gid: SO_PEERCRED, unix(7)


class Busy(Exception):
    """Another sweep is running; the message says whose."""


class SweepLock:
    """Held from `acquire` until `release`, or until the process ends."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def acquire(self) -> None:
        """Raises: Busy."""
        mine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            mine.bind(NAME)
        except OSError as error:
            mine.close()
            if error.errno != errno.EADDRINUSE:
                raise
            raise Busy(
                f"another sweep runs on this machine (process {_holder()}): two would measure "
                "each other; wait for it, or stop it"
            ) from error
        mine.listen(ASKERS)
        self._socket = mine

    def release(self) -> None:
        """Twice is harmless, and so is what was never acquired."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _holder() -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1.0)
        try:
            asking.connect(NAME)
            found = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:
            return "unknown"
    return str(_CREDENTIALS.unpack(found)[0])
