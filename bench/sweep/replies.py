"""Replies of the fork server, turned into entries of the journal."""

from __future__ import annotations

from ipcbench.bench.errors import BenchError
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.results import pyperf_file
from ipcbench.bench.results.entries.checks import check_readable
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.results.records import OFFERED, REACHED, Run
from ipcbench.bench.results.units import human_share
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.job import Reply

LEAST_SENT = 0.98  # of the rate that an open loop offers


def calibrated(reply: Reply) -> list[tuple[int, float]] | ProcessFailure:
    """Return the blocks of a calibration: the loops, and the seconds per unit."""
    try:
        return pyperf_file.calibrated(reply.suite)
    except pyperf_file.NoFigure as error:
        return _without_figure(error)


def too_slow(run: Run) -> ProcessFailure | None:
    """Return the failure of a run that did not send at the rate that it offers, or None."""
    rate, reached = run.observations.get(OFFERED, 0.0), run.observations.get(REACHED, 0.0)
    if reached >= LEAST_SENT * rate:
        return None
    what = (
        f"it sent {reached:,.0f} messages a second of {rate:,.0f}, less than "
        f"{human_share(LEAST_SENT)}: at this rate, latencies grow for as long as it goes on"
    )
    return ProcessFailure("the sender", "value blocks", what, "ask for a lower rate or load")


def judged(run: Run, why: str, *, noise_counts: bool) -> Run | ProcessFailure:
    """Mark a run as void if others disturbed it; one that did not is held to its rate.

    Where disturbed runs count, one that has missed its rate still does not.

    Args:
        run: the run.
        why: says what disturbed it; "" if nothing did, or if its times are made up.
        noise_counts: a run that others disturb does not count.
    """
    run.void = run.void or (why if noise_counts else "")
    failure = None if run.void else too_slow(run)
    if failure is not None:
        run.void = why
    return run if run.void or failure is None else failure


def _without_figure(error: BenchError) -> ProcessFailure:
    return ProcessFailure("the worker", "its result", str(error))


def to_run(
    planned: PlannedCell, number: int, attempt: int, loops: int, reply: Reply
) -> Run | ProcessFailure:
    """Return the run for the journal, or its failure."""
    if reply.failure is not None:
        return reply.failure
    try:
        run = _run(planned, number, attempt, loops, reply)
        check_readable(run)
    except (pyperf_file.NoFigure, Unreadable) as error:
        return _without_figure(error)
    return run


def _run(planned: PlannedCell, number: int, attempt: int, loops: int, reply: Reply) -> Run:
    """Put the parts of a run together. Raises: NoFigure."""
    assert reply.outcome is not None
    measured, outcome = pyperf_file.measured(reply.suite), reply.outcome
    units = PATTERNS[planned.cell.pattern].units(planned.cell.processes)
    return Run(
        cell=planned.cell.id,
        round=number,
        attempt=attempt,
        loops=loops,
        inner_loops=units,
        # The first of pyperf's warm-ups has several blocks.
        warmups=[one / units for one in outcome.warmups] + measured.warmups[1:],
        values=measured.values,
        cpus=outcome.cpus or planned.cpus,
        depth=outcome.depth,
        in_flight=outcome.in_flight,
        usage=outcome.usage,
        foreign=outcome.foreign,
        disturbance=outcome.disturbance,
        distance=outcome.distance,
        tail=outcome.tail,
        observations=outcome.observations,
        void=outcome.moved or outcome.lagged,
        start_up=outcome.start_up,
        timed=outcome.timed,
        wall=reply.wall,
        metadata=measured.metadata,
    )
