"""Table of all experiments."""

from __future__ import annotations

from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.semaphores import lost_updates

ALL = (lost_updates.EXPERIMENT,)

EXPERIMENTS: dict[str, Experiment] = {each.name: each for each in ALL}
