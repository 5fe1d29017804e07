"""Tests of waiting with poll(2): the receiver polls, and then reads."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import pytest

from ipcbench.transports.contract import PeerDeath, PeerGone, Topology, Wait, WouldBlock
from ipcbench.transports.testing.actors import Actor, eventually
from ipcbench.transports.testing.participants import Crew, numbered, receive, send
from ipcbench.transports.testing.subject import TYPICAL, Stage

# poll, ppoll, epoll_wait, epoll_pwait: syscalls(2)
_WAITING_CALLS = {
    "x86_64": {"7", "271", "232", "281"},
    "aarch64": {"73", "22"},
}.get(platform.machine(), set())


class PollingTests:
    """Tests of receivers that wait with poll(2)."""

    @pytest.fixture
    def poller(self, carrier: Stage, topology: Topology) -> Stage:
        """Provide a transport that can be waited for with poll(2)."""
        if not carrier.transport.traits.pollable:
            pytest.skip("it cannot be waited for with poll(2)")
        return carrier

    def test_poll_is_refused(self, carrier: Stage, topology: Topology) -> None:
        if carrier.transport.traits.pollable:
            pytest.skip("it can be waited for with poll(2)")
        with pytest.raises(ValueError):
            carrier.transport.create(replace(carrier.spec(topology), wait=Wait.POLL))

    def test_waits_in_poll(self, poller: Stage, topology: Topology) -> None:
        with polling(poller, topology) as crew:
            crew.receiver.begin(receive)
            assert eventually(crew.receiver.asleep)
            assert eventually(lambda: waits_in_poll(crew.receiver))
            crew.senders[0].do(send, numbered(1, TYPICAL))
            assert crew.receiver.answer() == [numbered(1, TYPICAL)]
            some = [numbered(number, TYPICAL) for number in range(200)]
            assert crew.carry(*some) == some
            if topology is Topology.LINK:
                assert crew.carry(*some, back=True) == some

    def test_polls_and_does_not_wait(self, poller: Stage, topology: Topology) -> None:
        with polling(poller, topology, nowait=True) as crew:
            with pytest.raises(WouldBlock):
                crew.receiver.do(receive)
            crew.senders[0].do(send, numbered(1, TYPICAL))
            assert crew.receiver.do(receive) == [numbered(1, TYPICAL)]
            with pytest.raises(WouldBlock):
                crew.receiver.do(receive)

    def test_end_of_file_ends_polling(self, poller: Stage, topology: Topology) -> None:
        if poller.transport.traits.peer_death is not PeerDeath.REPORTED:
            pytest.skip("the end of a peer is not reported")
        with polling(poller, topology) as crew:
            crew.receiver.begin(receive)
            assert crew.receiver.waits(0.05)
            for sender in crew.senders:
                sender.kill()
            with pytest.raises(PeerGone):
                crew.receiver.answer()


def polling(stage: Stage, topology: Topology, *, nowait: bool = False) -> Crew:
    spec = replace(stage.spec(topology, nowait=nowait), wait=Wait.POLL)
    return Crew(stage.transport, spec)


def waits_in_poll(actor: Actor) -> bool:
    """Return True if it sleeps in poll(2) or epoll_wait(2), or if /proc does not say."""
    try:
        call = Path(f"/proc/{actor.pid}/syscall").read_text().split()[0]
    except OSError:
        return True
    return call in _WAITING_CALLS or not _WAITING_CALLS
