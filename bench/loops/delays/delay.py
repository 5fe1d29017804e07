"""Delay of the slowed controls: an empty loop of so many turns, and what it costs here.

A clock that is read until the time has come is off by up to one reading, which is a fifth of the
delays that are wanted (5 % of 3 µs). A turn takes a cycle in C, and some nanoseconds in Python.

A delay costs more between two round trips than by itself, since a process that has just been
woken predicts its branches badly: in Python about 0.1 µs. So a calibration chooses its turns, and
measures the share that they add, by blocks with and without the delay in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from time import perf_counter
from typing import Protocol, TypeAlias

from ipcbench.bench.loops.loop import Loop
from ipcbench.bench.loops.native_loops import compiled

PROBE = 1000  # turns of a delay by which the cost of one is measured
REPEATS = 7  # of such a measurement: the shortest one counts, since a disturbance only adds
TURNS = 100_000  # of a measurement, about, all delays together
BESIDE = 250  # turns that what a delay does beside them may take
FEWEST = 4  # delays of a measurement
TRIALS = 48  # blocks with a delay, and as many without: their 5th shortest count
STEPS = 3  # choices of the turns, each followed by such trials; the last ones tell the share
MOST = 1.25  # times the turns that the delay by itself asks for

# Turns -> seconds of a delay.
Cost: TypeAlias = Callable[[int], float]


def cost_of(*, native: bool) -> Cost:
    """Return the function that measures a delay, as the loops of a runtime spend it."""
    trial = compiled.delay if native else _in_python

    def cost(turns: int) -> float:
        count = max(FEWEST, TURNS // (turns + BESIDE))
        return float(min(trial(turns, count) for _ in range(REPEATS)))

    return cost


def _in_python(turns: int, count: int) -> float:
    """Measure a delay as it stands in `slowed_ping`: an inner loop, without the outer one."""
    delay = range(turns)
    start = perf_counter()
    for _ in repeat(None, count):
        for _ in delay:
            pass
    middle = perf_counter()
    for _ in repeat(None, count):
        pass
    return (2 * middle - start - perf_counter()) / count


def turns_for(seconds: float, cost: Cost) -> int:
    """Return the turns of a delay that lasts so long, 0 where none is as short."""
    return more_turns(0, seconds - cost(0), cost)


def more_turns(turns: int, seconds: float, cost: Cost) -> int:
    """Return the turns of a delay that lasts so much longer, or shorter, than one of `turns`."""
    turn = max((cost(PROBE) - cost(0)) / PROBE, 1e-12)
    return max(0, turns + round(seconds / turn))


# Loops -> seconds of a block of so many.
Block: TypeAlias = Callable[[int], float]


class Runner(Protocol):
    """The runner of the blocks: its loop, and the arguments of that loop."""

    loop: Loop
    arguments: tuple[int, ...]


class Trials:
    """Short blocks of a runner, with the delay and without it in turn."""

    def __init__(self, runner: Runner, block: Block, plain: Loop) -> None:
        self._runner = runner
        self._block = block
        self._plain, self._slowed = plain, runner.loop
        self._loops = 1
        self._undelayed = 0.0  # seconds of a loop

    def lengthen(self, seconds: float) -> None:
        """Find the loops of a block that is long enough where nothing disturbs it."""
        while (found := self._shortest()) * self._loops < seconds:
            self._loops *= 2
        self._undelayed = found

    def _shortest(self) -> float:
        return min(self._seconds(self._plain) for _ in range(REPEATS))

    def calibrate(self, wanted: float, cost: Cost) -> float:
        """Choose the turns for a share, and leave them set; return the share that they add."""
        first = turns = turns_for(wanted * self._undelayed, cost)
        share = self._measure(turns)
        for _ in range(STEPS - 1):
            better = more_turns(turns, (wanted - share) * self._undelayed, cost)
            # By itself a delay costs no more than between round trips: more is a disturbance.
            turns = min(better, round(first * MOST))
            share = self._measure(turns)
        return share

    def _measure(self, turns: int) -> float:
        """Return the share that a delay adds."""
        pairs = [
            (self._seconds(self._plain), self._seconds(self._slowed, turns)) for _ in range(TRIALS)
        ]
        plain = sorted(plain for plain, _ in pairs)[TRIALS // 10]
        slowed = sorted(slowed for _, slowed in pairs)[TRIALS // 10]
        self._undelayed = plain
        return slowed / plain - 1

    def _seconds(self, loop: Loop, *arguments: int) -> float:
        self._runner.loop, self._runner.arguments = loop, arguments
        return self._block(self._loops) / self._loops
