"""Tests of pickled objects: `send` takes any of them, and `recv_object` returns it."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from ipcbench.transports.contract import Closed, Topology, Wait, WouldBlock
from ipcbench.transports.testing.actors import eventually
from ipcbench.transports.testing.participants import Participants, Seat, close, receive, send
from ipcbench.transports.testing.subject import TYPICAL, Subject

LONG = 3 << 20  # bytes: far more than a pipe or a socket holds
ROW = 5  # objects


class Frame:
    """An object that lends its memory to protocol 5 of pickle, as a NumPy array does."""

    def __init__(self, data: bytes | bytearray | memoryview, shape: tuple[int, ...] = ()) -> None:
        self.data = data
        self.shape = shape

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        lent = protocol >= 5 and not isinstance(self.data, bytes)
        return Frame, (pickle.PickleBuffer(self.data) if lent else bytes(self.data), self.shape)


class Several:
    """An object with several buffers."""

    def __init__(self, *frames: Frame) -> None:
        self.frames = frames


def full_of(number: int, size: int) -> bytes:
    return bytes([1 + number % 250]) * size


def send_objects(seat: Seat, *objects: object) -> None:
    for each in objects:
        seat.endpoint.send(each)


def send_frames(seat: Seat, count: int, size: int) -> None:
    for number in range(count):
        seat.endpoint.send(Frame(bytearray(full_of(number, size)), (number, size)))


def receive_objects(seat: Seat, count: int) -> list[Any]:
    return [seat.calls.recv_object() for _ in range(count)]


def receive_frames(seat: Seat, count: int) -> list[tuple[bytes, tuple[int, ...]]]:
    """Receive frames, and copy each before the next one may replace it."""
    found = []
    for _ in range(count):
        frame = seat.calls.recv_object()
        found.append((bytes(frame.data), frame.shape))
    return found


def change_what_was_sent(seat: Seat, count: int, size: int) -> None:
    """Send frames out of one buffer, which is written again as soon as `send` has returned."""
    buffer = bytearray(size)
    for number in range(count):
        buffer[:] = full_of(number, size)
        seat.endpoint.send(Frame(buffer, (number,)))
    buffer[:] = bytes(size)


def send_several(seat: Seat, *sizes: int) -> None:
    frames = (Frame(bytearray(full_of(number, size))) for number, size in enumerate(sizes))
    seat.endpoint.send(Several(*frames))


def receive_several(seat: Seat) -> list[bytes]:
    return [bytes(frame.data) for frame in seat.calls.recv_object().frames]


def kept_after_close(seat: Seat) -> bytes:
    """Return the bytes of an object whose end was closed."""
    frame = seat.calls.recv_object()
    seat.endpoint.close()
    return bytes(frame.data)


def receive_object_closed(seat: Seat) -> None:
    close(seat)
    with pytest.raises(Closed):
        seat.calls.recv_object()


class ObjectTests:
    """Tests of transports whose messages are pickled objects."""

    @pytest.fixture
    def pickled(self, carrier: Subject) -> Subject:
        """Provide a transport of objects; skip the test for any other."""
        if not carrier.transport.traits.objects:
            pytest.skip("its messages are bytes")
        return carrier

    def test_objects(self, pickled: Subject) -> None:
        """Objects of any type and length arrive equal and in order, both ways."""
        objects = [{"number": 1}, "text", None, b"", [b"x" * TYPICAL, 2], bytes(LONG)]
        with pickled.participants(Topology.LINK, TYPICAL) as participants:
            one, other = participants.senders[0], participants.receiver
            for near, far in ((one, other), (other, one)):
                near.begin(send_objects, *objects)
                assert far.do(receive_objects, len(objects)) == objects
                near.answer()

    @pytest.mark.parametrize("size", [0, 1, TYPICAL, LONG])
    def test_objects_with_memory_to_lend(self, pickled: Subject, size: int) -> None:
        with pickled.participants(Topology.LINK, TYPICAL) as participants:
            sender, receiver = participants.senders[0], participants.receiver
            sender.begin(send_frames, ROW, size)
            assert receiver.do(receive_frames, ROW) == [
                (full_of(number, size), (number, size)) for number in range(ROW)
            ]
            sender.answer()

    def test_objects_with_much_memory_to_lend(self, pickled: Subject) -> None:
        sizes = [number % 7 * 100 for number in range(1500)]  # more than a call takes: IOV_MAX
        with pickled.participants(Topology.LINK, TYPICAL) as participants:
            participants.senders[0].begin(send_several, *sizes)
            assert participants.receiver.do(receive_several) == [
                full_of(number, size) for number, size in enumerate(sizes)
            ]
            participants.senders[0].answer()

    def test_a_sent_object_may_be_changed(self, pickled: Subject) -> None:
        if pickled.transport.traits.pickles_late:
            pytest.skip("it pickles an object after it was sent")
        with pickled.participants(Topology.LINK, TYPICAL) as participants:
            sender = participants.senders[0]
            sender.begin(change_what_was_sent, ROW, TYPICAL)
            assert participants.receiver.do(receive_frames, ROW) == [
                (full_of(number, TYPICAL), (number,)) for number in range(ROW)
            ]
            sender.answer()

    def test_objects_between_messages(self, pickled: Subject) -> None:
        """Messages of bytes and other objects follow each other in one order."""
        message = bytes(range(256)) * (TYPICAL // 256)
        with pickled.participants(Topology.LINK, TYPICAL) as participants:
            sender, receiver = participants.senders[0], participants.receiver
            sender.do(send, message)
            sender.do(send_objects, "one")
            sender.do(send, message[:7])
            assert receiver.do(receive) == [message]
            assert receiver.do(receive_objects, 1) == ["one"]
            assert receiver.do(receive) == [message[:7]]

    def test_objects_by_poll(self, pickled: Subject) -> None:
        spec = replace(pickled.spec(Topology.LINK), wait=Wait.POLL)
        with Participants(pickled.transport, spec) as participants:
            receiver = participants.receiver
            receiver.begin(receive_objects, 2)
            assert eventually(receiver.asleep)
            participants.senders[0].do(send_objects, 1, "two")
            assert receiver.answer() == [1, "two"]

    def test_an_object_outlives_its_end(self, pickled: Subject) -> None:
        with pickled.participants(Topology.LINK, TYPICAL) as participants:
            participants.senders[0].do(send_frames, 1, TYPICAL)
            assert participants.receiver.do(kept_after_close) == full_of(0, TYPICAL)

    def test_no_object(self, pickled: Subject) -> None:
        """Raise WouldBlock without waiting, and Closed at an end that was closed."""
        with pickled.participants(Topology.LINK, TYPICAL, nowait=True) as participants:
            with pytest.raises(WouldBlock):
                participants.receiver.do(receive_objects, 1)
            participants.receiver.do(receive_object_closed)
