"""Tests of hubs: several clients at once, each gets its own replies, none starves."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from ipcbench.transports.contract import Closed, PeerDeath, PeerGone, Topology
from ipcbench.transports.testing.lifecycle import ENDINGS
from ipcbench.transports.testing.participants import (
    Participants,
    Seat,
    close,
    numbered,
    receive,
    send,
)
from ipcbench.transports.testing.subject import TYPICAL, Subject
from ipcbench.transports.testing.transfer import marked

CLIENTS = 3
TURNS = 60  # of each client
LARGE = 10_000  # bytes: more than what pipes and queues often take at once
AHEAD, AFTER = 200, 1000  # messages of a busy client, before and after a quiet one's


def hub(subject: Subject, size: int = TYPICAL) -> Participants:
    spec = replace(subject.spec(Topology.HUB, size), parties=CLIENTS + 1)
    return Participants(subject.transport, spec)


def check_quiet_client(participants: Participants, ahead: int) -> None:
    """Check that a server receives of a quiet client while a busy one sends without pause.

    Args:
        participants: the clients and their server.
        ahead: messages that the busy client can send before the server receives any.
    """
    busy, quiet = participants.senders[:2]
    busy.do(send, *[b"b" * TYPICAL] * ahead)
    quiet.begin(send, b"q" * TYPICAL)
    quiet.waits(0.05)  # it may have to wait for space
    busy.begin(send, *[b"b" * TYPICAL] * AFTER)
    heard = participants.receiver.do(receive, ahead + AFTER + 1)
    quiet.answer()
    busy.answer()
    assert heard.index(b"q" * TYPICAL) < ahead + AFTER // 2


class HubTests:
    """Tests of a server with several clients."""

    @pytest.fixture
    def server(self, carrier: Subject) -> Subject:
        """Provide a transport that can be a hub."""
        if Topology.HUB not in carrier.transport.traits.topologies:
            pytest.skip("it cannot be a hub")
        return carrier

    @pytest.mark.parametrize("size", [TYPICAL, LARGE])
    def test_every_reply_to_its_own_client(self, server: Subject, size: int) -> None:
        """All clients send at once; each gets only the replies to its own messages."""
        size = min(size, server.largest(Topology.HUB))
        with hub(server, size) as participants:
            for client in participants.senders:
                client.begin(ask, TURNS)
            heard = participants.receiver.do(serve, TURNS * CLIENTS)
            replies = [client.answer() for client in participants.senders]
        assert Counter(heard) == {
            (index, number): 1 for index in range(CLIENTS) for number in range(TURNS)
        }
        for index, theirs in enumerate(replies):
            assert theirs == [marked(100 + index, number, size) for number in range(TURNS)]

    def test_busy_client_starves_no_other(self, server: Subject) -> None:
        """The message of a quiet client is received while a busy one sends without pause."""
        ahead = min(AHEAD, server.capacity(Topology.HUB))
        with hub(server) as participants:
            check_quiet_client(participants, ahead)

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_one_client_gone(self, server: Subject, ending: str) -> None:
        """The others are served as before."""
        with hub(server) as participants:
            ENDINGS[ending](participants.senders[1])
            others = participants.senders[0], participants.senders[2]
            for client in others:
                client.begin(ask, TURNS)
            participants.receiver.do(serve, TURNS * len(others))
            for client in others:
                assert len(client.answer()) == TURNS

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_server_gone_while_clients_wait(self, server: Subject, ending: str) -> None:
        with hub(server) as participants:
            for client in participants.senders:
                client.begin(receive)
                assert client.waits(0.02)
            ENDINGS[ending](participants.receiver)
            for client in participants.senders:
                if server.transport.traits.peer_death is PeerDeath.REPORTED:
                    with pytest.raises(PeerGone):
                        client.answer()
                else:
                    assert client.waits(0.05)

    def test_closed_server(self, server: Subject) -> None:
        with hub(server) as participants:
            participants.receiver.do(close)
            with pytest.raises(Closed):
                participants.receiver.do(reply, 0)


# The functions below run in the process of a seat.


def ask(seat: Seat, count: int) -> list[bytes]:
    """Ping-pong with the server; return its replies."""
    replies = []
    for number in range(count):
        send(seat, marked(seat.ticket.index, number, seat.size))
        replies += receive(seat)
    return replies


def serve(seat: Seat, count: int) -> list[tuple[int, int]]:
    """Answer so many messages; return the clients and the numbers of the messages."""
    buffer = memoryview(bytearray(seat.size))
    turns: Counter[int] = Counter()
    heard = []
    for _ in range(count):
        index = seat.calls.recv_from(buffer)
        assert bytes(buffer) == marked(index, turns[index], seat.size), f"not of client {index}"
        heard.append((index, turns[index]))
        answer = marked(100 + index, turns[index], seat.size)
        seat.calls.send_to(index, seat.endpoint.prepare(memoryview(answer)))
        turns[index] += 1
    return heard


def reply(seat: Seat, index: int) -> None:
    message = seat.endpoint.prepare(memoryview(numbered(1, seat.size)))
    seat.calls.send_to(index, message)
