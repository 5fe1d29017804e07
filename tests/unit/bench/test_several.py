"""Messages written anew by several processes: who sent which, and rehearsals that find faults."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from operator import methodcaller
from queue import Empty, Queue
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.messages import END_MARK, Corrupt
from ipcbench.bench.loops.payloads.arrivals import Arrivals
from ipcbench.bench.loops.payloads.pool import (
    FRESH_BUFFERS,
    ROW,
    VALUES,
    compare_with_any,
    start_of,
    value_of,
)
from ipcbench.bench.patterns.anew import several
from ipcbench.bench.patterns.anew.fresh import FEW, row_of
from ipcbench.bench.patterns.part import Pattern, Seat
from ipcbench.bench.patterns.table import ANEW
from ipcbench.bench.plan.profile import MOST_PROCESSES
from ipcbench.bench.workers.block_runner import FIRST, BlockRunner
from ipcbench.bench.workers.worker import Worker
from ipcbench.transports.base import PlainEndpoint
from ipcbench.transports.contract import PeerGone, Role
from ipcbench.transports.null import TRAITS

SIZE = 4096


def full(number: int, size: int = 16) -> bytes:
    return bytes([value_of(number)]) * size


# Messages as they arrive.


def test_senders_begin_with_values_of_their_own() -> None:
    starts = [value_of(start_of(sender)) for sender in range(MOST_PROCESSES)]
    assert len(set(starts)) == len(starts)
    rows = [value_of(start_of(sender) + one) for sender in range(14) for one in range(ROW)]
    assert len(set(rows)) == len(rows)


@st.composite
def arriving(draw: st.DrawFn) -> tuple[list[int], int, list[int]]:
    """Draw the starts of some senders, their messages, and an order of all numbers."""
    senders, count = draw(st.integers(1, 30)), draw(st.sampled_from([1, 2, 9, ROW]))
    starts = [start_of(sender) for sender in range(senders)]
    turns = draw(st.permutations([sender for sender in range(senders) for _ in range(count)]))
    done: Counter[int] = Counter()
    numbers = []
    for sender in turns:
        numbers.append(starts[sender] + done[sender])
        done[sender] += 1
    return starts, count, numbers


def take(starts: list[int], count: int, numbers: list[int]) -> None:
    arrivals = Arrivals(starts, count)
    for number in numbers:
        arrivals.take(full(number))


@given(arriving())
def test_any_order_between_senders_is_taken(one: tuple[list[int], int, list[int]]) -> None:
    take(*one)


@given(one=arriving(), data=st.data())
def test_a_message_in_the_place_of_another_one_is_found(
    one: tuple[list[int], int, list[int]], data: st.DataObject
) -> None:
    """Such as the content of a buffer that was not written, or was written too early."""
    starts, count, numbers = one
    at = data.draw(st.integers(0, len(numbers) - 1))
    other = data.draw(st.integers(0, VALUES - 1))
    if value_of(other) == value_of(numbers[at]):
        return
    with pytest.raises(Corrupt):
        take(starts, count, [*numbers[:at], other, *numbers[at + 1 :]])


def test_two_messages_of_a_sender_in_the_wrong_order_are_found() -> None:
    take([0, start_of(1)], 3, [0, 17, 1, 18, 2, 19])
    with pytest.raises(Corrupt, match="the next message of no sender has this value"):
        take([0, start_of(1)], 3, [0, 17, 2, 1, 18, 19])


def test_a_first_message_that_is_there_twice_is_found_behind_another_sender_s_last() -> None:
    first = start_of(1)
    with pytest.raises(Corrupt, match="the next message of no sender has this value"):
        take([0, first], ROW, [*range(ROW), first, first])


def test_a_message_of_two_values_is_found() -> None:
    mixed = bytearray(full(0))
    mixed[9] = value_of(8)
    with pytest.raises(Corrupt, match="byte 9 is 0x09 and should be 0x01"):
        Arrivals([0], ROW).take(mixed)


def test_a_message_may_have_one_of_several_numbers() -> None:
    compare_with_any(full(5), [3, 5])
    with pytest.raises(Corrupt, match=r"message 3, .* byte 0 is 0x05 and should be 0x04"):
        compare_with_any(full(4), [3, 5])
    with pytest.raises(Corrupt, match=r"message 5, .* byte 15 is 0x07 and should be 0x06"):
        compare_with_any(full(5)[:-1] + b"\x07", [3, 5])


# Channels in memory: each process is a thread.


class Memory:
    """A channel of several processes. A message is a copy, unless it is taken late."""

    def __init__(self, *, late: bool = False) -> None:
        self.late, self.failed = late, False
        self.inbox: Queue[tuple[int, Any]] = Queue()
        self.replies: dict[int, Queue[Any]] = {}
        self.changed: Callable[[bytes], bytes] = lambda data: data  # not of replies


class End(PlainEndpoint):
    """An end of a channel in memory; `index`: the sender's or the client's, None: a receiver's."""

    depth = None

    def __init__(self, channel: Memory, index: int | None, *, hub: bool) -> None:
        self.channel, self._index = channel, index
        self._received = channel.inbox
        if index is not None and hub:
            self._received = channel.replies.setdefault(index, Queue())

    def prepare(self, data: memoryview) -> Any:
        return data

    def send(self, data: Any, /) -> None:
        kept = data if self.channel.late else bytes(data)
        self.channel.inbox.put((self._index or 0, kept))

    def recv_into(self, buffer: memoryview, /) -> int:
        self._take(buffer)
        return len(buffer)

    def recv_from(self, buffer: memoryview, /) -> int:
        return self._take(buffer)

    def send_to(self, index: int, data: Any, /) -> None:
        self.channel.replies[index].put((index, bytes(data)))

    def _take(self, buffer: memoryview) -> int:
        index, found = self._next()
        replies = self._received is not self.channel.inbox
        buffer[:] = found if replies else self.channel.changed(bytes(found))
        return index

    def _next(self) -> tuple[int, Any]:
        while not self.channel.failed:
            with suppress(Empty):
                return self._received.get(timeout=0.1)
        raise PeerGone("another process has failed")


def runners(pattern: Pattern, processes: int, channel: Memory) -> list[BlockRunner]:
    hub = pattern.name == "echo"
    found = []
    for seat in pattern.seats(processes):
        receives = seat.role in (Role.RECEIVER, Role.SERVER)
        end = End(channel, None if receives else seat.index, hub=hub)
        found.append(
            BlockRunner(
                end, seat, SIZE, RealClock(), memoryview(bytearray(8)), native=False,
                buffers=FRESH_BUFFERS,
            )
        )  # fmt: skip
    return found


def together(team: list[BlockRunner], call: Callable[[BlockRunner], Any]) -> list[Any]:
    """Call all at once, a thread each; where messages are taken late, one after the other.

    Raises: the first error of all.
    """
    channel = team[0].endpoint.channel
    done: Queue[tuple[int, Any]] = Queue()

    def run(number: int) -> None:
        try:
            done.put((number, call(team[number])))
        except BaseException as error:
            done.put((number, error))

    results: dict[int, Any] = {}
    order = sorted(range(len(team)), key=lambda one: team[one].seat.role is not Role.SENDER)
    for number in order:
        thread = threading.Thread(target=run, args=(number,), daemon=True)
        thread.start()
        if channel.late:
            thread.join(20)
    while len(results) < len(team):
        number, result = done.get(timeout=20)
        if isinstance(result, BaseException):
            channel.failed = True
            raise result
        results[number] = result
    return [results[number] for number in range(len(team))]


def rehearse(name: str, processes: int, channel: Memory) -> list[BlockRunner]:
    """Run all steps of a rehearsal; return the processes. Raises: Corrupt."""
    pattern = ANEW[name]
    team = runners(pattern, processes, channel)
    for step in range(2):
        seen = together(team, methodcaller("check", step + 1))
        pattern.rehearsed(step, [number for one in seen[1:] for number in one], processes, SIZE)
    return team


def block(name: str, team: list[BlockRunner], count: int) -> None:
    """Run a block, and compare its messages. Raises: Corrupt."""
    timed = together(team, lambda one: one.prepare(count)())
    ANEW[name].account([one.span for one in timed], 0, TRAITS)


SEVERAL = ("fan-in", "fan-out", "echo")
NUMBERS = (2, 4, 18)
each = pytest.mark.parametrize("name", SEVERAL)


@each
@pytest.mark.parametrize("processes", NUMBERS)
def test_a_channel_without_faults_is_accepted(name: str, processes: int) -> None:
    team = rehearse(name, processes, Memory())
    for count in (30, 1):
        block(name, team, count)


@each
def test_all_parts_have_the_same_steps(name: str) -> None:
    for seat in ANEW[name].seats(3):
        assert len(seat.part.rehearse) == 2
        assert seat.part.in_place is None or len(seat.part.in_place.rehearse) == 2


@each
@pytest.mark.parametrize("processes", NUMBERS)
def test_a_loop_that_does_not_write_is_found(
    name: str, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(several, "memset", lambda *_: None)
    with pytest.raises(Corrupt):
        rehearse(name, processes, Memory())


@pytest.mark.parametrize("name", ["fan-in", "fan-out"])
@pytest.mark.parametrize("processes", NUMBERS)
def test_a_buffer_that_is_written_again_before_it_was_sent_is_found(
    name: str, processes: int
) -> None:
    with pytest.raises(Corrupt):
        rehearse(name, processes, Memory(late=True))


@each
def test_a_byte_that_changes_on_its_way_is_found(name: str) -> None:
    channel = Memory()
    number = iter(range(1000))

    def change(data: bytes) -> bytes:
        return data[:-1] + bytes([data[-1] ^ 1]) if next(number) == 10 else data

    channel.changed = change
    with pytest.raises(Corrupt):
        rehearse(name, 4, channel)


def test_a_message_that_another_sender_s_replaces_is_found() -> None:
    channel, last = Memory(), [b""]

    def repeat(data: bytes) -> bytes:
        last.append(data)
        return last[-2] if len(last) == 20 else data

    channel.changed = repeat
    with pytest.raises(Corrupt, match="the next message of no sender has this value"):
        rehearse("fan-in", 4, channel)


def test_a_reply_to_another_client_is_found() -> None:
    channel = Memory()
    rehearse("echo", 4, channel)
    channel.replies[0], channel.replies[1] = channel.replies[1], channel.replies[0]
    team = runners(ANEW["echo"], 4, channel)
    ends: list[Any] = [one.endpoint for one in team]
    ends[1]._received, ends[2]._received = ends[2]._received, ends[1]._received
    with pytest.raises(Corrupt):
        together(team, methodcaller("check", 1))


def test_competing_receivers_have_all_values_once() -> None:
    receivers = 3
    values = [value_of(number) for number in range(18)]  # 17 or more, of 3 each
    values += [END_MARK] * receivers
    several.check_rehearsed(0, values[::-1], receivers + 1, SIZE)
    for wrong in (values[1:], [*values, 5], [values[8], *values[1:]]):
        with pytest.raises(Corrupt, match="21 messages were sent, written anew"):
            several.check_rehearsed(0, wrong, receivers + 1, SIZE)
    several.check_rehearsed(1, [0, 5, 1], receivers + 1, SIZE)
    with pytest.raises(Corrupt, match="of 6 messages, 5 were read to their end"):
        several.check_rehearsed(1, [0, 4, 1], receivers + 1, SIZE)


def test_what_competitors_have_not_read_to_its_end_is_found() -> None:
    spans = [Span(0.0, 1.0, 10), Span(0.0, 1.0, 6), Span(0.0, 1.0, 3)]
    with pytest.raises(Corrupt, match="10 messages were sent, 9 read to their end"):
        ANEW["fan-out"].account(spans, 0, TRAITS)


# Blocks: what arrived last is compared.


def last(name: str, seat: Seat, number: int, count: int) -> None:
    """Run a block of a part that receives the same message again and again. Raises: Corrupt."""
    channel = Memory()
    for _ in range(count * seat.share):
        channel.inbox.put((0, full(number, SIZE)))
    channel.replies[seat.index] = channel.inbox
    end = End(channel, seat.index, hub=name == "echo" and seat.role is Role.CLIENT)
    if seat.role is Role.CLIENT:
        end.send = lambda data: None
    if seat.role is Role.SERVER:
        end.send_to = lambda index, data: None
    runner = BlockRunner(end, seat, SIZE, RealClock(), memoryview(bytearray(8)), native=False)
    runner.prepare(count)()


@pytest.mark.parametrize("name", ["fan-in", "echo"])
def test_the_last_message_is_the_last_one_of_any_sender(name: str) -> None:
    seat = ANEW[name].seats(4)[0]
    for sender in range(3):
        last(name, seat, FIRST + start_of(sender) + 4, 5)
    for wrong in (FIRST + 3, FIRST + start_of(1) + 5, FIRST + start_of(3) + 4, FIRST + 14):
        with pytest.raises(Corrupt):
            last(name, seat, wrong, 5)


def test_the_last_reply_is_that_to_the_client_s_last_message() -> None:
    seat = ANEW["echo"].seats(4)[2]
    assert seat.index == 1
    last("echo", seat, FIRST + start_of(1) + 4, 5)
    for wrong in (FIRST + 4, FIRST + start_of(1) + 3, FIRST + start_of(2) + 4):
        with pytest.raises(Corrupt):
            last("echo", seat, wrong, 5)


@pytest.mark.parametrize(
    ("name", "number", "first"),
    [("fan-in", 2, FIRST + start_of(1)), ("fan-out", 0, FIRST), ("echo", 0, FIRST)],
    ids=["the second sender", "fan-out", "echo"],
)
def test_blocks_go_on_where_the_last_one_ended(name: str, number: int, first: int) -> None:
    """Each process's numbers, whatever its share of a loop is."""
    seen: list[tuple[int, int]] = []
    runner = runners(ANEW[name], 4, Memory())[number]

    def note(
        end: Any, message: Any, buffer: memoryview, count: int, clock: Any, at: int, *marks: int
    ) -> Span:
        seen.append((at, count))
        assert marks == ((3,) if name == "fan-out" else ())
        return Span(0.0, 1.0, 0)

    runner.loop = note
    share = runner.seat.share
    for count in (5, 2, 4):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runner, "_compare", lambda *_: None)
            runner.prepare(count)()
    assert seen == [
        (first, 5 * share),
        (first + 5 * share, 2 * share),
        (first + 7 * share, 4 * share),
    ]


# The worker's steps.


def test_all_processes_end_a_step_before_the_next_one() -> None:
    worker: Any = Worker.__new__(Worker)
    calls: list[object] = []
    worker.job = SimpleNamespace(cell=SimpleNamespace(processes=4, size=SIZE))
    worker.report = lambda line: None
    worker._pattern = SimpleNamespace(
        complete=lambda *seen: calls.append(("complete", *seen)),
        rehearsed=lambda *seen: calls.append(("rehearsed", *seen)),
    )
    worker._runner = SimpleNamespace(
        part=several.FAN_OUT_SENDER, check=lambda step: calls.append(("own", step))
    )
    worker._team = SimpleNamespace(
        ask_check=lambda step: calls.append(("ask", step)), ready=lambda: [7]
    )
    worker._check()
    assert calls == [
        ("ask", 0), ("own", 0), ("complete", [7], 4, SIZE),
        ("ask", 1), ("own", 1), ("rehearsed", 0, [7], 4, SIZE),
        ("ask", 2), ("own", 2), ("rehearsed", 1, [7], 4, SIZE),
    ]  # fmt: skip


def test_a_rehearsal_is_short_where_messages_are_large() -> None:
    assert row_of(SIZE) == ROW == 17
    assert row_of(6_220_800) == 9
    assert FEW == 2
