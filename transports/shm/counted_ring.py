"""Counted ring: a bounded buffer of slots in shared memory, with two signals a message.

A *lane* is a ring with one producer and one consumer, each with a position of its
own. Two waiters count the free slots and the used slots. Both order memory: the
bytes of a slot are written before the slot is counted. Several producers have a lane
each and share the waiter of the used slots: without compare-and-swap, which Python
lacks, they could not share a position.

The ring of ring.py sends a signal only where the other side sleeps; this one shows the
difference.

Layout of a lane, each part on cache lines of its own, the lane on pairs of them::

    published   8 bytes: messages sent so far (read only where there are several lanes)
    lengths     8 bytes for each slot
    slots       depth * size bytes, each slot rounded up
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.shm.layout import LINE_PAIR, in_lines
from ipcbench.transports.shm.ring import copy_checked
from ipcbench.transports.sync.waiter import WaiterKind

CACHE_LINE = 64


def lane_size(size: int, depth: int) -> int:
    """Return the bytes of a lane in the segment: the next lane has another producer."""
    lines = CACHE_LINE + in_lines(8 * depth) + depth * in_lines(max(size, 1))
    return in_lines(lines, LINE_PAIR)


@dataclass(frozen=True, slots=True)
class Lane:
    """The views of a lane."""

    published: memoryview  # "Q", one word
    lengths: memoryview  # "Q", one word for each slot
    slots: Sequence[memoryview]  # each of `size` bytes

    @classmethod
    def cut(cls, memory: memoryview, number: int, size: int, depth: int, base: int = 0) -> Lane:
        """Make the views of lane `number`; lane 0 begins at `base`."""
        start = base + number * lane_size(size, depth)
        lengths = start + CACHE_LINE
        slots = lengths + in_lines(8 * depth)
        stride = in_lines(max(size, 1))
        return cls(
            # A cast to "Q" stores eight bytes at once: no reader sees a part of them.
            published=memory[start : start + 8].cast("Q"),
            lengths=memory[lengths : lengths + 8 * depth].cast("Q"),
            slots=[memory[slots + i * stride :][:size] for i in range(depth)],
        )

    def release(self) -> None:
        for view in (self.published, self.lengths, *self.slots):
            view.release()


Call = Callable[[], object]


def _resume(kind: WaiterKind) -> Callable[[Exception], None]:
    """Make a call that translates an error, and returns where the waiter's may be repeated."""

    def resume(error: Exception) -> None:
        cause = kind.translate(error)
        if cause is not None:
            raise cause from error

    return resume


def _following(depth: int) -> tuple[int, ...]:
    """Return the next slot of each slot: a look-up is faster than a sum and a comparison."""
    return (*range(1, depth), 0)


def producer(
    lane: Lane, wait_free: Call, notify_used: Call, kind: WaiterKind, *, counted: bool
) -> Any:
    """Make `send` of a lane; `counted`: publish the count, for a consumer of several lanes."""
    slots, lengths, published = lane.slots, lane.lengths, lane.published
    size, following = len(slots[0]), _following(len(slots))
    errors, resume = kind.errors, _resume(kind)
    at = total = 0

    def send(data: Any, /) -> None:
        nonlocal at
        length = len(data)
        try:
            if length != size:
                if length > size:
                    raise MessageTooLarge(f"send: {length} bytes into slots of {size}")
                wait_free()
                slots[at][:length] = data
            else:
                wait_free()
                slots[at][:] = data
            lengths[at] = length
            notify_used()
        except errors as error:
            resume(error)  # it was waiting for a free slot: nothing has been sent yet
            send(data)
            return
        at = following[at]

    def send_counted(data: Any, /) -> None:
        nonlocal at, total
        length = len(data)
        if length > size:
            raise MessageTooLarge(f"send: {length} bytes into slots of {size}")
        try:
            wait_free()
            slots[at][:length] = data
            lengths[at] = length
            published[0] = total + 1
            notify_used()
        except errors as error:
            resume(error)
            send_counted(data)
            return
        total += 1
        at = following[at]

    return send_counted if counted else send


def consumer(lane: Lane, wait_used: Call, notify_free: Call, kind: WaiterKind) -> Any:
    """Make `recv_into` of the only lane."""
    slots, lengths = lane.slots, lane.lengths
    size, following = len(slots[0]), _following(len(slots))
    errors, resume = kind.errors, _resume(kind)
    at = 0

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal at
        try:
            wait_used()
            length: int = lengths[at]
            try:
                if length == size:
                    buffer[:] = slots[at]
                else:
                    copy_checked(buffer, slots[at], length)
            except ValueError:  # the buffer has another size
                copy_checked(buffer, slots[at], length)
            finally:
                # Release the slot in any case; otherwise the next call would receive it.
                notify_free()
                at = following[at]
        except errors as error:
            resume(error)  # it was waiting for a message: nothing was received yet
            return recv_into(buffer)
        return length

    return recv_into


def collector(
    lanes: Sequence[Lane], wait_used: Call, notify_free: Sequence[Call], kind: WaiterKind
) -> tuple[Any, Any]:
    """Make (`recv_into`, `recv_from`) of several lanes, in turn."""
    published = [lane.published for lane in lanes]
    size, depth = len(lanes[0].slots[0]), len(lanes[0].slots)
    taken = [0] * len(lanes)
    errors, resume = kind.errors, _resume(kind)
    turn = 0

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal turn
        try:
            wait_used()
            # The waiter counts the messages of all lanes: the loop ends.
            while published[turn][0] == taken[turn]:
                turn += 1
                if turn == len(lanes):
                    turn = 0
            at = taken[turn] % depth
            length: int = lanes[turn].lengths[at]
            if length > len(buffer) or length > size:  # release the slot all the same
                taken[turn] += 1
                notify_free[turn]()
                raise MessageTooLarge(f"receive: {length} bytes for {min(len(buffer), size)}")
            buffer[:length] = lanes[turn].slots[at][:length]
            taken[turn] += 1
            notify_free[turn]()
        except errors as error:
            resume(error)
            return recv_into(buffer)
        turn += 1
        if turn == len(lanes):
            turn = 0
        return length

    def recv_from(buffer: memoryview, /) -> int:
        recv_into(buffer)
        return (turn or len(lanes)) - 1  # `turn` is the next lane

    return recv_into, recv_from
