"""Checks of the loops that write messages anew and read them, in both runtimes, and their breaks.

A wire in memory records what is sent, byte by byte, and delivers what a check gives it.
"""

from __future__ import annotations

import ctypes
from array import array
from collections import deque
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.loop import Span
from ipcbench.bench.loops.messages import Corrupt, end_mark
from ipcbench.bench.loops.payloads.pool import ABSENT, Messages, Pool, value_of
from ipcbench.bench.patterns import alone
from ipcbench.bench.patterns.anew import fresh, several
from ipcbench.bench.patterns.part import Part, Seat
from ipcbench.transports.contract import Role
from tests.native.ring_breaks import Break
from tests.plugins.capsules import capsule

SIZE, BUFFERS, COUNT, FIRST = 5000, 3, 7, 301
ASKING = 3  # clients of a server
COMPETING = 3  # receivers of a fan-out
PYTHON, NATIVE = RUNTIMES = ("python", "native")


class Wire:
    """An endpoint whose messages stay in memory; it lends two slots in turn.

    A server gets the messages of its clients in turn.
    """

    def __init__(self, inbox: Iterable[bytes] = ()) -> None:
        self.inbox = deque(inbox)
        self.sent: list[bytes] = []
        self.answered: list[int] = []
        self._asked = 0
        self.places: list[int] = []
        self._slots = [aligned_buffer(SIZE) for _ in range(2)]
        self.capsule = capsule(
            send=self._send_at, recv=self._recv_at, loan=self._loan_at, commit=self._commit_at,
            recv_from=self._recv_from_at, send_to=self._send_to_at,
        )  # fmt: skip

    def prepare(self, data: memoryview) -> Any:
        return data

    def send(self, data: Any, /) -> None:
        data = bytearray(data) if data.readonly else data
        self._send_at(_address(data), len(data))

    def recv_into(self, buffer: memoryview, /) -> int:
        return self._recv_at(_address(buffer), len(buffer))

    def recv_from(self, buffer: memoryview, /) -> int:
        return self._recv_from_at(_address(buffer), len(buffer))

    def send_to(self, index: int, data: Any, /) -> None:
        self.answered.append(index)
        self.send(data)

    def loan(self, size: int, /) -> memoryview:
        return self._next()[:size]

    def commit(self, size: int, /) -> None:
        self._commit_at(size)

    def _next(self) -> memoryview:
        self._slots.append(self._slots.pop(0))
        return self._slots[0]

    def _send_at(self, at: int, size: int) -> int:
        self.sent.append(ctypes.string_at(at, size))
        self.places.append(at)
        return 0

    def _recv_at(self, at: int, size: int) -> int:
        found = self.inbox.popleft()
        ctypes.memmove(at, found, min(len(found), size))
        return len(found)

    def _recv_from_at(self, at: int, size: int) -> int:
        self._recv_at(at, size)
        self._asked += 1
        return (self._asked - 1) % ASKING

    def _send_to_at(self, index: int | None, at: int, size: int) -> int:
        self.answered.append(index or 0)  # ctypes makes None of a null pointer
        return self._send_at(at, size)

    def _loan_at(self, slot: int, size: int) -> int:
        ctypes.c_void_p.from_address(slot).value = _address(self._next())
        return 0

    def _commit_at(self, size: int) -> int:
        self.sent.append(bytes(self._slots[0][:size]))
        return 0


def _address(data: Any) -> int:
    return ctypes.addressof((ctypes.c_char * len(data)).from_buffer(data))


def full(number: int) -> bytes:
    return bytes([value_of(number)]) * SIZE


def run(part: Part, runtime: str, wire: Wire, count: int = COUNT) -> Span:
    """Run the loop of a part, from the message `FIRST` on."""
    message: Any = aligned_buffer(SIZE)
    if part.pool:
        pool = Pool(SIZE, BUFFERS)
        message = pool.memory if runtime == NATIVE else Messages(pool, wire.prepare)
    loop = native_loops.twin(part.loop) if runtime == NATIVE else part.loop
    rest = (FIRST,) if part.numbers else ()
    if part.marks:
        rest += (COMPETING,)
    return loop(wire, message, aligned_buffer(SIZE), count, RealClock(), *rest)


def run_stamped(part: Part, runtime: str, wire: Wire) -> None:
    """Run the stamped loop of a client, with stamps around all its round trips but one."""
    assert part.stamped is not None
    message: Any = aligned_buffer(SIZE)
    if part.pool:
        pool = Pool(SIZE, BUFFERS)
        message = pool.memory if runtime == NATIVE else Messages(pool, wire.prepare)
    loop = native_loops.stamped_twin(part.stamped) if runtime == NATIVE else part.stamped
    assert loop is not None
    stamps = array("q", bytes(8 * COUNT))
    loop(wire, message, aligned_buffer(SIZE), COUNT, RealClock(), stamps, FIRST)
    assert list(stamps) == sorted(set(stamps)), "the stamps are of one time each"
    assert stamps[0] > 0


def in_place(part: Part) -> Part:
    assert part.in_place is not None
    return part.in_place


CLIENTS = (fresh.CLIENT, in_place(fresh.CLIENT))
SERVERS = (fresh.SERVER, in_place(fresh.SERVER), several.SERVER)
SENDERS = (fresh.SENDER, in_place(fresh.SENDER))
OF_SEVERAL = (several.FAN_IN_SENDER, in_place(several.FAN_IN_SENDER), several.FAN_OUT_SENDER)
STAMPED = (*CLIENTS, *OF_SEVERAL[:2])
READERS = (
    fresh.CLIENT,
    fresh.SERVER,
    fresh.RECEIVER,
    several.FAN_IN_RECEIVER,
    several.FAN_OUT_RECEIVER,
    several.SERVER,
)
WITH_A_POOL = (
    fresh.CLIENT,
    fresh.SERVER,
    fresh.SENDER,
    several.FAN_IN_SENDER,
    several.FAN_OUT_SENDER,
    several.SERVER,
)
REPLY = b"\x06"


def inbox_of(part: Part, count: int = COUNT) -> list[bytes]:
    """Return the messages that a part receives."""
    if part in SENDERS:
        return [REPLY]
    if part in OF_SEVERAL:
        return []
    marks = 1 if part is several.FAN_OUT_RECEIVER else 0
    return [full(FIRST + number) for number in range(count - marks)] + [end_mark(SIZE)] * marks


def all_is_written(runtime: str) -> None:
    """Each message is full of its value, from the number on that the loop was given.

    The last one to each competing receiver is full of the end mark, and counted as the others.
    """
    wanted = [full(FIRST + number) for number in range(COUNT)]
    for part in (*CLIENTS, *SERVERS, *SENDERS, *OF_SEVERAL):
        wire = Wire(inbox_of(part))
        assert run(part, runtime, wire).handled == COUNT, part.name
        marks = COMPETING if part.marks else 0
        due = wanted[: COUNT - marks] + [end_mark(SIZE)] * marks
        assert wire.sent == due, f"{part.name}: bytes of a message were not written"
    for part in STAMPED:
        wire = Wire(inbox_of(part))
        run_stamped(part, runtime, wire)
        assert wire.sent == wanted, f"{part.name}: bytes were not written, with stamps"


def buffers_take_turns(runtime: str) -> None:
    """A sender goes on with the buffer behind the last one, and has as many as it was given."""
    for part in WITH_A_POOL:
        wire = Wire(inbox_of(part))
        run(part, runtime, wire)
        places = list(dict.fromkeys(wire.places))
        assert len(places) == BUFFERS, f"{part.name}: {len(places)} buffers"
        assert wire.places == [places[number % BUFFERS] for number in range(COUNT)]
        lowest = sorted(places)
        assert places == lowest[FIRST % BUFFERS :] + lowest[: FIRST % BUFFERS], part.name


def all_is_read(runtime: str) -> None:
    """A message that is not read to its end is not counted: there, reading stops early."""
    for part in READERS:
        marks = part is several.FAN_OUT_RECEIVER  # it reads the message with its end mark as well
        for number, at in product((3, -1), (0, SIZE // 2, SIZE - 1)):
            if marks and (number, at) == (-1, 0):
                continue  # the mark itself
            inbox = inbox_of(part)
            stopping = bytearray(inbox[number])
            stopping[at] = ABSENT
            inbox[number] = bytes(stopping)
            handled = run(part, runtime, Wire(inbox)).handled
            assert handled == COUNT - 1, f"{part.name}: byte {at} of a message was not read"


def a_reply_has_the_value_of_its_message(runtime: str) -> None:
    """Whatever the order of all messages, a client knows its reply; it goes to this client."""
    inbox = [full(FIRST + 5 * number) for number in range(COUNT)]
    wire = Wire(inbox)
    run(several.SERVER, runtime, wire)
    assert wire.sent == inbox, "a reply has another value than its message"
    assert wire.answered == [number % ASKING for number in range(COUNT)]


def competitors_stop_at_the_end_mark(runtime: str) -> None:
    """A competing receiver counts the message with its end mark, and leaves the rest."""
    wire = Wire([*inbox_of(several.FAN_OUT_RECEIVER, 2), full(9)])
    assert run(several.FAN_OUT_RECEIVER, runtime, wire).handled == 2
    assert len(wire.inbox) == 1, "a message behind the end mark was received"


def a_process_alone(runtime: str) -> None:
    """One process writes its buffers, or reads them, in turn."""
    for part in (alone.PRODUCER, alone.READER):
        pool = Pool(SIZE, BUFFERS)
        wire: Any = Wire()
        message = pool.memory if runtime == NATIVE else Messages(pool, wire.prepare)
        loop = native_loops.twin(part.loop) if runtime == NATIVE else part.loop
        if part is alone.READER:
            pool.buffers[2][-1] = ABSENT
        span = loop(wire, message, aligned_buffer(SIZE), COUNT, RealClock(), FIRST)
        if part is alone.READER:  # messages 301 to 307 lie in the buffers 1 2 0 1 2 0 1
            assert span.handled == COUNT - 2, "bytes of a buffer were not read"
        else:
            last = {(FIRST + number) % BUFFERS: FIRST + number for number in range(COUNT)}
            found = [bytes(buffer) for buffer in pool.buffers]
            assert found == [full(last[row]) for row in range(BUFFERS)], "bytes were not written"


class Reusing(Wire):
    """A channel that lends a slot before its message is read."""

    def __init__(self) -> None:
        super().__init__()
        self._slot = memoryview(bytearray(SIZE))
        self.arriving = 0

    def loan(self, size: int, /) -> memoryview:
        return self._slot

    def commit(self, size: int, /) -> None:
        self.arriving += 1

    def recv_into(self, buffer: memoryview, /) -> int:
        return 1  # the acknowledgement

    def peek(self) -> memoryview:
        return self._slot

    def release(self) -> None:
        self.arriving -= 1


def a_slot_that_is_used_again(runtime: str) -> None:
    """The rehearsal finds a slot that is lent before it was read."""
    wire = Reusing()
    loop = fresh.fresh_stream_sender_in_place
    seat = Seat(0, Role.CLIENT, 0, fresh.SENDER)
    fresh.REHEARSAL.sender(
        wire,
        seat,
        SIZE,
        lambda count: loop(wire, None, wire.loan(SIZE), count, RealClock(), 0).handled,
    )
    assert wire.arriving == fresh.row_of(SIZE)
    try:
        fresh.REHEARSAL.receiver(wire, seat, SIZE, lambda count: 0)
    except Corrupt:
        return
    raise AssertionError("a slot was written before its message was read")


CHECKS: tuple[Callable[[str], None], ...] = (
    all_is_written,
    buffers_take_turns,
    all_is_read,
    a_reply_has_the_value_of_its_message,
    competitors_stop_at_the_end_mark,
    a_process_alone,
    a_slot_that_is_used_again,
)


def find(what: str, seed: str, seconds: float) -> str:
    """Run all checks of a runtime; return the first fault that they find."""
    for check in CHECKS:
        try:
            check(what)
        except AssertionError as error:
            return f"found by {check.__name__}: {error}"
    return "nothing"


LOOPS, SEVERAL, POOL, IN_C = (
    "bench/patterns/anew/fresh.py",
    "bench/patterns/anew/several.py",
    "bench/loops/payloads/pool.py",
    "bench/loops/_fresh.h",
)
_WRITE, _READ = "memset(place, value, size)", "memchr(received, ABSENT, size)"
_LEND = "memset(ctypes.byref(SLOT(loan(length))), value, size)"
BREAKS = (
    *(
        Break(f"Python: {loop} does not write", LOOPS, f"def {loop}(", _WRITE, "pass", PYTHON)
        for loop in ("fresh_ping", "fresh_pong", "stamped_fresh_ping", "fresh_stream_sender")
    ),
    *(
        Break(f"Python: {loop} does not read", LOOPS, f"def {loop}(", _READ, "None", PYTHON)
        for loop in ("fresh_ping", "fresh_pong", "fresh_stream_receiver")
    ),
    *(
        Break(f"Python: {loop} does not write", LOOPS, f"def {loop}(", _LEND, "loan(1)", PYTHON)
        for loop in (
            "fresh_ping_in_place",
            "fresh_pong_in_place",
            "stamped_fresh_ping_in_place",
            "fresh_stream_sender_in_place",
        )
    ),
    *(
        Break(f"Python: {loop} does not write", SEVERAL, f"def {loop}(", _WRITE, "pass", PYTHON)
        for loop in (
            "fresh_fan_in_sender",
            "stamped_fresh_fan_in_sender",
            "fresh_fan_out_sender",
        )
    ),
    *(
        Break(f"Python: {loop} does not write", SEVERAL, f"def {loop}(", _LEND, "loan(1)", PYTHON)
        for loop in ("fresh_fan_in_sender_in_place", "stamped_fresh_fan_in_sender_in_place")
    ),
    *(
        Break(f"Python: {loop} does not read", SEVERAL, f"def {loop}(", _READ, "None", PYTHON)
        for loop in ("fresh_fan_in_receiver", "fresh_fan_out_receiver", "fresh_serve")
    ),
    Break("Python: a server does not write", SEVERAL, "def fresh_serve(",
          "memset(place, buffer[0], size)", "pass", PYTHON),
    Break("Python: a reply has a value of its own", SEVERAL, "def fresh_serve(",
          "buffer[0]", "value_of(first)", PYTHON),
    Break("Python: a server answers the first client", SEVERAL, "def fresh_serve(",
          "answer(index, data)", "answer(0, data)", PYTHON),
    Break("Python: a competitor counts no end mark", SEVERAL, "def fresh_fan_out_receiver(",
          "            break\n", "            read -= 1\n            break\n", PYTHON),
    Break("Python: an end mark is sent beside all messages", SEVERAL, "def fresh_fan_out_sender(",
          "plain = count - receivers", "plain = count", PYTHON),
    Break("Python: no message is marked", SEVERAL, "def fresh_fan_out_sender(",
          "message.marks(first + plain, receivers)", "message.turns(first + plain, receivers)",
          PYTHON),
    Break("Python: end marks begin with the first buffer", POOL, "def marks(",
          "self._buffers(first)", "self._buffers(0)", PYTHON),
    Break("Python: it reads a part", LOOPS, "def fresh_stream_receiver(",
          "ctypes.c_size_t(len(buffer))", "ctypes.c_size_t(len(buffer) // 2)", PYTHON),
    Break("Python: it writes a part", POOL, "class Messages",
          "ctypes.c_size_t(len(pool.buffers[0]))", "ctypes.c_size_t(len(pool.buffers[0]) // 2)",
          PYTHON),
    Break("Python: it has one buffer", POOL, "class Messages",
          "sent, strict=True))", "sent, strict=True))[:1]", PYTHON),
    Break("Python: it begins with the first buffer", POOL, "def _buffers(",
          "first % len(self._turns)", "0", PYTHON),
    Break("Python: all messages are alike", POOL, "def values(",
          "value_of(number) for", "value_of(first) for", PYTHON),
    Break("C: it does not write", IN_C, "write_at(",
          "memset(buffer, turn->value, size);", "(void)buffer, (void)size;", NATIVE),
    Break("C: it writes a part", IN_C, "write_at(", "turn->value, size)", "turn->value, size / 2)",
          NATIVE),
    Break("C: all messages are alike", IN_C, "write_at(",
          "turn->value = turn->value == VALUES ? 1 : turn->value + 1;", "", NATIVE),
    Break("C: it has one buffer", IN_C, "next_buffer(",
          "buffer + turn->row == turn->end ? turn->first : buffer + turn->row", "buffer", NATIVE),
    Break("C: it begins with the first buffer", IN_C, "turn_of(",
          "block->number % block->rows * block->row", "0", NATIVE),
    Break("C: it does not read", IN_C, "is_read(",
          "memchr(buffer, ABSENT, size) == NULL", "1 + 0 * (int)size + 0 * (buffer == NULL)",
          NATIVE),
    Break("C: it reads a part", IN_C, "is_read(", "ABSENT, size)", "ABSENT, size - 1)", NATIVE),
    *(
        Break(f"C: {loop} does not count", IN_C, f"\n{loop}(", "block->handled = read;", "", NATIVE)
        for loop in (
            "fresh_ping", "fresh_pong", "fresh_stream_receiver", "fresh_fan_in_receiver",
            "fresh_fan_out_receiver", "fresh_serve", "scan",
        )
    ),
    Break("C: fresh_serve does not read", IN_C, "\nfresh_serve(",
          "read += is_read(buffer, size);", "read++;", NATIVE),
    Break("C: fresh_fan_out_receiver does not read", IN_C, "\nfresh_fan_out_receiver(",
          "RECV_AND_READ;", "RECV; read++;", NATIVE),
    Break("C: an end mark is sent beside all messages", IN_C, "\nfresh_fan_out_sender(",
          "i = unmarked; i < count;", "i = unmarked; i < count + block->marks;", NATIVE),
    Break("C: no message is marked", IN_C, "\nfresh_fan_out_sender(",
          "turn.value = END_MARK;", "", NATIVE),
    Break("C: a reply has a value of its own", IN_C, "\nfresh_serve(",
          "turn.value = *first;", "(void)first;", NATIVE),
    Break("C: a server answers the first client", IN_C, "\nfresh_serve(",
          "send_to(ops.ctx, index,", "send_to(ops.ctx, 0 * index,", NATIVE),
    Break("C: a competitor counts no end mark", IN_C, "\nfresh_fan_out_receiver(",
          "block->handled = read;", "block->handled = read - 1;", NATIVE),
)  # fmt: skip
