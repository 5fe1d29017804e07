"""Tests of a newest value: receivers may miss values, and never get an older one or a torn one."""

from __future__ import annotations

import time

import pytest

from ipcbench.transports.contract import (
    Framing,
    MessageTooLarge,
    PeerDeath,
    PeerGone,
    Topology,
    Traits,
)
from ipcbench.transports.testing.actors import Actor
from ipcbench.transports.testing.participants import Seat, close, numbered
from ipcbench.transports.testing.subject import TYPICAL, Subject

SOON = 0.25  # seconds in which a value may become visible, or an end be reported
LONG = 0.3  # seconds of values that are published without a pause
LARGE = 100_000  # bytes: copied for so long that it may be torn, and more than a pipe holds
MANY = 20_000  # values that no receiver reads
REST = (
    3  # as bench/patterns/newest/latest.py: a publisher that never rests leaves no time for a copy
)


def publish(seat: Seat, *numbers: int) -> None:
    for number in numbers:
        publish_short(seat, number, seat.size)


def publish_short(seat: Seat, number: int, size: int) -> None:
    value = memoryview(bytearray(numbered(number, size)))
    seat.calls.publish(seat.endpoint.prepare(value))


def read(seat: Seat, size: int | None = None) -> bytes:
    """Read once; no bytes where there is no newer value."""
    buffer = memoryview(bytearray(seat.size if size is None else size))
    return bytes(buffer[: seat.calls.read_into(buffer)])


def read_next(seat: Seat, seconds: float = SOON) -> bytes:
    """Read until there is a newer value; no bytes where none comes."""
    until, found = time.monotonic() + seconds, b""
    while not found and time.monotonic() < until:
        found = read(seat)
    return found


def read_last(seat: Seat) -> bytes:
    """Read until nothing newer comes; return the last value."""
    last = b""
    while found := read_next(seat, 0.1):
        last = found
    return last


def publish_for(seat: Seat, seconds: float) -> int:
    """Publish numbered values for some time; return how many."""
    values = [memoryview(bytearray(_marked(number, seat.size))) for number in range(8)]
    until, count = time.monotonic() + seconds, 0
    while (began := time.monotonic()) < until:
        count += 1
        value = values[count % len(values)]
        value[:8].cast("Q")[0] = count
        seat.calls.publish(value)
        rest = time.monotonic() + REST * (time.monotonic() - began)
        time.sleep(0)
        while time.monotonic() < rest:
            time.sleep(0)
    return count


def _marked(number: int, size: int) -> bytes:
    """Make a value whose bytes behind the first eight are all the same."""
    return bytes(8) + bytes([number]) * (size - 8)


def read_for(seat: Seat, seconds: float) -> tuple[int, str]:
    """Read for some time; return how many values, and the first fault."""
    buffer, until = memoryview(bytearray(seat.size)), time.monotonic() + seconds
    seen, last = 0, 0
    while time.monotonic() < until:
        if not seat.calls.read_into(buffer):
            continue
        number = buffer[:8].cast("Q")[0]
        if bytes(buffer[8:]) != bytes([number % 8]) * (seat.size - 8):
            return seen, f"value {number} is torn"
        if number <= last:
            return seen, f"value {number} behind {last}"
        seen, last = seen + 1, number
    return seen, ""


def publish_often(seat: Seat, count: int) -> None:
    value = memoryview(bytearray(numbered(1, seat.size)))
    for _ in range(count):
        seat.calls.publish(value)


def torn(seat: Seat) -> int:
    found: int = seat.calls.torn()
    return found


class NewestTests:
    """Tests of a newest value."""

    def test_newest(self, newest: Subject) -> None:
        """Each receiver reads the newest value, once; before the first one there is none."""
        with newest.participants(Topology.NEWEST) as participants:
            (sender,), receivers = participants.senders, participants.receivers
            assert [each.do(read) for each in receivers] == [b"", b""]
            sender.do(publish, 1, 2, 3)
            for receiver in receivers:
                assert receiver.do(read_next) == numbered(3, TYPICAL)
                assert receiver.do(read) == b""
                assert receiver.do(torn) == 0
            sender.do(publish, 4)
            assert [each.do(read_next) for each in receivers] == [numbered(4, TYPICAL)] * 2

    def test_lengths(self, newest: Subject) -> None:
        """A value may be shorter than the last one; of a stream, all have the spec's size."""
        with newest.participants(Topology.NEWEST) as participants:
            (sender,), receiver = participants.senders, participants.receiver
            stream = newest.transport.traits.framing is Framing.STREAM
            sender.do(publish, 1)
            if stream:
                with pytest.raises(MessageTooLarge):
                    sender.do(publish_short, 2, TYPICAL - 1)
            else:
                sender.do(publish_short, 2, 3)
                assert receiver.do(read_next) == numbered(2, 3)
            with pytest.raises(MessageTooLarge):
                sender.do(publish_short, 3, TYPICAL + 1)
            sender.do(publish, 4)
            assert receiver.do(read_next) == numbered(4, TYPICAL)

    def test_too_small_a_buffer(self, newest: Subject) -> None:
        with newest.participants(Topology.NEWEST) as participants:
            (sender,), receiver = participants.senders, participants.receiver
            sender.do(publish, 1)
            with pytest.raises(MessageTooLarge):
                receiver.do(read, TYPICAL - 1)
            sender.do(publish, 2)
            assert receiver.do(read_next) == numbered(2, TYPICAL)

    def test_no_receiver_reads(self, newest: Subject) -> None:
        """The sender never waits; a receiver that comes late gets values again."""
        with newest.participants(Topology.NEWEST) as participants:
            (sender,), receiver = participants.senders, participants.receiver
            sender.do(publish_often, MANY)
            receiver.do(read_last)
            sender.do(publish, 7)
            assert receiver.do(read_last) == numbered(7, TYPICAL)

    @pytest.mark.parametrize("size", [TYPICAL, LARGE])
    def test_never_torn(self, newest: Subject, size: int) -> None:
        """Values that are read while others are published are whole, and each is newer."""
        size = min(size, newest.largest(Topology.NEWEST))
        with newest.participants(Topology.NEWEST, size) as participants:
            for receiver in participants.receivers:
                receiver.begin(read_for, LONG)
            assert participants.senders[0].do(publish_for, LONG) > 1
            for receiver in participants.receivers:
                seen, fault = receiver.answer()
                assert (seen > 0, fault) == (True, "")

    @pytest.mark.parametrize("ending", ["closed", "killed"])
    def test_sender_of_values_gone(self, newest: Subject, ending: str) -> None:
        """The last value is still there; then PeerGone is raised, or there is nothing newer."""
        with newest.participants(Topology.NEWEST) as participants:
            (sender,), receiver = participants.senders, participants.receiver
            sender.do(publish, 1)
            _end(sender, ending)
            assert receiver.do(read_next) == numbered(1, TYPICAL)
            if _reports(newest.transport.traits):
                with pytest.raises(PeerGone):
                    receiver.do(read_last)
            else:
                assert receiver.do(read_last) == b""

    @pytest.mark.parametrize("ending", ["closed", "killed"])
    def test_receivers_of_values_gone(self, newest: Subject, ending: str) -> None:
        """A receiver that is gone changes nothing for the others; without any, PeerGone or none."""
        with newest.participants(Topology.NEWEST) as participants:
            (sender,), (first, last) = participants.senders, participants.receivers
            _end(first, ending)
            sender.do(publish, 1)
            assert last.do(read_next) == numbered(1, TYPICAL)
            _end(last, ending)
            if _reports(newest.transport.traits):
                with pytest.raises(PeerGone):
                    sender.do(publish_often, 2)
            else:
                sender.do(publish_often, 2)


def _end(actor: Actor, ending: str) -> None:
    if ending == "killed":
        actor.kill()
    else:
        actor.do(close)


def _reports(traits: Traits) -> bool:
    return traits.peer_death is PeerDeath.REPORTED
