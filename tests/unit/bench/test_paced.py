"""bench.patterns.rates.paced: messages at the times of a schedule, and latencies from these."""

from __future__ import annotations

import itertools
import os
import signal
import statistics
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import FakeClock, RealClock
from ipcbench.bench.loops.open_loop import timetable
from ipcbench.bench.loops.open_loop.timetable import MOST, Passages, Timetable
from ipcbench.bench.patterns import stream
from ipcbench.bench.patterns.rates import paced
from ipcbench.bench.patterns.rates.paced import RECEIVER, SENDER, paced_receiver, paced_sender
from ipcbench.bench.patterns.table import PATTERNS, has_pace, pattern_of
from ipcbench.bench.plan.planner import Candidate, Plan, PlannedCell
from ipcbench.bench.plan.profile import BadConfig, load_profile, watching
from ipcbench.bench.plan.refusals import Skip
from ipcbench.bench.plan.timing import OPEN_BLOCK, timing_of
from ipcbench.bench.plan.unused import refuse_unwatched
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import (
    LAG,
    LATE,
    OFFERED,
    REACHED,
    Disturbance,
    Run,
    Settings,
)
from ipcbench.bench.rounds.progress import Progress
from ipcbench.bench.sweep.calibration import rates_of, single_times
from ipcbench.bench.sweep.far_runs import FarRuns
from ipcbench.bench.sweep.replies import too_slow
from ipcbench.bench.sweep.schedule import Schedule
from ipcbench.bench.workers.blocks.open_loop import MOST_LAG, ClosedLoop, OpenLoop, lagged, pace_of
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.transports.contract import Role, Spec, Topology
from ipcbench.transports.native import built, native_of
from tests.available import available
from tests.unit.bench.test_planner import TRAITS, limits, only

CELL = Cell(transport="pipe", pattern="paced", size=64, placement="cross-core", pace="rate:100000")
needs_native = pytest.mark.skipif(built() is not None, reason=str(built()))
both_runtimes = pytest.mark.parametrize("native", [False, pytest.param(True, marks=needs_native)])


# Schedules and the timetable.


@given(st.integers(1, 2000), st.floats(10, 1e7))
def test_intervals_are_fixed(count: int, rate: float) -> None:
    due = timetable.fixed(count, rate)
    assert len(due) == count
    for number, at in enumerate(due, 1):  # no error adds up
        assert abs(at - number * 1e9 / rate) <= 1


def test_intervals_of_a_poisson_process_are_exponential() -> None:
    due = timetable.poisson(20_000, 50_000, "seed")
    gaps = [later - earlier for earlier, later in itertools.pairwise([0, *due])]
    assert min(gaps) >= 0
    mean = statistics.fmean(gaps)
    assert mean == pytest.approx(20_000, rel=0.03)
    assert statistics.pstdev(gaps) == pytest.approx(mean, rel=0.03)
    assert due == timetable.poisson(20_000, 50_000, "seed")
    assert due != timetable.poisson(20_000, 50_000, "another seed")


def a_timetable(due: list[int], ready: list[int], sent: list[int], arrived: list[int]) -> Passages:
    start, count = 1000, len(due)
    table = Timetable()
    table.draw(array("q", due))
    times = table.of_sender(count)
    assert list(times[1 : 1 + count]) == due
    times[0] = start
    for number in range(count):
        times[1 + count + number] = start + ready[number]
        times[1 + 2 * count + number] = start + sent[number]
    arrivals = table.of_receiver(count)
    for number in range(count):
        arrivals[number] = start + arrived[number]
    return table.passages()


def test_latencies_count_from_the_times_due() -> None:
    found = a_timetable([10, 20, 30], [1, 25, 29], [11, 25, 30], [15, 31, 36])
    assert list(found.latencies) == [5, 11, 6]
    # The second one was late because of a send, which is no lag of the sender's own.
    assert list(found.lags) == [1, 0]
    assert found.late == 1
    assert (found.sending, found.due, found.sent) == ((25 - 11) + (29 - 25), 30, 30)


def test_a_timetable_has_no_more_messages_than_memory() -> None:
    with pytest.raises(ValueError, match="messages in a block"):
        Timetable().draw(array("q", bytes(8 * (MOST + 1))))


# The loops.


class Link:
    """Both ends of a link in one thread: it delivers at once, and can stall the sender."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def send(self, message: Any, /) -> None:
        self.calls.append(message)

    def recv_into(self, buffer: memoryview, /) -> int:
        self.calls.append(buffer)
        return len(buffer)


@pytest.mark.parametrize("count", [0, 1, 7, 200])
def test_each_message_is_sent_once_and_not_before_it_is_due(count: int) -> None:
    table, link, message = Timetable(), Link(), object()
    table.draw(timetable.fixed(count, 20_000))
    times = table.of_sender(count)
    span = paced_sender(link, message, memoryview(b""), count, RealClock(), times)
    assert span.handled == count
    assert all(sent is message for sent in link.calls)
    assert len(link.calls) == count
    start, due = times[0], times[1 : 1 + count]
    ready, sent = times[1 + count : 1 + 2 * count], times[1 + 2 * count :]
    for number in range(count):
        assert sent[number] >= start + due[number]
        assert sent[number] >= ready[number]
        assert sent[number] == ready[number] or ready[number] < start + due[number]


def test_a_receiver_notes_each_arrival() -> None:
    link, buffer, times = Link(), memoryview(bytearray(4)), memoryview(array("q", bytes(8 * 5)))
    before = time.perf_counter_ns()
    assert paced_receiver(link, None, buffer, 5, RealClock(), times).handled == 5
    assert all(one is buffer for one in link.calls)
    assert before <= times[0] <= times[4] <= time.perf_counter_ns()
    assert list(times) == sorted(times)


@pytest.fixture
def ends() -> Iterator[tuple[Any, Any]]:
    transport = available("unix-stream")
    channel = transport.create(Spec(64, Topology.LINK, native=True))
    found: list[Any] = [None, None]

    def attach(number: int, role: Role) -> None:
        found[number] = transport.attach(channel.ticket(role, 0), time.monotonic() + 5)

    server = threading.Thread(target=attach, args=(1, Role.SERVER))
    server.start()
    attach(0, Role.CLIENT)
    server.join()
    yield found[0], found[1]
    for end in found:
        end.close()
    channel.close()
    channel.unlink()


def carried(ends: tuple[Any, Any], due: array[int], native: bool) -> Passages:
    """Send messages at these times through a real channel."""
    near, far = map(native_of, ends) if native else ends
    table, count = Timetable(), len(due)
    table.draw(due)
    times, arrivals = table.of_sender(count), table.of_receiver(count)
    send = native_loops.twin(paced_sender) if native else paced_sender
    receive = native_loops.twin(paced_receiver) if native else paced_receiver
    message = aligned_buffer(64) if native else near.prepare(aligned_buffer(64))
    other = threading.Thread(
        target=receive,
        args=(far, aligned_buffer(64), aligned_buffer(64), count, RealClock(), arrivals),
        daemon=True,
    )
    other.start()
    assert send(near, message, aligned_buffer(64), count, RealClock(), times).handled == count
    other.join(20)
    assert not other.is_alive()
    return table.passages()


@both_runtimes
@pytest.mark.parametrize("at_random", [False, True])
def test_messages_arrive_after_they_are_due(
    ends: tuple[Any, Any], native: bool, at_random: bool
) -> None:
    count, rate = 200, 4000.0
    due = timetable.poisson(count, rate, "x") if at_random else timetable.fixed(count, rate)
    found = carried(ends, due, native)
    assert len(found.latencies) == count
    assert all(latency > 0 for latency in found.latencies)
    assert all(lag >= 0 for lag in found.lags)
    assert found.due == due[-1] <= found.sent
    assert found.sending > 0


@both_runtimes
def test_a_closed_schedule_is_always_late(ends: tuple[Any, Any], native: bool) -> None:
    found = carried(ends, timetable.closed(100), native)
    assert found.late == 100
    assert list(found.lags) == []
    assert list(found.latencies) == sorted(found.latencies)  # all from the start


@needs_native
def test_times_of_another_number_are_refused(ends: tuple[Any, Any]) -> None:
    near, buffer = native_of(ends[0]), aligned_buffer(64)
    for loop, right in ((paced_sender, 1 + 3 * 4), (paced_receiver, 4)):
        for words in (0, 1, right - 1, right + 1, 3 * right):
            times = memoryview(array("q", bytes(8 * words)))
            with pytest.raises(ValueError, match="not the times of so many messages"):
                native_loops.twin(loop)(near, buffer, buffer, 4, RealClock(), times)
    with pytest.raises(ValueError, match="1 to 1000000 readings"):
        native_loops.reading(0)
    assert 0 < native_loops.reading(1000) < 1e-3


# The pattern and its plan.


def test_its_parts_are_those_of_a_stream_but_for_the_loops() -> None:
    assert (SENDER.check, RECEIVER.check) == (stream.check_sender, stream.check_receiver)
    found = pattern_of(CELL)
    assert found is PATTERNS["paced"] is paced.AT_A_RATE
    assert [seat.part for seat in found.seats(2)] == [SENDER, RECEIVER]
    assert (SENDER.starts, SENDER.ends, RECEIVER.starts, RECEIVER.ends) == (
        True, False, False, True,
    )  # fmt: skip
    assert all(native_loops.has_twin(part.loop) for part in (SENDER, RECEIVER))


@pytest.mark.parametrize("name", PATTERNS)
def test_rates_are_those_of_an_open_loop_alone(name: str) -> None:
    open_loop = name == "paced"
    assert has_pace(name, "closed") is not open_loop
    assert has_pace(name, "pause:1ms") is (name == "latency")
    for pace in ("load:50", "poisson:50", "rate:1000"):
        assert has_pace(name, pace) is open_loop


def planned(**changes: Any) -> PlannedCell | Skip:
    topologies = frozenset(Topology)
    cell = Cell(**{**{f: getattr(CELL, f) for f in Cell.__struct_fields__}, **changes})
    return only(
        cell, Candidate("pipe", replace(TRAITS, topologies=topologies, carries=True), limits())
    )


def test_a_paced_cell_is_planned_with_its_rate() -> None:
    for pace in ("load:1", "load:100", "poisson:50", "rate:10"):
        assert isinstance(planned(pace=pace), PlannedCell)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pace": "closed"}, "paced sends at a rate"),
        ({"pace": "pause:1ms"}, "paced sends at a rate"),
        ({"pattern": "stream"}, "stream is a closed loop: it sends at no rate"),
        ({"placement": "same-core"}, "needs a CPU of its own"),
        ({"processes": 4}, "paced has 2 processes, not 4"),
    ],
)
def test_what_has_no_schedule_is_skipped(changes: dict[str, Any], reason: str) -> None:
    found = planned(**changes)
    assert isinstance(found, Skip)
    assert reason in found.reason


def test_nothing_arrives_at_what_carries_nothing() -> None:
    traits = replace(TRAITS, topologies=frozenset(Topology), carries=False)
    found = only(CELL, Candidate("pipe", traits, limits()))
    assert isinstance(found, Skip)
    assert found.reason == "pipe carries nothing: no message arrives"


def test_blocks_are_long_enough_for_percentiles() -> None:
    settings = Settings(values=2, warmups=1, block=1e-3, rounds=8)
    assert timing_of(CELL, [[0], [1]], settings).settings.block == OPEN_BLOCK
    assert timing_of(CELL, [[0], [1]], settings, "fake").settings.block == 1e-3


def test_a_load_is_a_share_of_the_capacity() -> None:
    def rates(pace: str) -> tuple[float, float]:
        return rates_of(
            Cell(transport="pipe", pattern="paced", size=1, placement="x", pace=pace), 2e-6
        )

    assert rates("load:50") == rates("poisson:50") == pytest.approx((500_000, 250_000))
    assert rates("rate:1000") == pytest.approx((500_000, 1000))
    closed = Cell(transport="pipe", pattern="latency", size=1, placement="x")
    assert rates_of(closed, 2e-6) == (0, 0)


# A run's pace.


def a_run(loops: int = 100, **changes: Any) -> Any:
    return SimpleNamespace(
        cell=Cell(**{**{f: getattr(CELL, f) for f in Cell.__struct_fields__}, **changes}),
        loops=loops, round=1, attempt=1, rate=100_000.0, stamps=0,
    )  # fmt: skip


class Played(RealClock):
    """A clock whose passages are made up."""

    def __init__(self, *played: Passages) -> None:
        super().__init__()
        self._played = iter(played)

    def passages(self, read: Passages) -> Passages:
        return next(self._played)


def passages(latency: int, lags: list[int], sent: int = 1_000_000) -> Passages:
    return Passages(array("q", [latency] * len(lags)), array("q", lags), 5, 1_000_000, sent)


def an_open_loop(*played: Passages, resolution: float = 0.0) -> OpenLoop:
    found = OpenLoop(a_run(), Played(*played), resolution)
    for one in played:
        found.draw(len(one.latencies))
        found.figure(1, 0.0, counts=True)
    return found


def test_a_value_is_the_median_latency() -> None:
    found = OpenLoop(a_run(), Played(passages(3000, [0] * 9), passages(5000, [0] * 9)), 0.0)
    for latency in (3e-6, 5e-6):
        found.draw(9)
        assert found.figure(9, 123.0, counts=latency == 5e-6) == pytest.approx(9 * latency)
    assert sum(found.histogram().values()) == 9  # that of the warm-up is not kept


def test_a_sender_that_is_late_by_itself_voids_the_run() -> None:
    assert an_open_loop(passages(10_000, [10] * 100)).why_void() == ""
    # One stall: the mean is over 5 % of the median latency, the median of the lags is none.
    stalled = an_open_loop(passages(10_000, [0] * 99 + [60_000]))
    assert "the sender was late by itself, by 0.60 µs in the mean" in stalled.why_void()
    assert stalled.observations()[LAG] == pytest.approx(6e-7)
    # A reading of the clock is no lag.
    assert an_open_loop(passages(100, [20] * 100), resolution=25e-9).why_void() == ""
    assert an_open_loop(passages(100, [90] * 100), resolution=25e-9).why_void()


@given(st.floats(0, 1), st.floats(1e-9, 1))
def test_the_limit_of_the_lag_is_a_share_of_the_median(lag: float, latency: float) -> None:
    assert bool(lagged(lag, latency)) is (lag > MOST_LAG * latency)


def test_rates_are_of_what_was_due_and_what_was_sent() -> None:
    found = an_open_loop(passages(9, [0] * 50), passages(9, [0] * 50, sent=3_000_000))
    seen = found.observations()
    assert seen[OFFERED] == pytest.approx(100 / 2e-3)
    assert seen[REACHED] == pytest.approx(100 / 4e-3)
    assert seen[LATE] == 0


def test_a_closed_loop_has_no_schedule() -> None:
    closed = pace_of(a_run(pattern="stream", pace="closed"), RealClock())
    assert type(closed) is ClosedLoop
    assert closed.figure(5, 1.25) == 1.25
    assert (closed.timetable, closed.why_void(), closed.observations()) == (None, "", {})


def test_the_calibration_of_an_open_loop_is_closed() -> None:
    calibration = pace_of(a_run(loops=0), RealClock())
    calibration.draw(7)
    assert calibration.timetable is not None
    assert list(calibration.timetable.of_sender(7)[1:8]) == [0] * 7
    assert calibration.figure(7, 1.25) == 1.25
    assert calibration.observations() == {}


def test_made_up_passages_are_on_time() -> None:
    clock = FakeClock("cell", 3)
    found = OpenLoop(a_run(), clock, 0.0)
    found.draw(40)
    assert found.figure(40, 0.0, counts=True) == pytest.approx(40 * clock.cost, rel=1e-3)
    assert found.why_void() == ""
    seen = found.observations()
    assert seen[OFFERED] == seen[REACHED] == pytest.approx(100_000)


# A long watch.


def test_a_long_watch_has_the_messages_of_its_rate() -> None:
    settings = Settings(values=2, warmups=1, block=0.01, rounds=10, watch=60)
    timing = timing_of(CELL, [[0], [1]], settings)
    assert timing.watch == pytest.approx(6)  # of each round
    assert single_times(CELL, timing, 1e-5, settings, 1000) == 6000
    closed = Cell(transport="pipe", pattern="stream", size=64, placement="cross-core")
    assert timing_of(closed, [[0], [1]], settings).watch == 0


def watched(*parts: Passages, job: Any = None) -> OpenLoop:
    values = passages(10_000, [0] * 100)
    found = OpenLoop(job or a_run(), Played(values, *parts), 0.0)
    found.draw(100)
    found.figure(1, 0.0, counts=True)
    for one in parts:
        found.draw(len(one.latencies))
        found.watch()
    return found


def test_a_watch_goes_on_in_parts() -> None:
    found = watched()
    parts = list(found.parts(123_456))
    assert parts == [10_000] * 12 + [3456]  # 0.1 s each, at 100,000 messages a second
    assert list(found.parts(0)) == []
    assert list(ClosedLoop().parts(100)) == []


def test_of_a_void_run_nothing_is_watched() -> None:
    late = an_open_loop(passages(10_000, [9999] * 10))
    assert late.why_void()
    assert list(late.parts(1000)) == []


def test_a_part_in_which_the_sender_was_late_is_left_out() -> None:
    quiet, stalled = passages(20_000, [0] * 50), passages(20_000, [0] * 49 + [1_000_000])
    run = a_run()
    run.stamps = 150
    found = watched(quiet, stalled, quiet, job=run)
    assert sum(found.histogram().values()) == 100 + 50 + 50
    seen = found.observations()
    assert seen["watched"] == pytest.approx(2e-3)
    assert seen["watched and left out"] == pytest.approx(1e-3)
    assert found.why_void() == ""  # the values are those of a quiet sender
    assert "watched" not in watched().observations()


def test_to_watch_no_open_loop_is_refused() -> None:
    with pytest.raises(BadConfig, match="--tail watches the cells of the pattern paced"):
        refuse_unwatched(60, Plan([], [(Cell(transport="a", pattern="self", size=1, placement="b"),
                                        Skip("no"))]))  # fmt: skip
    refuse_unwatched(60, Plan([], [(CELL, Skip("no"))]))
    refuse_unwatched(0, Plan([], []))
    with pytest.raises(BadConfig, match="--tail: 1h at most"):
        watching(load_profile("smoke"), 3601)
    assert watching(load_profile("smoke"), 60).settings.watch == 60
    assert watching(load_profile("smoke"), None) == load_profile("smoke")


# A sender that is stalled.

STALL = 0.05  # seconds


def play(process: Callable[[], object]) -> int:
    """Fork a process that does this, and return its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            process()
        finally:
            os._exit(0)
    return pid


def stalled(ends: tuple[Any, Any], native: bool) -> OpenLoop:
    """Send half a second of messages; stop the sender while it waits, and let it go on."""
    near, far = map(native_of, ends) if native else ends
    run, count = a_run(), 1000
    run.rate = 2000.0
    loop = OpenLoop(run, RealClock(), 1e-7)
    loop.draw(count)
    times, arrivals = loop.timetable.of_sender(count), loop.timetable.of_receiver(count)
    send = native_loops.twin(paced_sender) if native else paced_sender
    receive = native_loops.twin(paced_receiver) if native else paced_receiver
    message = aligned_buffer(64) if native else near.prepare(aligned_buffer(64))
    buffer = aligned_buffer(64)
    receiver = play(lambda: receive(far, buffer, buffer, count, RealClock(), arrivals))
    sender = play(lambda: send(near, message, buffer, count, RealClock(), times))
    while not arrivals[100]:
        time.sleep(0.001)
    os.kill(sender, signal.SIGSTOP)
    time.sleep(STALL)
    os.kill(sender, signal.SIGCONT)
    assert [os.waitpid(pid, 0)[1] for pid in (sender, receiver)] == [0, 0]
    found = loop.timetable.passages()
    assert len(found.latencies) == count  # no message is left out
    # Those that became due in the first three quarters of the stall were late by the rest of it.
    late = [latency for latency in found.latencies if latency > STALL / 4 * 1e9]
    assert len(late) >= 0.7 * STALL * run.rate
    loop.figure(1, 0.0, counts=True)
    return loop


@both_runtimes
def test_a_run_whose_sender_is_stalled_is_refused(ends: tuple[Any, Any], native: bool) -> None:
    """A busy machine delays most messages by more than the stall does: then it is played again."""
    for _ in range(10):
        loop = stalled(ends, native)
        if why := loop.why_void():
            assert why.startswith("the sender was late by itself, by ")
            assert list(loop.parts(1000)) == []
            return
    pytest.fail("no stall was noticed")


# What the schedule of a sweep makes of it.


def a_finished_run(reached: float, void: str = "") -> Any:
    return SimpleNamespace(observations={OFFERED: 1000.0, REACHED: reached}, void=void)


def test_a_rate_that_is_not_reached_is_a_failure() -> None:
    assert too_slow(a_finished_run(981)) is None
    assert too_slow(SimpleNamespace(observations={})) is None  # type: ignore[arg-type]
    failure = too_slow(a_finished_run(979))
    assert failure is not None
    assert failure.what.startswith("it sent 979 messages a second of 1,000, less than 98 %")
    assert failure.remedy == "ask for a lower rate or load"


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    ("reached", "foreign", "outcome"),
    [(999, 0.0, ""), (900, 0.0, "failed"), (999, 0.4, "void"), (900, 0.4, "void")],
)
def test_a_disturbed_run_that_misses_its_rate_is_void(
    keep: bool, reached: float, foreign: float, outcome: str
) -> None:
    schedule = Schedule.__new__(Schedule)
    schedule._real, schedule._noise_counts = True, not keep
    schedule._progress, schedule._far = Progress(), FarRuns()
    run: Any = Run(
        cell="x", round=1, attempt=1, loops=1, inner_loops=1, warmups=[], values=[1e-6], cpus=[],
        depth=None, usage=[], foreign=foreign, observations={OFFERED: 1000.0, REACHED: reached},
        disturbance=Disturbance(wall=0.1, others=foreign), start_up=0.0, timed=0.0, wall=0.0,
    )  # fmt: skip
    found = schedule._judged(run)
    if outcome == "failed":
        assert isinstance(found, ProcessFailure)
    elif outcome == "void" and not (keep and reached == 999):
        assert found is run
        assert "went to other processes" in run.void
    else:
        assert found is run
        assert run.void == ""
