"""Tests of native operations: they agree with the trait, and each seat has its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipcbench.transports.contract import Role, Topology
from ipcbench.transports.native import built, operations
from ipcbench.transports.testing.participants import Participants, Seat, seats
from ipcbench.transports.testing.subject import Subject

# The operations that a loop may call at each seat: see ops.h.
CALLED = {
    Role.CLIENT: {"send", "recv"},
    Role.SERVER: {"send", "recv"},
    Role.SENDER: {"send"},
    Role.RECEIVER: {"recv"},
    Role.MEMBER: {"acquire", "leave"},
}
OF_A_HUB_SERVER = {"recv_from", "send_to"}
OF_A_SIGNAL = {"notify", "wait"}
WRITTEN_IN_PLACE = {"loan", "commit"}
READ_IN_PLACE = {"peek", "release"}
BATCHES = {"send_many", "recv_many"}
DEEP = 256  # slots, by which no operation of a batch is left out: word_ring.c


def capsule(seat: Seat) -> str:
    return type(seat.endpoint.native()).__name__


def operations_of(seat: Seat) -> tuple[set[str], bool]:
    """Return its operations, and True if they read in place."""
    calls = operations.Calls(seat.endpoint.native())
    return set(calls.has()), calls.in_place


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
                elif topology is Topology.HUB and role is Role.SERVER:
                    wanted = OF_A_HUB_SERVER
                found, in_place = actor.do(operations_of)
                assert wanted <= found, role
                assert in_place is driven.transport.traits.in_place
                if in_place and "send" in wanted:
                    assert found >= WRITTEN_IN_PLACE
                if in_place and "recv" in wanted:
                    assert found >= READ_IN_PLACE

    def test_batches(self, driven: Subject) -> None:
        """Operations on several messages exist exactly where the trait says so."""
        traits = driven.transport.traits
        if Topology.LINK not in traits.topologies:
            pytest.skip("it is no link")
        with driven.participants(
            Topology.LINK, depth=DEEP if traits.batch else None
        ) as participants:
            found = [actor.do(operations_of)[0] & BATCHES for actor in participants.actors]
        for batches in found:
            assert ("send_many" in batches) is traits.batch
            assert ("recv_many" in batches) is (traits.batch and not traits.in_place)
