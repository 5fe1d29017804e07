"""bench.patterns.latency: a pause before each round trip, and the round trips alone timed."""

from __future__ import annotations

import os
import threading
import time
from array import array
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import FakeClock, RealClock
from ipcbench.bench.loops.loop import durations
from ipcbench.bench.patterns import latency
from ipcbench.bench.patterns.latency import (
    LEAST_LOOPS,
    SERVER,
    paused,
    paused_ping,
    stamped_paused_ping,
)
from ipcbench.bench.patterns.part import Part
from ipcbench.bench.patterns.table import PATTERNS, PAUSED, pattern_of
from ipcbench.bench.plan.planner import Candidate, PlannedCell
from ipcbench.bench.plan.refusals import Skip
from ipcbench.bench.results.cell import Cell
from ipcbench.transports.contract import Role, Spec, Topology
from ipcbench.transports.native import built, native_of
from ipcbench.transports.null import NullEndpoint
from tests.available import available
from tests.unit.bench.test_loops import Script
from tests.unit.bench.test_planner import TRAITS, limits, only

CELL = Cell(transport="pipe", pattern="latency", size=64, placement="same-core", pace="pause:1ms")
MESSAGE = object()
GAP = 2_000_000  # nanoseconds
needs_native = pytest.mark.skipif(built() is not None, reason=str(built()))


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(latency, "sleep", found.append)
    return found


@pytest.mark.parametrize("count", [0, 1, 7])
def test_each_round_trip_is_timed_between_two_readings(count: int, slept: list[float]) -> None:
    script = Script()
    buffer = memoryview(bytearray(16))
    span = paused_ping(script, MESSAGE, buffer, count, script, GAP)
    assert script.calls == "TsrT" * count
    assert slept == [GAP * 1e-9] * count
    # The clock's n-th step is as long as all calls until then: a round trip takes 4, 8, 12, …
    assert span == (0.0, pytest.approx(sum(4 * n for n in range(1, count + 1)) * 1e-9), count)
    again, stamps = Script(), array("q", bytes(8 * (count + 1)))
    stamped_paused_ping(again, MESSAGE, buffer, count + 1, again, stamps, GAP)
    assert list(durations(stamps)) == [4 * n + 2 for n in range(1, count + 1)]
    assert again.calls == "sr" + script.calls  # the first round trip has no stamps


def test_the_made_up_time_of_a_block_is_foretold(slept: list[float]) -> None:
    endpoint, clock = NullEndpoint(), FakeClock("cell", 3)
    clock.begin(50)
    message = endpoint.prepare(memoryview(bytes(8)))
    span = paused_ping(endpoint, message, memoryview(bytearray(8)), 50, clock, GAP)
    assert span.end == pytest.approx(50 * clock.cost, rel=1e-3)


@pytest.fixture
def ends() -> Iterator[tuple[Any, Any]]:
    transport = available("pipe")
    channel = transport.create(Spec(64, Topology.LINK, native=True))
    tickets = [channel.ticket(role, 0) for role in (Role.CLIENT, Role.SERVER)]
    found = [transport.attach(ticket, time.monotonic() + 5) for ticket in tickets]
    yield found[0], found[1]
    for end in found:
        end.close()
    channel.close()
    channel.unlink()


def together(client: Part, near: Any, far: Any, native: bool) -> tuple[float, float, list[int]]:
    """Play a block of ten and a stamped pass of ten and one.

    Returns the seconds of round trips, of the wall, and each single time.
    """
    message = aligned_buffer(64) if native else near.prepare(aligned_buffer(64))
    answers = native_loops.twin(SERVER.loop) if native else SERVER.loop
    body = native_loops.twin(client.loop) if native else client.loop
    assert client.stamped is not None
    stamped = native_loops.stamped_twin(client.stamped) if native else client.stamped
    assert stamped is not None
    reply = aligned_buffer(64) if native else far.prepare(aligned_buffer(64))
    server = threading.Thread(
        target=answers, args=(far, reply, aligned_buffer(64), 21, RealClock()), daemon=True
    )
    server.start()
    began = time.perf_counter()
    span = body(near, message, aligned_buffer(64), 10, RealClock(), *client.arguments)
    wall = time.perf_counter() - began
    stamps = array("q", bytes(8 * 11))
    stamped(near, message, aligned_buffer(64), 11, RealClock(), stamps, *client.arguments)
    server.join(10)
    assert not server.is_alive()
    assert span.handled == 10
    return span.end - span.start, wall, list(durations(stamps))


@pytest.mark.parametrize("native", [False, pytest.param(True, marks=needs_native)])
def test_the_pauses_are_slept_and_not_timed(ends: tuple[Any, Any], native: bool) -> None:
    near, far = map(native_of, ends) if native else ends
    (client, _) = (seat.part for seat in paused("pause:20ms").seats(2))
    seconds, wall, each = together(client, near, far, native)
    assert wall >= 10 * 0.02
    assert 0 < seconds <= wall - 10 * 0.02
    assert len(each) == 10
    assert all(nanoseconds > 0 for nanoseconds in each)
    assert sum(each) * 1e-9 < 10 * 0.02 or os.getloadavg()[0] > 2


@needs_native
@pytest.mark.parametrize("nanoseconds", [-1, 61 * 10**9, 2**63 - 1])
def test_a_pause_out_of_bounds_is_refused(ends: tuple[Any, Any], nanoseconds: int) -> None:
    near = native_of(ends[0])
    buffer = aligned_buffer(64)
    with pytest.raises(ValueError, match="a pause of less than 0, or of over a minute"):
        native_loops.twin(paused_ping)(near, buffer, buffer, 1, RealClock(), nanoseconds)


# The pattern.


def test_it_is_latency_except_for_its_pauses() -> None:
    found = pattern_of(CELL)
    assert found.name == "latency"
    assert found.gap == pytest.approx(1.05e-3)
    assert found.least == LEAST_LOOPS
    client, server = found.seats(2)
    assert server.part is SERVER
    assert client.part.arguments == (1_000_000,)
    plain = PATTERNS["latency"].seats(2)[0].part
    assert replace(client.part, loop=plain.loop, stamped=plain.stamped, arguments=()) == plain
    closed = msgspec.structs.replace(CELL, pace="closed")
    assert pattern_of(closed) is PATTERNS["latency"]


def test_other_patterns_make_no_pauses() -> None:
    candidate = Candidate("pipe", replace(TRAITS, topologies=frozenset(Topology)), limits())
    closed = (one for one in PATTERNS.values() if one.carries and not one.open_loop)
    for name in (one.name for one in closed if not one.refuses(2)):
        cell = msgspec.structs.replace(CELL, pattern=name)
        found = only(cell, candidate)
        assert isinstance(found, PlannedCell if name in PAUSED else Skip)
        if isinstance(found, Skip):
            assert found.reason == f"{name} makes no pauses: its pace is closed"


@needs_native
def test_its_loops_have_twins() -> None:
    client = paused("pause:1ms").seats(2)[0].part
    assert native_loops.has_twin(client.loop)
    assert client.stamped is not None
    assert native_loops.stamped_twin(client.stamped) is not None
