"""Lengths in shared memory, which other processes can write: no end reads beyond its slot.

Each case has a process of its own, which a length that is believed would take along.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time

import pytest

from ipcbench.transports.contract import MessageTooLarge, Role, Spec, Topology
from ipcbench.transports.native import built, native_of
from tests.available import available
from tests.plugins.capsules import Opened

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

NAMES = ("shm:posix+posix-sem", "shm:posix+futex", "shm:posix+spin")
COUNTED = "shm:posix+sysv-sem-counted"
SIZE = 64
BUFFER = 1 << 24  # bytes: more than the segment has

PLAY = f"""
import sys, time
from ipcbench.transports.contract import MessageTooLarge, Role, Spec, Topology
from ipcbench.transports.registry import get
from ipcbench.transports.native import native_of

name, length, way, native = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] == "native"
transport = get(name)
channel = transport.create(Spec({SIZE}, Topology.LINK, native=native, depth=4))
ends = [channel.ticket(role, 0) for role in (Role.CLIENT, Role.SERVER)]
ends = [transport.attach(ticket, time.monotonic() + 5) for ticket in ends]
sender, receiver = map(native_of, ends) if native else ends
buffer = memoryview(bytearray({BUFFER}))

def write(length):
    memory, lane = channel._segment.memory, channel._layout.start(0)
    if "counted" in name:
        memory[lane + 64 : lane + 72] = length.to_bytes(8, "little")
    else:  # in the head of its first slot, behind the number of its lap: ring.h
        memory[lane + 131 : lane + 136] = length.to_bytes(5, "little")

def receive():
    if way == "peek":
        got = bytes(receiver.peek())
        receiver.release()
        return got
    got = receiver.recv_into(buffer)
    return bytes(buffer[:got]) if way == "recv" else got

for message in (b"1", b"2"):
    sender.send(memoryview(message * {SIZE}))
write(length)
try:
    print("believed", receive())
except MessageTooLarge:
    print("refused")
print(receive() in (b"2" * {SIZE}, {SIZE}))
sender.close(), receiver.close(), channel.close(), channel.unlink()
"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", ["recv", "peek", "read"])
def test_no_length_is_believed(name: str, way: str) -> None:
    _scribbled(name, way, "native")


@pytest.mark.parametrize("runtime", ["native", "python"])
def test_no_length_of_a_counted_ring_is_believed(runtime: str) -> None:
    _scribbled(COUNTED, "recv", runtime)


@pytest.mark.parametrize("way", ["recv", "peek", "read"])
def test_python_reads_no_slot_beyond_its_end(way: str) -> None:
    _scribbled(NAMES[0], way, "python")


def _scribbled(name: str, way: str, runtime: str) -> None:
    """The message is refused and consumed; the next one is whole."""
    place = name if way == "recv" else f"{name}/in-place"
    assert available(place)
    lengths = {"longer than the slot": SIZE + 1, "beyond the segment": BUFFER - 1}
    lengths["all bits"] = 2**64 - 1 if "counted" in name else 2**40 - 1
    for what, length in lengths.items():
        given = (sys.executable, "-c", PLAY, place, str(length), way, runtime)
        done = subprocess.run(given, capture_output=True, text=True)
        assert (done.stdout.split(), done.returncode) == (["refused", "True"], 0), (
            what,
            done.stderr,
        )


@pytest.mark.parametrize("name", [*NAMES, COUNTED])
def test_no_more_is_committed_than_a_slot_holds(name: str) -> None:
    transport = available(name)
    channel = transport.create(Spec(SIZE, Topology.LINK, native=True))
    tickets = [channel.ticket(role, 0) for role in (Role.CLIENT, Role.SERVER)]
    sender, receiver = (
        native_of(transport.attach(ticket, time.monotonic() + 5)) for ticket in tickets
    )
    opened, slot = Opened(sender.capsule), ctypes.c_void_p()
    opened.call("loan", ctypes.addressof(slot), SIZE)
    assert slot.value
    ctypes.memset(slot.value, 7, SIZE)
    with pytest.raises(MessageTooLarge):
        opened.call("commit", SIZE + 1)
    opened.call("commit", SIZE)
    del opened
    buffer = bytearray(2 * SIZE)
    assert receiver.recv_into(memoryview(buffer)) == SIZE
    assert buffer == bytes([7]) * SIZE + bytes(SIZE)
    for end in (sender, receiver, channel):
        end.close()
    channel.unlink()
