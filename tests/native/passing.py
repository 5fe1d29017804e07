"""Checks of native ends of passed memory, which find the breaks of them (breaks.py)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from ipcbench.transports.contract import Role, Spec, Transport, TransportError, WouldBlock
from ipcbench.transports.native import native_of
from ipcbench.transports.passing import memfds
from ipcbench.transports.registry import get
from ipcbench.transports.testing import actors
from ipcbench.transports.testing.participants import Participants, fill, numbered, receive, send
from tests.native.ring_breaks import Break

SIZE, DEPTH = 64, 2

BREAKS = (
    Break("passed: a file that can change is read", "transports/native/memfd_passed.c",
          "sealed_size(int", "(seals & NEEDED) != NEEDED", "0", "seals"),
    Break("passed: a slot is used before it was given back", "transports/native/link.c",
          "ipcbench_link_take(", "while (link->free == 0)", "while (0)", "slots"),
    Break("passed: it is not awaited that memory was read", "transports/native/process_vm.c",
          "vm_send(", "if (failed >= 0)", "if (0)", "reads"),
    Break("passed: it is not awaited that pages were read", "transports/native/vmsplice.c",
          "splice_send(", "read_some(self, self->answers, &answer, 1)", "0", "splices"),
)  # fmt: skip


def _transport(name: str) -> Transport:
    found = get(name)
    assert isinstance(found, Transport)
    return found


def seals() -> None:
    """A file that lacks its seals is no message."""
    transport = _transport("memfd-passed")
    channel = transport.create(Spec(SIZE, nowait=True, native=True))
    out, answers = channel.ticket(Role.CLIENT, 0).take_fds()
    server = transport.attach(channel.ticket(Role.SERVER, 0), time.monotonic() + 1)
    fd = memfds.new_memfd()
    os.write(fd, b"evil")
    with socket.socket(fileno=out) as sender:
        socket.send_fds(sender, [b"\0"], [fd])
        try:
            native_of(server).recv_into(memoryview(bytearray(SIZE)))
        except WouldBlock:
            return
        finally:
            os.close(fd)
            os.close(answers)
            server.close()
            channel.close()
    raise AssertionError("a file without seals was received")


def slots() -> None:
    """A sender sends as many messages as there are slots."""
    spec = Spec(SIZE, depth=DEPTH, nowait=True, native=True)
    with Participants(_transport("memfd-pool"), spec) as participants:
        assert participants.senders[0].do(fill) == DEPTH


def _waits(name: str) -> None:
    with Participants(_transport(name), Spec(SIZE, native=True)) as participants:
        sender = participants.senders[0]
        sender.begin(send, numbered(1, SIZE))
        assert sender.waits(0.1), "it sends without waiting"
        assert participants.receiver.do(receive) == [numbered(1, SIZE)]
        sender.answer()


def reads() -> None:
    _waits("process-vm")


def splices() -> None:
    _waits("vmsplice")


CHECKS: dict[str, Callable[[], None]] = {
    "seals": seals, "slots": slots, "reads": reads, "splices": splices,
}  # fmt: skip


def find(name: str, seed: str, seconds: float) -> str:
    """Make one check; tests of breaks call it."""
    try:
        CHECKS[name]()
    except (AssertionError, TransportError, actors.Stuck, actors.Died) as error:
        return f"found: {type(error).__name__}: {' '.join(str(error).split())[:100]}"
    return "not found"
