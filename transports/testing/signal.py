"""Tests of signals: each notify ends one wait, waiting takes no CPU, no wait ends by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipcbench.transports.contract import PeerGone, Topology, Wait, WouldBlock
from ipcbench.transports.testing.actors import eventually
from ipcbench.transports.testing.participants import Participants, Seat
from ipcbench.transports.testing.subject import Subject

SEVERAL = 300  # notifies: more than a counter of a byte would hold


def notify(seat: Seat, count: int = 1) -> None:
    for _ in range(count):
        seat.calls.notify()


def wait(seat: Seat, count: int = 1) -> None:
    for _ in range(count):
        seat.calls.wait()


def take_turns(seat: Seat, count: int, first: bool) -> None:
    for _ in range(count):
        if first:
            notify(seat)
        wait(seat)
        if not first:
            notify(seat)


class SignalTests:
    """Tests of signals between two processes."""

    def test_each_notify_is_counted(self, signal: Subject) -> None:
        """Both directions count separately, and one wait more would block."""
        with signal.participants(Topology.SIGNAL, nowait=True) as participants:
            client, server = participants.actors
            for one, other in ((client, server), (server, client)):
                with pytest.raises(WouldBlock):
                    other.do(wait)
                one.do(notify, SEVERAL)
                with pytest.raises(WouldBlock):
                    one.do(wait)
                other.do(wait, SEVERAL)
                with pytest.raises(WouldBlock):
                    other.do(wait)

    def test_taking_turns(self, signal: Subject) -> None:
        with signal.participants(Topology.SIGNAL) as participants:
            client, server = participants.actors
            server.begin(take_turns, SEVERAL, False)
            client.do(take_turns, SEVERAL, True)
            server.answer()

    def test_waiting_for_a_notify(self, signal: Subject) -> None:
        """It waits as its trait says, and one notify ends one wait."""
        blocking = signal.transport.traits.waiting is Wait.BLOCK
        with signal.participants(Topology.SIGNAL) as participants:
            client, server = participants.actors
            server.begin(wait)
            if blocking:
                assert eventually(server.asleep)
            before = server.cpu()
            assert server.waits(0.2)
            used = server.cpu() - before
            assert used < 0.02 or not blocking, f"{used} s of CPU in 0.2 s of waiting"
            client.do(notify)
            server.answer()
            server.begin(wait)
            assert server.waits(0.05)

    def test_waiting_with_poll(self, signal: Subject) -> None:
        if not signal.transport.traits.pollable:
            pytest.skip("it cannot be waited for with poll(2)")
        spec = replace(signal.spec(Topology.SIGNAL), wait=Wait.POLL)
        with Participants(signal.transport, spec) as participants:
            client, server = participants.actors
            server.begin(wait)
            assert server.waits(0.05)
            client.do(notify)
            server.answer()

    def test_removed_under_a_waiter(self, signal: Subject) -> None:
        """Removal that destroys the object raises PeerGone at both ends."""
        if signal.transport.traits.unlink_early:
            pytest.skip("removal removes the name only")
        with signal.participants(Topology.SIGNAL) as participants:
            client, server = participants.actors
            server.begin(wait)
            assert server.waits(0.05)
            participants.channel.unlink()
            with pytest.raises(PeerGone):
                server.answer()
            with pytest.raises(PeerGone):
                client.do(notify)
