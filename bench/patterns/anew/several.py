"""Payloads `fresh` and `cold` of `fan-in`, `fan-out` and `echo`: several processes at a channel.

Each sender writes into a pool of its own (bench/loops/payloads/pool.py), and its first message has
a number of its own: so the rehearsal tells the messages of different senders apart.

- `fan-in`: the receiver reads every byte. A single time is that of a call of `send`, and of the
  writing before it.
- `fan-out`: a receiver reads every byte. The last message to each receiver is full of the end
  mark; it is written, sent, read and counted as all others. Behind each block, the messages that
  all receivers have read to their end are counted.
- `echo`: the server reads the message, and writes a reply as large, from one pool for all clients.
  A reply has the value of its message: a client knows it, whatever the order of all of them.

Of these, `fan-in` alone can write and read in the slots of a channel. A server's calls copy, and
a competing receiver needs the first byte of its message.
"""

from __future__ import annotations

import ctypes
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, repeat
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.messages import END_MARK, Corrupt
from ipcbench.bench.loops.payloads.arrivals import Arrivals
from ipcbench.bench.loops.payloads.pool import (
    ABSENT,
    Messages,
    compare,
    compare_mark,
    memchr,
    memset,
    place_of,
    start_of,
    value_of,
    values,
)
from ipcbench.bench.patterns import echo, fan_in, fan_out, latency
from ipcbench.bench.patterns.anew import fresh
from ipcbench.bench.patterns.anew.fresh import FEW, SLOT, full_of, receiving, row_of, sending
from ipcbench.bench.patterns.part import Observed, Part, Pattern, Run, Seat
from ipcbench.transports.contract import Traits


def fresh_fan_in_sender(
    endpoint: Any, message: Messages, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write and send all messages."""
    send, now, size = message.sender(endpoint), clock.now, message.size
    turns = message.turns(first, count)
    start = now()
    for (place, data), value in turns:
        memset(place, value, size)
        send(data)
    return Span(start, now(), count)


def stamped_fresh_fan_in_sender(
    endpoint: Any,
    message: Messages,
    buffer: memoryview,
    count: int,
    clock: Clock,
    stamps: array[int],
    first: int,
) -> None:
    """Do as `fresh_fan_in_sender`, with a time stamp behind each of the last sends."""
    send, now, size = message.sender(endpoint), clock.now_ns, message.size
    number = len(stamps) - count - 1
    turns = message.turns(first, count)
    if not number:
        stamps[0] = now()
    for (place, data), value in turns:
        memset(place, value, size)
        send(data)
        number += 1
        if number >= 0:
            stamps[number] = now()


def fresh_fan_in_receiver(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Receive and read all messages."""
    recv_into, now = endpoint.recv_into, clock.now
    size, received, read = ctypes.c_size_t(len(buffer)), place_of(buffer), 0
    start = now()
    for _ in repeat(None, count):
        recv_into(buffer)
        read += memchr(received, ABSENT, size) is None
    return Span(start, now(), read)


def fresh_fan_in_sender_in_place(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Write all messages into slots and send them."""
    loan, commit, now = endpoint.loan, endpoint.commit, clock.now
    length, size = len(buffer), ctypes.c_size_t(len(buffer))
    turns = islice(values(first), count)
    start = now()
    for value in turns:
        memset(ctypes.byref(SLOT(loan(length))), value, size)
        commit(length)
    return Span(start, now(), count)


def stamped_fresh_fan_in_sender_in_place(
    endpoint: Any,
    message: Any,
    buffer: memoryview,
    count: int,
    clock: Clock,
    stamps: array[int],
    first: int,
) -> None:
    """Do as `fresh_fan_in_sender_in_place`, with a time stamp behind each of the last sends."""
    loan, commit, now = endpoint.loan, endpoint.commit, clock.now_ns
    length, size, number = len(buffer), ctypes.c_size_t(len(buffer)), len(stamps) - count - 1
    turns = islice(values(first), count)
    if not number:
        stamps[0] = now()
    for value in turns:
        memset(ctypes.byref(SLOT(loan(length))), value, size)
        commit(length)
        number += 1
        if number >= 0:
            stamps[number] = now()


def fresh_fan_out_sender(
    endpoint: Any,
    message: Messages,
    buffer: memoryview,
    count: int,
    clock: Clock,
    first: int,
    receivers: int,
) -> Span:
    """Write and send all messages, the last one to each receiver full of the end mark."""
    send, now, size = message.sender(endpoint), clock.now, message.size
    plain = count - receivers
    rows = message.turns(first, plain), message.marks(first + plain, receivers)
    start = now()
    for turns in rows:
        for (place, data), value in turns:
            memset(place, value, size)
            send(data)
    return Span(start, now(), count)


def fresh_fan_out_receiver(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Receive and read messages up to one with the end mark; the other receivers get the rest."""
    recv_into, now = endpoint.recv_into, clock.now
    size, received, read = ctypes.c_size_t(len(buffer)), place_of(buffer), 0
    start = now()
    while True:
        recv_into(buffer)
        read += memchr(received, ABSENT, size) is None
        if buffer[0] == END_MARK:
            break
    return Span(start, now(), read)


def fresh_serve(
    endpoint: Any, message: Messages, buffer: memoryview, count: int, clock: Clock, first: int
) -> Span:
    """Receive a message of any client and read it, write its value into the reply, and send it."""
    recv_from, answer, now = endpoint.recv_from, message.answerer(endpoint), clock.now
    size, received, read = message.size, place_of(buffer), 0
    turns = message.turns(first, count)
    start = now()
    for (place, data), _ in turns:
        index = recv_from(buffer)
        read += memchr(received, ABSENT, size) is None
        memset(place, buffer[0], size)
        answer(index, data)
    return Span(start, now(), read)


# Rehearsals, of two steps each: the first is of the senders' loops, or the clients', the second of
# the receivers' or the server's. The other side works message by message, and compares each.


def _send_row(endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
    """Send through the loop, or ask through it."""
    run(row_of(size))
    return []


def _run_few(endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
    """Receive through the loop, or answer through it: `FEW` messages of each sender."""
    run(FEW)
    return []


def _send_few(endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
    """Send message by message."""
    send, first = sending(endpoint, size), start_of(seat.index)
    for number in range(first, first + FEW):
        send(number)
    return []


def _receive_rows(endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
    """Receive the messages of all senders one by one."""
    row = row_of(size)
    arrivals = Arrivals([start_of(sender) for sender in range(seat.share)], row)
    for _ in range(seat.share * row):
        arrivals.take(messages.receive(endpoint, size))
    return []


def _rows(receivers: int, size: int) -> int:
    """Return the loops of the rehearsal of one sender, which sends a message a receiver in each.

    The messages of the last loop carry the end mark.
    """
    return -(-row_of(size) // receivers) + 1


def _deal_rows(endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
    """Send through the loop, and the last message to each receiver behind it.

    That one is full of `ABSENT`: it comes as well where the loop marks no message.
    """
    run(_rows(seat.share, size))
    fan_out.send_end_marks(endpoint, seat.share, size, ABSENT)
    return []


def _deal_few(endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
    """Send message by message, the last one to each receiver full of the end mark."""
    send = sending(endpoint, size)
    for number in range((FEW - 1) * seat.share):
        send(number)
    fan_out.send_end_marks(endpoint, seat.share, size)
    return []


def _compete(endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
    """Receive up to the last message; return the values of those before it."""
    found: list[int] = []
    while (message := messages.receive(endpoint, size))[0] != ABSENT:
        value = message[0]
        if value == END_MARK:
            compare_mark(message)
        else:
            compare(message, value - 1)  # the first number of this value
        found.append(value)
    return found


def _compete_in_loop(endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
    """Receive through the loop, up to the end mark; return the number of messages."""
    return [run(FEW)]


def check_rehearsed(step: int, seen: list[int], processes: int, size: int) -> None:
    """Compare what all competing receivers got in a step with what was sent. Raises: Corrupt."""
    receivers = processes - 1
    if step:
        sent, arrived = FEW * receivers, sum(seen)
        if arrived != sent:
            raise Corrupt(f"of {sent} messages, {arrived} were read to their end")
        return
    plain = (_rows(receivers, size) - 1) * receivers
    wanted = Counter(value_of(number) for number in range(plain)) + Counter({END_MARK: receivers})
    if Counter(seen) != wanted:
        raise Corrupt(
            f"{wanted.total()} messages were sent, written anew, and {len(seen)} arrived: "
            f"{(wanted - Counter(seen)).total()} of them never"
        )


def _ask_few(endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
    """Ask message by message; a reply has the value of its message."""
    send, receive = sending(endpoint, size), receiving(endpoint, size)
    first = start_of(seat.index)
    for number in range(first, first + FEW):
        send(number)
        receive(number)
    return []


def _answer_rows(endpoint: Any, seat: Seat, size: int, run: Run) -> list[int]:
    """Answer the messages of all clients one by one."""
    buffer = memoryview(bytearray(size))
    turns: Counter[int] = Counter()
    for _ in range(seat.share * row_of(size)):
        # As in the check: a message that is cut leaves some of these bytes.
        buffer[:] = messages.end_mark(size)
        index = endpoint.recv_from(buffer)
        number = start_of(index) + turns[index]
        compare(buffer, number)
        turns[index] += 1
        endpoint.send_to(index, endpoint.prepare(full_of(number, size)))
    return []


def account(spans: Sequence[Span], variable: int, traits: Traits) -> Observed:
    """Compare the messages that were read to their end with those sent. Raises: Corrupt."""
    sent, read = spans[0].handled, sum(span.handled for span in spans[1:])
    if read != sent:
        raise Corrupt(f"{sent} messages were sent, {read} read to their end")
    return {}


SENDERS, RECEIVERS = (_send_row, _send_few), (_receive_rows, _run_few)
FAN_IN_SENDER = replace(
    fan_in.SENDER,
    loop=fresh_fan_in_sender,
    stamped=stamped_fresh_fan_in_sender,
    pool=True,
    numbers=True,
    rehearse=SENDERS,
    in_place=replace(
        fan_in.SENDER,
        loop=fresh_fan_in_sender_in_place,
        stamped=stamped_fresh_fan_in_sender_in_place,
        numbers=True,
        rehearse=SENDERS,
    ),
)
FAN_IN_RECEIVER = replace(
    fan_in.RECEIVER,
    loop=fresh_fan_in_receiver,
    reads=True,
    rehearse=RECEIVERS,
    in_place=replace(fan_in.RECEIVER, rehearse=RECEIVERS),
)
FAN_OUT_SENDER = replace(
    fan_out.SENDER,
    loop=fresh_fan_out_sender,
    pool=True,
    numbers=True,
    rehearse=(_deal_rows, _deal_few),
)
# `account` counts what was read; what arrived last has the end mark.
FAN_OUT_RECEIVER = replace(
    fan_out.RECEIVER, loop=fresh_fan_out_receiver, rehearse=(_compete, _compete_in_loop)
)
CLIENT = replace(fresh.CLIENT, rehearse=(_send_row, _ask_few), in_place=None)
SERVER = replace(
    echo.SERVER,
    loop=fresh_serve,
    pool=True,
    numbers=True,
    reads=True,
    rehearse=(_answer_rows, _run_few),
)

_PARTS: dict[Part, Part] = {
    fan_in.SENDER: FAN_IN_SENDER,
    fan_in.RECEIVER: FAN_IN_RECEIVER,
    fan_out.SENDER: FAN_OUT_SENDER,
    fan_out.RECEIVER: FAN_OUT_RECEIVER,
    latency.CLIENT: CLIENT,
    echo.SERVER: SERVER,
}


def _anew(pattern: Pattern) -> Pattern:
    def seats(processes: int) -> list[Seat]:
        return [replace(seat, part=_PARTS[seat.part]) for seat in pattern.seats(processes)]

    return replace(pattern, seats=seats)


SEVERAL = {
    "fan-in": _anew(fan_in.FAN_IN),
    "fan-out": replace(_anew(fan_out.FAN_OUT), account=account, rehearsed=check_rehearsed),
    "echo": _anew(echo.ECHO),
}
