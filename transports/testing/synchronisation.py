"""Tests of what carries no data: signals, each notify of which ends one wait, and guards."""

from __future__ import annotations

import mmap
import os
from dataclasses import replace

import pytest

from ipcbench.transports.contract import PeerGone, Topology, Wait, WouldBlock
from ipcbench.transports.testing.actors import eventually
from ipcbench.transports.testing.participants import Participants, Seat
from ipcbench.transports.testing.subject import Subject

SEVERAL = 300  # notifies: more than a counter of a byte would hold
UPDATES = 1000  # of each process
FEW_UPDATES = 50  # of each process that spins: it may lose a slice of time in each

_memory = mmap.mmap(-1, mmap.PAGESIZE)  # shared by all actors, through fork(2)
_counter = memoryview(_memory).cast("Q")


def acquire(seat: Seat) -> None:
    seat.calls.acquire()


def release(seat: Seat) -> None:
    seat.calls.release()


def count_up(seat: Seat, times: int = UPDATES) -> None:
    """Increment the guarded counter; a yield between load and store invites interference."""
    for _ in range(times):
        acquire(seat)
        found = _counter[0]
        os.sched_yield()
        _counter[0] = found + 1
        release(seat)


class GuardTests:
    """Tests of mutual exclusion."""

    def test_updates(self, guard: Subject) -> None:
        """No update is lost under a guard; without one, some are, on one core and on several."""
        _counter[0] = 0
        with guard.participants(Topology.GUARD) as participants:
            for actor in participants.actors:
                actor.begin(count_up)
            for actor in participants.actors:
                actor.answer()
            lost = UPDATES * len(participants.actors) - _counter[0]
        assert (lost == 0) == guard.transport.traits.excludes, f"{lost} updates lost"

    @pytest.mark.parametrize("asked", [Wait.SPIN, Wait.SPIN_BLOCK], ids=lambda one: one.value)
    def test_updates_of_spinning_members(self, guard: Subject, asked: Wait) -> None:
        """No update is lost where members spin."""
        if not guard.transport.traits.spins:
            pytest.skip("it cannot spin")
        _counter[0] = 0
        spec = replace(guard.spec(Topology.GUARD), wait=asked)
        with Participants(guard.transport, spec) as participants:
            for actor in participants.actors:
                actor.begin(count_up, FEW_UPDATES)
            for actor in participants.actors:
                actor.answer()
            assert _counter[0] == FEW_UPDATES * len(participants.actors)

    def test_one_inside_at_a_time(self, guard: Subject) -> None:
        traits = guard.transport.traits
        with guard.participants(Topology.GUARD) as participants:
            inside, outside, _ = participants.actors
            inside.do(acquire)
            outside.begin(acquire)
            if not traits.excludes:
                outside.answer()
                return
            if traits.waiting is Wait.BLOCK:
                assert eventually(outside.asleep)
            before = outside.cpu()
            assert outside.waits(0.2)
            used = outside.cpu() - before
            assert used < 0.02 or traits.waiting is not Wait.BLOCK, f"{used} s of CPU"
            inside.do(release)
            outside.answer()

    def test_holder_killed(self, guard: Subject) -> None:
        """The others enter where the trait `undo` is set, and wait for ever where it is not."""
        traits = guard.transport.traits
        if not traits.excludes:
            pytest.skip("it does not exclude")
        with guard.participants(Topology.GUARD) as participants:
            holder, waiting, late = participants.actors
            holder.do(acquire)
            waiting.begin(acquire)
            assert waiting.waits(0.05)
            holder.kill()
            if traits.undo:
                waiting.answer()
                waiting.do(release)
                late.do(acquire)
            else:
                assert waiting.waits(0.25)

    def test_removed_under_a_member(self, guard: Subject) -> None:
        """Removal that destroys the object raises PeerGone in waiting members."""
        if guard.transport.traits.unlink_early:
            pytest.skip("removal removes the name only")
        with guard.participants(Topology.GUARD) as participants:
            holder, waiting, _ = participants.actors
            holder.do(acquire)
            waiting.begin(acquire)
            assert waiting.waits(0.05)
            participants.channel.unlink()
            with pytest.raises(PeerGone):
                waiting.answer()


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
