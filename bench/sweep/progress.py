"""Where a sweep is, from its journal: what a stopped one has done, and a resumed one takes up."""

from __future__ import annotations

from dataclasses import dataclass, field

from ipcbench.bench.results.records import Run
from ipcbench.bench.results.results import Results

RETAKES = 2  # of a void run, within its round


@dataclass(slots=True)
class Begun:
    """What was played of a round before its sweep was stopped."""

    attempts: dict[str, int] = field(default_factory=dict)  # cell -> how many were void
    wall: float = 0.0
    timed: float = 0.0
    stolen: float = 0.0  # seconds


@dataclass(slots=True)
class Progress:
    """Where a sweep is: what a resumed one takes up again."""

    loops: dict[str, int] = field(default_factory=dict)
    done: dict[int, set[str]] = field(default_factory=dict)  # round -> cells that have a run
    finished: set[int] = field(default_factory=set)  # rounds that have ended
    void: set[int] = field(default_factory=set)  # finished, and void by steal
    failures: dict[str, int] = field(default_factory=dict)  # rounds in a row without a run
    begun: dict[int, Begun] = field(default_factory=dict)  # a round that has not ended
    spent: float = 0.0  # seconds of sweeping
    pace: float = 0.0  # seconds that the last round took

    @classmethod
    def of(cls, results: Results) -> Progress:
        """What the journal of a stopped sweep says.

        Cells that had failed, or were given up, get another chance in what is
        left to play: their failures are counted anew.
        """
        progress = cls(
            finished={one.round for one in results.rounds},
            void={one.round for one in results.rounds if one.void},
            spent=results.spent,
            pace=results.rounds[-1].wall if results.rounds else 0.0,
        )
        for identity, result in results.cells.items():
            if result.loops is not None:
                progress.loops[identity] = result.loops
            for run in result.runs:
                progress._count(run)
        return progress

    def _count(self, run: Run) -> None:
        if not run.void or run.attempt > RETAKES:
            self.done.setdefault(run.round, set()).add(run.cell)
        if run.round in self.finished:
            return
        begun = self.begun.setdefault(run.round, Begun())
        begun.wall += run.wall
        begun.timed += run.timed
        begun.stolen += run.steal * run.wall
        if run.void:
            begun.attempts[run.cell] = max(begun.attempts.get(run.cell, 0), run.attempt)
