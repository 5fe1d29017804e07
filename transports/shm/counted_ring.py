"""The bounded buffer: slots in shared memory, two counted signals around them.

A *lane* is a ring with one producer and one consumer. Each side keeps its
own position to itself; what they share is the count of free slots (`room`)
and of filled ones (`items`), and both signals order memory, so a slot's bytes
are there before its `items` count is. Several producers have a lane each and
one `items` signal in common: without compare-and-swap, which Python lacks,
they could not share a position.

Here the signals are the kernel's or the C library's; word_ring.py is the same
over words in memory.

Layout of a lane, each part on cache lines of its own::

    published   8 bytes: messages put in so far (read only where lanes are several)
    lengths     8 bytes a slot
    slots       depth * size bytes, each slot rounded up
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.sync.waiter import WaiterKind, patient

CACHE_LINE = 64
DEFAULT_CAPACITY = 256 * 1024  # bytes: four times a pipe's, so that depth decides little
DEFAULT_DEPTHS = (2, 64)


def default_depth(size: int) -> int:
    """Slots that give a direction about `DEFAULT_CAPACITY` bytes, within bounds."""
    low, high = DEFAULT_DEPTHS
    return min(high, max(low, DEFAULT_CAPACITY // max(size, 1)))


def _lines(size: int) -> int:
    return -(-size // CACHE_LINE) * CACHE_LINE


def lane_size(size: int, depth: int) -> int:
    """Bytes that a lane takes in the segment."""
    return CACHE_LINE + _lines(8 * depth) + depth * _lines(max(size, 1))


@dataclass(frozen=True, slots=True)
class Lane:
    """The views that a ring works on, cut once."""

    published: memoryview  # "Q", one word
    lengths: memoryview  # "Q", one word a slot
    slots: Sequence[memoryview]  # each of `size` bytes

    @classmethod
    def cut(cls, memory: memoryview, number: int, size: int, depth: int, base: int = 0) -> Lane:
        """The `number`-th of lanes that begin at `base`."""
        start = base + number * lane_size(size, depth)
        lengths = start + CACHE_LINE
        slots = lengths + _lines(8 * depth)
        stride = _lines(max(size, 1))
        return cls(
            # A cast to "Q" stores eight bytes at once: no reader sees half of an index.
            published=memory[start : start + 8].cast("Q"),
            lengths=memory[lengths : lengths + 8 * depth].cast("Q"),
            slots=[memory[slots + i * stride :][:size] for i in range(depth)],
        )

    def release(self) -> None:
        for view in (self.published, self.lengths, *self.slots):
            view.release()


Wait = Callable[[], object]


def _resume(kind: WaiterKind) -> Callable[[Exception], None]:
    """Raise what an error of the waiter's means; return where the call may be made again."""

    def resume(error: Exception) -> None:
        cause = kind.told(error)
        if cause is not None:
            raise cause from error

    return resume


def _following(depth: int) -> tuple[int, ...]:
    """For each slot the next one's number: a look-up costs less than a sum and a comparison."""
    return (*range(1, depth), 0)


def producer(
    lane: Lane, room: Wait, item: Wait, kind: WaiterKind, *, counted: bool
) -> tuple[Any, Any, Any]:
    """(`send`, `loan`, `commit`) of a lane.

    `counted`: publish the count, for a consumer of several lanes; such a lane lends nothing.
    """
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
                room()
                slots[at][:length] = data
            else:
                room()
                slots[at][:] = data
            lengths[at] = length
            item()
        except errors as error:
            resume(error)  # it was waiting for room: nothing has happened yet
            send(data)
            return
        at = following[at]

    def send_counted(data: Any, /) -> None:
        nonlocal at, total
        length = len(data)
        if length > size:
            raise MessageTooLarge(f"send: {length} bytes into slots of {size}")
        try:
            room()
            slots[at][:length] = data
            lengths[at] = length
            published[0] = total + 1
            item()
        except errors as error:
            resume(error)
            send_counted(data)
            return
        total += 1
        at = following[at]

    await_room, tell = patient(room, kind), patient(item, kind)

    def loan(length: int, /) -> memoryview:
        await_room()
        return slots[at][:length]

    def commit(length: int, /) -> None:
        nonlocal at
        lengths[at] = length
        tell()
        at = following[at]

    return send_counted if counted else send, loan, commit


def consumer(lane: Lane, item: Wait, room: Wait, kind: WaiterKind) -> Any:
    """`recv_into` from the only lane."""
    slots, lengths = lane.slots, lane.lengths
    size, following = len(slots[0]), _following(len(slots))
    errors, resume = kind.errors, _resume(kind)
    at = 0

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal at
        try:
            item()
            length: int = lengths[at]
            try:
                if length == size:
                    buffer[:] = slots[at]
                else:
                    buffer[:length] = slots[at][:length]
            except ValueError:  # the buffer has another size
                if length > len(buffer):
                    # Its turn is over all the same, or whoever asks next would get it again.
                    at = following[at]
                    room()
                    raise MessageTooLarge(f"receive: {length} bytes for {len(buffer)}") from None
                buffer[:length] = slots[at][:length]
            room()
        except errors as error:
            resume(error)  # it was waiting for an item: nothing has happened yet
            return recv_into(buffer)
        at = following[at]
        return length

    return recv_into


def collector(
    lanes: Sequence[Lane], item: Wait, rooms: Sequence[Wait], kind: WaiterKind
) -> tuple[Any, Any]:
    """(`recv_into`, `recv_from`) of whichever lane has a message, each in its turn."""
    published = [lane.published for lane in lanes]
    depth = len(lanes[0].slots)
    taken = [0] * len(lanes)
    errors, resume = kind.errors, _resume(kind)
    turn = 0

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal turn
        try:
            item()
            # An item was counted, so some lane holds a message: this ends.
            while published[turn][0] == taken[turn]:
                turn += 1
                if turn == len(lanes):
                    turn = 0
            at = taken[turn] % depth
            length: int = lanes[turn].lengths[at]
            if length > len(buffer):  # its turn is over all the same
                taken[turn] += 1
                rooms[turn]()
                raise MessageTooLarge(f"receive: {length} bytes for {len(buffer)}")
            buffer[:length] = lanes[turn].slots[at][:length]
            taken[turn] += 1
            rooms[turn]()
        except errors as error:
            resume(error)
            return recv_into(buffer)
        turn += 1
        if turn == len(lanes):
            turn = 0
        return length

    def recv_from(buffer: memoryview, /) -> int:
        recv_into(buffer)
        return (turn or len(lanes)) - 1  # it has gone on to the next one

    return recv_into, recv_from
