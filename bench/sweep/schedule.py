"""Schedule of a sweep: its rounds, the looks at its contests, until the end or the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from ipcbench.bench.decisions.contest import Contest
from ipcbench.bench.decisions.promises.looks import PromisedRatio
from ipcbench.bench.experiments.frame.schedule import Experiments
from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.machine import cpu_time
from ipcbench.bench.machine.cpu_time import Ticks
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.plan.timing import timing_of
from ipcbench.bench.results.records import AnyEntry, Ended, Failed, Looked, Reason, Run, Settings
from ipcbench.bench.rounds.estimate import length, usual_seconds
from ipcbench.bench.rounds.forecast import Forecast
from ipcbench.bench.rounds.looks import Looks
from ipcbench.bench.rounds.order import MINI, Shuffle
from ipcbench.bench.rounds.progress import Begun, Progress
from ipcbench.bench.rounds.turns import Turn, Turns, retakes
from ipcbench.bench.sweep.calibration import calibrate
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.sweep.disturbance import Disturbed, why_void
from ipcbench.bench.sweep.far_runs import FarRuns
from ipcbench.bench.sweep.replies import judged, to_run
from ipcbench.bench.sweep.runner import Runner
from ipcbench.bench.sweep.shared.failures import Failures, fields_of
from ipcbench.bench.sweep.shared.sizing import Sizing
from ipcbench.bench.sweep.shared.steal import end_of_round
from ipcbench.bench.sweep.steps import Steps
from ipcbench.bench.sweep.voids import Voids
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.job import Outcome, Reply


class Schedule:
    """A sweep over a plan.

    `write` is called with each entry of the journal, and `watch` with the pid of each fork
    server, before it forks.
    """

    def __init__(
        self,
        cells: Sequence[PlannedCell],
        settings: Settings,
        seed: int,
        write: Callable[[AnyEntry], None],
        watcher: Watcher,
        *,
        contests: Sequence[Contest] = (),
        promises: Sequence[PromisedRatio] = (),
        budget: float | None = None,
        clock: str,
        keep_disturbed: bool = False,
        progress: Progress | None = None,
        watch: Callable[[int], None] = lambda pid: None,
        full: Callable[[], bool] = lambda: False,
        experiments: Experiments | None = None,
    ) -> None:
        self._cells, self._settings, self._seed, self._budget = cells, settings, seed, budget
        self._timings = {
            one.cell.id: timing_of(one.cell, one.cpus, settings, clock) for one in cells
        }
        self._write, self._watcher = write, watcher
        self._real = clock == REAL  # nothing disturbs a made-up time
        self._noise_counts = self._real and not keep_disturbed
        self._progress, self._full = progress or Progress(), full
        self._experiments = experiments or Experiments((), write, watcher.note, clock=clock)
        self._runner = Runner(self._timings, clock, watch)
        self._failures = Failures(self._progress.failures, self._progress.loops, watcher.note)
        self._sizing = Sizing(
            self._progress,
            self._timings,
            settings,
            write,
            self._spent,
            noise_counts=self._noise_counts,
        )
        self._far = FarRuns()
        self._voids = Voids(watcher, self.why_void, self._progress.usual)
        self._started_at = time.monotonic()
        self._began = self._started_at - self._progress.spent  # as if it had not been stopped
        each = {one: usual_seconds(timing) for one, timing in self._timings.items()}
        self._looks = Looks(
            cells, contests, settings, self._progress, each, promises, seed=seed, budget=budget
        )
        self._forecast = Forecast(
            [one.cell for one in cells],
            self._timings,
            settings,
            budget=budget,
            experiments=self._experiments.usual,
            contests=self._looks.all > 0,
        )
        self._steps = Steps(watcher, settings, self._looks, self._progress, self._forecast, budget)
        self.stopping = False

    def stop(self) -> None:
        """Stop after the current run; safe to call from a signal handler."""
        self.stopping = True

    def run(self) -> Ended:
        """Run the sweep; write and return the last entry."""
        try:
            last = max(self._progress.finished, default=0)
            self._sizing.rescale(self._cells, last, self._progress.lengths)
            if self.over() is None:
                began = time.monotonic()
                self._calibrate()
                self._warm_up(began + self._experiments.play(self, self._spent, self._budget))
            reason = self._rounds()
        finally:
            self._runner.end()
        # Where its cells have failed before its last round, a resumed sweep tries them again.
        ends = reason != "interrupted" and self.over() is not None
        if ends and (look := self._looks.at_the_end(self._spent())):
            self._write(look)
        ended = Ended(reason=reason, wall=self._spent())
        self._write(ended)
        return ended

    def choose_anew(self) -> Looked | None:
        """Choose the cells that go on with a new budget; return the entry, if there is one."""
        return self._looks.choose_anew(self._spent())

    def over(self) -> Reason | None:
        """Return the reason why no further round starts, or None."""
        if self._full():
            return "full"
        if self._settings.adaptive and self._looks.has_base():
            return self._looks.over(self._spent())
        if self._budget is not None:
            begun = self._progress.next in self._progress.begun
            too_long = self._spent() + self._progress.pace > self._budget
            return "budget" if self._progress.finished and not begun and too_long else None
        return "complete" if self._looks.has_base() else None

    # Rounds

    def _rounds(self) -> Reason:
        self._started_at = time.monotonic()
        while not self.stopping and self._progress.loops:
            if (reason := self.over()) is not None:
                return reason
            if not self._settings.adaptive or not self._looks.has_base():
                self._round(self._progress.next, self._cells)
            elif self._looks.due():
                self._write(self._looks.take(self._spent()))
            else:
                self._round(self._progress.next, self._looks.mini_cells(), mini=True)
        return "interrupted" if self.stopping else self.over() or "complete"

    def _spent(self) -> float:
        return time.monotonic() - self._began

    def _round(self, number: int, cells: Sequence[PlannedCell], *, mini: bool = False) -> None:
        began, before = time.monotonic(), cpu_time.ticks()
        self._runner.renew()
        begun = self._progress.begun.pop(number, Begun())
        timed = begun.timed
        done = self._progress.done.setdefault(number, set())
        order = Shuffle(self._seed, number).order(cells, self._looks.in_play(mini=mini))
        retaken = retakes(order, mini=mini)
        pending = self._pending(order, done, begun, retaken)
        while pending and not self.stopping:
            turn = pending.next()
            if turn is None:
                break
            planned, attempt = turn.planned, turn.attempt
            running = time.monotonic() - self._started_at
            self._steps.run(number, planned.cell.id, self._spent(), running, mini=mini)
            loops = self._progress.loops[planned.cell.id]
            reply = self._ask(planned, number, attempt, loops, tail=not mini)
            run = self._judged(to_run(planned, number, attempt, loops, reply))
            if isinstance(run, ProcessFailure):
                if self.fail(planned, number, attempt, run):
                    pending.again(turn)
                continue
            self._keep(planned, run)
            begun.runs.append(run)
            timed += run.timed
            if not run.void:
                begun.lengths[run.cell] = length(planned.cell, run)
            if run.void and attempt <= retaken[planned.cell.id]:
                pending.retake(turn)
            else:
                done.add(planned.cell.id)
        if pending:  # stopped within the round
            return
        if mini:
            self._rest(began)
        wall = time.monotonic() - began
        self._end_round(number, begun, begun.wall + wall, timed, before, mini=mini)
        if number not in self._progress.void:
            self._sizing.rescale(self._cells, number, begun.lengths)

    def _pending(
        self,
        order: Sequence[PlannedCell],
        done: set[str],
        begun: Begun,
        retaken: Mapping[str, int],
    ) -> Turns:
        """List the cells that a round still has to run, each with its next attempt."""
        turns = []
        for planned in order:
            identity = planned.cell.id
            void = begun.attempts.get(identity, 0)
            left = identity not in done and void <= retaken[identity]
            if left and identity in self._progress.loops:
                turns.append(Turn(planned, void + 1))
        return Turns(turns, lambda: self.stopping)

    def _end_round(
        self,
        number: int,
        begun: Begun,
        wall: float,
        timed: float,
        before: Mapping[int, Ticks],
        *,
        mini: bool,
    ) -> None:
        ticks = before if self._noise_counts else None
        line = end_of_round(number, wall, timed, self._cells, ticks, mini=mini)
        self._write(line)
        self._progress.end(line, begun.runs)

    def _rest(self, began: float) -> None:
        """Wait until a mini-round has lasted long enough, where all cells together are too few."""
        left = began + MINI - time.monotonic()
        if self._real and left > 0 and not self.stopping:
            time.sleep(left)

    # Single runs

    def settle(self, planned: PlannedCell, unit: float, outcomes: Sequence[Outcome]) -> None:
        """Keep the loops and stamps of a cell; `unit`: seconds per unit, pauses included."""
        cell = planned.cell
        self._forecast.calibrated(cell.id, unit * pattern_of(cell).units(cell.processes))
        self._sizing.settle(planned, unit, outcomes)

    def show_calibration(self, left: float, planned: PlannedCell) -> None:
        """Show the seconds that are left: of the calibration, and of the rounds."""
        self._steps.calibrating(left, planned.cell.id, self._spent())

    def show_experiment(self, left: float, name: str) -> None:
        """Show the seconds that are left: of the experiments, and of the rounds."""
        self._steps.experimenting(left, name, self._spent())

    def _warm_up(self, began: float) -> None:
        """Play cells, and keep nothing, until the machine has been busy for a while.

        The first seconds of a sweep are its worst: the machine was idle before. The runs of the
        calibration count as well. Fewer rounds than a verdict takes have no warm-up.
        """
        seconds = self._forecast.before_rounds if self._real else 0.0
        for planned in Shuffle(self._seed, 0).order(self._cells):
            left = began + seconds - time.monotonic()
            if left <= 0 or self.stopping:
                return
            if loops := self._progress.loops.get(planned.cell.id):
                self._steps.warming_up(left, self._spent())
                if self._ask(planned, 0, 1, loops, tail=False).failure is not None:
                    return  # the rounds find out more

    def _calibrate(self) -> None:
        """Find the number of loops that fill a block, for each cell without one."""
        cells = Shuffle(self._seed, 0).order(self._cells)
        todo = [planned for planned in cells if planned.cell.id not in self._progress.loops]
        calibrate(todo, self._timings, self)

    def _keep(self, planned: PlannedCell, run: Run) -> None:
        """Write a run to the journal."""
        self._failures.forget(planned.cell.id)
        run.at = self._spent()
        self._write(run)
        self._progress.take(run)

    def _judged(self, run: Run | ProcessFailure) -> Run | ProcessFailure:
        """Mark a run as void if others disturbed it, or take one that missed its rate as failed."""
        if isinstance(run, ProcessFailure):
            return run
        usual = self._progress.usual.get(run.cell, 0.0)
        why = self._why_disturbed(run, usual) if self._real else ""
        return judged(run, why, noise_counts=self._noise_counts)

    def _why_disturbed(self, run: Disturbed, usual: float) -> str:
        return why_void(run, usual) or self._far.why(run)

    def why_void(self, run: Disturbed, usual: float = 0.0) -> str:
        """Return the reason why a run does not count; "" where it does."""
        return self._why_disturbed(run, usual) if self._noise_counts else ""

    def fail(
        self, planned: PlannedCell, number: int, attempt: int, failure: ProcessFailure
    ) -> bool:
        """Write a failed run to the journal; return whether to retry it within its round."""
        identity = planned.cell.id
        self._write(Failed(**fields_of(identity, number, failure, self._spent())))
        return self._failures.add(identity, attempt, failure)

    def ask(self, planned: PlannedCell, number: int, attempt: int, loops: int) -> Reply:
        """Have a run done; `loops` 0: a calibration."""
        return self._ask(planned, number, attempt, loops, tail=True)

    def _ask(
        self, planned: PlannedCell, number: int, attempt: int, loops: int, *, tail: bool
    ) -> Reply:
        identity = planned.cell.id
        stamps = self._progress.stamps.get(identity, 0) if loops and tail else 0
        rate = self._progress.rates.get(identity, (0.0, 0.0))[1] if loops else 0.0
        turns = self._progress.delays.get(identity, (0, 0.0))[0] if loops else 0
        reply = self._runner.run(planned, number, attempt, loops, stamps, turns, rate)
        if reply.outcome is not None:
            self._far.take(reply.outcome)
        return self._voids.seen(identity, reply)
