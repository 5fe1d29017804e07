"""Far runs: those whose CPUs were farther apart than usual.

The host of a virtual machine moves its CPUs, for a second or for half a minute, to cores that share
no cache. Streams over shared memory take up to 13 times as long then. Such a run tells of another
machine, as a disturbed one does. Where most of the last runs were far, that is the machine now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

from ipcbench.bench.results.entries.distances import bound_of
from ipcbench.bench.results.units import human_seconds
from ipcbench.bench.sweep.disturbance import Disturbed

RECENT = 100  # runs on the same CPUs: some ten seconds
FEWEST = 10  # of them, before a run is called far
FAR = "its CPUs were far apart"  # so the reasons begin


class FarRuns:
    """The distances of the last runs, by the CPUs of their processes."""

    def __init__(self) -> None:
        self._recent: dict[tuple[int, ...], deque[float]] = {}

    def take(self, run: Disturbed) -> None:
        """Add a run, also one that does not count."""
        if run.distance:
            self._of(run).append(run.distance)

    def why(self, run: Disturbed) -> str:
        """Return the reason why a run does not count, "" where it is as near as most runs."""
        recent = self._of(run)
        if not run.distance or len(recent) < FEWEST:
            return ""
        usual, bound = median(recent), bound_of(recent)
        if usual > bound or run.distance <= bound:
            return ""
        return (
            f"{FAR}: a cache line took {human_seconds(run.distance)} from one to "
            f"the other and back, usually {human_seconds(usual)}"
        )

    def _of(self, run: Disturbed) -> deque[float]:
        return self._recent.setdefault(_key(run.cpus), deque(maxlen=RECENT))


def _key(cpus: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Return the CPUs between which the distance is measured, and all others of the run."""
    return tuple(sorted({cpu for own in cpus for cpu in own}))
