"""Table of all experiments."""

from __future__ import annotations

from ipcbench.bench.experiments import lost_updates
from ipcbench.bench.experiments.experiment import Experiment

ALL = (lost_updates.EXPERIMENT,)

EXPERIMENTS: dict[str, Experiment] = {each.name: each for each in ALL}
