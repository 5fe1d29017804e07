"""The turns of a round: the runs that it has still to do, and when a retake may follow."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ipcbench.bench.plan.planner import PlannedCell
from ipcbench.bench.rounds.progress import RETAKES

APART = 20  # runs between a void run and its retake: disturbances last about a second
REST = 1.0  # seconds between them, where fewer runs are left in the round
NAP = 0.1  # seconds after which a stop is noticed


@dataclass(frozen=True, slots=True)
class Turn:
    """A run of a cell: its attempt.

    Of a retake, `after` and `ended` tell when the void run before it ended: the number of
    runs until then, and the time.
    """

    planned: PlannedCell
    attempt: int
    after: int = 0
    ended: float | None = None


class Turns:
    """The turns of one round; retakes come last.

    Args:
        runs: those of a turn.
    """

    def __init__(
        self, turns: Iterable[Turn], stopping: Callable[[], bool], *, runs: int = 1
    ) -> None:
        self._pending = deque(sorted(turns, key=lambda one: one.attempt))
        self._stopping = stopping
        self._each = runs
        self._runs = 0

    def __bool__(self) -> bool:
        return bool(self._pending)

    def next(self) -> Turn | None:
        """Take the next turn, in its time; return None where the sweep is stopped before it."""
        turn = self._pending.popleft()
        if turn.ended is not None and not self._wait(turn.after, turn.ended):
            self._pending.append(turn)
            return None
        self._runs += self._each
        return turn

    def again(self, turn: Turn) -> None:
        """Repeat a run that failed, behind all others."""
        self._pending.append(Turn(turn.planned, turn.attempt + 1))

    def retake(self, turn: Turn) -> None:
        """Retake a run that is void, behind all others."""
        ended = time.monotonic()
        self._pending.append(Turn(turn.planned, turn.attempt + 1, self._runs, ended))

    def _wait(self, after: int, ended: float) -> bool:
        """Wait until the disturbance of a void run is over; return False if stopped."""
        while self._runs - after < APART and (left := ended + REST - time.monotonic()) > 0:
            if self._stopping():
                return False
            time.sleep(min(left, NAP))
        return True


def retakes(order: Sequence[PlannedCell], *, mini: bool, runs: int = 1) -> dict[str, int]:
    """Return how often a void run of each cell is retaken in its round.

    In a mini-round it is retaken only where enough other runs stand between. Otherwise its
    contest has another mini-round. `runs`: those of a turn.
    """
    last = len(order) - 1
    return {
        planned.cell.id: RETAKES if not mini else int(runs * (last - place) >= APART)
        for place, planned in enumerate(order)
    }
