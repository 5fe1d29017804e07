"""Progress of a sweep, from its journal: the work that a resumed sweep need not repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from ipcbench.bench.patterns.table import Lacking, pattern_of
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Looked, Round, Run
from ipcbench.bench.results.results import Results
from ipcbench.bench.rounds.adaptive import Prices
from ipcbench.bench.rounds.estimate import length, prices

RETAKES = 2  # of a void run, within its round


@dataclass(slots=True)
class Begun:
    """The part of a round that was run before its sweep was stopped."""

    attempts: dict[str, int] = field(default_factory=dict)  # cell -> number of its void runs
    runs: list[Run] = field(default_factory=list)
    wall: float = 0.0
    timed: float = 0.0
    lengths: dict[str, float] = field(default_factory=dict)  # cell -> seconds of a block


@dataclass(slots=True)
class Progress:
    """Progress of a sweep; a resumed one continues from it."""

    loops: dict[str, int] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)
    delays: dict[str, tuple[int, float]] = field(default_factory=dict)  # turns, share that they add
    rates: dict[str, tuple[float, float]] = field(default_factory=dict)  # capacity, offered rate
    usual: dict[str, float] = field(default_factory=dict)  # cell -> usual share of foreign time
    rescales: Counter[str] = field(default_factory=Counter)  # corrections of the loops
    done: dict[int, set[str]] = field(default_factory=dict)  # round -> cells that have a run
    finished: set[int] = field(default_factory=set)  # rounds that have ended
    mini: set[int] = field(default_factory=set)  # of these, the mini-rounds
    void: set[int] = field(default_factory=set)  # finished, and void by steal
    failures: dict[str, int] = field(default_factory=dict)  # rounds in a row without a run
    begun: dict[int, Begun] = field(default_factory=dict)  # a round that has not ended
    lengths: dict[str, float] = field(default_factory=dict)  # as in Begun, uncorrected: see `of`
    spent: float = 0.0  # seconds of sweeping
    pace: float = 0.0  # seconds that the last round took
    times: dict[str, dict[int, float]] = field(default_factory=dict)  # of finished rounds: `Times`
    walls: dict[str, list[float]] = field(default_factory=dict)  # cell -> seconds of its runs
    in_rounds: float = 0.0  # seconds of all finished rounds
    looks: list[Looked] = field(default_factory=list)
    observed: set[str] = field(default_factory=set)  # experiments that were played

    @classmethod
    def of(cls, results: Results) -> Progress:
        """Read the progress of a stopped sweep.

        Failed cells are tried again in the remaining rounds: the count of their
        failures starts at 0. A kill between the end of a round and the corrections that follow
        it leaves `lengths`, by which they are made.
        """
        progress = cls(
            spent=results.spent, looks=list(results.looks), observed={*results.observations}
        )
        runs: dict[int, list[Run]] = {}
        for result in results.cells.values():
            for run in result.runs:
                runs.setdefault(run.round, []).append(run)
        for line in results.rounds:
            progress.end(line, runs.get(line.round, ()))
        last = max(progress.finished, default=0)
        corrects = last not in progress.void
        for identity, result in results.cells.items():
            if result.loops is not None:
                progress.loops[identity] = result.loops
                progress.stamps[identity] = result.stamps
                progress.usual[identity] = result.usual_foreign
                progress.delays[identity] = result.turns, result.slow_down
                progress.rates[identity] = result.rates
            progress.rescales[identity] = len(result.rescaled)
            for run in result.runs:
                progress.take(run)
                progress._count(run, result.cell)
                counts = corrects and run.round == last and not run.void
                if counts and last not in result.rescaled and _known(result.cell):
                    progress.lengths[identity] = length(result.cell, run)
        return progress

    @property
    def next(self) -> int:
        """The number of the next round."""
        return max(self.finished, default=0) + 1

    def take(self, run: Run) -> None:
        """Add the seconds of a run."""
        self.walls.setdefault(run.cell, []).append(run.wall)

    def end(self, line: Round, runs: Iterable[Run]) -> None:
        """Add the end of a round with these runs. Only here their times count, if they do."""
        self.finished.add(line.round)
        if line.mini:
            self.mini.add(line.round)
        if line.void:
            self.void.add(line.round)
        for run in runs:
            if not run.void and not (line.void and line.disturbs(run)):
                self.times.setdefault(run.cell, {})[line.round] = median(run.values)
        self.in_rounds += line.wall
        self.pace = line.wall

    def prices(self, usual: Mapping[str, float]) -> Prices:
        """Return what further rounds cost; `usual`: cell -> about the seconds of a run."""
        return prices(self.walls, usual, self.in_rounds, len(self.finished))

    def _count(self, run: Run, cell: Cell) -> None:
        if not run.void or run.attempt > RETAKES or run.round in self.finished:
            self.done.setdefault(run.round, set()).add(run.cell)
        if run.round in self.finished:
            return
        begun = self.begun.setdefault(run.round, Begun())
        begun.runs.append(run)
        begun.wall += run.wall
        begun.timed += run.timed
        if not run.void and _known(cell):
            begun.lengths[run.cell] = length(cell, run)
        elif run.void:
            begun.attempts[run.cell] = max(begun.attempts.get(run.cell, 0), run.attempt)


def _known(cell: Cell) -> bool:
    """Tell whether this version has the pattern, with that pace: a journal is untrusted."""
    try:
        pattern_of(cell)
    except Lacking:
        return False
    return True
