"""The numbers of laps of a ring wrap around: in C, in Python, and where both share a ring.

A ring of one slot has a lap for each message. A native seat that receives its own messages passes
all numbers within a second; an end in Python is set to the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.transports.contract import WouldBlock
from ipcbench.transports.native import WaitPolicy, operations
from ipcbench.transports.shm import in_place, ring
from ipcbench.transports.sync.futex import would_block

SIZE = 64
BEFORE = 3  # messages before the numbers wrap around
LENGTHS = (SIZE, 0, 1, SIZE, SIZE, 7, SIZE, 2)
FIRST = 256  # behind two doorbells


def native() -> None:
    """In C, and from C to Python. Raises: AssertionError."""
    calls, lane = _about_to_wrap()
    _carried(calls.send, calls.recv, LENGTHS)
    calls, lane = _about_to_wrap()
    receive, _ = ring.consumer(ring.Side(lane, would_block, None))
    number = _passed()
    _place(receive, lap=number + 1, wanted=SIZE << ring.LAP_BITS | number + 1, done=number)
    _carried(calls.send, receive, LENGTHS)


def mixed() -> None:
    """From Python to C. Raises: AssertionError."""
    calls, lane = _about_to_wrap()
    send, _, _ = ring.producer(ring.Side(lane, would_block, None), ring.nothing)
    number = _passed()
    _place(send, lap=number + 1, head=SIZE << ring.LAP_BITS | number + 1, sent=number)
    _carried(send, calls.recv, LENGTHS)


def python() -> None:
    """In Python, with eight numbers of laps. Raises: AssertionError."""
    with patch.object(ring, "LAPS", 7), patch.object(in_place, "LAPS", 7):
        for depth in (1, 2, 3, 5):
            for make in (_receiving, _collecting, _reading):
                side = ring.Side(_cut(bytearray(4096), depth), would_block, None)
                send, _, _ = ring.producer(side, ring.nothing)
                _carried(send, make(side), LENGTHS * depth * 2, copied=make is not _reading)


def _receiving(side: ring.Side) -> Any:
    return ring.consumer(side)[0]


def _collecting(side: ring.Side) -> Any:
    empty = ring.Side(_cut(bytearray(4096), side.lane.depth), would_block, None)
    return ring.collector([empty, side], lambda looked: _none(looked, 2))[0]


def _none(looked: int, rounds: int) -> None:
    """Fail if there is no message: a lane that was looked at twice stays empty."""
    assert looked < 2 * rounds, "a message is not seen"


def _reading(side: ring.Side) -> Any:
    return in_place.in_place(side)[0]


def _cut(memory: bytearray, depth: int) -> ring.Lane:
    return ring.Lane.cut(memoryview(memory), FIRST, SIZE, depth)


def _passed() -> int:
    return ring.LAPS - BEFORE


def _about_to_wrap() -> tuple[Any, ring.Lane]:
    """Make a native seat that receives its own messages, after all but some numbers."""
    memory = bytearray(4096)
    lanes = ((FIRST, (128, None)),)
    policy = WaitPolicy(nowait=True)
    seat = operations.ring(None, memory, SIZE, 1, lanes, lanes, False, False, (0, None), policy)
    message, buffer = aligned_buffer(SIZE), aligned_buffer(SIZE)
    native_loops.compiled.ping(seat, message, buffer, _passed())
    return operations.Calls(seat), _cut(memory, 1)


def _place(call: Any, **values: int) -> None:
    """Set the place in the ring of a call of Python."""
    cells = dict(zip(call.__code__.co_freevars, call.__closure__, strict=True))
    for name, value in values.items():
        cells[name].cell_contents = value


def _carried(
    send: Callable[[Any], Any],
    receive: Callable[[Any], Any],
    lengths: Sequence[int],
    *,
    copied: bool = True,
) -> None:
    """Send and receive messages of these lengths."""
    for number, length in enumerate(lengths):
        message, buffer = bytes([number % 255]) * length, memoryview(bytearray(SIZE))
        send(message)
        try:
            found = receive(buffer)
        except (OSError, WouldBlock) as error:
            raise AssertionError(f"message {number} is not seen") from error
        assert found == length, f"{found} bytes for {length}"
        assert not copied or bytes(buffer[:length]) == message
