"""Specs of a run's channels and of their seats, from its job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ipcbench.bench.loops.messages import ACKNOWLEDGEMENT
from ipcbench.bench.patterns.table import pattern_of
from ipcbench.bench.plan.depth import depth_of
from ipcbench.bench.results.axes import NATIVE
from ipcbench.bench.workers.cpus.affinity import is_exclusive
from ipcbench.bench.workers.job import Job
from ipcbench.transports.contract import Spec, Ticket, Traits, Wait


def spec_of(job: Job, traits: Traits, buffers: int) -> Spec:
    """Return the requirements for each channel of a run.

    Args:
        job: the run.
        traits: those of its transport.
        buffers: the buffers that a sender writes into in turn: in place, the channel's slots.
    """
    cell, pattern = job.cell, pattern_of(job.cell)
    # In a stream of empty messages, the reply is the larger one. Signals carry nothing.
    least = len(ACKNOWLEDGEMENT) if pattern.carries else 0
    return Spec(
        size=max(cell.size, least),
        topology=pattern.topology,
        parties=pattern.parties(cell.processes),
        depth=depth_of(cell, traits, buffers),
        wait=Wait(cell.wait),
        looks=cell.looks,
        own_framing=True,  # a reply that acknowledges a stream of messages is shorter than they
        native=cell.runtime == NATIVE,
        channels=pattern.channels(cell.processes),
    )


def grant_cpus(tickets: Sequence[Ticket], cpus: Sequence[Sequence[int]]) -> None:
    """Tell each seat by its spec whether its process has CPUs of its own: then it need not yield.

    Args:
        tickets: the tickets of a run, one for each process.
        cpus: the CPUs that each process may use.
    """
    for ticket, own in zip(tickets, cpus, strict=True):
        ticket.spec = replace(ticket.spec, exclusive_cpus=is_exclusive(own, cpus))
