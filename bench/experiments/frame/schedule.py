"""Experiments of a sweep: chosen by names, and played before the first round."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Protocol

from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.frame import runner
from ipcbench.bench.experiments.table import EXPERIMENTS
from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.plan.profile import BadConfig
from ipcbench.bench.results.axes import unknown
from ipcbench.bench.results.records import AnyEntry, Observation
from ipcbench.bench.results.units import human_share
from ipcbench.transports.base.os_errors import with_remedy

SHARE = 0.1  # of a budget, for all experiments together
Player = Callable[[Experiment, Callable[[int], None]], Observation]


def chosen(wanted: Sequence[str]) -> list[str]:
    """Return the experiments that match names or patterns, in the table's order.

    Raises: BadConfig for one that no experiment matches.
    """
    for name in wanted:
        if not any(fnmatchcase(each, name) for each in EXPERIMENTS):
            raise BadConfig(
                f"{unknown('experiment', name, EXPERIMENTS)}: `ipcbench list experiments` shows all"
            )
    return [each for each in EXPERIMENTS if any(fnmatchcase(each, name) for name in wanted)]


def made_up(experiment: Experiment, watch: Callable[[int], None]) -> Observation:
    """Play nothing: the made-up player of a sweep whose times are made up."""
    return Observation(experiment=experiment.name, skipped="the clock of this sweep is made up")


class Sweep(Protocol):
    """The sweep, as the experiments see it."""

    stopping: bool

    def show_experiment(self, left: float, name: str) -> None:
        """Show the seconds that are left of the experiments, and the next one."""


class Experiments:
    """The experiments of a sweep that have not been played.

    `write` is called with each observation, `watch` with the pid of each player, `note` with
    each failure.
    """

    def __init__(
        self,
        names: Sequence[str],
        write: Callable[[AnyEntry], None],
        note: Callable[[str], None],
        *,
        clock: str,
        watch: Callable[[int], None] = lambda pid: None,
        player: Player | None = None,
    ) -> None:
        self._todo = [EXPERIMENTS[name] for name in dict.fromkeys(names)]
        self._write = write
        self._note = note
        self._watch = watch
        self._player = player or (runner.play if clock == REAL else made_up)

    @property
    def usual(self) -> float:
        """The usual seconds of those that have not been played."""
        return sum(each.usual for each in self._todo)

    def play(
        self,
        sweep: Sweep,
        spent: Callable[[], float],
        budget: float | None = None,
    ) -> float:
        """Play those that are missing, until the sweep is stopped; return the seconds.

        Args:
            spent: returns the seconds of the sweep so far.
            budget: the seconds of the sweep, of which experiments have a share; None: no limit.
        """
        began = spent()
        while self._todo and not sweep.stopping:
            experiment = self._todo[0]
            sweep.show_experiment(self.usual, experiment.name)
            taken = spent() - began
            needed = (taken + experiment.usual) / SHARE
            if budget is not None and needed > budget:
                seen = _unaffordable(experiment, taken + self.usual)
            else:
                limited = replace(experiment, limit=_limit(experiment, taken, spent(), budget))
                seen = self._player(limited, self._watch)
            seen.at = spent()
            self._write(seen)
            self._todo.pop(0)
            if seen.failed:
                what = " ".join(with_remedy(seen.failed, seen.remedy).split())
                self._note(f"failed: experiment {experiment.name}: {what}")
        return spent() - began


def _limit(experiment: Experiment, taken: float, spent: float, budget: float | None) -> float:
    """Return the seconds that an experiment may take.

    With a budget, what is left of it; or of the experiments' share, where a calibration that took
    long has spent more than the rest.
    """
    if budget is None:
        return experiment.limit
    return min(experiment.limit, max(SHARE * budget - taken, budget - spent))


def _unaffordable(experiment: Experiment, seconds: float) -> Observation:
    """Say so, and name a budget for it and all that follow: `seconds` of experiments."""
    return Observation(
        experiment=experiment.name,
        skipped=f"the budget has no time for it: {human_share(SHARE)} of it is for experiments",
        remedy=f"ipcbench run --budget {math.ceil(seconds / SHARE)}s or more",
    )
