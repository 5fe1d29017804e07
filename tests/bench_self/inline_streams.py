"""The same calls written inline, for byte streams and sockets: three pairs of calls."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable
from itertools import repeat
from typing import Any

from ipcbench.transports.contract import Ticket

Half = Callable[[int], None]  # runs one process's side of so many round trips
Half_of = Callable[[Ticket, Any, bool], Half]


class Short(Exception):
    """A transfer moved less than a message."""


def files(size: int) -> Half_of:
    """Call write(2) and read(2), for pipes and FIFOs."""

    def half(ticket: Ticket, endpoint: Any, first: bool) -> Half:
        (reading,), (writing,) = endpoint._reading, endpoint._writing
        message, buffer = bytes(size), memoryview(bytearray(size))
        write, readinto = os.write, io.FileIO(reading, closefd=False).readinto

        def client(count: int) -> None:
            for _ in repeat(None, count):
                if write(writing, message) != size:
                    raise Short
                if readinto(buffer) != size:
                    raise Short

        def server(count: int) -> None:
            for _ in repeat(None, count):
                if readinto(buffer) != size:
                    raise Short
                if write(writing, message) != size:
                    raise Short

        return client if first else server

    return half


def streams(size: int) -> Half_of:
    """Call send(2) and recv(2)."""

    def half(ticket: Ticket, endpoint: Any, first: bool) -> Half:
        (connection,) = endpoint._connections
        transmit, receive = connection.send, connection.recv_into
        message, buffer = bytes(size), memoryview(bytearray(size))

        def client(count: int) -> None:
            for _ in repeat(None, count):
                if transmit(message) != size:
                    raise Short
                if receive(buffer) != size:
                    raise Short

        def server(count: int) -> None:
            for _ in repeat(None, count):
                if receive(buffer) != size:
                    raise Short
                if transmit(message) != size:
                    raise Short

        return client if first else server

    return half


def messages(size: int) -> Half_of:
    """Call send(2), and recv(2) with MSG_TRUNC, which returns a message's real length."""

    def half(ticket: Ticket, endpoint: Any, first: bool) -> Half:
        # A datagram endpoint has a socket of its own for each direction.
        held = endpoint._sockets if hasattr(endpoint, "_sockets") else endpoint._connections
        out, into = held[0], held[-1]
        put, take, whole = out.send, into.recv_into, socket.MSG_TRUNC
        message, buffer = bytes(size), memoryview(bytearray(size))

        def client(count: int) -> None:
            for _ in repeat(None, count):
                put(message)
                if take(buffer, size, whole) != size:
                    raise Short

        def server(count: int) -> None:
            for _ in repeat(None, count):
                if take(buffer, size, whole) != size:
                    raise Short
                put(message)

        return client if first else server

    return half


def of_streams(size: int) -> dict[str, Half_of]:
    return {
        "pipe": files(size),
        "pipe:1M": files(size),
        "fifo": files(size),
        "unix-stream": streams(size),
        "socketpair": streams(size),
        "tcp": streams(size),
        "tcp6": streams(size),
        "unix-seqpacket": messages(size),
        "unix-dgram": messages(size),
    }
