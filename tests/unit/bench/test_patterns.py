"""bench.patterns: the seats of any number of processes fill their channels and add up."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns import (
    alone,
    counter,
    echo,
    fan_in,
    fan_out,
    latency,
    signal,
    stream,
)
from ipcbench.bench.patterns import self as to_itself
from ipcbench.bench.patterns.newest import latest
from ipcbench.bench.patterns.part import ACCESSES, Pattern, Seat, elapsed, unevenness
from ipcbench.bench.patterns.rates import paced
from ipcbench.bench.patterns.single import set_up
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.profile import MOST_PROCESSES
from ipcbench.transports.base import check_seat
from ipcbench.transports.contract import Role, Spec, Topology
from tests.unit.bench.parts import PARTS

ALL = list(PATTERNS.values())
NAME = attrgetter("name")


def fits(pattern: Pattern) -> list[int]:
    """List the numbers of processes that a pattern accepts."""
    return [n for n in range(1, MOST_PROCESSES + 1) if not pattern.refuses(n)]


# Unit of a value -> the parts that complete one in each loop.
MAKES = {
    "round trip": {latency.CLIENT, signal.INITIATOR},
    "message": {
        stream.SENDER,
        fan_in.SENDER,
        fan_out.SENDER,
        to_itself.BOTH,
        alone.PRODUCER,
        alone.READER,
    },
    "one-way trip": {paced.SENDER},
    "update": {counter.MEMBER},
    "set-up": {set_up.MAKER},
    "access": {pattern.seats(1)[0].part for pattern in ALL if pattern.kind == ACCESSES},
    "update seen": {latest.READER},
}


def is_single(pattern: Pattern) -> bool:
    """Tell whether one process takes part, whatever seats a channel has."""
    return pattern.alone or pattern.both_ends or pattern.kind == ACCESSES


def has(spec: Spec, role: Role, index: int) -> bool:
    try:
        check_seat(spec, role, index)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("pattern", ALL, ids=NAME)
def test_each_channel_has_exactly_the_seats_of_its_topology(pattern: Pattern) -> None:
    for processes in fits(pattern):
        seats = pattern.seats(processes)
        assert len(seats) == processes
        channels = {seat.channel for seat in seats}
        assert channels == set(range(pattern.channels(processes)))
        spec = Spec(size=1, topology=pattern.topology, parties=pattern.parties(processes))
        wanted = Counter(
            (role, index) for role in Role for index in range(processes) if has(spec, role, index)
        )
        for channel in channels if not is_single(pattern) else ():
            found = Counter((seat.role, seat.index) for seat in seats if seat.channel == channel)
            assert found == wanted


@pytest.mark.parametrize("pattern", ALL, ids=NAME)
def test_units_are_what_all_processes_make_in_a_loop(pattern: Pattern) -> None:
    for processes in fits(pattern):
        seats = pattern.seats(processes)
        made = sum(seat.share for seat in seats if seat.part in MAKES[pattern.per])
        assert pattern.units(processes) == made


@pytest.mark.parametrize("pattern", ALL, ids=NAME)
def test_a_channel_has_as_many_receives_as_sends(pattern: Pattern) -> None:
    """Otherwise a block ends before its last message, or waits for one that is never sent."""
    for processes in fits(pattern):
        sends = {latency.CLIENT, stream.SENDER, fan_in.SENDER, fan_out.SENDER, signal.INITIATOR}
        receives = {latency.SERVER, stream.RECEIVER, fan_in.RECEIVER, echo.SERVER, signal.RESPONDER}
        sends, receives = sends | {paced.SENDER}, receives | {paced.RECEIVER}
        seats = pattern.seats(processes)
        for channel in range(pattern.channels(processes)):
            here = [seat for seat in seats if seat.channel == channel]
            sent = sum(seat.share for seat in here if seat.part in sends)
            if any(seat.part is fan_out.RECEIVER for seat in here):  # up to an end mark each
                assert sent == sum(seat.part is fan_out.RECEIVER for seat in here)
            else:
                assert sent == sum(seat.share for seat in here if seat.part in receives)


@pytest.mark.parametrize("pattern", ALL, ids=NAME)
def test_each_block_has_a_part_that_starts_and_one_that_ends_it(pattern: Pattern) -> None:
    for processes in fits(pattern):
        seats = pattern.seats(processes)
        assert any(seat.part.starts for seat in seats)
        assert any(seat.part.ends for seat in seats)
        for channel in range(pattern.channels(processes)):  # and no link is left out of the time
            assert any(seat.part.ends for seat in seats if seat.channel == channel)
            assert any(seat.part.starts for seat in seats if seat.channel == channel)


@pytest.mark.parametrize("pattern", ALL, ids=NAME)
def test_a_pattern_refuses_other_numbers_of_processes(pattern: Pattern) -> None:
    single = is_single(pattern)
    assert min(fits(pattern)) == (1 if single else 2)
    if single:
        assert fits(pattern) == [1]
    elif pattern.topology is Topology.LINK:
        assert fits(pattern) in ([2], list(range(2, MOST_PROCESSES + 1, 2)))
    none = (Topology.SIGNAL, Topology.GUARD, Topology.FILE, Topology.NEWEST)
    assert pattern.carries is (pattern.topology not in none)
    assert pattern.sized is (pattern.topology not in (Topology.SIGNAL, Topology.GUARD))
    assert PATTERNS[pattern.name] is pattern


def test_every_part_has_a_name_of_its_own() -> None:
    """A native twin is found by it, and errors name a part by it."""
    assert len({part.name for part in PARTS}) == len(PARTS)


SPANS = st.tuples(st.floats(0, 1e6), st.floats(0, 1e6))


@given(
    pattern=st.sampled_from(ALL),
    times=st.lists(SPANS, min_size=8, max_size=8),
)
def test_a_block_lasts_from_the_first_start_to_the_last_end(
    pattern: Pattern, times: list[tuple[float, float]]
) -> None:
    seats = pattern.seats(2 if pattern.refuses(8) else 8)
    spans = [Span(start, end, 1) for start, end in times[: len(seats)]]
    starts = [span.start for seat, span in zip(seats, spans, strict=True) if seat.part.starts]
    ends = [span.end for seat, span in zip(seats, spans, strict=True) if seat.part.ends]
    assert elapsed(seats, spans) == max(ends) - min(starts)


def test_the_parts_that_start_and_end_a_block() -> None:
    """The receiver of a fan-in waits before the first message, and its senders end early."""
    sink, source = (
        Seat(0, Role.RECEIVER, 0, fan_in.RECEIVER),
        Seat(0, Role.SENDER, 0, fan_in.SENDER),
    )
    assert elapsed([sink, source], [Span(0.0, 9.0, 1), Span(5.0, 6.0, 1)]) == 4.0
    ping, pong = Seat(0, Role.CLIENT, 0, latency.CLIENT), Seat(0, Role.SERVER, 0, latency.SERVER)
    assert elapsed([ping, pong], [Span(5.0, 8.0, 1), Span(0.0, 9.0, 1)]) == 3.0


def test_each_process_has_its_span() -> None:
    seats = PATTERNS["latency"].seats(2)
    with pytest.raises(ValueError, match="zip"):
        elapsed(seats, [Span(0.0, 1.0, 1)])


@pytest.mark.parametrize(
    ("pattern", "ends", "ratio"),
    [
        (echo.ECHO, (9.0, 3.0, 1.5, 2.5), 4.0),  # the server's end does not count
        (fan_in.FAN_IN, (9.0, 2.0, 2.0, 2.0), 1.0),
        (latency.PAIRS_LATENCY, (2.0, 9.0, 3.0, 9.0), 2.0),
        (counter.COUNTER, (2.0, 3.0, 4.0, 6.0), 5.0),
        (fan_out.FAN_OUT, (2.0, 3.0, 4.0, 6.0), None),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_unevenness_is_the_slowest_by_the_fastest(
    pattern: Pattern, ends: tuple[float, ...], ratio: float | None
) -> None:
    """Each time counts from the first start: a process without its turn has waited."""
    starts = (1.0, 1.0, 1.25, 1.125)
    spans = [Span(start, end, 1) for start, end in zip(starts, ends, strict=True)]
    assert unevenness(pattern.seats(4), spans) == ratio


def test_one_client_is_not_compared() -> None:
    assert unevenness(echo.ECHO.seats(2), [Span(0, 1, 1), Span(0, 1, 1)]) is None
    nothing = [Span(0, 0, 0)] * 4
    assert unevenness(echo.ECHO.seats(4), nothing) is None
