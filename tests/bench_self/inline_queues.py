"""The same calls written inline, for message queues and multiprocessing's pipes and queues."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any

from ipcbench.transports.contract import Endpoint, Ticket

Half = Callable[[int], None]  # runs one process's side of so many round trips
Half_of = Callable[[Ticket, Any, bool], Half]


class Short(Exception):
    """A message has another length."""


def sysv_queue(size: int) -> Half_of:
    def half(ticket: Ticket, endpoint: Endpoint, first: bool) -> Half:
        import sysv_ipc

        keys = ticket.data["keys"]
        one_queue = len(keys) == 1
        to_server, to_client = (
            sysv_ipc.MessageQueue(key, 0, max_message_size=size) for key in (keys[0], keys[-1])
        )
        out, into = (to_server, to_client) if first else (to_client, to_server)
        near, far = ((1, 2) if first else (2, 1)) if one_queue else (1, 0)
        put, take = out.send, into.receive
        message, buffer = bytes(size), memoryview(bytearray(size))

        def client(count: int) -> None:
            for _ in repeat(None, count):
                put(message, True, near)
                data, _ = take(True, far)
                if len(data) != size:
                    raise Short
                buffer[:] = data

        def server(count: int) -> None:
            for _ in repeat(None, count):
                data, _ = take(True, far)
                if len(data) != size:
                    raise Short
                buffer[:] = data
                put(message, True, near)

        return client if first else server

    return half


def posix_queue(size: int) -> Half_of:
    def half(ticket: Ticket, endpoint: Any, first: bool) -> Half:
        into, out = endpoint._queues
        put, take = out.send, into.receive
        message, buffer = bytes(size), memoryview(bytearray(size))

        def client(count: int) -> None:
            for _ in repeat(None, count):
                put(message, None, 0)
                data, _ = take()
                if len(data) != size:
                    raise Short
                buffer[:] = data

        def server(count: int) -> None:
            for _ in repeat(None, count):
                data, _ = take()
                if len(data) != size:
                    raise Short
                buffer[:] = data
                put(message, None, 0)

        return client if first else server

    return half


def mp_pipe(size: int) -> Half_of:
    def half(ticket: Ticket, endpoint: Any, first: bool) -> Half:
        (connection,) = endpoint._connections
        put, take = connection.send_bytes, connection.recv_bytes_into
        message, buffer = memoryview(bytes(size)), memoryview(bytearray(size))

        def client(count: int) -> None:
            for _ in repeat(None, count):
                put(message)
                if take(buffer) != size:
                    raise Short

        def server(count: int) -> None:
            for _ in repeat(None, count):
                if take(buffer) != size:
                    raise Short
                put(message)

        return client if first else server

    return half


def mp_objects(size: int) -> Half_of:
    """Call a pipe's `send` and `recv`, or two queues' `put` and `get`."""

    def half(ticket: Ticket, endpoint: Any, first: bool) -> Half:
        if hasattr(endpoint, "_connections"):
            (connection,) = endpoint._connections
            put, take = connection.send, connection.recv
        else:
            into, (out,) = ticket.inherited
            put, take = out.put, into.get
        message, buffer = bytes(size), memoryview(bytearray(size))

        def client(count: int) -> None:
            for _ in repeat(None, count):
                put(message)
                data = take()
                if len(data) != size:
                    raise Short
                buffer[:] = data

        def server(count: int) -> None:
            for _ in repeat(None, count):
                data = take()
                if len(data) != size:
                    raise Short
                buffer[:] = data
                put(message)

        return client if first else server

    return half


def of_queues(size: int) -> dict[str, Half_of]:
    return {
        "sysv-queue": sysv_queue(size),
        "sysv-queue:types": sysv_queue(size),
        "posix-queue": posix_queue(size),
        "mp-pipe": mp_pipe(size),
        "mp-pipe-pickle": mp_objects(size),
        "mp-simple-queue": mp_objects(size),
        "mp-queue": mp_objects(size),
    }
