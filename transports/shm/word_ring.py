"""Word ring: the bounded buffer over futex words, with the waiting inline.

The lanes are those of counted_ring.py. The word `used` counts the messages of the
producer; the word `free` counts the slots released by the consumer, and is `depth` at
first. Each word has one notifier; sync/futex.py says why, and why the bytes are visible
before the word. The loops do not call the waiter's own methods, since a Python frame
takes about as much time as all the rest of a turn.
"""

from __future__ import annotations

from collections.abc import Callable, MutableSequence, Sequence
from typing import Any

from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.shm.counted_ring import Lane
from ipcbench.transports.sync.futex import FutexWord

Pause = Callable[[int], Any]


def producer(lane: Lane, free: FutexWord, used: FutexWord, pause: Pause) -> tuple[Any, Any, Any]:
    """Make (`send`, `loan`, `commit`) of a lane; `pause` waits while there is no free slot."""
    slots, lengths = lane.slots, lane.lengths
    freed, published, wake = free.word, used.word, used.wake
    depth, size = len(slots), len(slots[0])
    at = total = 0

    def send(data: Any, /) -> None:
        nonlocal at, total
        length = len(data)
        if length != size:
            if length > size:
                raise MessageTooLarge(f"send: {length} bytes into slots of {size}")
            while freed[0] == total:
                pause(total)
            slots[at][:length] = data
        else:
            while freed[0] == total:
                pause(total)
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
            pause(total)
        return slots[at][:length]

    def commit(length: int, /) -> None:
        nonlocal at, total
        lengths[at] = length
        total += 1
        published[0] = total
        wake()
        at = (at + 1) % depth

    return send, loan, commit


def consumer(lane: Lane, used: FutexWord, free: FutexWord, pause: Pause) -> Any:
    """Make `recv_into` of the only lane; `pause` waits while there is no message."""
    slots, lengths = lane.slots, lane.lengths
    published, freed, wake = used.word, free.word, free.wake
    depth, size = len(slots), len(slots[0])
    at = total = 0

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal at, total
        while published[0] == total:
            pause(total)
        length: int = lengths[at]
        try:
            if length == size:
                buffer[:] = slots[at]
            else:
                buffer[:length] = slots[at][:length]
        except ValueError:  # the buffer has another size
            if length > len(buffer):
                # Release the slot all the same; otherwise the next call would receive it.
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
    used: Sequence[FutexWord],
    free: Sequence[FutexWord],
    taken: MutableSequence[int],
    pause: Pause,
) -> tuple[Any, Any]:
    """Make (`recv_into`, `recv_from`) of several lanes, in turn.

    `pause` waits while no lane has more messages than were `taken` of it.
    """
    published = [waiter.word for waiter in used]
    freed = [(waiter.word, waiter.wake) for waiter in free]
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
                pause(0)
        at = taken[turn] % depth
        length: int = lanes[turn].lengths[at]
        word, wake = freed[turn]
        taken[turn] += 1
        if length > len(buffer):  # release the slot all the same
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
        return (turn or count) - 1  # `turn` is the next lane

    return recv_into, recv_from
