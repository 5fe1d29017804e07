"""Lengths that another process has written into shared memory, and readers in Python.

tests/native/test_lengths.py has the native ones, each in a process of its own.
"""

from __future__ import annotations

import time

import pytest

from ipcbench.transports.contract import MessageTooLarge, Role, Spec, Topology
from ipcbench.transports.latest.memory import NewestLayout, NewestMemory, publisher, reader
from ipcbench.transports.shm.transport import shm
from ipcbench.transports.sync import futex

SIZE = 64
BEYOND = SIZE + 1

pytestmark = pytest.mark.skipif(not futex.ORDERED, reason="Python's loops run on x86-64 only")

# The length of a lane's first message, and its bytes: native/ring.h, native/counted_ring.h.
PLACES = {"eventfd": (131, 5), "eventfd-counted": (64, 8)}
SEATS = {
    Topology.LINK: (2, Role.CLIENT, Role.SERVER),
    Topology.FAN_IN: (3, Role.SENDER, Role.RECEIVER),
}


@pytest.mark.parametrize("room", [SIZE, 4 * SIZE], ids=["as the slot", "larger"])
@pytest.mark.parametrize("topology", SEATS, ids=lambda value: value.value)
@pytest.mark.parametrize("waiter", PLACES)
def test_a_length_beyond_the_slot(waiter: str, topology: Topology, room: int) -> None:
    """That message alone is lost."""
    transport = shm(f"memfd+{waiter}")
    parties, *roles = SEATS[topology]
    channel = transport.create(Spec(SIZE, topology, parties, depth=4))
    sender, receiver = (
        transport.attach(channel.ticket(role, 0), time.monotonic() + 5) for role in roles
    )
    place, width = PLACES[waiter]
    place += channel._layout.start(0)
    try:
        for message in (b"1", b"2"):
            sender.send(message * SIZE)
        channel._segment.memory[place : place + width] = BEYOND.to_bytes(width, "little")
        buffer = memoryview(bytearray(room))
        with pytest.raises(MessageTooLarge, match=f"{BEYOND} bytes for {SIZE}"):
            receiver.recv_into(buffer)
        assert receiver.recv_into(buffer) == SIZE
        assert buffer[:SIZE] == b"2" * SIZE
    finally:
        for one in (sender, receiver, channel):
            one.close()


@pytest.mark.parametrize("buffers", [1, 4])
def test_a_length_beyond_the_value(buffers: int) -> None:
    layout = NewestLayout(SIZE, buffers)
    memory = NewestMemory(memoryview(bytearray(layout.bytes)), layout)
    publish = publisher(memory, SIZE)
    read_into, _ = reader(memory, lambda: None)
    publish(bytes(SIZE))
    memory.heads[(1 % buffers) * memory.step + 1] = BEYOND
    buffer = memoryview(bytearray(4 * SIZE))
    with pytest.raises(MessageTooLarge, match=f"{BEYOND} bytes for {SIZE}"):
        read_into(buffer)
    publish(b"whole")
    assert bytes(buffer[: read_into(buffer)]) == b"whole"
