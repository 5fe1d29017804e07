"""bench.workers.control: message boundaries are kept, and every wait ends."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.results.records import Usage
from ipcbench.bench.workers.control import (
    Block,
    Check,
    Connect,
    ControlSocket,
    Done,
    Go,
    Hello,
    Measure,
    Message,
    ProcessFailure,
    Ready,
    RunFailed,
    Stop,
    Used,
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
    Hello({"pid": 7, "address": ["a", 1]}, None),
    Hello(None, 16),
    Connect([1, None, "x"]),
    Check(),
    Block(1000),
    Go(),
    Ready(),
    Measure(),
    Used(Usage(cpu=0.25, voluntary=3)),
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
        Used(Usage(cpu=seconds)),
    ]
    for message in said:
        here.say(message)
    assert [there.next() for _ in said] == said
    here.close()
    there.close()


def test_a_span_is_sent_to_the_last_bit(line: tuple[ControlSocket, ControlSocket]) -> None:
    """Stamps of two processes are subtracted, so rounding would change the result."""
    here, there = line
    fields = dict.fromkeys(Done.__struct_fields__, 0)
    done = Done(**{**fields, "start": 0.1 + 0.2, "end": time.perf_counter()})
    here.say(done)
    assert there.listen(type(done)) == done


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
    two.send(b'{"is":"brok')
    assert here.last_words() is None
    here.close()
    two.close()
