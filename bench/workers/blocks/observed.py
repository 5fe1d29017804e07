"""Observations of a run's blocks: the work done, and how evenly its processes shared the time."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ipcbench.bench.loops.loop import Span
from ipcbench.bench.patterns.newest.board import Row
from ipcbench.bench.patterns.part import Pattern, Seat, unevenness
from ipcbench.bench.results.records import SLOWEST
from ipcbench.transports.contract import Traits


class Observed:
    """The observations of all blocks of a run so far."""

    def __init__(self, pattern: Pattern, seats: Sequence[Seat], traits: Traits) -> None:
        self._pattern, self._seats, self._traits = pattern, seats, traits
        self._found: dict[str, tuple[int, int]] = {}
        self._last: float | None = None  # of the last block
        self._uneven: list[float | None] = []  # of each value block

    def check(self, spans: Sequence[Span], variable: int, rows: Sequence[Row]) -> None:
        """Compare the work done in a block with the work due. Raises: Corrupt."""
        pattern = self._pattern
        work = {**pattern.account(spans, variable, self._traits), **pattern.observe(rows)}
        for name, found in work.items():
            before = self._found.get(name, (0, 0))
            self._found[name] = before[0] + found[0], before[1] + found[1]
        self._last = unevenness(self._seats, spans)

    def count(self) -> None:
        """Count the last block as a value."""
        self._uneven.append(self._last)

    def all(self) -> dict[str, float]:
        """Return them by name."""
        found = {name: part / of for name, (part, of) in self._found.items() if of}
        uneven = [each for each in self._uneven if each is not None]
        return found | {SLOWEST: median(uneven)} if uneven else found
