"""Pace of a run: that of a closed loop, or the schedules of an open one and their validity."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from time import perf_counter_ns

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.clock import Clock
from ipcbench.bench.loops.open_loop import timetable
from ipcbench.bench.loops.open_loop.timetable import SECOND, Passages, Timetable
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.results.axes import NATIVE
from ipcbench.bench.results.histogram import count as counted
from ipcbench.bench.results.pace import POISSON, offered
from ipcbench.bench.results.records import CALL, LAG, LATE, LEFT_OUT, OFFERED, REACHED, WATCHED
from ipcbench.bench.results.units import human_share
from ipcbench.bench.workers.job import Job

MOST_LAG = 0.05  # of the median latency, by which the sender may be late by itself
PART = 0.1  # seconds of a long watch that are kept, or left out, together
_READINGS = 200  # of the clock, in a row


class ClosedLoop:
    """The pace of processes that send as soon as they may."""

    timetable: Timetable | None = None
    draws = False  # a schedule for each block: the account of a run leaves its drawing out

    def draw(self, count: int) -> None:
        """Prepare a block of so many loops."""

    def figure(self, loops: int, seconds: float, *, counts: bool = False) -> float:
        """Return what pyperf divides by the loops of the last block; `counts`: it is a value."""
        return seconds

    def histogram(self) -> Mapping[int, int]:
        """Return the single times of the values."""
        return {}

    def parts(self, messages: int) -> Iterator[int]:
        """Yield the messages of each part of a long watch, behind the values."""
        yield from ()

    def watch(self) -> None:
        """Keep the times of a part."""

    def observations(self) -> dict[str, float]:
        """Return what a run has shown of its pace."""
        return {}

    def why_void(self) -> str:
        """Return the reason why a run does not count, or ""."""
        return ""


class OpenLoop(ClosedLoop):
    """The schedules of a run's blocks, and the passages of its messages.

    Args:
        job: the run.
        clock: gives the passages to use.
        resolution: seconds of one reading of the clock in the sender's loop.
    """

    timetable: Timetable
    draws = True

    def __init__(self, job: Job, clock: Clock, resolution: float) -> None:
        self.timetable = Timetable()
        self._job = job
        self._clock = clock
        self._resolution = resolution
        rate = offered(job.cell.pace)
        self._at_random = rate is not None and rate.kind == POISSON
        self._schedules = 0
        self._taken: list[Passages] = []  # of the values
        self._watched: Counter[int] = Counter()  # the latencies of a long watch
        self._seconds = {WATCHED: 0.0, LEFT_OUT: 0.0}

    def draw(self, count: int) -> None:
        """Draw the schedule of the next block."""
        self._schedules += 1
        if not self._at_random:
            due = timetable.fixed(count, self._job.rate)
        else:
            job = self._job
            seed = f"{job.cell.id} {job.round} {job.attempt} {self._schedules}"
            due = timetable.poisson(count, job.rate, seed)
        self.timetable.draw(due)

    def figure(self, loops: int, seconds: float, *, counts: bool = False) -> float:
        """Return the median latency of the last block, as often as it has messages."""
        found = self._clock.passages(self.timetable.passages())
        if counts:
            self._taken.append(found)
        return _median(found.latencies) * loops

    def histogram(self) -> Counter[int]:
        """Return the latencies of all messages of the values, and of a long watch."""
        return counted(self._latencies()) + self._watched

    def parts(self, messages: int) -> Iterator[int]:
        """Yield the messages of each part of a long watch; of a void run, none is watched.

        A part in which the sender is late by itself is left out, so parts are short.
        """
        most = min(timetable.MOST, max(1, round(self._job.rate * PART)))
        left = 0 if self.why_void() else messages
        while left > 0:
            yield min(left, most)
            left -= most

    def watch(self) -> None:
        """Keep the latencies of a part, or leave it out."""
        found = self._clock.passages(self.timetable.passages())
        late = lagged(self._lag([found]), _median(found.latencies))
        self._seconds[LEFT_OUT if late else WATCHED] += found.due / SECOND
        if not late:
            self._watched += counted(found.latencies)

    def _latencies(self) -> array[int]:
        return array("q", (latency for one in self._taken for latency in one.latencies))

    def observations(self) -> dict[str, float]:
        """Return the rates, in messages a second, and what kept the sender; times in seconds."""
        messages = sum(len(one.latencies) for one in self._taken)
        calls = messages - len(self._taken)
        return {
            OFFERED: messages * SECOND / sum(one.due for one in self._taken),
            REACHED: messages * SECOND / max(1, sum(one.sent for one in self._taken)),
            LAG: self._lag(self._taken),
            LATE: sum(one.late for one in self._taken) / messages,
            CALL: sum(one.sending for one in self._taken) / SECOND / max(1, calls),
            **(self._seconds if self._job.stamps else {}),
        }

    def _lag(self, blocks: Sequence[Passages]) -> float:
        """Return by how much the sender is late by itself, beyond a reading of its clock.

        The mean, so that a stall counts by its length: it delays one message for which the
        sender was ready, and those that have become due meanwhile.
        """
        lags = [lag for one in blocks for lag in one.lags]
        return max(0.0, fmean(lags) / SECOND - self._resolution) if lags else 0.0

    def why_void(self) -> str:
        """Return the reason why the run does not count, if the sender was late by itself."""
        return lagged(self._lag(self._taken), _median(self._latencies()))


class Capacity(ClosedLoop):
    """The calibration of an open loop: its loops, with a schedule that is always behind."""

    def __init__(self) -> None:
        self.timetable = Timetable()

    def draw(self, count: int) -> None:
        """Have each message of the next block sent as soon as it may."""
        assert self.timetable is not None
        self.timetable.draw(timetable.closed(count))


def pace_of(job: Job, clock: Clock) -> ClosedLoop:
    """Return the pace of a run; a process that it forks inherits the timetable."""
    if not pattern_of(job.cell).open_loop:
        return ClosedLoop()
    if not job.loops:
        return Capacity()
    return OpenLoop(job, clock, _resolution(native=job.cell.runtime == NATIVE))


def lagged(lag: float, latency: float) -> str:
    """Return the reason why a run does not count, if the sender was late by itself.

    Args:
        lag: seconds, the mean of the messages for which the sender was ready.
        latency: the median, in seconds.
    """
    if lag <= MOST_LAG * latency:
        return ""
    return (
        f"the sender was late by itself, by {lag * 1e6:.2f} µs in the mean: over "
        f"{human_share(MOST_LAG)} of the median latency of {latency * 1e6:.2f} µs"
    )


def _median(latencies: array[int]) -> float:
    """Return the seconds of the middle one."""
    return median(latencies) / SECOND


def _resolution(*, native: bool) -> float:
    """Return the seconds of one reading of the clock, in the loop that waits for a due time."""
    if native:
        return native_loops.reading(_READINGS)
    now, at = perf_counter_ns, 0
    start = now()
    for _ in range(_READINGS):
        while at < 0:
            pass
        at = now()
    return (at - start) / SECOND / _READINGS
