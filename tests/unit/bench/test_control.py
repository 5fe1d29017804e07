"""bench.workers.control: message boundaries are kept, and every wait ends."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.results.records import Usage
from ipcbench.bench.workers.control import (
    FIRST,
    LARGEST,
    LAST,
    LONGEST,
    PAYLOAD,
    Block,
    Check,
    Connect,
    ControlSocket,
    Done,
    Go,
    Hello,
    Message,
    MessageTooLong,
    ProcessFailure,
    Ready,
    RunFailed,
    Stop,
    _records_of,
    failure_of,
)
from ipcbench.transports.contract import PeerGone, TimedOut


@pytest.fixture
def line() -> Iterator[tuple[ControlSocket, ControlSocket]]:
    """Make the worker's end and the peer's end."""
    here, there = ControlSocket.pair("the worker", "peer 1")
    yield here, there
    here.close()
    there.close()


MESSAGES = [
    Hello({"pid": 7, "address": ["a", 1]}),
    Hello(None),
    Connect([1, None, "x"], 3),
    Check(),
    Block(1000),
    Go(),
    Ready(),
    Done(0.5, 1.5, 7, Usage(cpu=0.25, voluntary=3), Usage()),
    Stop(),
    ProcessFailure("peer 1", "attach", "TimedOut: \u2028 five\nseconds"),
]


def test_each_end_has_the_name_of_the_other_process(
    line: tuple[ControlSocket, ControlSocket],
) -> None:
    here, there = line
    assert (here.who, there.who) == ("peer 1", "the worker")


def test_messages_arrive_whole_in_order_and_of_their_kind(
    line: tuple[ControlSocket, ControlSocket],
) -> None:
    here, there = line
    for message in MESSAGES:  # all before the first is read: their borders must hold
        here.say(message)
    assert [there.next() for _ in MESSAGES] == MESSAGES


def test_both_directions_are_apart(line: tuple[ControlSocket, ControlSocket]) -> None:
    here, there = line
    here.say(Go())
    there.say(Ready())
    assert here.next() == Ready()
    assert there.next() == Go()


@given(seconds=st.floats(-1e18, 1e18), text=st.text(max_size=500))
def test_a_sent_message_is_received(seconds: float, text: str) -> None:
    here, there = ControlSocket.pair("a", "b")
    said: list[Message] = [
        Block(7),
        ProcessFailure(text.encode(errors="replace").decode(), "", ""),
        Done(seconds, 1.0, 1, Usage(cpu=seconds), Usage()),
    ]
    for message in said:
        here.say(message)
    assert [there.next() for _ in said] == said
    here.close()
    there.close()


def test_a_span_is_sent_to_the_last_bit(line: tuple[ControlSocket, ControlSocket]) -> None:
    """Stamps of two processes are subtracted, so rounding would change the result."""
    here, there = line
    done = Done(0.1 + 0.2, time.perf_counter(), 0, Usage(), Usage())
    here.say(done)
    assert there.listen(type(done)) == done


# Long messages, which do not fit into the socket's buffer.

CPUS = [list(range(300))] * 64  # of 64 processes that spin: what each says in its hello
LONG = [
    Connect([*CPUS], 64),
    Hello("x" * (1 << 20)),
    Hello({"text": "\u2028" * 70_000}),
    Ready(list(range(100_000))),
    *(Hello("x" * (PAYLOAD + more)) for more in range(-60, 3)),
    Hello("x" * (LARGEST - 100)),
]


def sent_by_another(there: ControlSocket, messages: Sequence[Message]) -> int:
    """Send from a process of its own, since `say` waits for the receiver; return its pid."""
    pid = os.fork()
    if pid == 0:
        for message in messages:
            there.say(message)
        os._exit(0)
    return pid


def test_long_messages_arrive_whole(line: tuple[ControlSocket, ControlSocket]) -> None:
    here, there = line
    pid = sent_by_another(there, [*LONG, Go()])
    for message in LONG:
        assert here.next(time.monotonic() + 60) == message
    assert here.next() == Go()
    os.waitpid(pid, 0)


def test_a_deadline_in_the_middle_of_a_message_loses_nothing(
    line: tuple[ControlSocket, ControlSocket],
) -> None:
    here, there = line
    message = Hello("x" * (3 * PAYLOAD))
    first, *others = _records_of(msgspec.json.encode(message))
    there._end.send(first)
    with pytest.raises(TimedOut):
        here.next(time.monotonic() + 0.02)
    for record in others:
        there._end.send(record)
    assert here.next() == message


def test_the_time_limit_of_an_answer_is_none_for_the_next_message(
    line: tuple[ControlSocket, ControlSocket],
) -> None:
    """With the limit of `next`, a `say` that must wait for its reader would end early."""
    here, there = line
    there.say(Ready())
    here.listen(Ready, time.monotonic() + 0.2)
    pid = os.fork()
    if pid == 0:
        time.sleep(0.5)
        for message in LONG[:2]:
            assert there.next() == message
        os._exit(0)
    for message in LONG[:2]:
        here.say(message)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_message_without_end_is_a_failure(line: tuple[ControlSocket, ControlSocket]) -> None:
    here, there = line
    pid = os.fork()
    if pid == 0:
        here.close()
        there._end.send(bytes([FIRST]) + b"[" * PAYLOAD)
        with contextlib.suppress(OSError):
            while True:
                there._end.send(bytes([0]) + b"[" * PAYLOAD)
        os._exit(0)
    there.close()
    with pytest.raises(RunFailed, match="a message of peer 1 has over 16 MiB") as caught:
        here.next()
    assert caught.value.failure.remedy
    assert "\n" not in str(caught.value)
    here.close()
    os.waitpid(pid, 0)


def test_a_message_over_the_limit_is_not_sent(line: tuple[ControlSocket, ControlSocket]) -> None:
    here, there = line
    with pytest.raises(MessageTooLong, match="Hello to peer 1 has over 16 MiB") as caught:
        here.say(Hello("x" * LARGEST))
    last = failure_of("the worker", caught.value)
    assert last.what == str(caught.value)
    assert last.remedy
    here.say(last)
    assert there.next() == last


def test_a_failure_after_half_a_message_is_found(line: tuple[ControlSocket, ControlSocket]) -> None:
    for received in (False, True):
        here, there = ControlSocket.pair("the worker", "peer 1")
        first, *_ = _records_of(msgspec.json.encode(LONG[0]))
        there._end.send(first)
        there.say(ProcessFailure("peer 1", "", "one"))
        there.close()
        if received:
            assert here.next() == ProcessFailure("peer 1", "", "one")
        assert here.last_words() == ProcessFailure("peer 1", "", "one")
        here.close()


def test_the_longest_failure_is_found_from_the_handler_of_its_end() -> None:
    """Wherever the handler runs in the middle of receiving, it finds all records."""
    last = ProcessFailure("peer 1", "", "\u2028" * LONGEST, "\x00" * LONGEST)
    for stop in range(1, 8):
        here, there = ControlSocket.pair("the worker", "peer 1")
        there.say(Ready())
        there.say(last)
        there.close()
        for _ in range(stop):
            here._receive()
        assert here.last_words() == last
        here.close()


def test_the_death_in_the_middle_of_a_message_is_seen(
    line: tuple[ControlSocket, ControlSocket],
) -> None:
    here, there = line
    first, *_ = _records_of(msgspec.json.encode(LONG[0]))
    there._end.send(first)
    there.close()
    for _ in range(2):
        with pytest.raises(PeerGone, match="peer 1 is gone"):
            here.next()


# Deadlines.


def test_a_time_out_names_the_other_process(
    line: tuple[ControlSocket, ControlSocket],
) -> None:
    here, _ = line
    began = time.monotonic()
    with pytest.raises(TimedOut, match="peer 1 did not answer in time"):
        here.listen(Ready, began + 0.05)
    assert 0.04 <= time.monotonic() - began < 2


def test_a_deadline_in_the_past_waits_for_nothing(
    line: tuple[ControlSocket, ControlSocket],
) -> None:
    here, there = line
    there.say(Ready())
    with pytest.raises(TimedOut):
        here.next(time.monotonic() - 1)
    assert here.next() == Ready()  # and takes nothing


def test_a_deadline_does_not_outlive_its_call(line: tuple[ControlSocket, ControlSocket]) -> None:
    here, there = line
    with pytest.raises(TimedOut):
        here.next(time.monotonic() + 0.01)
    pid = os.fork()
    if pid == 0:
        time.sleep(0.1)
        there.say(Ready())
        os._exit(0)
    assert here.listen(Ready) == Ready()
    os.waitpid(pid, 0)


def test_a_message_before_the_deadline_is_received(
    line: tuple[ControlSocket, ControlSocket],
) -> None:
    here, there = line
    there.say(Block(3))
    assert here.listen(Block, time.monotonic() + 5).count == 3


# Ends.


def test_the_end_of_file_is_the_other_ones_end(line: tuple[ControlSocket, ControlSocket]) -> None:
    here, there = line
    there.say(Ready())
    there.close()
    assert here.next() == Ready()  # an earlier message counts
    for deadline in (None, time.monotonic() + 5):
        with pytest.raises(PeerGone, match="peer 1 is gone"):
            here.next(deadline)
    with pytest.raises(PeerGone, match="peer 1 is gone"):
        here.say(Go())


def test_a_killed_process_is_gone_at_once() -> None:
    here, there = ControlSocket.pair("the worker", "peer 1")
    pid = os.fork()
    if pid == 0:
        here.close()
        time.sleep(60)
        os._exit(0)
    there.close()
    os.kill(pid, 9)
    began = time.monotonic()
    with pytest.raises(PeerGone):
        here.next(began + 20)
    assert time.monotonic() - began < 10
    os.waitpid(pid, 0)
    here.close()


# Giving up.


def test_a_process_that_gives_up_fails_the_run(line: tuple[ControlSocket, ControlSocket]) -> None:
    here, there = line
    there.say(ProcessFailure("peer 1 (receiver)", "check", "Corrupt: byte 3"))
    with pytest.raises(RunFailed, match=r"peer 1 \(receiver\), check: Corrupt: byte 3") as caught:
        here.listen(Ready)
    assert caught.value.failure == ProcessFailure("peer 1 (receiver)", "check", "Corrupt: byte 3")


def test_an_unexpected_message_is_an_error(line: tuple[ControlSocket, ControlSocket]) -> None:
    here, there = line
    there.say(Block(1))
    with pytest.raises(PeerGone, match="where Ready was due"):
        here.listen(Ready)


def test_last_words_are_found_behind_others(line: tuple[ControlSocket, ControlSocket]) -> None:
    here, there = line
    there.say(Ready())
    there.say(ProcessFailure("peer 1", "", "one"))
    there.say(ProcessFailure("peer 1", "", "two"))
    there.close()
    assert here.last_words() == ProcessFailure("peer 1", "", "one")


def test_a_last_message_that_was_just_received_is_still_found(
    line: tuple[ControlSocket, ControlSocket],
) -> None:
    """A signal handler may raise between receiving and decoding a message."""
    here, there = line
    there.say(Ready())
    there.say(ProcessFailure("peer 1", "", "one"))
    there.close()
    assert here.next() == Ready()
    assert here.next() == ProcessFailure("peer 1", "", "one")
    assert here.last_words() == ProcessFailure("peer 1", "", "one")


def test_the_last_message_of_a_process_with_unread_messages_is_received(
    line: tuple[ControlSocket, ControlSocket],
) -> None:
    """The kernel reports ECONNRESET first, and then returns the earlier messages."""
    here, there = line
    here.say(Ready())
    there.say(Ready())
    there.say(ProcessFailure("peer 1", "", "one"))
    assert there.next() == Ready()  # and it stays in the queue
    there.close()
    assert here.last_words() == ProcessFailure("peer 1", "", "one")


def test_a_reset_hides_no_message(line: tuple[ControlSocket, ControlSocket]) -> None:
    here, there = line
    here.say(Ready())
    there.say(Ready())
    assert here.next() == Ready()
    there.say(ProcessFailure("peer 1", "", "one"))
    there.close()
    assert here.next() == ProcessFailure("peer 1", "", "one")
    with pytest.raises(PeerGone):
        here.next()


@pytest.mark.parametrize("closed", [False, True])
def test_without_a_last_message_there_is_no_wait(
    line: tuple[ControlSocket, ControlSocket], closed: bool
) -> None:
    here, there = line
    there.say(Ready())
    if closed:
        there.close()
    began = time.monotonic()
    assert here.last_words() is None
    assert time.monotonic() - began < 1


def test_last_words_that_make_no_sense_are_none() -> None:
    one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    here = ControlSocket(one, "peer 1")
    two.send(bytes([FIRST | LAST]) + b'{"is":"brok')
    two.send(b'{"is":"brok')
    assert here.last_words() is None
    here.close()
    two.close()
