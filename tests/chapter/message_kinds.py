"""Programs that put messages of several kinds in one System V queue and take them.

    python -m tests.chapter.message_kinds put TICKET [KIND TEXT]...
    python -m tests.chapter.message_kinds take TICKET KIND COUNT
    python -m tests.chapter.message_kinds try TICKET KIND

A TICKET is the JSON that the queue's owner passes to each user of the queue. `take` prints
each text on a line; `try` does not wait: it takes a message or reports that there is none
of the kind.
"""

from __future__ import annotations

import json
import sys
import time

from ipcbench.transports.contract import (
    Role,
    Spec,
    Ticket,
    Topology,
    Transport,
    WouldBlock,
)
from ipcbench.transports.registry import get

SIZE = 64
PARTIES = 4  # one process puts, three take


def queue() -> Transport:
    transport = get("sysv-queue")
    assert isinstance(transport, Transport)
    return transport


def specification(
    *, kind: int | None = None, nowait: bool = False, name: str | None = None
) -> Spec:
    return Spec(SIZE, Topology.FAN_OUT, PARTIES, kind=kind, nowait=nowait, name=name)


def _seat(role: Role, text: str, kind: int, *, nowait: bool = False) -> Ticket:
    return Ticket(role, 0, specification(kind=kind, nowait=nowait), json.loads(text))


def put(ticket: str, *messages: str) -> None:
    """Put each message through an endpoint of its kind."""
    for kind, text in zip(messages[0::2], messages[1::2], strict=True):
        end = queue().attach(_seat(Role.SENDER, ticket, int(kind)), time.monotonic() + 5)
        end.send(end.prepare(memoryview(text.encode())))
        end.close()


def take(ticket: str, kind: str, count: str) -> None:
    end = queue().attach(_seat(Role.RECEIVER, ticket, int(kind)), time.monotonic() + 5)
    buffer = memoryview(bytearray(SIZE))
    for _ in range(int(count)):
        received = end.recv_into(buffer)
        print(bytes(buffer[:received]).decode(), flush=True)
    end.close()


def attempt(ticket: str, kind: str) -> None:
    end = queue().attach(_seat(Role.RECEIVER, ticket, int(kind), nowait=True), time.monotonic() + 5)
    buffer = memoryview(bytearray(SIZE))
    try:
        received = end.recv_into(buffer)
    except WouldBlock as error:
        print(f"none of kind {kind}: {error.__cause__}")
    else:
        print(bytes(buffer[:received]).decode())
    end.close()


if __name__ == "__main__":
    {"put": put, "take": take, "try": attempt}[sys.argv[1]](*sys.argv[2:])
