"""Traffic through a ring, with messages and calls drawn from a seed that both ends know.

A *flow* is one sender's messages, in *runs*: one message, repeated. The receiver draws the same
flow and compares each message with it byte by byte; the buffer behind a message must be
unchanged.
"""

from __future__ import annotations

import ctypes
import errno
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.transports.contract import MessageTooLarge
from ipcbench.transports.testing.participants import Seat
from tests.plugins.capsules import Opened

Run = tuple[bytes, int]

# Lengths around limits of the implementation: slots, cache lines, inlined copies.
BOUNDARIES = (0, 1, 7, 8, 9, 55, 56, 57, 63, 64, 65, 255, 256, 257, 4095, 4096, 4097)
SPARE = 200  # bytes behind the space of a message, which must stay unchanged
MOST_BYTES = 4 * 1024 * 1024  # of a flow, which limits the number of large messages
LONGEST_RUN = 150  # equal messages in turn, for calls that take several


class Wrong(AssertionError):
    """A message that differs from the one sent."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Messages of one sender.

    Attributes:
        mark: start of each message, by which the receiver knows the sender.
        pace: of both ends.
    """

    seed: str
    size: int
    messages: int
    mark: bytes = b""
    pace: str = "at once"

    def runs(self) -> Iterator[Run]:
        draw = random.Random(self.seed)
        block = draw.randbytes(2 * self.size + 1)
        left = min(self.messages, MOST_BYTES // max(self.size, 1))
        while left > 0:
            length = self._length(draw)
            start = draw.randrange(self.size + 1)
            message = (self.mark + block[start : start + length])[:length]
            times = min(left, 1 if draw.random() < 0.8 else draw.randint(2, LONGEST_RUN))
            left -= times
            yield message, times

    def each(self) -> Iterator[bytes]:
        for message, times in self.runs():
            for _ in range(times):
                yield message

    def _length(self, draw: random.Random) -> int:
        least = len(self.mark)
        kind = draw.random()
        if kind < 0.3:
            return self.size
        if kind < 0.6:
            return max(least, min(self.size, draw.choice(BOUNDARIES)))
        return draw.randint(least, self.size)

    def draw(self, what: str) -> random.Random:
        return random.Random(f"{self.seed}/{what}")


# Pauses of an endpoint between two runs. A wake-up is lost between a check and a sleep, within
# nanoseconds: so some pauses are that short.


def _spin(draw: random.Random) -> None:
    for _ in range(draw.randrange(300)):
        pass


def _yields(draw: random.Random) -> None:
    if draw.random() < 0.3:
        os.sched_yield()


def _sleeps(draw: random.Random) -> None:
    if draw.random() < 0.05:
        time.sleep(draw.random() * 0.001)


def _bursts(draw: random.Random) -> None:
    if draw.random() < 0.02:
        time.sleep(draw.random() * 0.004)


def _mixed(draw: random.Random) -> None:
    draw.choice((_spin, _yields, _sleeps))(draw)


PACES: dict[str, Callable[[random.Random], None]] = {
    "at once": lambda draw: None,
    "spins": _spin,
    "yields": _yields,
    "sleeps": _sleeps,
    "bursts": _bursts,
    "mixed": _mixed,
}


class End:
    """A seat's endpoint that draws one of its calls for each send and receive."""

    def __init__(self, seat: Seat, draw: random.Random, native: bool) -> None:
        self._endpoint: Any = seat.endpoint
        self._draw = draw
        self._size = seat.size
        self._in_place = seat.transport.traits.in_place
        self._native: Any = Opened(seat.endpoint.native()) if native else None
        self._room = _Room(seat.size)
        self._message = aligned_buffer(seat.size + SPARE)

    def _has(self, call: str) -> bool:
        return self._native.has(call) if self._native else hasattr(self._endpoint, call)

    # Sending.

    def put(self, message: bytes, times: int = 1) -> None:
        if self._draw.random() < 0.02:
            self._refused()
        if times > 1 and self._has("send_many") and self._draw.random() < 0.7:
            _all_sent(self._native, self._placed(message), len(message), times)
        elif self._has("loan") and self._draw.random() < 0.3:
            for _ in range(times):
                self._lend(message)
        else:
            self._send(message, times)

    def _send(self, message: bytes, times: int) -> None:
        if self._native is None:
            ready = self._endpoint.prepare(memoryview(message))
            for _ in range(times):
                self._endpoint.send(ready)
            return
        at, size = self._placed(message), len(message)
        for _ in range(times):
            self._native.call("send", at, size)

    def put_to(self, index: int, message: bytes) -> None:
        if self._native is None:
            self._endpoint.send_to(index, memoryview(message))
        else:
            self._native.call("send_to", index, self._placed(message), len(message))

    def _placed(self, message: bytes) -> int:
        self._message[: len(message)] = message
        return _address(self._message)

    def _lend(self, message: bytes) -> None:
        """Write the message in place; the loan may be larger than the message."""
        length = len(message)
        wanted = self._draw.randint(length, self._size)
        if self._native is None:
            with self._endpoint.loan(wanted) as view:
                view[:length] = message
            self._endpoint.commit(length)
            return
        slot = ctypes.c_void_p()
        self._native.call("loan", ctypes.addressof(slot), wanted)
        ctypes.memmove(slot.value or 0, message, length)
        self._native.call("commit", length)

    def _refused(self) -> None:
        """Send a message that is larger than a slot, which must be refused."""
        beyond = bytes([0xEE]) * (self._size + self._draw.randint(1, SPARE))
        try:
            if self._native is None:
                self._endpoint.send(memoryview(beyond))
            else:
                self._native.call("send", self._placed(beyond), len(beyond))
        except MessageTooLarge:
            return
        raise Wrong(f"slots of {self._size} accepted {len(beyond)} bytes")

    # Receiving.

    def take(self, message: bytes, times: int = 1) -> None:
        """Receive that message so many times."""
        while times > 0:
            if self._in_place:
                _same(self._peeked(), message)
                times -= 1
            elif times > 1 and self._has("recv_many") and self._draw.random() < 0.7:
                times -= self._take_many(message, self._draw.randint(1, times))
            else:
                self._take_one(message)
                times -= 1

    def _take_one(self, message: bytes) -> None:
        if message and self._draw.random() < 0.05:
            self._too_small(message)
            return
        # The spec's size or a larger one: Python's endpoints have separate code for each.
        size = self._size if self._draw.random() < 0.5 else self._size + self._draw.randint(1, 9)
        self._room.clean()
        length = self._receive(size)
        _same(self._room.found(length), message)
        self._room.check(len(message))

    def _receive(self, size: int) -> int:
        if self._native is None:
            length: int = self._endpoint.recv_into(self._room.view[:size])
            return length
        received: int = self._native.call("recv", self._room.address, size)
        return received

    def _too_small(self, message: bytes) -> None:
        """Receive into a buffer that is too small: only this message is lost."""
        self._room.clean()
        try:
            self._receive(self._draw.randrange(len(message)))
        except MessageTooLarge:
            self._room.check(0)
            return
        raise Wrong(f"a smaller buffer accepted {len(message)} bytes")

    def _take_many(self, message: bytes, times: int) -> int:
        """Receive up to so many messages; return how many."""
        self._room.clean()
        try:
            taken = self._native.call("recv_many", self._room.address, self._size, times)
        except OSError as error:
            if error.errno != errno.EBADMSG:
                raise
            if len(message) == self._size:
                raise Wrong(f"{len(message)} bytes passed for another length") from error
            self._room.check(self._size)
            return 1  # of another length: reported, but consumed
        if len(message) != self._size or not 0 < taken <= times:
            raise Wrong(f"{taken} of {times} messages of {len(message)} bytes, for {self._size}")
        _same(self._room.found(len(message)), message)
        self._room.check(len(message))
        return int(taken)

    def _peeked(self) -> bytes:
        if self._native is None:
            with self._endpoint.peek() as view:
                found = bytes(view)
            self._endpoint.release()
            return found
        slot = ctypes.c_void_p()
        length = self._native.call("peek", ctypes.addressof(slot))
        found = ctypes.string_at(slot.value or 0, length)
        self._native.call("release")
        return found

    def take_any(self) -> bytes:
        """Receive the next message of any sender."""
        self._room.clean()
        length = self._receive(self._size)
        self._room.check(length)
        return self._room.found(length)

    def take_of(self, expected: Sequence[Iterator[bytes]]) -> int:
        """Receive the next message of any client, compare it, and return the client's index."""
        self._room.clean()
        if self._native is None:
            index: int = self._endpoint.recv_from(self._room.view[: self._size])
        else:
            index = self._native.call("recv_from", self._room.address, self._size)
        message = next(expected[index])
        _same(self._room.found(len(message)), message)
        self._room.check(len(message))
        return index


class _Room:
    """A buffer with known content before a message is received."""

    def __init__(self, size: int) -> None:
        self._blank = bytes(place * 37 + 11 & 0xFF for place in range(256)) * (
            (size + SPARE) // 256 + 1
        )
        self._blank = self._blank[: size + SPARE]
        self.view = aligned_buffer(size + SPARE)
        self.address = _address(self.view)

    def clean(self) -> None:
        self.view[:] = self._blank

    def found(self, length: int) -> bytes:
        return bytes(self.view[:length])

    def check(self, length: int) -> None:
        """Check that the bytes behind the message are unchanged. Raises: Wrong."""
        if bytes(self.view[length:]) != self._blank[length:]:
            raise Wrong(f"bytes behind a message of {length} bytes have changed")


def _address(view: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


def _same(found: bytes, message: bytes) -> None:
    if found != message:
        raise Wrong(
            f"{len(found)} bytes {_begin(found)} arrived, not {len(message)} {_begin(message)}"
        )


def _begin(message: bytes) -> str:
    return message[:12].hex() + ("…" if len(message) > 12 else "")


# Tasks of seats: each runs in the seat's own process.


def _end(seat: Seat, flow: Flow, what: str, native: bool) -> tuple[End, random.Random]:
    draw = flow.draw(f"{what} {seat.ticket.role.value} {seat.ticket.index}")
    return End(seat, draw, native), draw


def send_flow(seat: Seat, flow: Flow, native: bool) -> None:
    end, draw = _end(seat, flow, "sends", native)
    rest = PACES[flow.pace]
    for message, times in flow.runs():
        rest(draw)
        end.put(message, times)


def receive_flow(seat: Seat, flow: Flow, native: bool) -> None:
    end, draw = _end(seat, flow, "receives", native)
    rest = PACES[flow.pace]
    for message, times in flow.runs():
        rest(draw)
        end.take(message, times)


def exchange(seat: Seat, mine: Flow, theirs: Flow, native: bool, first: bool) -> None:
    """Send and receive one message in turn, so that both ends sleep between messages."""
    end, draw = _end(seat, mine, "exchanges", native)
    rest = PACES[mine.pace]
    for sent, expected in zip(mine.each(), theirs.each(), strict=True):
        if not first:
            end.take(expected)
        rest(draw)
        end.put(sent)
        if first:
            end.take(expected)


def gather(seat: Seat, flows: Sequence[Flow], native: bool) -> None:
    """Receive the messages of several senders, those of each in order."""
    end, draw = _end(seat, flows[0], "gathers", native)
    rest = PACES[flows[0].pace]
    expected = [flow.each() for flow in flows]
    for _ in range(sum(times for flow in flows for _, times in flow.runs())):
        rest(draw)
        message = end.take_any()
        if not message or message[0] >= len(flows):
            raise Wrong(f"a message {_begin(message)} of no sender")
        _same(message, next(expected[message[0]], b"no more of this sender"))


def ask(seat: Seat, mine: Flow, answers: Flow, depth: int, native: bool) -> None:
    """Send bursts that a lane can hold, and receive the answers after each burst."""
    end, draw = _end(seat, mine, "asks", native)
    rest = PACES[mine.pace]
    questions, expected = list(mine.each()), answers.each()
    while questions:
        burst = draw.randint(1, depth)
        for message in questions[:burst]:
            end.put(message)
        rest(draw)
        for _ in questions[:burst]:
            end.take(next(expected))
        del questions[:burst]


def serve(seat: Seat, questions: Sequence[Flow], answers: Sequence[Flow], native: bool) -> None:
    end, draw = _end(seat, questions[0], "serves", native)
    rest = PACES[answers[0].pace]
    expected = [flow.each() for flow in questions]
    replies = [flow.each() for flow in answers]
    for _ in range(sum(times for flow in questions for _, times in flow.runs())):
        rest(draw)
        index = end.take_of(expected)
        end.put_to(index, next(replies[index]))


def _all_sent(operations: Opened, address: int, size: int, times: int) -> None:
    while times > 0:
        sent = operations.call("send_many", address, size, times)
        if not 0 < sent <= times:
            raise Wrong(f"{sent} of {times} messages were sent by one call")
        times -= sent
