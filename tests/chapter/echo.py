"""An echo server behind a Unix domain socket, with a process for each client; and a client.

Usage: echo.py serve PATH CLIENTS
       echo.py ask PATH NAME COUNT   (sends one message, reads a line, sends the others)
"""

from __future__ import annotations

import os
import struct
import sys
import time

from ipcbench.transports.contract import Endpoint, PeerGone, Role, Spec, Ticket
from ipcbench.transports.registry import get

MESSAGE = struct.Struct("=q56s")  # the process that echoes, and a text
unix = get("unix-stream")


def spec(path: str) -> Spec:
    return Spec(MESSAGE.size, name=path)


def send(endpoint: Endpoint, text: bytes) -> None:
    endpoint.send(endpoint.prepare(memoryview(MESSAGE.pack(os.getpid(), text))))


def receive(endpoint: Endpoint) -> tuple[int, bytes]:
    buffer = memoryview(bytearray(MESSAGE.size))
    endpoint.recv_into(buffer)
    pid, text = MESSAGE.unpack(buffer)
    return pid, text.rstrip(b"\0")


def serve(path: str, clients: int) -> None:
    """Accept so many clients; serve each in a process of its own."""
    channel = unix.create(spec(path))
    children = []
    try:
        for _ in range(clients):
            endpoint = unix.attach(channel.ticket(Role.SERVER, 0), time.monotonic() + 10)
            child = os.fork()
            if child == 0:
                channel.close()
                echo(endpoint)
                os._exit(0)
            endpoint.close()
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
    finally:
        channel.close()
        channel.unlink()


def echo(endpoint: Endpoint) -> None:
    try:
        while True:
            _, text = receive(endpoint)
            send(endpoint, text)
    except PeerGone:
        endpoint.close()


def ask(path: str, name: str, count: int) -> None:
    """Print the echoing process's id; fail if an echo differs from its message."""
    deadline = time.monotonic() + 10
    while True:
        try:
            endpoint = unix.attach(Ticket(Role.CLIENT, 0, spec(path)), deadline)
            break
        except PeerGone:  # the server is not there yet
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
    for number in range(count):
        message = f"{name} says {number}".encode()
        send(endpoint, message)
        pid, echoed = receive(endpoint)
        assert echoed == message, f"{echoed!r} is no echo of {message!r}"
        print(pid, flush=True)
        if number == 0:
            sys.stdin.readline()
    endpoint.close()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        ask(sys.argv[2], sys.argv[3], int(sys.argv[4]))
