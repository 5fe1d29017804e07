"""Progress of a sweep, from its journal: the work that a resumed sweep need not repeat."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Run
from ipcbench.bench.results.results import Results
from ipcbench.bench.sweep.calibration import length

RETAKES = 2  # of a void run, within its round


@dataclass(slots=True)
class Begun:
    """The part of a round that was run before its sweep was stopped."""

    attempts: dict[str, int] = field(default_factory=dict)  # cell -> number of its void runs
    wall: float = 0.0
    timed: float = 0.0
    lengths: dict[str, float] = field(default_factory=dict)  # cell -> seconds of a block


@dataclass(slots=True)
class Progress:
    """Progress of a sweep; a resumed one continues from it."""

    loops: dict[str, int] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)
    delays: dict[str, tuple[int, float]] = field(default_factory=dict)  # turns, share that they add
    usual: dict[str, float] = field(default_factory=dict)  # cell -> usual share of foreign time
    rescales: Counter[str] = field(default_factory=Counter)  # corrections of the loops
    done: dict[int, set[str]] = field(default_factory=dict)  # round -> cells that have a run
    finished: set[int] = field(default_factory=set)  # rounds that have ended
    void: set[int] = field(default_factory=set)  # finished, and void by steal
    failures: dict[str, int] = field(default_factory=dict)  # rounds in a row without a run
    begun: dict[int, Begun] = field(default_factory=dict)  # a round that has not ended
    lengths: dict[str, float] = field(default_factory=dict)  # as in Begun, uncorrected: see `of`
    spent: float = 0.0  # seconds of sweeping
    pace: float = 0.0  # seconds that the last round took

    @classmethod
    def of(cls, results: Results) -> Progress:
        """Read the progress of a stopped sweep.

        Failed cells are tried again in the remaining rounds: the count of their
        failures starts at 0. A kill between the end of a round and the corrections that follow
        it leaves `lengths`, by which they are made.
        """
        progress = cls(
            finished={one.round for one in results.rounds},
            void={one.round for one in results.rounds if one.void},
            spent=results.spent,
            pace=results.rounds[-1].wall if results.rounds else 0.0,
        )
        last = max(progress.finished, default=0)
        corrects = last not in progress.void
        for identity, result in results.cells.items():
            if result.loops is not None:
                progress.loops[identity] = result.loops
                progress.stamps[identity] = result.stamps
                progress.usual[identity] = result.usual_foreign
                progress.delays[identity] = result.turns, result.slow_down
            progress.rescales[identity] = len(result.rescaled)
            for run in result.runs:
                progress._count(run, result.cell)
                counts = corrects and run.round == last and not run.void
                if counts and last not in result.rescaled and _known(result.cell):
                    progress.lengths[identity] = length(result.cell, run)
        return progress

    def _count(self, run: Run, cell: Cell) -> None:
        if not run.void or run.attempt > RETAKES or run.round in self.finished:
            self.done.setdefault(run.round, set()).add(run.cell)
        if run.round in self.finished:
            return
        begun = self.begun.setdefault(run.round, Begun())
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
    except KeyError:
        return False
    return True
