"""Checks of runs and observations, when they are written and when they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sized

import msgspec

from ipcbench.bench.results.histogram import LAST
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.results.pyperf_file import LONGEST, are_times
from ipcbench.bench.results.records import MOST_BLOCKS, Observation, Run

MOST_BESIDE = 1024  # entries of a run's lists beside its values: processes, observations, metadata


def check_readable(run: Run) -> None:
    """Check that a run can be read again when it is written. Raises: Unreadable."""
    try:
        msgspec.json.decode(msgspec.json.encode(run), type=Run)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise Unreadable(f"a run of {run.cell[:200]!r}: {error}") from error
    check_run(run)


def check_run(run: Run) -> None:
    """Check that no computation with a run divides by zero or overflows. Raises: Unreadable."""
    what = f"a run of {run.cell[:200]!r}"
    if not are_times(run.values):
        raise Unreadable(f"{what} has no values, or some that are not plausible times of a message")
    if not all(0 <= value <= LONGEST for value in run.warmups):
        raise Unreadable(f"{what} has warm-ups that are not plausible times")
    if not all(number <= LAST for number in run.tail):
        raise Unreadable(f"{what} has a histogram with impossible buckets")
    if max(len(run.values), len(run.warmups)) > MOST_BLOCKS:
        raise Unreadable(f"{what} has over {MOST_BLOCKS} values")
    beside: list[Sized] = [run.usage, run.observations, run.metadata, run.cpus, *run.cpus]
    if max(map(len, beside)) > MOST_BESIDE:
        raise Unreadable(f"{what} has over {MOST_BESIDE} processes, or more in one of its lists")


def check_observation(
    entry: Observation, planned: Collection[str], seen: Collection[str] = ()
) -> None:
    """Check an observation; the types of its fields have bounds of their own.

    Args:
        planned: the experiments of the sweep.
        seen: those that have an observation before this one.

    Raises: Unreadable.
    """
    what = f"the observation of {entry.experiment[:200]!r}"
    if entry.experiment not in planned:
        raise Unreadable(f"{what}, an experiment that was not planned")
    if entry.experiment in seen:
        raise Unreadable(f"{what} stands twice")
    if entry.skipped and entry.failed:
        raise Unreadable(f"{what} was skipped, and failed as well")
    if not all(name and name.isprintable() for name in _names(entry)):
        raise Unreadable(f"{what} has a figure, a text or a column without a printable name")


def _names(entry: Observation) -> Iterator[str]:
    yield from entry.figures
    yield from entry.texts
    for row in entry.rows:
        yield from row
