"""One sweep at a time on a machine: a name that the kernel gives to one process only.

An abstract Unix socket (unix(7)) has no file that could be left behind: the
name is free again when its holder is dead, however it died.
"""

from __future__ import annotations

import errno
import socket
import struct

NAME = "\0ipcbench-sweep"
_CREDENTIALS = struct.Struct("=3i")  # pid, uid, gid: SO_PEERCRED, unix(7)


class Busy(Exception):
    """Another sweep is running; the message says whose."""


class SweepLock:
    """Held from `acquire` until `release`, or until the process ends."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def acquire(self) -> None:
        """Raises: Busy."""
        try:
            self._socket.bind(NAME)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise Busy(
                f"another sweep runs on this machine (process {_holder()}): two would measure "
                "each other; wait for it, or stop it"
            ) from error
        self._socket.listen(1)

    def release(self) -> None:
        self._socket.close()


def _holder() -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1.0)
        try:
            asking.connect(NAME)
            found = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:
            return "unknown"
    return str(_CREDENTIALS.unpack(found)[0])
