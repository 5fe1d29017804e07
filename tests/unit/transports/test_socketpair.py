"""Tests of pairs of sockets: the facts behind their traits, and the queue of a datagram socket."""

from __future__ import annotations

import select
import socket
from pathlib import Path

import pytest

from ipcbench.transports.base.in_flight import fill
from ipcbench.transports.contract import Limits, PeerDeath, Spec
from ipcbench.transports.registry import get
from ipcbench.transports.testing.participants import Participants, in_flight
from tests.available import available

KINDS = {
    "socketpair": socket.SOCK_STREAM,
    "socketpair:dgram": socket.SOCK_DGRAM,
    "socketpair:seqpacket": socket.SOCK_SEQPACKET,
}


@pytest.mark.parametrize("name", KINDS)
def test_the_death_of_a_peer_is_reported_as_the_traits_say(name: str) -> None:
    one, other = socket.socketpair(socket.AF_UNIX, KINDS[name])
    with one, other:
        poller = select.poll()
        poller.register(other, select.POLLIN)
        assert poller.poll(0) == []
        one.close()
        reported = get(name).traits.peer_death is PeerDeath.REPORTED
        assert bool(poller.poll(0)) is reported


@pytest.mark.parametrize("name", KINDS)
def test_an_empty_message_is_carried_where_it_is_not_the_end_of_file(name: str) -> None:
    one, other = socket.socketpair(socket.AF_UNIX, KINDS[name])
    with one, other:
        other.setblocking(False)
        one.close()
        try:
            end = other.recv(1)
        except BlockingIOError:  # so an empty message cannot be taken for the end
            end = None
        assert (end is None) is get(name).traits.zero_length


@pytest.mark.parametrize("name", ["socketpair:dgram", "socketpair:seqpacket"])
def test_the_longest_message_is_bounded_by_the_send_buffer(name: str) -> None:
    limits = get(name).probe()
    assert isinstance(limits, Limits)
    most = limits.message.value
    one, other = socket.socketpair(socket.AF_UNIX, KINDS[name])
    with one, other:
        assert most is not None
        assert most < one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        assert one.send(bytes(most)) == most
        with pytest.raises(OSError, match="Message too long"):
            other.send(bytes(most + 1))


def test_a_pair_of_datagram_sockets_does_not_heed_the_bound_of_a_queue(tmp_path: Path) -> None:
    """`unix-dgram` does: its messages go to a socket that is bound, from one that is not its."""
    longest = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        assert len(fill(one, 64)) > 10 * longest
    held = []
    for name in ("unix-dgram", "socketpair:dgram"):
        with Participants(available(name), Spec(64)) as participants:
            held.append(participants.senders[0].do(in_flight))
    assert held[0] == 64 * (longest + 1)
    assert held[1] > 10 * held[0]


def test_the_list_says_which_pair_does_not_heed_it() -> None:
    limits = get("unix-dgram").probe()
    assert isinstance(limits, Limits)
    (queue,) = limits.others
    assert queue.source == "net.unix.max_dgram_qlen, which a socketpair:dgram does not heed"
