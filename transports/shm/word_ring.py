"""The bounded buffer over words in memory: the same lanes as ring.py, and the waiting written out.

`items` counts what its producer has published, `room` the slots that its
consumer has given free, `depth` to begin with. Each has one notifier, which
words need (words.py says why, and why the bytes are there before the word).
The waiter's own calls are part of these loops, since a Python frame costs about
as much as all the rest of a turn.
"""

from __future__ import annotations

from collections.abc import Callable, MutableSequence, Sequence
from typing import Any

from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.shm.counted_ring import Lane
from ipcbench.transports.sync.futex import Word

Stall = Callable[[int], Any]


def producer(lane: Lane, room: Word, item: Word, stall: Stall) -> tuple[Any, Any, Any]:
    """(`send`, `loan`, `commit`) of a lane. `stall` passes time while there is no room."""
    slots, lengths = lane.slots, lane.lengths
    freed, published, wake = room.word, item.word, item.wake
    depth, size = len(slots), len(slots[0])
    at = total = 0

    def send(data: Any, /) -> None:
        nonlocal at, total
        length = len(data)
        if length != size:
            if length > size:
                raise MessageTooLarge(f"send: {length} bytes into slots of {size}")
            while freed[0] == total:
                stall(total)
            slots[at][:length] = data
        else:
            while freed[0] == total:
                stall(total)
            slots[at][:] = data
        lengths[at] = length
        total += 1
        published[0] = total
        wake()
        at += 1
        if at == depth:
            at = 0

    def loan(length: int, /) -> memoryview:
        while freed[0] == total:
            stall(total)
        return slots[at][:length]

    def commit(length: int, /) -> None:
        nonlocal at, total
        lengths[at] = length
        total += 1
        published[0] = total
        wake()
        at = (at + 1) % depth

    return send, loan, commit


def consumer(lane: Lane, item: Word, room: Word, stall: Stall) -> Any:
    """`recv_into` from the only lane. `stall` passes time while there is no message."""
    slots, lengths = lane.slots, lane.lengths
    published, freed, wake = item.word, room.word, room.wake
    depth, size = len(slots), len(slots[0])
    at = total = 0

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal at, total
        while published[0] == total:
            stall(total)
        length: int = lengths[at]
        try:
            if length == size:
                buffer[:] = slots[at]
            else:
                buffer[:length] = slots[at][:length]
        except ValueError:  # the buffer has another size
            if length > len(buffer):
                # Its turn is over all the same, or whoever asks next would get it again.
                at = (at + 1) % depth
                total += 1
                freed[0] = depth + total
                wake()
                raise MessageTooLarge(f"receive: {length} bytes for {len(buffer)}") from None
            buffer[:length] = slots[at][:length]
        total += 1
        freed[0] = depth + total
        wake()
        at += 1
        if at == depth:
            at = 0
        return length

    return recv_into


def collector(
    lanes: Sequence[Lane],
    items: Sequence[Word],
    rooms: Sequence[Word],
    taken: MutableSequence[int],
    stall: Stall,
) -> tuple[Any, Any]:
    """(`recv_into`, `recv_from`) of whichever lane has a message, each in its turn.

    `stall` passes time while no lane has more than was `taken` of it.
    """
    published = [item.word for item in items]
    freed = [(room.word, room.wake) for room in rooms]
    depth, count = len(lanes[0].slots), len(lanes)
    turn = 0

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal turn
        looked = 0
        while published[turn][0] == taken[turn]:
            turn += 1
            if turn == count:
                turn = 0
            looked += 1
            if looked == count:
                looked = 0
                stall(0)
        at = taken[turn] % depth
        length: int = lanes[turn].lengths[at]
        word, wake = freed[turn]
        taken[turn] += 1
        if length > len(buffer):  # its turn is over all the same
            word[0] = depth + taken[turn]
            wake()
            raise MessageTooLarge(f"receive: {length} bytes for {len(buffer)}")
        buffer[:length] = lanes[turn].slots[at][:length]
        word[0] = depth + taken[turn]
        wake()
        turn += 1
        if turn == count:
            turn = 0
        return length

    def recv_from(buffer: memoryview, /) -> int:
        recv_into(buffer)
        return (turn or count) - 1  # it has gone on to the next one

    return recv_into, recv_from
