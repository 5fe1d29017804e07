"""Sealed memfds, passed by SCM_RIGHTS, and checked by the process that receives them.

The other process is not trusted. A file that it can cut would end the reader of a mapping by
SIGBUS (mmap(2)): F_SEAL_SHRINK prevents that, and F_SEAL_WRITE that the bytes change while they
are read (fcntl(2), File Sealing).
"""

from __future__ import annotations

import array
import fcntl
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ipcbench.transports.base import check_spec, close_all, closed, refused
from ipcbench.transports.contract import Endpoint, Limits, Spec, Ticket, Traits, Unavailable
from ipcbench.transports.passing.link import LinkChannel, LinkEndpoint
from ipcbench.transports.passing.slots import check_depth, limits

F_SEAL_FUTURE_WRITE = 0x10  # linux/fcntl.h, since Linux 5.1
_LASTING = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
SEALS = _LASTING | fcntl.F_SEAL_WRITE
POOL_SEALS = _LASTING | F_SEAL_FUTURE_WRITE  # the maker's own mapping stays writable
NEEDED = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE
POOL_NEEDED = fcntl.F_SEAL_SHRINK

_CUT = socket.MSG_CTRUNC | socket.MSG_TRUNC
_CLOEXEC = socket.MSG_CMSG_CLOEXEC


def new_memfd() -> int:
    """Make an empty file in memory that can be sealed. Raises: OSError."""
    return os.memfd_create("ipcbench", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def seal(fd: int, seals: int) -> None:
    """Seal a file for ever. Raises: OSError (EBUSY: it is mapped writable)."""
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)


def sealed_size(fd: int, needed: int) -> int | None:
    """Return the size of a file; None: it is no memfd, or lacks one of the seals."""
    try:
        if fcntl.fcntl(fd, fcntl.F_GET_SEALS) & needed != needed:
            return None
    except OSError:  # EINVAL: a file of another kind
        return None
    return os.fstat(fd).st_size


def try_sealing(seals: int) -> None:
    """Make a file and seal it as a transport does. Raises: Unavailable."""
    try:
        fd = new_memfd()
        try:
            seal(fd, seals)
        finally:
            os.close(fd)
    except OSError as error:
        raise refused("memfd_create(2) or F_ADD_SEALS of fcntl(2)", error) from error


def send_with(connection: socket.socket, data: bytes, fds: list[int]) -> None:
    """Send a packet with descriptors. Raises: OSError."""
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))
    connection.sendmsg([data], [rights])


def receive_with(connection: socket.socket, buffer: memoryview, most: int) -> tuple[int, list[int]]:
    """Receive a packet and its descriptors, which the caller closes.

    Args:
        connection: the socket.
        buffer: for the data.
        most: the number of descriptors that are expected.

    Returns:
        The length of the data and the descriptors; none where the packet has more of either
        than was expected, and then all are closed.

    Raises:
        OSError: recvmsg(2) fails.
    """
    # CMSG_SPACE would have room for one more, since it is rounded up: cmsg(3).
    room = socket.CMSG_LEN(most * array.array("i").itemsize)
    length, ancillary, flags, _ = connection.recvmsg_into([buffer], room, _CLOEXEC)
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    if flags & _CUT:
        close_all(fds)
        return length, []
    return length, list(fds)


class MemfdEndpoint(LinkEndpoint):
    """One process's end, which may be read and written in place."""

    loan: Any
    commit: Any
    peek: Any
    release: Any

    def __init__(self, ticket: Ticket, traits: Traits) -> None:
        super().__init__(ticket)
        self._in_place = traits.in_place

    def close(self) -> None:
        super().close()
        if self._in_place:
            self.loan = self.commit = self.peek = self.release = closed


@dataclass(frozen=True, slots=True)
class Memfds:
    """A transport over sealed memfds.

    Attributes:
        seals: those of each file.
        attached: makes an end.
    """

    name: str
    traits: Traits
    seals: int
    attached: Callable[[Ticket, Traits], Endpoint]

    def probe(self) -> Limits | Unavailable:
        try:
            LinkChannel(Spec(size=1)).close()
            try_sealing(self.seals)
        except Unavailable as reason:
            return reason
        return limits()

    def create(self, spec: Spec) -> LinkChannel:
        check_spec(self, spec, limits().message.value)
        check_depth(spec)
        try_sealing(self.seals)
        return LinkChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return self.attached(ticket, self.traits)
