"""Ring of messages in shared memory, in Python: the same as native/ring.h, which explains it.

A *lane* has one producer and one consumer. Several producers have a lane each: without
compare-and-swap, which Python lacks, they could not share one. The bytes of a message must be
visible before its head. That needs stores and loads that stay in order, which x86 guarantees
(Intel SDM 3A, 8.2.2), also for string operations (8.2.4). Other processors need fences: there
Python calls the native operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.shm.layout import LINE_PAIR, slots_of
from ipcbench.transports.sync.doorbell import Notify, Pause, PauseForAny, notify_nobody

LAP_BITS = 24
LAPS = (1 << LAP_BITS) - 1  # the bits of a head that have the number of its lap


@dataclass(frozen=True, slots=True)
class Lane:
    """The views of a lane."""

    freed: memoryview  # "Q", one word
    heads: memoryview  # "Q", one word for each slot
    slots: Sequence[memoryview]  # each of `size` bytes

    @classmethod
    def cut(cls, memory: memoryview, start: int, size: int, depth: int) -> Lane:
        """Make the views of the lane at `start`."""
        offset, stride = slots_of(size)
        first = start + LINE_PAIR
        whole = memory[first : first + stride * depth]
        # A cast to "Q" stores eight bytes at once: no reader sees a part of them.
        return cls(
            freed=memory[start : start + 8].cast("Q"),
            heads=whole.cast("Q")[:: stride // 8],
            slots=[whole[i * stride + offset :][:size] for i in range(depth)],
        )

    @property
    def size(self) -> int:
        return len(self.slots[0])

    @property
    def depth(self) -> int:
        return len(self.slots)

    def release(self) -> None:
        for view in (self.freed, self.heads, *self.slots):
            view.release()


class Side(NamedTuple):
    """One side of a lane: how it waits, and how it wakes the other side (None: it never sleeps)."""

    lane: Lane
    pause: Pause
    notify: Notify | None

    def ringing(self) -> Callable[[], None]:
        """Return the call that wakes the other side if it sleeps."""
        return nothing if self.notify is None else self.notify.ring


def nothing() -> None:
    """Do nothing: the other side never sleeps, or no wake-up is owed."""


def owing(side: Side, released: Callable[[], int]) -> tuple[Callable[[], None], Callable[[], None]]:
    """Make (`ring`, `ring_owed`) of a lane's consumer.

    `ring` wakes the producer if it sleeps; `ring_owed` does, if slots were released since the last
    ring.

    Args:
        side: the lane's.
        released: returns the number of slots that were released.
    """
    wake = side.ringing()
    rung = 0

    def ring() -> None:
        nonlocal rung
        rung = released()
        wake()

    def ring_owed() -> None:
        if rung != released():
            ring()

    return ring, ring_owed


def producer(side: Side, ring_owed: Callable[[], None]) -> tuple[Any, Any, Any]:
    """Make (`send`, `loan`, `commit`) of a lane.

    Args:
        side: the lane's.
        ring_owed: see `consumer`; called before it waits for a free slot.
    """
    lane, pause, notify = side
    slots, heads, freed, size, depth = lane.slots, lane.heads, lane.freed, lane.size, lane.depth
    sleeps = notify is not None
    fence, fenced, word, wake, failed = notify or notify_nobody()
    ring = side.ringing()
    at = sent = 0
    lap = 1
    head = size << LAP_BITS | lap
    room = depth  # free slots that this side knows of

    def await_room() -> None:
        nonlocal room
        full = sent - depth  # slots that were freed when there was none left
        if (found := freed[0]) == full:
            ring_owed()
        while found == full:
            pause(freed, 0, full)
            found = freed[0]
        room = found - full

    def next_lap() -> None:
        nonlocal at, lap, head
        at = 0
        lap = (lap + 1) & LAPS
        head = size << LAP_BITS | lap

    def send(data: Any, /) -> None:
        nonlocal at, sent, room
        length = len(data)
        if length == size:
            if not room:
                await_room()
            slots[at][:] = data
            heads[at] = head
        else:
            if length > size:
                raise MessageTooLarge(f"send: {length} bytes into slots of {size}")
            if not room:
                await_room()
            slots[at][:length] = data
            heads[at] = length << LAP_BITS | lap
        sent += 1
        room -= 1
        at += 1
        if at == depth:
            next_lap()
        if sleeps:
            try:
                fence()
            finally:
                fenced()
            if word[0] & 1:
                word[0] = 0
                try:
                    wake()
                except Exception as error:
                    failed(error)

    def loan(length: int, /) -> memoryview:
        if not room:
            await_room()
        return slots[at][:length]

    def commit(length: int, /) -> None:
        nonlocal at, sent, room
        heads[at] = length << LAP_BITS | lap
        sent += 1
        room -= 1
        at += 1
        if at == depth:
            next_lap()
        ring()

    return send, loan, commit


def consumer(side: Side) -> tuple[Any, Callable[[], None]]:
    """Make (`recv_into`, `ring_owed`) of the only lane: see `owing`."""
    lane, pause, _ = side
    slots, heads, freed, size, depth = lane.slots, lane.heads, lane.freed, lane.size, lane.depth
    middle = (depth + 1) // 2
    at = done = 0
    ring, ring_owed = owing(side, lambda: done)
    edge = middle
    lap = 1
    wanted = size << LAP_BITS | lap  # the head of a message as large as a slot

    def at_edge() -> None:
        """Wake the producer in the middle and at the end of a lap."""
        nonlocal at, edge, lap, wanted
        if at == depth:
            at, edge = 0, middle
            lap = (lap + 1) & LAPS
            wanted = size << LAP_BITS | lap
        else:
            edge = depth
        ring()

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal at, done
        while (head := heads[at]) != wanted:
            if head & LAPS == lap:
                break
            pause(heads, at, head)
        length = size if head == wanted else head >> LAP_BITS
        try:
            if length == size:
                buffer[:] = slots[at]
            else:
                copy_checked(buffer, slots[at], length)
        except ValueError:  # the buffer has another size
            copy_checked(buffer, slots[at], length)
        finally:
            # Release the slot in any case; otherwise the next call would receive it.
            done += 1
            freed[0] = done
            at += 1
            if at == edge:
                at_edge()
        return length

    return recv_into, ring_owed


def copy_checked(buffer: memoryview, slot: memoryview, length: int) -> None:
    """Copy a message of any length. Raises: MessageTooLarge (for the buffer, or for a slot)."""
    if length > min(len(buffer), len(slot)):
        raise MessageTooLarge(f"receive: {length} bytes for {min(len(buffer), len(slot))}")
    buffer[:length] = slot[:length]


def collector(sides: Sequence[Side], pause: PauseForAny) -> tuple[Any, Any, Callable[[], None]]:
    """Make (`recv_into`, `recv_from`, `ring_owed`) of several lanes, in turn.

    `ring_owed` is that of all lanes: see `owing`.
    """
    lanes = [side.lane for side in sides]
    heads, slots = [lane.heads for lane in lanes], [lane.slots for lane in lanes]
    freed = [lane.freed for lane in lanes]
    count, depth = len(lanes), lanes[0].depth
    middle = (depth + 1) // 2
    at, done, laps = [0] * count, [0] * count, [1] * count
    counts = (partial(done.__getitem__, lane) for lane in range(count))
    rings, owed = zip(*map(owing, sides, counts), strict=True)
    turn = 0

    def advance(place: int) -> None:
        place += 1
        at[turn] = place
        if place == depth:
            at[turn] = 0
            laps[turn] = (laps[turn] + 1) & LAPS
            rings[turn]()
        elif place == middle:
            rings[turn]()

    def ring_owed() -> None:
        for ring_one in owed:
            ring_one()

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal turn
        looked = 0
        while (head := heads[turn][at[turn]]) & LAPS != laps[turn]:
            turn += 1
            if turn == count:
                turn = 0
            looked += 1
            if looked % count == 0:
                pause(looked // count)
        length = head >> LAP_BITS
        place = at[turn]
        try:
            copy_checked(buffer, slots[turn][place], length)
        finally:  # release the slot in any case
            done[turn] += 1
            freed[turn][0] = done[turn]
            advance(place)
        turn += 1
        if turn == count:
            turn = 0
        return length

    def recv_from(buffer: memoryview, /) -> int:
        recv_into(buffer)
        return (turn or count) - 1  # `turn` is the next lane

    return recv_into, recv_from, ring_owed
