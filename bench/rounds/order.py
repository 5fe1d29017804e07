"""Order of a round, by the seed and the number of the round only. Pure.

Contests are shuffled first, and the cells inside them: so two sides of a contest run near each
other, in the same weather of the machine. A cell of several contests runs with the first one; a
cell of none is shuffled among the contests.

The key is a digest, not `random`: the order must never change between versions of Python, so
that a sweep can be repeated and resumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ipcbench.bench.decisions.contest import Contest
from ipcbench.bench.plan.planner import PlannedCell

MINI = 1.0  # seconds of a mini-round, at least: disturbances last about as long


@dataclass(frozen=True, slots=True)
class Shuffle:
    """The shuffle of one round."""

    seed: int
    number: int

    def rank(self, name: str) -> bytes:
        return hashlib.sha256(f"{self.seed}/{self.number}/{name}".encode()).digest()

    def order(
        self, cells: Sequence[PlannedCell], contests: Sequence[Contest] = ()
    ) -> list[PlannedCell]:
        """Return the cells in their order."""
        known = {planned.cell.id: planned for planned in cells}
        groups = [(self.rank(one.id), one.cells) for one in contests]
        together = {cell for one in contests for cell in one.cells}
        groups += [(self.rank(cell), (cell,)) for cell in known if cell not in together]
        found: dict[str, PlannedCell] = {}
        for _, group in sorted(groups):
            for cell in sorted(set(group) & known.keys(), key=self.rank):
                found.setdefault(cell, known[cell])
        return list(found.values())

    def padded(
        self,
        chosen: Collection[str],
        cells: Sequence[PlannedCell],
        seconds: Mapping[str, float],
        least: float = MINI,
    ) -> list[PlannedCell]:
        """Return the cells of a mini-round: those chosen, and others until it lasts long enough.

        Runs of one contest that follow each other closely fall into the same disturbance. The
        others are controls first, then cells of the placements of those chosen: by those that
        are in no contest with them, their drift is told.

        Args:
            seconds: cell -> about the seconds of a run, the same whenever it is asked for.
        """
        found = [planned for planned in cells if planned.cell.id in chosen]
        placements = {planned.cell.placement for planned in found}
        controls = _controls(cells)

        def preference(planned: PlannedCell) -> tuple[bool, bool, bytes]:
            cell = planned.cell
            elsewhere = cell.placement not in placements
            return elsewhere, cell.id not in controls, self.rank(cell.id)

        spent = sum(seconds[planned.cell.id] for planned in found)
        for planned in sorted(cells, key=preference):
            if spent >= least:
                break
            if planned.cell.id not in chosen:
                found.append(planned)
                spent += seconds[planned.cell.id]
        return found


def _controls(cells: Sequence[PlannedCell]) -> set[str]:
    """Return the controls, and the cells that they repeat."""
    found = [planned.cell for planned in cells if planned.cell.is_control]
    return {identity for one in found for identity in (one.id, one.original.id)}
