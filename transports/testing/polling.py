"""Tests of waiting with poll(2): the receiver polls, and then reads."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import pytest

from ipcbench.transports.contract import PeerDeath, PeerGone, Topology, Wait, WouldBlock
from ipcbench.transports.testing.actors import Actor, eventually
from ipcbench.transports.testing.participants import Participants, numbered, receive, send
from ipcbench.transports.testing.subject import TYPICAL, Subject

# poll, ppoll, epoll_wait, epoll_pwait: syscalls(2)
_WAITING_CALLS = {
    "x86_64": {"7", "271", "232", "281"},
    "aarch64": {"73", "22"},
}.get(platform.machine(), set())


class PollingTests:
    """Tests of receivers that wait with poll(2)."""

    @pytest.fixture
    def poller(self, carrier: Subject, topology: Topology) -> Subject:
        """Provide a transport that can be waited for with poll(2)."""
        if not carrier.transport.traits.pollable:
            pytest.skip("it cannot be waited for with poll(2)")
        return carrier

    def test_poll_is_refused(self, carrier: Subject, topology: Topology) -> None:
        if carrier.transport.traits.pollable:
            pytest.skip("it can be waited for with poll(2)")
        with pytest.raises(ValueError):
            carrier.transport.create(replace(carrier.spec(topology), wait=Wait.POLL))

    def test_waits_in_poll(self, poller: Subject, topology: Topology) -> None:
        with polling(poller, topology) as participants:
            participants.receiver.begin(receive)
            assert eventually(participants.receiver.asleep)
            assert eventually(lambda: waits_in_poll(participants.receiver))
            participants.senders[0].do(send, numbered(1, TYPICAL))
            assert participants.receiver.answer() == [numbered(1, TYPICAL)]
            some = [numbered(number, TYPICAL) for number in range(200)]
            assert participants.carry(*some) == some
            if topology is Topology.LINK:
                assert participants.carry(*some, back=True) == some

    def test_polls_and_does_not_wait(self, poller: Subject, topology: Topology) -> None:
        with polling(poller, topology, nowait=True) as participants:
            with pytest.raises(WouldBlock):
                participants.receiver.do(receive)
            participants.senders[0].do(send, numbered(1, TYPICAL))
            assert participants.receiver.do(receive) == [numbered(1, TYPICAL)]
            with pytest.raises(WouldBlock):
                participants.receiver.do(receive)

    def test_end_of_file_ends_polling(self, poller: Subject, topology: Topology) -> None:
        if poller.transport.traits.peer_death is not PeerDeath.REPORTED:
            pytest.skip("the end of a peer is not reported")
        with polling(poller, topology) as participants:
            participants.receiver.begin(receive)
            assert participants.receiver.waits(0.05)
            for sender in participants.senders:
                sender.kill()
            with pytest.raises(PeerGone):
                participants.receiver.answer()


def polling(subject: Subject, topology: Topology, *, nowait: bool = False) -> Participants:
    spec = replace(subject.spec(topology, nowait=nowait), wait=Wait.POLL)
    return Participants(subject.transport, spec)


def waits_in_poll(actor: Actor) -> bool:
    """Return True if it sleeps in poll(2) or epoll_wait(2), or if that cannot be seen here."""
    call = call_of(actor)
    return call is None or call in _WAITING_CALLS


def call_of(actor: Actor) -> str | None:
    """Return the number of the system call in which it sleeps: proc_pid_syscall(5).

    None: /proc does not say, or the numbers of this machine's calls are not known here.
    """
    if not _WAITING_CALLS:
        return None
    try:
        return Path(f"/proc/{actor.pid}/syscall").read_text().split()[0]
    except OSError:
        return None
