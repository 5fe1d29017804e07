"""Pattern `latest`: process 0 publishes values, and all others read the newest one.

A value begins with its number and the time at which its publication began, 8 bytes each, and ends
with its number again: so each read shows if it is newer, how many values it has missed, how old it
is, and if it is torn. The publisher waits for no reader. Behind each value it rests for
three times as long as it took to publish it, and yields its CPU meanwhile: a sequence lock over a
value that is written all the time could never be read.

Each reader reads until it has seen so many updates, whatever it has missed; the publisher goes on
until all have. A figure is the time of all, divided by the updates that all readers have seen.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from time import perf_counter_ns
from typing import Any

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.messages import Corrupt
from ipcbench.bench.patterns.newest.board import WORDS, Row, row_of
from ipcbench.bench.patterns.part import Board, Observed, Part, Pattern, Seat, any_number
from ipcbench.bench.results.axes import LATEST
from ipcbench.bench.results.records import MISSED, TORN, VAIN
from ipcbench.transports.contract import Role, Topology

REST = 3  # times the duration of a publication: as in bench/loops/_newest.h
_NUMBERS = 16  # bytes of the number and of the time
_END = 8  # bytes of the number at the end
LEAST_VALUE = _NUMBERS + _END


def newest_publisher(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Publish values until all rows of the board, which `buffer` is, say that they have ended."""
    publish, now = endpoint.publish, clock.now
    head, tail = _numbers_of(message)
    number, published = head[0], 0
    left = [row_of(buffer, at) for at in range(len(buffer) // WORDS)]
    start = now()
    while left:
        began = perf_counter_ns()
        number += 1
        head[0] = tail[0] = number
        head[1] = began
        publish(message)
        published += 1
        while left and left[-1][0]:
            left.pop()
        rest_from(began)
    return Span(start, now(), published)


def rest_from(began: int) -> None:
    """Yield the CPU, for `REST` times as long as has passed since `began`, in nanoseconds."""
    now = perf_counter_ns()
    until = now + REST * (now - began)
    os.sched_yield()
    while perf_counter_ns() < until:
        os.sched_yield()


def newest_reader(
    endpoint: Any, message: Any, buffer: memoryview, count: int, clock: Clock
) -> Span:
    """Read until so many updates were seen; count in the row that `message` is."""
    read_into, now = endpoint.read_into, clock.now
    head, tail = _numbers_of(buffer)
    seen = missed = vain = broken = last = 0
    torn = endpoint.torn()
    start, began = now(), perf_counter_ns()
    while seen < count:
        if not read_into(buffer):
            vain += 1
            continue
        number = head[0]
        if head[1] < began:
            continue  # it was published before this block
        if tail[0] != number or number <= last:
            broken += 1
        elif last:
            missed += number - last - 1
        last = number
        seen += 1
    end = now()
    row = Row(1, seen, missed, vain, endpoint.torn() - torn, broken)
    message[1 : len(row)] = array("Q", row[1:])
    message[0] = row.ended
    return Span(start, end, seen)


def stamped_newest_reader(
    endpoint: Any,
    message: Any,
    buffer: memoryview,
    count: int,
    clock: Clock,
    stamps: array[int],
) -> None:
    """Do as `newest_reader`, with stamps whose differences are the ages of the last values."""
    read_into, head, _ = endpoint.read_into, *_numbers_of(buffer)
    ages, began = list[int](), perf_counter_ns()
    while len(ages) < count:
        if read_into(buffer) and head[1] >= began:
            ages.append(perf_counter_ns() - head[1])
    message[0] = 1
    stamps[0] = 0
    for number, age in enumerate(ages[count - len(stamps) + 1 :], 1):
        stamps[number] = stamps[number - 1] + age
    stamps[:] = clock.stamps(stamps)


def _numbers_of(value: memoryview) -> tuple[memoryview, memoryview]:
    """Return the words at the beginning of a value, and the one at its end."""
    return value[:_NUMBERS].cast("Q"), value[-_END:].cast("Q")


def check_nothing(endpoint: Any, seat: Seat, size: int) -> list[int]:
    """Check nothing: `proof` does, which knows when all readers have ended."""
    return []


def _values(size: int) -> list[memoryview]:
    """Return the values of the check, in memory of their own: every byte of them differs."""
    found = []
    for number in range(messages.count(size)):
        value = aligned_buffer(size)
        value[:] = messages.message(0, 0, number, size)
        found.append(value)
    return found


def prove_publisher(endpoint: Any, seat: Seat, size: int, board: memoryview) -> None:
    """Publish values in turn until all readers have ended. Raises: what the endpoint raises."""
    values, number = _values(size), 0
    left = [row_of(board, at) for at in range(len(board) // WORDS)]
    while not all(row[0] for row in left):
        began = perf_counter_ns()
        value = values[number % len(values)]
        head, tail = _numbers_of(value)
        head[0] = tail[0] = number
        head[1] = began  # it may still be there when the first block begins
        endpoint.publish(endpoint.prepare(value))
        number += 1
        rest_from(began)


def prove_reader(endpoint: Any, seat: Seat, size: int, board: memoryview) -> None:
    """Read as many values as there are; compare every byte, and their order.

    Raises: Corrupt, and what the endpoint raises.
    """
    values, buffer = _values(size), aligned_buffer(size)
    head, tail = _numbers_of(buffer)
    last = -1
    for _ in values:
        length = _next_length(endpoint, buffer)
        if length != size:
            raise Corrupt(f"a value of {size} bytes arrived as one of {length}")
        number = head[0]
        wanted = values[number % len(values)]
        same = buffer[_NUMBERS:-_END] == wanted[_NUMBERS:-_END] and tail[0] == number
        if not same:
            raise Corrupt(f"value {number} of {size} bytes is not whole")
        if number <= last:
            raise Corrupt(f"value {number} was read behind value {last}")
        last = number
    row_of(board, seat.index)[0] = 1


def _next_length(endpoint: Any, buffer: memoryview) -> int:
    """Read until there is a newer value; return its length."""
    while not (length := int(endpoint.read_into(buffer))):
        pass
    return length


def observe(rows: Sequence[Row]) -> Observed:
    """Return what the readers have missed, read in vain, and discarded. Raises: Corrupt."""
    broken = sum(row.broken for row in rows)
    if broken:
        raise Corrupt(f"{broken} values were not whole, or older than the one read before")
    seen, missed = sum(row.seen for row in rows), sum(row.missed for row in rows)
    vain, torn = sum(row.vain for row in rows), sum(row.torn for row in rows)
    return {
        MISSED: (missed, seen + missed),
        VAIN: (vain, seen + vain),
        TORN: (torn, seen + torn),
    }


PUBLISHER = Part(newest_publisher, check_nothing, board=Board.READS, proof=prove_publisher)
READER = Part(
    newest_reader,
    check_nothing,
    starts=True,
    ends=True,
    stamped=stamped_newest_reader,
    board=Board.WRITES,
    proof=prove_reader,
)


def _seats(processes: int) -> list[Seat]:
    readers = processes - 1
    return [
        Seat(0, Role.SENDER, 0, PUBLISHER),
        *(Seat(0, Role.RECEIVER, index, READER) for index in range(readers)),
    ]


LATEST_VALUE = Pattern(
    name=LATEST,
    topology=Topology.NEWEST,
    per="update seen",
    seats=_seats,
    units=lambda processes: processes - 1,
    refuses=any_number,
    observe=observe,
    busy=True,
    least_size=LEAST_VALUE,
    single="age of a value",
)
