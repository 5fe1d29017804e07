"""Schedule of a comparison: rounds of pairs, until each cell has its verdict or time is up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ipcbench.bench.decisions.gate.sequential import ChangeVerdict
from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.machine import cpu_time
from ipcbench.bench.machine.cpu_time import Ticks
from ipcbench.bench.pairs.coin import first_arm, first_started, in_order
from ipcbench.bench.pairs.players import Players
from ipcbench.bench.pairs.progress import PairProgress
from ipcbench.bench.pairs.steps import Steps
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.plan.timing import timing_of
from ipcbench.bench.results.comparison.comparison import MOST_PAIRS
from ipcbench.bench.results.comparison.records import (
    BASE,
    HEAD,
    AnyComparisonEntry,
    ArmFailed,
    ArmName,
    Pair,
)
from ipcbench.bench.results.records import Ended, Reason, Run, Settings
from ipcbench.bench.results.units import human_share
from ipcbench.bench.rounds.estimate import ROUND_START, length, usual_seconds
from ipcbench.bench.rounds.order import MINI, Shuffle
from ipcbench.bench.rounds.turns import Turn, Turns, retakes
from ipcbench.bench.sweep.calibration import calibrate
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.sweep.disturbance import Disturbed, why_void
from ipcbench.bench.sweep.far_runs import FarRuns
from ipcbench.bench.sweep.replies import judged, to_run
from ipcbench.bench.sweep.shared.failures import Failures, fields_of
from ipcbench.bench.sweep.shared.sizing import Sizing
from ipcbench.bench.sweep.shared.steal import end_of_round
from ipcbench.bench.sweep.voids import Voids
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.fork_parent import Program
from ipcbench.bench.workers.job import Outcome, Reply

RUNS = 2  # of a pair
MOST_ATTEMPTS = 2  # at a pair in a round that are not failures

Delay = Callable[[PlannedCell, float], tuple[int, float]]
"""delay(cell, seconds per unit) -> turns of a delay of the head arm, and the share that it adds."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The end of a comparison.

    Attributes:
        budget: seconds after which no round begins; None: no limit.
        pairs: those that each cell is to have, whatever its verdict; 0: until it is decided.
    """

    budget: float | None = None
    pairs: int = 0


@dataclass(frozen=True, slots=True)
class _Failure:
    """The failed run of a pair: that of which arm."""

    arm: ArmName
    failure: ProcessFailure


class PairSchedule:
    """A comparison over a plan.

    `write` is called with each entry of the journal, and `watch` with the pid of each fork
    server, before it forks. `delay` slows cells of the head arm down, for a selftest.
    """

    def __init__(
        self,
        cells: Sequence[PlannedCell],
        settings: Settings,
        seed: int,
        write: Callable[[AnyComparisonEntry], None],
        watcher: Watcher,
        *,
        programs: Mapping[ArmName, Program],
        progress: PairProgress,
        ends: Ends,
        clock: str,
        keep_disturbed: bool = False,
        watch: Callable[[int], None] = lambda pid: None,
        full: Callable[[], bool] = lambda: False,
        delay: Delay | None = None,
    ) -> None:
        self._cells, self._seed, self._ends = cells, seed, ends
        self._timings = {
            one.cell.id: timing_of(one.cell, one.cpus, settings, clock) for one in cells
        }
        self._write, self._watcher, self._full, self._delay = write, watcher, full, delay
        self._real = clock == REAL  # nothing disturbs a made-up time
        self._noise_counts = self._real and not keep_disturbed
        self._progress = progress
        self._players = Players(self._timings, clock, watch, programs)
        self._failures = Failures(progress.failures, progress.loops, watcher.note)
        self._sizing = Sizing(
            progress, self._timings, settings, write, self._spent, noise_counts=self._noise_counts
        )
        self._far = FarRuns()
        self._voids = Voids(watcher, self.why_void, progress.usual)
        self._steps = Steps(watcher, progress, ends.budget, ends.pairs)
        self._began = time.monotonic() - progress.spent  # as if it had not been stopped
        self._readings: list[tuple[float, Mapping[int, Ticks]]] = []
        self.stopping = False

    def stop(self) -> None:
        """Stop after the current pair; safe to call from a signal handler."""
        self.stopping = True

    def run(self) -> Ended:
        """Run the comparison; write and return the last entry."""
        try:
            if self.over() is None:
                self._calibrate()
            reason = self._rounds()
        finally:
            self._players.end()
        ended = Ended(reason=reason, wall=self._spent())
        self._write(ended)
        return ended

    def over(self) -> Reason | None:
        """Return the reason why no further round starts, or None."""
        if self._full():
            return "full"
        progress, budget = self._progress, self._ends.budget
        if not any(self._is_open(one.cell.id) for one in self._cells):
            if self._ends.pairs:
                return "complete"
            return "decided" if all(test.verdict for test in progress.tests.values()) else "full"
        begun = bool(progress.begun.pairs)
        if budget is None or not progress.finished or begun:
            return None  # one round is played, whatever the budget
        return "budget" if self._spent() + self._next_round() > budget else None

    def _is_open(self, cell: str) -> bool:
        if self._progress.played[cell] + MOST_ATTEMPTS > MOST_PAIRS:
            return False  # its journal could not be read with more
        test = self._progress.tests[cell]
        return test.pairs < self._ends.pairs if self._ends.pairs else test.verdict is None

    def _playing(self) -> list[PlannedCell]:
        """Return the cells of the next round."""
        loops = self._progress.loops
        return [one for one in self._cells if one.cell.id in loops and self._is_open(one.cell.id)]

    def _next_round(self) -> float:
        """Return about the seconds of the next round."""
        costs = self._progress.costs
        pairs = sum(costs.get(one.cell.id, self._usual(one)) for one in self._playing())
        return pairs + (self._progress.start or ROUND_START)

    def _usual(self, planned: PlannedCell) -> float:
        return RUNS * usual_seconds(self._timings[planned.cell.id])

    # Rounds

    def _rounds(self) -> Reason:
        while not self.stopping:
            if (reason := self.over()) is not None:
                return reason
            if not self._playing():  # the others have failed
                return "complete"
            self._round(self._progress.next)
        return "interrupted"

    def _spent(self) -> float:
        return time.monotonic() - self._began

    def _round(self, number: int) -> None:
        began = time.monotonic()
        self._readings.append((began, cpu_time.ticks()))
        wall = self._progress.begun.wall
        self._players.renew(*(first_started(self._seed, number + later) for later in (0, 1)))
        self._progress.start = time.monotonic() - began
        playing = self._playing()
        retaken = retakes(order := Shuffle(self._seed, number).order(playing), mini=True, runs=RUNS)
        pending = self._pending(order, retaken)
        ids = [one.cell.id for one in playing]
        while pending and not self.stopping:
            turn = pending.next()
            if turn is None:
                break
            identity, attempt = turn.planned.cell.id, turn.attempt
            self._steps.pair(number, identity, self._spent(), ids)
            pair = self._pair(turn.planned, number, attempt)
            if isinstance(pair, _Failure):
                if self._fail(pair.arm, turn.planned, number, attempt, pair.failure):
                    pending.again(turn)
                continue
            self._keep(pair)
            if pair.void and attempt <= retaken[identity]:
                pending.retake(turn)
        if not pending:  # else stopped within the round
            self._end_round(number, wall + time.monotonic() - began)

    def _pending(self, order: Sequence[PlannedCell], retaken: Mapping[str, int]) -> Turns:
        """List the cells that a round still has to play, each with its next attempt."""
        begun, turns = self._progress.begun, []
        for planned in order:
            identity = planned.cell.id
            void = begun.void(identity)
            if not begun.has(identity) and void <= retaken[identity]:
                turns.append(Turn(planned, void + 1))
        return Turns(turns, lambda: self.stopping, runs=RUNS)

    def _end_round(self, number: int, wall: float) -> None:
        begun = self._progress.begun
        before = self._before() if self._noise_counts else None
        line = end_of_round(number, wall, begun.timed, self._cells, before)
        self._write(line)
        for cell in self._progress.end(line):
            self._tell(cell)
        if not line.void:
            self._sizing.rescale(self._cells, number, self._lengths(begun.pairs))

    def _tell(self, cell: str) -> None:
        """Show that a cell is broken, as soon as that is known."""
        test = self._progress.tests[cell]
        if test.verdict is ChangeVerdict.BROKEN:
            slower = human_share(math.expm1(test.median))
            self._watcher.note(f"broken: {cell}: head is {slower} slower, by {test.pairs} pairs")

    def _before(self) -> Mapping[int, Ticks]:
        """Return the reading of the ticks by which a round that ends now is judged.

        Of a short round, a single tick is a large share: it is judged by a second at least.
        """
        enough = time.monotonic() - MINI
        while len(self._readings) > 1 and self._readings[1][0] <= enough:
            del self._readings[0]
        return self._readings[0][1]

    def _lengths(self, pairs: Sequence[Pair]) -> dict[str, float]:
        """Return the seconds of a block of the base arm, by cell."""
        cells = {one.cell.id: one.cell for one in self._cells}
        return {one.cell: length(cells[one.cell], one.base) for one in pairs if not one.void}

    # Single pairs

    def _pair(self, planned: PlannedCell, number: int, attempt: int) -> Pair | _Failure:
        """Have both arms do a run, one right after the other, or the first one that fails."""
        identity = planned.cell.id
        first = first_arm(self._seed, identity, number, attempt)
        runs: dict[ArmName, Run] = {}
        for arm in in_order(first):
            loops = self._progress.loops[identity]
            reply = self._ask(arm, planned, number, attempt, loops)
            run = self._judged(to_run(planned, number, attempt, loops, reply))
            if isinstance(run, ProcessFailure):
                return _Failure(arm, run)
            runs[arm] = run
        return Pair(
            cell=identity,
            number=number,
            attempt=attempt,
            first=first,
            base=runs[BASE],
            head=runs[HEAD],
            void=runs[BASE].void or runs[HEAD].void,
            at=self._spent(),
        )

    def _judged(self, run: Run | ProcessFailure) -> Run | ProcessFailure:
        if isinstance(run, ProcessFailure):
            return run
        usual = self._progress.usual.get(run.cell, 0.0)
        why = self._why_disturbed(run, usual) if self._real else ""
        return judged(run, why, noise_counts=self._noise_counts)

    def _why_disturbed(self, run: Disturbed, usual: float) -> str:
        return why_void(run, usual) or self._far.why(run)

    def _keep(self, pair: Pair) -> None:
        """Write a pair to the journal."""
        self._failures.forget(pair.cell)
        self._write(pair)
        self._progress.begun.pairs.append(pair)
        self._progress.paid(pair)

    def why_void(self, run: Disturbed, usual: float = 0.0) -> str:
        """Return the reason why a run does not count; "" where it does."""
        return self._why_disturbed(run, usual) if self._noise_counts else ""

    def _fail(
        self,
        arm: ArmName,
        planned: PlannedCell,
        number: int,
        attempt: int,
        failure: ProcessFailure,
    ) -> bool:
        """Write a failed run to the journal; return whether to retry its pair in the round."""
        identity = planned.cell.id
        self._write(ArmFailed(arm=arm, **fields_of(identity, number, failure, self._spent())))
        return self._failures.add(identity, attempt, failure, f" of {arm}")

    def _ask(
        self, arm: ArmName, planned: PlannedCell, number: int, attempt: int, loops: int
    ) -> Reply:
        identity = planned.cell.id
        rate = self._progress.rates.get(identity, (0.0, 0.0))[1] if loops else 0.0
        turns = self._progress.delays.get(identity, (0, 0.0))[0] if loops and arm == HEAD else 0
        reply = self._players.run(arm, planned, number, attempt, loops, turns, rate)
        if reply.outcome is not None:
            self._far.take(reply.outcome)
        return self._voids.seen(identity, reply)

    # Calibration, by the base arm: both play the same loops

    def _calibrate(self) -> None:
        cells = Shuffle(self._seed, 0).order(self._cells)
        calibrate(
            [one for one in cells if one.cell.id not in self._progress.loops], self._timings, self
        )

    def ask(self, planned: PlannedCell, number: int, attempt: int, loops: int) -> Reply:
        """Have a run done; `loops` 0: a calibration."""
        return self._ask(BASE, planned, number, attempt, loops)

    def fail(
        self, planned: PlannedCell, number: int, attempt: int, failure: ProcessFailure
    ) -> bool:
        """Write a failed calibration to the journal; return whether to retry it."""
        return self._fail(BASE, planned, number, attempt, failure)

    def settle(self, planned: PlannedCell, unit: float, outcomes: Sequence[Outcome]) -> None:
        """Keep the sizes of a cell's runs; `unit`: seconds per unit, pauses included."""
        delay = None if self._delay is None else self._delay(planned, unit)
        self._sizing.settle(planned, unit, outcomes, delay)

    def show_calibration(self, left: float, planned: PlannedCell) -> None:
        """Show the seconds that are left: of the calibration, and of the pairs."""
        all_pairs = ROUND_START + sum(map(self._usual, self._cells))
        self._steps.calibrating(left, planned.cell.id, self._spent(), all_pairs)
