"""Tests of data transfer: sizes, boundaries, order, content, full channels, waiting."""

from __future__ import annotations

import random
import struct
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from ipcbench.transports.contract import (
    Framing,
    MessageTooLarge,
    Topology,
    Wait,
    WouldBlock,
)
from ipcbench.transports.testing.actors import Actor, check_asleep, check_spinning, eventually
from ipcbench.transports.testing.participants import (
    PLENTY,
    Participants,
    Seat,
    depth,
    drained,
    fill,
    in_flight,
    numbered,
    readable,
    receive,
    send,
    send_counted,
    send_unprepared,
)
from ipcbench.transports.testing.subject import MUCH, TYPICAL, Size, Subject

LONG = 3000  # bytes: some of each page of a pipe stays free
MANY = 200  # messages: enough for a ring or a buffer to wrap around more than once

AHEAD = 0.02  # seconds in which a sender fills the channel
MOVES = 0.05  # seconds in which a stack passes on what a sender has left: a delayed ACK is in them
REFUSALS = 20  # attempts to find a full channel full

_MARK = struct.Struct("=II")


def marked(sender: int, number: int, size: int) -> bytes:
    """Make a message with its sender and its number; the rest is pseudo-random."""
    rest = random.Random(f"{sender}/{number}").randbytes(size - _MARK.size)
    return _MARK.pack(sender, number) + rest


def send_marked(seat: Seat, count: int) -> None:
    send(seat, *(marked(seat.ticket.index, number, seat.size) for number in range(count)))


def room_since(sender: Actor, number: int) -> int:
    """Send into a full channel until that is refused at once; return how many messages it took.

    A stack may have passed on bytes since it was full, which makes room for many: tcp(7).
    """
    more = 0
    for _ in range(REFUSALS):
        taken = int(sender.do(fill, send, number + more))
        if not taken:
            return more
        more += taken
        time.sleep(MOVES)
    raise AssertionError(f"a full channel took {more} messages, and nothing was received")


def send_from_one_buffer(seat: Seat, *messages: bytes) -> None:
    """Send messages of one length out of one buffer, which is written again for each."""
    buffer = memoryview(bytearray(len(messages[0])))
    for message in messages:
        buffer[:] = message
        seat.endpoint.send(seat.endpoint.prepare(buffer))


def sent_before_it_waits(sender: Actor, path: Path) -> int:
    """Let a sender send until it waits, and kill it; return how many messages it has sent.

    By poll(2), which a call with `nowait` may ask, a socket is full at a quarter already.
    """
    path.touch()

    def sent() -> int:
        return path.stat().st_size

    def waits() -> bool:
        before = sent()
        time.sleep(0.02)
        return sender.asleep() and 0 < before == sent()

    sender.begin(send_counted, PLENTY, path)
    assert eventually(waits)
    sender.kill()
    return sent()


class TransferTests:
    """Tests of transports that carry data."""

    @pytest.mark.parametrize("size", Size, ids=lambda size: size.name.lower())
    def test_size(self, carrier: Subject, topology: Topology, size: Size) -> None:
        count = carrier.bytes(size, topology)
        if not count and not carrier.transport.traits.zero_length:
            with pytest.raises(ValueError):
                carrier.transport.create(carrier.spec(topology, 0))
            return
        message = random.Random(count).randbytes(count)
        with carrier.participants(topology, count) as participants:
            assert participants.carry(message) == [message]
            if topology is Topology.LINK:
                assert participants.carry(message, back=True) == [message]

    def test_beyond_the_limit(self, carrier: Subject, topology: Topology) -> None:
        """A limit that is free memory changes, so one byte more may be possible."""
        limit = carrier.limit(topology)
        if limit is None:
            pytest.skip("it has no bound of its own")
        beyond = limit + 1 if limit < MUCH else 2 * limit
        with pytest.raises(MessageTooLarge):
            carrier.transport.create(carrier.spec(topology, beyond))

    def test_longer_than_the_spec(self, messages: Subject, topology: Topology) -> None:
        """Refused or transferred whole, never truncated; always refused beyond the limit.

        Also where `prepare` has not seen it, which would have refused it.
        """
        limit = messages.limit(topology)
        size = limit if limit is not None and limit < MUCH else TYPICAL
        longer, plain = numbered(1, size + 1), numbered(2, size)
        with messages.participants(topology, size) as participants:
            try:
                if not participants.senders[0].do(send_unprepared, longer):
                    pytest.skip("`prepare` alone makes its messages")
            except MessageTooLarge:
                pass
            else:
                assert size != limit
                assert participants.receiver.do(receive, 1, size + 1) == [longer]
            assert participants.carry(plain) == [plain]

    def test_buffer_too_small(self, messages: Subject, topology: Topology) -> None:
        """Only the message that does not fit is lost."""
        with messages.participants(topology) as participants:
            participants.senders[0].begin(send, numbered(1, TYPICAL), b"fits", b"too")
            with pytest.raises(MessageTooLarge):
                participants.receiver.do(receive, 1, TYPICAL // 2)
            assert participants.receiver.do(receive, 2, TYPICAL // 2) == [b"fits", b"too"]
            participants.senders[0].answer()
            some = [numbered(number, TYPICAL) for number in range(MANY)]
            assert participants.carry(*some) == some

    def test_message_boundaries(self, messages: Subject, topology: Topology) -> None:
        shortest = 0 if messages.transport.traits.zero_length else 1
        lengths = [TYPICAL, 1, 17, shortest, TYPICAL - 1, shortest, TYPICAL] * 5
        some = [numbered(place, length) for place, length in enumerate(lengths)]
        with messages.participants(topology) as participants:
            assert participants.carry(*some) == some

    def test_stream_has_no_boundaries(self, carrier: Subject, topology: Topology) -> None:
        if carrier.transport.traits.framing is not Framing.STREAM:
            pytest.skip("it carries messages")
        if topology is Topology.HUB:
            pytest.skip("a hub reports the client, not the length")
        message = numbered(1, TYPICAL)
        spec = replace(carrier.spec(topology), own_framing=True)
        with Participants(carrier.transport, spec) as participants:
            participants.senders[0].do(send, message)
            assert b"".join(participants.receiver.do(receive, 2, TYPICAL // 2)) == message
            participants.senders[0].do(send, message[:10], message[10:])
            assert participants.receiver.do(receive) == [message]

    def test_order_and_content(self, carrier: Subject, topology: Topology) -> None:
        some = [marked(0, number, TYPICAL) for number in range(MANY)]
        with carrier.participants(topology) as participants:
            assert participants.carry(*some) == some
            if topology is Topology.LINK:
                assert participants.carry(*some, back=True) == some

    def test_a_buffer_that_is_written_again(self, carrier: Subject, topology: Topology) -> None:
        """A message stays as it was sent, whatever its sender writes to the buffer afterwards."""
        some = [marked(0, number, TYPICAL) for number in range(MANY)]
        with carrier.participants(topology) as participants:
            sender, receiver = participants.senders[0], participants.receiver
            sender.begin(send_from_one_buffer, *some)
            time.sleep(AHEAD)
            assert receiver.do(receive, len(some)) == some
            sender.answer()

    def test_both_ways_at_once(self, carrier: Subject) -> None:
        """Messages of one direction never arrive in the other."""
        if Topology.LINK not in carrier.transport.traits.topologies:
            pytest.skip("it is no link")
        if carrier.transport.traits.synchronous:
            pytest.skip("two ends that send at once wait for each other")
        with carrier.participants(Topology.LINK) as participants:
            client, server = participants.actors
            client.do(send, b"f" * TYPICAL)
            server.do(send, b"b" * TYPICAL)
            assert client.do(receive) == [b"b" * TYPICAL]
            assert server.do(receive) == [b"f" * TYPICAL]

    def test_send_waits_for_the_receiver(self, carrier: Subject, topology: Topology) -> None:
        """Exactly if the trait says so; then the message is whole, whatever follows it."""
        one, other = numbered(1, TYPICAL), numbered(2, TYPICAL)
        with carrier.participants(topology) as participants:
            sender, receiver = participants.senders[0], participants.receiver
            sender.begin(send, one)
            if carrier.transport.traits.synchronous:
                assert sender.waits(0.1)
                assert eventually(sender.asleep)
            else:
                sender.answer()
            assert receiver.do(receive) == [one]
            if carrier.transport.traits.synchronous:
                sender.answer()
            assert participants.carry(other) == [other]

    def test_nowait_is_refused(self, carrier: Subject, topology: Topology) -> None:
        if not carrier.transport.traits.synchronous:
            pytest.skip("it can send without waiting for the receiver")
        with pytest.raises(ValueError):
            carrier.transport.create(replace(carrier.spec(topology), nowait=True))

    def test_two_senders_at_once(self, carrier: Subject) -> None:
        """At the largest size of a fan-in, where messages would interleave first."""
        if Topology.FAN_IN not in carrier.transport.traits.topologies:
            pytest.skip("it cannot be a fan-in")
        size = min(carrier.largest(Topology.FAN_IN), 10_000)
        with carrier.participants(Topology.FAN_IN, size) as participants:
            for sender in participants.senders:
                sender.begin(send_marked, MANY)
            received = participants.receiver.do(receive, MANY * len(participants.senders))
            for sender in participants.senders:
                sender.answer()
        numbers: dict[int, list[int]] = defaultdict(list)
        for message in received:
            sender_index, number = _MARK.unpack_from(message)
            assert message == marked(sender_index, number, size)
            numbers[sender_index].append(number)
        assert numbers == {index: list(range(MANY)) for index in range(len(participants.senders))}

    def test_full_and_drained(self, carrier: Subject, topology: Topology) -> None:
        """With `nowait`: WouldBlock when full and when empty, no loss, and then more transfers."""
        with carrier.participants(topology, nowait=True) as participants:
            with pytest.raises(WouldBlock):
                participants.receiver.do(receive)
            for _ in range(2):
                count = participants.senders[0].do(fill)
                assert 0 < count < PLENTY
                count += room_since(participants.senders[0], count)
                expected = [numbered(number, TYPICAL) for number in range(count)]
                assert drained(participants.receiver, count) == expected
            if topology is Topology.LINK:
                with pytest.raises(WouldBlock):
                    participants.senders[0].do(receive)
                participants.receiver.do(fill)
                assert participants.senders[0].do(receive) == [numbered(0, TYPICAL)]

    def test_full_sender_waits(self, carrier: Subject, topology: Topology) -> None:
        """Without `nowait` a sender waits for space, and nothing is lost."""
        if carrier.transport.traits.waiting is not Wait.BLOCK:
            pytest.skip("it does not block")
        # By poll(2), a socket has no space from a quarter of its buffer on.
        more = 5 * carrier.capacity(topology) + 20
        some = [numbered(number, TYPICAL) for number in range(more)]
        with carrier.participants(topology) as participants:
            sender = participants.senders[0]
            sender.begin(send, *some)
            assert sender.waits(0.1) and eventually(sender.asleep)
            assert participants.receiver.do(receive, more) == some
            sender.answer()

    @pytest.mark.parametrize("slots", [1, 3])
    def test_depth(self, carrier: Subject, topology: Topology, slots: int) -> None:
        """A sender can send exactly so many messages before it would wait.

        Where several senders share one queue, the later ones can send none.
        """
        if not carrier.transport.traits.depth:
            pytest.skip("its depth cannot be chosen")
        with carrier.participants(topology, depth=slots, nowait=True) as participants:
            assert {actor.do(depth) for actor in participants.actors} == {slots}
            sent = [sender.do(fill) for sender in participants.senders]
            assert sent[0] == slots
            assert sum(sent[1:]) in (0, slots * len(sent[1:]))
            assert len(drained(participants.receiver, sum(sent))) == sum(sent)
        some = [numbered(number, TYPICAL) for number in range(20)]
        with carrier.participants(topology, depth=slots) as participants:
            assert participants.carry(*some) == some

    @pytest.mark.parametrize("size", [TYPICAL, LONG])
    def test_bytes_in_flight(
        self, carrier: Subject, topology: Topology, size: int, tmp_path: Path
    ) -> None:
        """A sender that sends alone waits when it has sent what the endpoints state.

        Exactly so many messages; of a byte stream, less by the overhead of its packets, which
        TCP counts in its buffers.
        """
        size = min(size, carrier.largest(topology))
        nowait = carrier.transport.traits.waiting is not Wait.BLOCK
        with carrier.participants(topology, size, nowait=nowait) as participants:
            stated = {actor.do(in_flight) for actor in participants.actors}
            if stated == {None}:
                pytest.skip("it states none")
            (held,) = stated
            sender = participants.senders[0]
            sent = sender.do(fill) if nowait else sent_before_it_waits(sender, tmp_path / "sent")
        if carrier.transport.traits.framing is Framing.MESSAGE:
            assert sent == held // size
        else:
            assert held / 4 <= sent * size <= 1.1 * held

    def test_waits_as_its_traits_say(self, carrier: Subject, topology: Topology) -> None:
        """Blocking uses no CPU, spinning does; both receive the message."""
        waiting = carrier.transport.traits.waiting
        with carrier.participants(topology) as participants:
            participants.receiver.begin(receive)
            if waiting is Wait.BLOCK:
                check_asleep(participants.receiver)
            elif waiting is Wait.SPIN:
                check_spinning(participants.receiver)
            participants.senders[0].do(send, numbered(5, TYPICAL))
            assert participants.receiver.answer() == [numbered(5, TYPICAL)]

    def test_pollable(self, carrier: Subject, topology: Topology) -> None:
        """poll(2) reports a message on a descriptor of the receiver, exactly if it is pollable.

        A ring may report it only to a receiver that waits: `test_waits_in_poll`.
        """
        with carrier.participants(topology) as participants:
            idle = participants.receiver.do(readable)
            participants.senders[0].begin(send, bytes(TYPICAL))
            if carrier.transport.traits.pollable and carrier.calls_for_each:
                assert eventually(lambda: bool(participants.receiver.do(readable) - idle))
            else:
                time.sleep(0.01)
                assert not participants.receiver.do(readable) - idle
            participants.receiver.do(receive)
            participants.senders[0].answer()
            assert participants.receiver.do(readable) == idle
