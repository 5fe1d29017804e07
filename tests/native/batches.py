"""Checks of batches over descriptors, which find the breaks of them (breaks.py)."""

from __future__ import annotations

from collections.abc import Callable

from ipcbench.transports.contract import Spec, Topology, Transport, TransportError, Wait
from ipcbench.transports.registry import get
from ipcbench.transports.testing import actors
from ipcbench.transports.testing.native_operations import receive_many, receive_runs, send_runs
from ipcbench.transports.testing.participants import Participants, numbered, send
from tests.native.ring_breaks import Break

SIZE, ODD = 64, 1000  # bytes: the pipe's capacity is no multiple of the latter
SOURCE = "transports/native/batches.c"
BREAKS = (
    Break("batch: a receiver waits for the last message", SOURCE, "receive(",
          " | MSG_WAITFORONE", "", "takes unix-dgram"),
    Break("batch: a message of another length is counted", SOURCE, "receive(",
          "headers[same].msg_len == size", "1", "compares"),
    Break("batch: the rest of a message is not written", SOURCE, "bytes_give_many(",
          "if (part == 0)", "if (1)", "fills"),
    Break("batch: a part of a message is counted as none", SOURCE, "bytes_give_many(",
          "(ssize_t)done + 1", "(ssize_t)done", "fills"),
    Break("batch: the rest of a message is not read", SOURCE, "bytes_take_many(",
          "if (part > 0)", "if (0)", "streams"),
    Break("batch: the first message of a read is left", SOURCE, "bytes_take_many(",
          "bytes + (done - 1) * size", "bytes", "takes pipe"),
    Break("batch: a message is written twice", SOURCE, "bytes_give_many(",
          "size * count);", "size * (count + 1));", "streams"),
)  # fmt: skip


def _over(name: str, size: int = SIZE, wait: Wait = Wait.BLOCK) -> Participants:
    transport = get(name)
    assert isinstance(transport, Transport)
    return Participants(transport, Spec(size, Topology.LINK, wait=wait, native=True))


def _takes(name: str) -> None:
    with _over(name) as participants:
        sender, receiver = participants.actors
        sender.do(send, *(numbered(number, SIZE) for number in range(3)))
        assert receiver.do(receive_many, 9) == (3, numbered(2, SIZE))


def compares() -> None:
    with _over("unix-dgram") as participants:
        sender, receiver = participants.actors
        sender.do(send, numbered(1, SIZE), numbered(2, SIZE - 1))
        try:
            found = receiver.do(receive_many, 9)
        except OSError:
            return
        raise AssertionError(f"{found} of two messages")


def streams(wait: Wait = Wait.BLOCK) -> None:
    """Both ends at once, many times what a pipe holds."""
    runs = [(number, 1 + number * 37 % 300) for number in range(20)]
    with _over("pipe", ODD, wait) as participants:
        sender, receiver = participants.actors
        sender.begin(send_runs, runs)
        assert receiver.do(receive_runs, runs) == []
        sender.answer()


CHECKS: dict[str, Callable[[], None]] = {
    "takes unix-dgram": lambda: _takes("unix-dgram"), "takes pipe": lambda: _takes("pipe"),
    "compares": compares, "streams": streams, "fills": lambda: streams(Wait.SPIN),
}  # fmt: skip


def find(name: str, seed: str, seconds: float) -> str:
    """Make one check; tests of breaks call it."""
    try:
        CHECKS[name]()
    except (AssertionError, TransportError, actors.Stuck, actors.Died) as error:
        return f"found: {type(error).__name__}: {' '.join(str(error).split())[:100]}"
    return "not found"
