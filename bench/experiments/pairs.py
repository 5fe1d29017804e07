"""Pair of processes that hold the two ends of a link or a signal."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

from ipcbench.bench.experiments.children import Body
from ipcbench.bench.experiments.facilities import channel_of
from ipcbench.transports.contract import MessageTooLarge, Role, Spec, Ticket, Transport, Unavailable

ATTACH = 5.0  # seconds
LONGEST_HELLO = 1 << 16  # bytes
_SEATS = ((Role.CLIENT, 0), (Role.SERVER, 0))

End: TypeAlias = Callable[[Any], Any]
"""Work of one process with its endpoint; what it returns can be written as JSON."""


@contextlib.contextmanager
def pair(transport: Transport, spec: Spec, client: End, server: End) -> Iterator[tuple[Body, Body]]:
    """Create a channel; yield the work of its two processes, for `children.together`.

    Raises: Unavailable.
    """
    with contextlib.ExitStack() as undo:
        try:
            tickets = undo.enter_context(channel_of(transport, spec, _SEATS))
        except MessageTooLarge as error:
            raise Unavailable(str(error)) from error
        ends = socket.socketpair()
        for end in ends:
            undo.callback(end.close)
        yield (
            partial(_work, transport, tickets, ends, 0, client),
            partial(_work, transport, tickets, ends, 1, server),
        )


def _work(
    transport: Transport,
    tickets: list[Ticket],
    ends: tuple[socket.socket, socket.socket],
    number: int,
    work: End,
) -> Any:
    """Attach as process 0 or 1, and do its work. A ticket of another process is a stray copy."""
    tickets[1 - number].close()
    ends[1 - number].close()
    deadline = time.monotonic() + ATTACH
    endpoint = transport.attach(tickets[number], deadline)
    hellos: list[Any] = [None, None]
    hellos[number] = endpoint.hello()
    with ends[number] as line:
        line.settimeout(ATTACH)
        line.sendall(json.dumps(hellos[number]).encode() + b"\n")
        with line.makefile("rb") as lines:
            hellos[1 - number] = json.loads(lines.readline(LONGEST_HELLO))
    endpoint.connect(hellos, deadline)
    try:
        return work(endpoint)
    finally:
        endpoint.close()
