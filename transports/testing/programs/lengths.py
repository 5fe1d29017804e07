"""Tests of wrong lengths: an error, before anything is sent or instead of a message."""

from __future__ import annotations

import pytest

from ipcbench.transports.contract import MessageTooLarge, Topology
from ipcbench.transports.testing.participants import Seat, numbered, receive, send
from ipcbench.transports.testing.subject import TYPICAL, Subject


class LengthTests:
    """Tests of messages and buffers whose length is not the spec's size.

    A shorter message of a facility that keeps boundaries is none: `test_message_boundaries`.
    """

    def test_longer_messages_are_refused(self, carrier: Subject, topology: Topology) -> None:
        """By `prepare`, before anything is sent."""
        plain = numbered(2, TYPICAL)
        with carrier.participants(topology) as participants:
            with pytest.raises(MessageTooLarge):
                participants.senders[0].do(prepare, numbered(1, TYPICAL + 1))
            assert participants.carry(plain) == [plain]

    def test_shorter_messages_of_a_stream_are_refused(
        self, stream: Subject, topology: Topology
    ) -> None:
        """Its receiver would wait for the rest for ever."""
        plain = numbered(2, TYPICAL)
        with stream.participants(topology) as participants:
            for length in (0, 1, TYPICAL - 1):
                with pytest.raises(ValueError):
                    participants.senders[0].do(prepare, numbered(1, length))
            assert participants.carry(plain) == [plain]

    def test_buffer_too_small_for_a_stream(self, stream: Subject, topology: Topology) -> None:
        """Only the message that does not fit is lost, as that of other facilities."""
        one, other = numbered(1, TYPICAL), numbered(2, TYPICAL)
        with stream.participants(topology) as participants:
            for length in (TYPICAL - 1, 1, 0):
                participants.senders[0].do(send, one, other)
                with pytest.raises(MessageTooLarge):
                    participants.receiver.do(receive, 1, length)
                assert participants.receiver.do(receive) == [other]

    def test_buffer_too_large_for_a_stream(self, stream: Subject, topology: Topology) -> None:
        """Two messages are never received as one."""
        one, other = numbered(1, TYPICAL), numbered(2, TYPICAL)
        with stream.participants(topology) as participants:
            participants.senders[0].do(send, one, other)
            with pytest.raises(ValueError):
                participants.receiver.do(receive, 1, 3 * TYPICAL)


def prepare(seat: Seat, message: bytes) -> None:
    seat.endpoint.prepare(memoryview(message))
