"""Calls of sockets: closures that send and receive, and the bounds of a message."""

from __future__ import annotations

import errno
import socket
from typing import Any

from ipcbench.transports.base import (
    Look,
    Receive,
    Send,
    pass_time_to_send,
    rest_reader,
    rest_writer,
    translate,
    when_full,
)
from ipcbench.transports.contract import MessageTooLarge, PeerGone, Spec


def stream_sender(connection: socket.socket, spec: Spec) -> Send:
    """Make the `send` of a SOCK_STREAM, whose messages have the spec's size."""
    transmit, size = connection.send, spec.size
    fd = connection.fileno()
    pass_some = pass_time_to_send(fd, spec)
    full, write_others = when_full(transmit, pass_some), rest_writer(fd, spec, pass_some)

    def send(data: Any, /) -> None:
        try:
            sent = transmit(data)
        except BlockingIOError:
            sent = full(data)
        except OSError as error:
            raise translate(error, "send") from error
        if sent != size:
            write_others(data, sent)

    return send


def stream_receiver(connection: socket.socket, spec: Spec) -> Receive:
    """Make the `recv_into` of a SOCK_STREAM, whose messages have the spec's size."""
    receive, size = connection.recv_into, spec.size
    read_others = rest_reader(connection.fileno(), spec)

    def recv_into(buffer: memoryview, /) -> int:
        try:
            received = receive(buffer)
        except OSError as error:
            raise translate(error, "receive") from error
        if received != size:
            if received == 0 and buffer:
                raise PeerGone("receive: end of file")
            return read_others(buffer, received)
        return received

    return recv_into


def message_sender(connection: socket.socket, spec: Spec) -> Send:
    """Make the `send` of a SOCK_SEQPACKET or SOCK_DGRAM: it sends all or nothing."""
    transmit = connection.send
    full = when_full(transmit, pass_time_to_send(connection.fileno(), spec))

    def send(data: Any, /) -> None:
        try:
            transmit(data)
        except BlockingIOError:
            full(data)
        except OSError as error:
            raise translate(error, "send") from error

    return send


def message_receiver(connection: socket.socket, size: int, *, empty_is_end: bool) -> Receive:
    """Make the `recv_into` of a SOCK_SEQPACKET or SOCK_DGRAM.

    Args:
        connection: the socket.
        size: the largest message.
        empty_is_end: a message of no bytes is the end of file.
    """
    receive = connection.recv_into
    # With MSG_TRUNC the kernel returns a message's length even where it cut the message
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
        """Receive into a buffer that is smaller than the size, or empty, which Python refuses."""
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


def message_look(connection: socket.socket, size: int, *, empty_is_end: bool) -> Look:
    """Make the look of an end that spins at a SOCK_SEQPACKET or SOCK_DGRAM.

    Not by read(2), as that of a stream: it would cut a long message in silence.

    Args:
        connection: the socket, which is non-blocking.
        size: the largest message.
        empty_is_end: a message of no bytes is the end of file.
    """
    receive = connection.recv_into
    whole = socket.MSG_TRUNC  # as in message_receiver
    nothing = memoryview(bytearray(1))

    def attempt(buffer: memoryview) -> int | None:
        try:
            return receive(buffer, size, whole)
        except BlockingIOError:
            return None
        except ValueError:
            return attempt_short(buffer)

    def attempt_short(buffer: memoryview) -> int | None:
        try:
            received = receive(buffer or nothing, 0, whole)
        except BlockingIOError:
            return None
        return received if received == 0 else finish(buffer, received)

    def finish(buffer: memoryview, received: int) -> int:
        if received > len(buffer):
            raise MessageTooLarge(f"receive: {received} bytes for {len(buffer)}")
        if received == 0 and empty_is_end:
            raise PeerGone("receive: end of file")
        return received

    return Look(attempt if size else attempt_short, finish)


def largest_message(kind: socket.SocketKind) -> int:
    """Find, by trying, how many bytes a unix(7) socket takes in one message.

    Args:
        kind: the socket's kind.

    Raises:
        OSError: there is no such socket.
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
