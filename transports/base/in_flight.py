"""Bytes in flight: bytes of messages that a direction holds before its sender waits.

It is the capacity as one sender sees it that sends alone. The kernel tells the size of a
socket's buffer, but counts its own overhead in it, up to twelve times the payload of a small
message: socket(7). So a socket like the one at hand is filled, and the one at hand left alone.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from contextlib import suppress

from ipcbench.transports.contract import Endpoint

_PAGE = os.sysconf("SC_PAGE_SIZE")
_SO_BUF_LOCK = 72  # asm-generic/socket.h
_BOTH_LOCKED = 3  # SOCK_SNDBUF_LOCK, SOCK_RCVBUF_LOCK: linux/socket.h


def bytes_in_flight(endpoint: Endpoint, size: int) -> int | None:
    """Return the bytes of messages that a direction holds.

    Args:
        endpoint: an end of the channel, still open.
        size: the size of every message.

    Returns:
        The bytes that the endpoint states, or else its depth in bytes; None: they are not
        known, or messages have no bytes.
    """
    if not size:
        return None
    stated = endpoint.in_flight
    if stated is None and endpoint.depth is not None:
        return endpoint.depth * size
    return stated


def held_by(fd: int, size: int) -> int | None:
    """Return the bytes that the pipe or the unix(7) socket behind a descriptor holds.

    Args:
        fd: the descriptor.
        size: the size of every write, in bytes.
    """
    if stat.S_ISFIFO(os.fstat(fd).st_mode):
        return _held_by_pipe(fd, size)
    with socket.socket(fileno=os.dup(fd)) as connection:
        return held_by_socket(connection, size)


def _held_by_pipe(fd: int, size: int) -> int:
    """Return the bytes in writes of this size that a pipe or FIFO holds.

    Its capacity is a number of pages. A write of up to a page goes into one page as a whole
    (pipe_write() of Linux's fs/pipe.c), so some of each stays free, unless the page is a
    multiple of the size. Of larger writes it is the capacity, at most.
    """
    capacity = fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)
    if not 0 < size <= _PAGE:
        return capacity
    return capacity // _PAGE * (_PAGE // size) * size


def held_by_socket(connection: socket.socket, size: int) -> int | None:
    """Return the bytes that a direction of a connection holds, given the size of a message.

    Of unix(7) sockets the sender's SO_SNDBUF alone is the bound: sock_alloc_send_pskb() of
    Linux's net/core/sock.c. Of tcp(7), None where the kernel tunes the buffers; fixed ones hold
    that many bytes, less the overhead of their packets. Each may exceed its size by one packet,
    of up to 64 KiB: it takes one while it is not full (sk_stream_memory_free() of Linux's
    include/net/sock.h, tcp_try_rmem_schedule() of net/ipv4/tcp_input.c).
    """
    if connection.family != socket.AF_UNIX:
        return _fixed_buffers(connection)
    buffer = _send_buffer(connection)
    try:
        one, other = socket.socketpair(socket.AF_UNIX, connection.type)
    except OSError:
        return None
    with one, other:
        if _send_buffer(one) != buffer:
            # The kernel doubles it, and cuts it to net.core.wmem_max: socket(7).
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer // 2)
        return sum(fill(one, min(size, 2 * buffer))) if _send_buffer(one) == buffer else None


def _fixed_buffers(connection: socket.socket) -> int | None:
    """Return the size of both buffers together, if both are fixed. Both ends have the same."""
    try:
        locks = connection.getsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK)
    except OSError:  # a kernel before 5.14
        return None
    if locks & _BOTH_LOCKED != _BOTH_LOCKED:
        return None
    receive_buffer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    return _send_buffer(connection) + receive_buffer


def _send_buffer(connection: socket.socket) -> int:
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


def fill(sender: socket.socket, size: int) -> list[int]:
    """Send until there is no room; return the bytes that each call has sent.

    Args:
        sender: the socket.
        size: the size of every message.
    """
    sender.setblocking(False)
    message, sent = bytes(size), list[int]()
    with suppress(OSError):  # EAGAIN
        while True:
            sent.append(sender.send(message))
    return sent
