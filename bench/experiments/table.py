"""Table of all experiments."""

from __future__ import annotations

from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.memory import (
    largest_segment,
    map_keeps,
    segment_life,
    unsignalled_reads,
)
from ipcbench.bench.experiments.pipes import pipe_deadlock, pipe_multiplex
from ipcbench.bench.experiments.queues import queue_types, what_stays
from ipcbench.bench.experiments.semaphores import lost_updates, semaphore_misuse, waiting_cpu

ALL = (
    lost_updates.EXPERIMENT,
    semaphore_misuse.EXPERIMENT,
    waiting_cpu.EXPERIMENT,
    pipe_deadlock.EXPERIMENT,
    pipe_multiplex.EXPERIMENT,
    queue_types.EXPERIMENT,
    what_stays.EXPERIMENT,
    segment_life.EXPERIMENT,
    map_keeps.EXPERIMENT,
    largest_segment.EXPERIMENT,
    unsignalled_reads.EXPERIMENT,
)

EXPERIMENTS: dict[str, Experiment] = {each.name: each for each in ALL}
