"""Tests of native operations: they agree with the trait, and each seat has its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipcbench.transports.contract import Role, Topology
from ipcbench.transports.native import built, operations
from ipcbench.transports.testing.participants import Crew, Seat, seats
from ipcbench.transports.testing.subject import Stage

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


class DrivingTests:
    def test_native_operations(self, stage: Stage, topology: Topology) -> None:
        """Every seat has operations exactly where the trait says so."""
        spec = replace(stage.spec(topology), native=True)
        there = stage.transport.traits.native and (built() or stage.limits.native) is None
        with Crew(stage.transport, spec, driven=False) as crew:
            found = {actor.do(capsule) for actor in crew.actors}
        assert found == ({"PyCapsule"} if there else {"NoneType"})

    @pytest.fixture
    def driven(self, stage: Stage) -> Stage:
        """Provide a transport that has native operations."""
        if not stage.native:
            pytest.skip("it has no native operations")
        return stage

    def test_operations_of_a_seat(self, driven: Stage, topology: Topology) -> None:
        """They include those that the timed loops call there."""
        spec = driven.spec(topology)
        with driven.crew(topology) as crew:
            for (role, _), actor in zip(seats(spec), crew.actors, strict=True):
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

    def test_batches(self, driven: Stage) -> None:
        """Operations on several messages exist exactly where the trait says so."""
        traits = driven.transport.traits
        if Topology.LINK not in traits.topologies:
            pytest.skip("it is no link")
        with driven.crew(Topology.LINK, depth=DEEP if traits.batch else None) as crew:
            found = [actor.do(operations_of)[0] & BATCHES for actor in crew.actors]
        for batches in found:
            assert ("send_many" in batches) is traits.batch
            assert ("recv_many" in batches) is (traits.batch and not traits.in_place)
