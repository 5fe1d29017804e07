"""Tests of fan-out: one sender, several receivers."""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import chain

import pytest

from ipcbench.transports.contract import FanOut, Topology
from ipcbench.transports.testing.lifecycle import ENDINGS
from ipcbench.transports.testing.participants import Participants, Seat, numbered, receive, send
from ipcbench.transports.testing.subject import TYPICAL, Subject
from ipcbench.transports.testing.transfer import marked

RECEIVERS = 3
MANY = 400  # messages
LARGE = 10_000  # bytes: a message of the largest size would be the first to be divided

_NUMBER = struct.Struct("=II")


def deal(subject: Subject, size: int = TYPICAL) -> Participants:
    spec = replace(subject.spec(Topology.FAN_OUT, size), parties=RECEIVERS + 1)
    return Participants(subject.transport, spec)


class FanOutTests:
    """Tests of the distribution of messages to several receivers."""

    @pytest.fixture
    def dealer(self, carrier: Subject) -> Subject:
        """Provide a transport that can be a fan-out."""
        if Topology.FAN_OUT not in carrier.transport.traits.topologies:
            pytest.skip("it cannot be a fan-out")
        return carrier

    def test_fan_out_is_a_topology(self, subject: Subject) -> None:
        traits = subject.transport.traits
        assert (Topology.FAN_OUT in traits.topologies) == (traits.fan_out is not FanOut.NONE)

    @pytest.mark.parametrize("size", [TYPICAL, LARGE])
    def test_receivers_of_each_message(self, dealer: Subject, size: int) -> None:
        """Each message arrives whole, at one receiver or at all of them, as the trait says."""
        size = min(size, dealer.largest(Topology.FAN_OUT))
        with deal(dealer, size) as participants:
            for receiver in participants.receivers:
                receiver.begin(take, MANY)
            broadcast = dealer.transport.traits.fan_out is FanOut.BROADCAST
            participants.senders[0].do(give, MANY, 1 if broadcast else RECEIVERS)
            shares = [receiver.answer() for receiver in participants.receivers]
        for share in shares:
            assert share == sorted(share), "out of order"
        if broadcast:
            assert shares == [list(range(MANY))] * RECEIVERS
        else:
            assert sorted(chain(*shares)) == list(range(MANY))

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_one_receiver_gone(self, dealer: Subject, ending: str) -> None:
        """Later messages go to the other receivers."""
        some = [numbered(place, TYPICAL) for place in range(10)]
        with deal(dealer) as participants:
            for receiver in participants.receivers[:-1]:
                ENDINGS[ending](receiver)
            participants.senders[0].do(send, *some)
            assert participants.receiver.do(receive, len(some)) == some


# The functions below run in the process of a seat.


def give(seat: Seat, count: int, ends: int) -> None:
    """Send so many numbered messages, and an end mark for each receiver."""
    for number in range(count):
        send(seat, marked(0, number, seat.size))
    for _ in range(ends):
        send(seat, marked(0, count, seat.size))


def take(seat: Seat, end: int) -> list[int]:
    """Receive until an end mark; check every byte, and return the numbers."""
    numbers: list[int] = []
    while True:
        (message,) = receive(seat)
        _, number = _NUMBER.unpack_from(message)
        assert message == marked(0, number, seat.size), "a message was divided"
        if number == end:
            return numbers
        numbers.append(number)
