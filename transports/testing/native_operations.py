"""Tests of native operations: they agree with the traits, and each seat has its own.

Operations on several messages (`send_many`, `recv_many`) are called for the tests alone.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ipcbench.transports.contract import Framing, MessageTooLarge, Role, Topology, WouldBlock
from ipcbench.transports.native import built, operations, translating
from ipcbench.transports.testing.participants import (
    PLENTY,
    Participants,
    Seat,
    depth,
    drained,
    fill,
    numbered,
    receive,
    seats,
    send,
)
from ipcbench.transports.testing.subject import TYPICAL, Subject

# The operations that a loop may call at each seat: see ops.h.
CALLED = {
    Role.CLIENT: {"send", "recv"},
    Role.SERVER: {"send", "recv"},
    Role.SENDER: {"send"},
    Role.RECEIVER: {"recv"},
    Role.MEMBER: {"acquire", "leave"},
}
OF_A_FILE = {"read_at", "write_at", "extent"}
OF_A_HUB_SERVER = {"recv_from", "send_to"}
OF_A_SIGNAL = {"notify", "wait"}
OF_A_NEWEST = {Role.SENDER: {"publish"}, Role.RECEIVER: {"read", "torn"}}
WRITTEN_IN_PLACE = {"loan", "commit"}
READ_IN_PLACE = {"peek", "release"}
BATCHES = {"send_many", "recv_many"}
DEEP = 64  # slots
MORE = 1 << 20  # messages: no channel has space for so many
FIRST = 0x40  # the first number of the second sender
FEW_RUNS = tuple((number, 1 + number * 37 % 300) for number in range(20))
RUNS = tuple((number, 1 + number * 37 % 300) for number in range(60))  # number, times


def capsule(seat: Seat) -> str:
    return type(seat.endpoint.native()).__name__


def operations_of(seat: Seat) -> tuple[set[str], bool]:
    """Return its operations, and True if they read in place."""
    calls = operations.Calls(seat.endpoint.native())
    return set(calls.has()), calls.in_place


def send_many(seat: Seat, message: bytes, count: int) -> int:
    calls = operations.Calls(seat.endpoint.native())
    sent: int = translating(calls.send_many, "send")(message, count)
    return sent


def receive_many(seat: Seat, count: int, size: int | None = None) -> tuple[int, bytes]:
    """Return how many messages were received, and the last one."""
    calls = operations.Calls(seat.endpoint.native())
    buffer = bytearray(seat.size if size is None else size)
    return translating(calls.recv_many, "receive")(buffer, count), bytes(buffer)


def send_runs(seat: Seat, runs: Sequence[tuple[int, int]]) -> None:
    for number, left in runs:
        while left > 0:
            left -= send_many(seat, numbered(number, seat.size), left)


def receive_runs(seat: Seat, runs: Sequence[tuple[int, int]]) -> list[int]:
    """Receive each run by itself; return the numbers of those that differ."""
    wrong = []
    for number, left in runs:
        while left > 0:
            taken, found = receive_many(seat, left)
            left -= taken
            if left < 0 or found != numbered(number, seat.size):
                wrong.append(number)
    return wrong


def fill_by_many(seat: Seat, message: bytes) -> list[int]:
    """Send batches until one would have to wait; return how many each one has sent."""
    sent: list[int] = []
    while sum(sent) < PLENTY // 2:  # `drain` receives no more than that
        try:
            sent.append(send_many(seat, message, 3 if sent else MORE))
        except WouldBlock:
            break
    return sent


def receive_seen(seat: Seat, left: int) -> list[int]:
    """Receive so many messages; return the number of the last one of each call."""
    numbers = {numbered(number, seat.size): number for number in range(0x100)}
    seen = []
    while left > 0:
        taken, found = receive_many(seat, min(left, DEEP))
        left -= taken
        seen.append(numbers[found])
    return seen


class NativeOperationsTests:
    def test_native_operations(self, subject: Subject, topology: Topology) -> None:
        """Every seat has operations exactly where the trait says so."""
        spec = replace(subject.spec(topology), native=True)
        there = subject.transport.traits.native and (built() or subject.limits.native) is None
        with Participants(subject.transport, spec, driven=False) as participants:
            found = {actor.do(capsule) for actor in participants.actors}
        assert found == ({"PyCapsule"} if there else {"NoneType"})

    @pytest.fixture
    def driven(self, subject: Subject) -> Subject:
        """Provide a transport that has native operations."""
        if not subject.native:
            pytest.skip("it has no native operations")
        return subject

    def test_operations_of_a_seat(self, driven: Subject, topology: Topology) -> None:
        """They include those that the timed loops call there."""
        spec = driven.spec(topology)
        with driven.participants(topology) as participants:
            for (role, _), actor in zip(seats(spec), participants.actors, strict=True):
                wanted = CALLED[role]
                if topology is Topology.SIGNAL:
                    wanted = OF_A_SIGNAL
                elif topology is Topology.FILE:
                    wanted = OF_A_FILE
                elif topology is Topology.HUB and role is Role.SERVER:
                    wanted = OF_A_HUB_SERVER
                elif topology is Topology.NEWEST:
                    wanted = OF_A_NEWEST[role]
                found, in_place = actor.do(operations_of)
                assert wanted <= found, role
                assert in_place is driven.transport.traits.in_place
                if in_place and "send" in wanted:
                    assert found >= WRITTEN_IN_PLACE
                if in_place and "recv" in wanted:
                    assert found >= READ_IN_PLACE

    # Batches.

    @pytest.fixture
    def deep(self, driven: Subject) -> int | None:
        """Provide the depth of a link with batches; None where no depth can be set."""
        traits = driven.transport.traits
        return DEEP if traits.batch and traits.depth else None

    @pytest.fixture
    def sending(self, driven: Subject) -> Subject:
        """Provide a transport whose sender has an operation for several messages."""
        if not driven.transport.traits.batch:
            pytest.skip("it has no operations for several messages")
        return driven

    @pytest.fixture
    def space_only(self, sending: Subject) -> Subject:
        """Provide a transport whose sender waits for space for the first message alone."""
        if sending.transport.traits.batch_in_kernel:
            pytest.skip("a call of the kernel may wait for space for all")
        return sending

    @pytest.fixture
    def batching(self, sending: Subject) -> Subject:
        """Provide a transport whose receiver has one as well."""
        if sending.transport.traits.in_place:
            pytest.skip("messages are read in place, one by one")
        return sending

    def test_batches(self, driven: Subject, deep: int | None) -> None:
        """Operations on several messages exist exactly where the trait says so."""
        traits = driven.transport.traits
        if Topology.LINK not in traits.topologies:
            pytest.skip("it is no link")
        with driven.participants(Topology.LINK, depth=deep) as participants:
            found = [actor.do(operations_of)[0] & BATCHES for actor in participants.actors]
        for batches in found:
            assert ("send_many" in batches) is traits.batch
            assert ("recv_many" in batches) is (traits.batch and not traits.in_place)

    def test_batch_takes_the_space_there_is(self, space_only: Subject, deep: int | None) -> None:
        """A sender does not wait for more space, and says how many it has sent."""
        one, other = numbered(1, TYPICAL), numbered(2, TYPICAL)
        with space_only.participants(Topology.LINK, depth=deep) as participants:
            sender, receiver = participants.actors
            space = sender.do(depth)
            sent = [sender.do(send_many, one, MORE)]
            while space is not None and min(sent) > 0 and sum(sent) < space:
                sent.append(sender.do(send_many, one, MORE))
            assert min(sent) > 0
            assert space is None or sum(sent) == space
            sender.begin(send, other)
            assert receiver.do(receive, sum(sent)) == [one] * sum(sent)
            assert receiver.do(receive) == [other]
            sender.answer()

    def test_batch_that_may_not_wait_counts_what_it_sent(
        self, sending: Subject, deep: int | None
    ) -> None:
        """The part of a batch for which there is space is sent."""
        message = numbered(1, TYPICAL)
        with sending.participants(Topology.LINK, depth=deep, nowait=True) as participants:
            sender, receiver = participants.actors
            sent = sender.do(fill_by_many, message)
            assert min(sent) > 0
            assert drained(receiver, sum(sent)) == [message] * sum(sent)

    def test_batch_where_there_is_no_space(self, sending: Subject, deep: int | None) -> None:
        message = numbered(1, TYPICAL)
        with sending.participants(Topology.LINK, depth=deep, nowait=True) as participants:
            sender, receiver = participants.actors
            held = sender.do(fill)
            with pytest.raises(WouldBlock):
                sender.do(send_many, message, MORE)
            drained(receiver, held)
            sent = sender.do(send_many, message, 3)
            assert 0 < sent <= 3
            assert drained(receiver, sent) == [message] * sent

    def test_batch_takes_the_messages_there_are(self, batching: Subject, deep: int | None) -> None:
        """A receiver waits for the first message alone, and says how many it has received."""
        with batching.participants(Topology.LINK, depth=deep) as participants:
            sender, receiver = participants.actors
            for number, most in enumerate((3, 1, 40)):
                message = numbered(number, TYPICAL)
                count = min(most, sender.do(depth) or most)
                sender.do(send, *[message] * count)
                while count > 0:
                    taken, found = receiver.do(receive_many, MORE)
                    assert 0 < taken <= count
                    assert found == message
                    count -= taken
            receiver.begin(receive_many, MORE)
            assert receiver.waits(0.1)
            sender.do(send, numbered(9, TYPICAL))
            assert receiver.answer() == (1, numbered(9, TYPICAL))

    def test_batch_keeps_the_order(self, batching: Subject, deep: int | None) -> None:
        """The last message of a call is the last one that was sent of those that it took."""
        with batching.participants(Topology.LINK, depth=deep) as participants:
            sender, receiver = participants.actors
            count = min(9, sender.do(depth) or 9)
            sender.do(send, *(numbered(number, TYPICAL) for number in range(count)))
            received = 0
            for most in (1, 3, MORE):
                taken, found = receiver.do(receive_many, min(most, count - received))
                received += taken
                assert found == numbered(received - 1, TYPICAL)
            while received < count:
                taken, found = receiver.do(receive_many, MORE)
                received += taken
                assert found == numbered(received - 1, TYPICAL)

    def test_batch_where_there_is_no_message(self, batching: Subject, deep: int | None) -> None:
        with batching.participants(Topology.LINK, depth=deep, nowait=True) as participants:
            sender, receiver = participants.actors
            with pytest.raises(WouldBlock):
                receiver.do(receive_many, MORE)
            sender.do(send, numbered(1, TYPICAL))
            assert receiver.do(receive_many, MORE) == (1, numbered(1, TYPICAL))

    def test_batches_on_the_way(self, batching: Subject, deep: int | None) -> None:
        """Both ends at once, many times the channel's space: none is lost, or received twice."""
        with batching.participants(Topology.LINK, depth=deep) as participants:
            sender, receiver = participants.actors
            sender.begin(send_runs, RUNS)
            assert receiver.do(receive_runs, RUNS) == []
            sender.answer()

    def test_batches_of_several_senders(self, batching: Subject, deep: int | None) -> None:
        """One receiver gets the batches of all, each sender's in its order."""
        if Topology.FAN_IN not in batching.transport.traits.topologies:
            pytest.skip("several senders cannot share a channel of it")
        with batching.participants(Topology.FAN_IN, depth=deep) as participants:
            (receiver,) = participants.receivers
            sent = sum(times for _, times in FEW_RUNS)
            for index, sender in enumerate(participants.senders):
                sender.begin(send_runs, [(FIRST * index + run, times) for run, times in FEW_RUNS])
            found = receiver.do(receive_seen, sent * len(participants.senders))
            for sender in participants.senders:
                sender.answer()
            for index in range(len(participants.senders)):
                own = [number - FIRST * index for number in found if number // FIRST == index]
                assert own == sorted(own)
                assert set(own) <= {number for number, _ in FEW_RUNS}
            assert max(found) < FIRST * len(participants.senders)

    @pytest.fixture
    def looking(self, batching: Subject) -> Subject:
        """Provide a transport whose receiver sees a message's length before it consumes it."""
        if batching.transport.traits.framing is not Framing.MESSAGE:
            pytest.skip("it is a stream")
        if batching.transport.traits.batch_in_kernel:
            pytest.skip("a call of the kernel consumes a message of any length")
        return batching

    @pytest.mark.parametrize("length", [0, TYPICAL - 1])
    def test_batch_with_another_length_is_reported(
        self, batching: Subject, deep: int | None, length: int
    ) -> None:
        """It may be lost as a whole, but is never counted."""
        traits = batching.transport.traits
        if traits.framing is not Framing.MESSAGE or not (length or traits.zero_length):
            pytest.skip("it has no messages of that length")
        one, other = numbered(1, TYPICAL), numbered(2, length)
        with batching.participants(Topology.LINK, depth=deep) as participants:
            sender, receiver = participants.actors
            sender.do(send, one, other, one, numbered(3, TYPICAL))
            taken = 0
            with pytest.raises(OSError) as raised:
                while taken < 4:
                    taken += receiver.do(receive_many, MORE)[0]
            assert raised.value.errno == errno.EBADMSG
            assert taken <= 1
            sender.do(send, numbered(4, TYPICAL))
            found = b""
            while found != numbered(4, TYPICAL):
                found = receiver.do(receive_many, MORE)[1]
            sender.do(send, one)
            with pytest.raises(MessageTooLarge):
                receiver.do(receive_many, MORE, TYPICAL - 1)

    @pytest.mark.parametrize("length", [0, TYPICAL - 1])
    def test_batch_ends_before_another_length(
        self, looking: Subject, deep: int | None, length: int
    ) -> None:
        """Only as the first one it is consumed, and reported."""
        other, one = numbered(1, length), numbered(2, TYPICAL)
        with looking.participants(Topology.LINK, depth=deep) as participants:
            sender, receiver = participants.actors
            sender.do(send, other, one, one, other, one)
            for count in (2, 1):
                with pytest.raises(OSError) as raised:
                    receiver.do(receive_many, MORE)
                assert raised.value.errno == errno.EBADMSG
                while count > 0:
                    taken, found = receiver.do(receive_many, MORE)
                    assert 0 < taken <= count
                    assert found == one
                    count -= taken

    def test_batch_ends_before_a_longer_message(self, looking: Subject, deep: int | None) -> None:
        one, longer = numbered(1, TYPICAL - 1), numbered(2, TYPICAL)
        with looking.participants(Topology.LINK, depth=deep) as participants:
            sender, receiver = participants.actors
            sender.do(send, one, longer, one)
            assert receiver.do(receive_many, MORE, TYPICAL - 1) == (1, one)
            with pytest.raises(MessageTooLarge):
                receiver.do(receive_many, MORE, TYPICAL - 1)
            assert receiver.do(receive_many, MORE, TYPICAL - 1) == (1, one)
