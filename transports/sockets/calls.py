"""Sending and receiving by a socket: closures over its calls, and what a message may be."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

from ipcbench.transports.base.descriptors import read_rest, write_rest
from ipcbench.transports.base.multiplexing import Receive
from ipcbench.transports.base.os_errors import translate
from ipcbench.transports.contract import MessageTooLarge, PeerGone


def stream_sender(connection: socket.socket, size: int) -> Callable[[Any], None]:
    """`send` of a SOCK_STREAM."""
    transmit = connection.send
    fd = connection.fileno()

    def send(data: Any, /) -> None:
        try:
            sent = transmit(data)
        except OSError as error:
            raise translate(error, "send") from error
        if sent != size:
            write_rest(fd, memoryview(data), sent)

    return send


def stream_receiver(connection: socket.socket, size: int) -> Receive:
    """`recv_into` of a SOCK_STREAM."""
    receive = connection.recv_into
    fd = connection.fileno()

    def recv_into(buffer: memoryview, /) -> int:
        try:
            received = receive(buffer)
        except OSError as error:
            raise translate(error, "receive") from error
        if received != size:
            if received == 0:
                raise PeerGone("receive: end of file")
            return read_rest(fd, buffer, received)
        return received

    return recv_into


def check_message(data: memoryview, size: int, *, empty: bool) -> None:
    """What `prepare` refuses of a socket that keeps borders, so that `send` need not look.

    Raises: MessageTooLarge, ValueError for no bytes where that is the end of file.
    """
    if len(data) > size:
        raise MessageTooLarge(f"send: {len(data)} bytes over a channel for {size}")
    if not len(data) and not empty:
        raise ValueError("a message of no bytes looks like the end of file")


def message_sender(connection: socket.socket) -> Callable[[Any], None]:
    """`send` of a SOCK_SEQPACKET or SOCK_DGRAM: all of it or nothing."""
    transmit = connection.send

    def send(data: Any, /) -> None:
        try:
            transmit(data)
        except OSError as error:
            raise translate(error, "send") from error

    return send


def message_receiver(connection: socket.socket, size: int, *, empty_is_end: bool) -> Receive:
    """`recv_into` of a SOCK_SEQPACKET or SOCK_DGRAM."""
    receive = connection.recv_into
    # With MSG_TRUNC the kernel tells a message's length even where it cut it
    # (recv(2)); asked for `size` bytes, Python refuses a smaller buffer itself.
    whole = socket.MSG_TRUNC
    nothing = memoryview(bytearray(1))

    def recv_into(buffer: memoryview, /) -> int:
        try:
            received = receive(buffer, size, whole)
        except OSError as error:
            raise translate(error, "receive") from error
        except ValueError:
            return recv_short(buffer)
        if received != size:
            if received > size:
                raise MessageTooLarge(f"receive: {received} bytes for {size}")
            if received == 0 and empty_is_end:
                raise PeerGone("receive: end of file")
        return received

    def recv_short(buffer: memoryview, /) -> int:
        """Into a buffer that is smaller than the size; an empty one Python would not fill."""
        try:
            received = receive(buffer or nothing, 0, whole)
        except OSError as error:
            raise translate(error, "receive") from error
        if received > len(buffer):
            raise MessageTooLarge(f"receive: {received} bytes for {len(buffer)}")
        if received == 0 and empty_is_end:
            raise PeerGone("receive: end of file")
        return received

    return recv_into if size else recv_short


def largest_message(kind: socket.SocketKind) -> int:
    """Bytes that a unix(7) socket of this kind takes in one message, found by trying.

    Raises: OSError where there is no such socket.
    """
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    with one, other:
        one.setblocking(False)
        fits, too_much = 1, one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) + 1
        data = memoryview(bytes(too_much))
        while too_much - fits > 1:
            middle = (fits + too_much) // 2
            try:
                one.send(data[:middle])
            except OSError as error:
                if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                    raise
                too_much = middle
            else:
                fits = middle
                other.recv(1)  # the rest of the message goes with it
    return fits
