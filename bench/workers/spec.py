"""Spec of a run's channels, from its job."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.loops.messages import ACKNOWLEDGEMENT
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.results.axes import NATIVE
from ipcbench.bench.workers.job import Job
from ipcbench.transports.contract import Spec, Wait


def spec_of(job: Job) -> Spec:
    """Return the requirements for each channel of a run."""
    cell, pattern = job.cell, pattern_of(job.cell)
    # In a stream of empty messages, the reply is the larger one. Signals carry nothing.
    least = len(ACKNOWLEDGEMENT) if pattern.carries else 0
    return Spec(
        size=max(cell.size, least),
        topology=pattern.topology,
        parties=pattern.parties(cell.processes),
        depth=cell.depth,
        wait=Wait(cell.wait),
        looks=cell.looks,
        exclusive_cpus=have_cpus_of_their_own(job.cpus),
        native=cell.runtime == NATIVE,
        channels=pattern.channels(cell.processes),
    )


def have_cpus_of_their_own(cpus: Sequence[Sequence[int]]) -> bool:
    """Tell whether each process is pinned to one CPU, and no two to the same one.

    Args:
        cpus: the CPUs that each process may use.
    """
    pinned = [own[0] for own in cpus if len(own) == 1]
    return len(set(pinned)) == len(cpus)
